/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's say in what another sends: in the host, with a clock of the test's own, and in the fake host. */
#include "host/delivery/delivery.h"
#include "tenants/outbox.h"
#include "tests/host/engine/support.h"

#include <qun/fake_host.h>

#include <criterion/criterion.h>

#include <stdio.h>

static struct bed b;
static struct qun_delivery *delivery;

static void enable(const char *plugin, bool on) {
  struct qun_error err = {0};
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", plugin, on, &err), 0, "%s", err.message);
}

static void setup(void) {
  struct qun_error err = {0};
  bed_open(&b, 1);
  bed_tenant(&b, "acme", false);
  enable("probe", true);
  enable("guard", true);
  cr_assert_eq(qun_delivery_start(&delivery, b.engine, NULL, &err), 0, "%s", err.message);
}

static void teardown(void) {
  qun_delivery_stop(delivery);
  bed_remove(&b);
}

TestSuite(sdk_services_intercept, .init = setup, .fini = teardown);

static void say(const char *id, const char *text) {
  bed_say(&b, "acme", id, "ann", text);
  cr_assert_eq(bed_int(&b, "acme", "dead_letters", NULL), 0, "%s failed", text);
}

static const char *state(const char *key) {
  struct qun_reading r;
  struct qun_outbox_entry e;
  struct qun_error err = {0};
  cr_assert_eq(qun_engine_read_begin(b.engine, "acme", &r, &err), 0, "%s", err.message);
  const char *name =
      qun_outbox_get(&r.view, qun_str("probe"), qun_str(key), &e) < 0 ? "none" : qun_outbox_state_name(e.state);
  qun_engine_read_end(&r);
  return name;
}

