/* SPDX-License-Identifier: Apache-2.0 */
/* The probe's trials, in the host and in the fake host. */
#include "tests/host/engine/support.h"

#include <qun/fake_host.h>

#include <criterion/criterion.h>

#include <stdio.h>

/* Trials of handlers, in order. */
static const char *const handled[] = {"store.many", "store.many_large", "store.batch", "store.batch_refused"};
/* Trials of requests, after them. */
static const char *const asked[] = {"store.reads_only"};

enum { HANDLED = sizeof handled / sizeof *handled, ASKED = sizeof asked / sizeof *asked };

static void ask(struct bed *b, const char *trial) {
  struct qun_pack params, reply;
  struct qun_error err = {0};
  qun_pack_init(&params);
  qun_pack_init(&reply);
  qun_pack_map(&params, 1);
  qun_pack_kv_cstr(&params, "trial", trial);
  struct qun_call_spec spec = {.tenant = "acme",
                               .service = "probe.try",
                               .params = qun_pack_slice(&params),
                               .role = "owner"};
  cr_assert_eq(qun_engine_call_wait(b->engine, &spec, &reply, &err), 0, "%s", err.message);
  qun_pack_fini(&params);
  qun_pack_fini(&reply);
}

Test(sdk_services, trials_pass_in_the_host) {
  struct bed b;
  struct qun_error err = {0};
  bed_open(&b, 1);
  bed_tenant(&b, "acme", false);
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", "probe", true, &err), 0, "%s", err.message);
  for (int i = 0; i < HANDLED; i++) {
    char id[8];
    snprintf(id, sizeof id, "%d", i);
    bed_say(&b, "acme", id, "ann", handled[i]);
    cr_assert_eq(bed_int(&b, "acme", "dead_letters", NULL), 0, "%s failed", handled[i]);
    cr_assert_eq(bed_int(&b, "acme", "derived", "probe.passed"), i + 1, "%s did not run", handled[i]);
  }
  for (int i = 0; i < ASKED; i++) ask(&b, asked[i]);
  bed_remove(&b);
}

Test(sdk_services, trials_pass_in_the_fake_host) {
  struct qun_fake *f = qun_fake_open(QUN_TEST_PACKAGES "/probe");
  cr_assert_not_null(f);
  for (int i = 0; i < HANDLED; i++)
    cr_assert_eq(qun_fake_event(f, .type = "message", .member = 7, .fields = {QUN_TEXT("text", handled[i])}), 0, "%s",
                 qun_fake_message(f));
  cr_assert_eq(qun_fake_emitted_count(f), HANDLED);
  for (int i = 0; i < ASKED; i++)
    cr_assert_neq(qun_fake_ask(f, "probe.try", QUN_TEXT("trial", asked[i])).len, 0, "%s", qun_fake_message(f));
  qun_fake_close(f);
}