static const char *spooled(const char *target) {
  static char text[2000];
  char path[200];
  qun_delivery_settle(delivery);
  snprintf(path, sizeof path, "%s/data/tenants/acme/spool/%s.jsonl", b.dir, target);
  FILE *file = fopen(path, "r");
  text[0] = '\0';
  if (!file) return text;
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

/* The log's clock goes on: history of that many seconds later. */
static void pass(const char *id, int64_t seconds) {
  struct qun_normaliser *n = NULL;
  struct qun_input_batch in;
  struct qun_error err = {0};
  struct qun_submit_result result;
  struct qun_pack p;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  qun_pack_map(&p, 5);
  qun_pack_kv_int(&p, "time", 1500000000000ll + seconds * 1000);
  qun_pack_kv_cstr(&p, "id", id);
  qun_pack_kv_cstr(&p, "source", "later");
  qun_pack_kv_cstr(&p, "type", "join");
  qun_pack_kv_cstr(&p, "member", "bob");
  cr_assert_eq(qun_engine_normaliser_open(b.engine, "acme", &n, &err), 0);
  n->imported = true;
  cr_assert_eq(qun_normalise(n, &in, qun_pack_slice(&p), &err), 0, "%s", err.message);
  cr_assert_eq(qun_engine_submit_wait(b.engine, "acme", &in, &result, &err), 0, "%s", err.message);
  qun_engine_normaliser_close(b.engine, n);
  qun_input_batch_fini(&in);
  qun_pack_fini(&p);
}

static void replay_agrees(void) {
  static const enum qun_replay_mode modes[] = {QUN_REPLAY_VERIFY, QUN_REPLAY_REBUILD};
  for (int i = 0; i < 2; i++) {
    struct qun_replay_spec spec = {.mode = modes[i], .until_ms = INT64_MAX};
    struct qun_error err = {0};
    struct qun_pack p;
    qun_pack_init(&p);
    cr_assert_eq(qun_engine_replay(b.engine, "acme", &spec, &p, &err), 0, "%s", err.message);
    cr_assert(qun_mp_bool(qun_pack_slice(&p), "match", 0), "mode %d", i);
    cr_assert_eq(qun_mp_int(qun_pack_slice(&p), "derived_differ", -1), 0, "mode %d", i);
    qun_pack_fini(&p);
  }
}

Test(sdk_services_intercept, a_verdict_at_once_releases_with_a_patch_or_blocks) {
  say("s1", "send fine");
  say("s2", "send never");
  cr_assert(strstr(spooled("fine"), "\"text\":\"good day\""), "%s", spooled("fine"));
  cr_assert(strstr(spooled("fine"), "\"n\":1") && strstr(spooled("fine"), "\"seen\":true") &&
            !strstr(spooled("fine"), "hello"));
  cr_assert_str_eq(spooled("never"), "");
  cr_assert_str_eq(state("s1"), "sent");
  cr_assert_str_eq(state("s2"), "blocked");
  cr_assert_eq(bed_int(&b, "acme", "derived", "intercept.asked"), 2);
  cr_assert_eq(bed_int(&b, "acme", "derived", "intercept.verdict"), 2);
  cr_assert_eq(bed_int(&b, "acme", "control", "outbox.blocked"), 1);
  replay_agrees();
}

Test(sdk_services_intercept, a_verdict_may_come_later) {
  say("s1", "send later");
  cr_assert_str_eq(spooled("later"), "");
  cr_assert_str_eq(state("s1"), "intercepted");
  say("d1", "decide probe/s1");
  cr_assert(strstr(spooled("later"), "good day"));
  cr_assert_str_eq(state("s1"), "sent");
  bed_say(&b, "acme", "d2", "ann", "decide probe/s1"); /* decided: refused, and the handler fails by it */
  cr_assert_eq(bed_int(&b, "acme", "dead_letters", NULL), 1);
}

Test(sdk_services_intercept, a_deadline_that_passes_closes) {
  say("s1", "send later");
  pass("p1", 59);
  cr_assert_str_eq(spooled("later"), "");
  cr_assert_str_eq(state("s1"), "intercepted");
  pass("p2", 61);
  cr_assert_str_eq(spooled("later"), "");
  cr_assert_str_eq(state("s1"), "blocked");
  cr_assert_eq(bed_int(&b, "acme", "control", "intercept.expired"), 1);
  bed_say(&b, "acme", "d1", "ann", "decide probe/s1");
  cr_assert_str_eq(state("s1"), "blocked");
  replay_agrees();
}

Test(sdk_services_intercept, a_gated_row_waits_for_compliance_too) {
  say("s1", "gated fine");
  cr_assert_str_eq(spooled("fine"), "");
  cr_assert_str_eq(state("s1"), "held");
}

Test(sdk_services_intercept, a_plugin_that_is_off_has_no_say) {
  enable("guard", false);
  say("s1", "send never");
  cr_assert(strstr(spooled("never"), "hello"));
  cr_assert_eq(bed_int(&b, "acme", "derived", "intercept.asked"), -1);
}

Test(sdk_services_intercept, the_fake_host_asks_too) {
  struct qun_fake *f = qun_fake_open(QUN_TEST_PACKAGES "/probe");
  cr_assert_not_null(f);
  cr_assert_eq(qun_fake_join(f, QUN_TEST_PACKAGES "/guard"), 0, "%s", qun_fake_message(f));
#define SAY(ID, TEXT) qun_fake_event(f, .type = "message", .id = ID, .fields = {QUN_TEXT("text", TEXT)})
  cr_assert_eq(SAY("s1", "send fine"), 0, "%s", qun_fake_message(f));
  cr_assert_eq(SAY("s2", "send never"), 0, "%s", qun_fake_message(f));
  cr_assert_eq(SAY("s3", "send later"), 0);
  cr_assert_eq(SAY("s4", "gated later"), 0);
  cr_assert_eq(qun_fake_outbox(f, 0)->state, QUN_FAKE_RELEASED);
  cr_assert(qun_slice_is(qun_mp_str(qun_fake_outbox(f, 0)->body, "text"), "good day"));
  cr_assert_eq(qun_mp_int(qun_fake_outbox(f, 0)->body, "n", 0), 1);
  cr_assert_eq(qun_fake_outbox(f, 1)->state, QUN_FAKE_BLOCKED);
  cr_assert_eq(qun_fake_outbox(f, 2)->state, QUN_FAKE_INTERCEPTED);
  cr_assert_eq(qun_fake_intercept_expire(f, "s3"), 0, "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_outbox(f, 2)->state, QUN_FAKE_BLOCKED);
  cr_assert_eq(qun_fake_intercept_expire(f, "s3"), QUN_ECONFLICT);
  cr_assert_eq(SAY("d1", "decide probe/s3"), QUN_ECONFLICT);
  cr_assert_eq(SAY("d2", "decide probe/s4"), 0, "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_outbox(f, 3)->state, QUN_FAKE_HELD);
  qun_fake_close(f);
}
