/* SPDX-License-Identifier: Apache-2.0 */
/* What was built for a minor that is out there goes on: in the host, and in the tests' fake of it. */
#include "tests/host/engine/support.h"

#include <qun/fake_host.h>

#include <criterion/criterion.h>

#include <stdio.h>

Test(sdk_abi, a_plugin_of_1_0_runs_in_this_host) {
  struct bed b;
  struct qun_pack reply;
  struct qun_error err = {0};
  bed_open(&b, 1);
  bed_tenant(&b, "acme", false);
  const struct qun_plugin_set *set = qun_engine_plugins(b.engine);
  cr_assert_eq(set->refused_count, 0, "%s", set->refused_count ? set->refused[0].reason : "");
  cr_assert_eq(set->plugins[0].magic->abi_minor, 0);
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", "old", true, &err), 0, "%s", err.message);
  bed_say(&b, "acme", "1", "ann", "hello");
  bed_say(&b, "acme", "2", "bob", "hello");
  cr_assert_eq(bed_int(&b, "acme", "dead_letters", NULL), 0);
  cr_assert_eq(bed_int(&b, "acme", "derived", "old.seen"), 2);
  struct qun_call_spec spec = {.tenant = "acme", .service = "old.count", .role = "owner"};
  qun_pack_init(&reply);
  cr_assert_eq(qun_engine_call_wait(b.engine, &spec, &reply, &err), 0, "%s", err.message);
  cr_assert_eq(qun_mp_int(qun_pack_slice(&reply), "count", -1), 2);
  qun_pack_fini(&reply);
  bed_remove(&b);
}

Test(sdk_abi, a_plugin_of_1_0_runs_in_the_fake_host) {
  struct qun_fake *f = qun_fake_open(QUN_TEST_PACKAGES "/old");
  cr_assert_not_null(f);
  cr_assert_eq(qun_fake_set(f, "step=3"), 0);
  cr_assert_eq(qun_fake_event(f, .type = "message", .at = "2026-01-05 09:00", .member = 7), 0, "%s",
               qun_fake_message(f));
  cr_assert_eq(qun_mp_int(qun_fake_ask(f, "old.count"), "count", -1), 3);
  cr_assert_eq(qun_fake_advance_to(f, "2026-01-05 10:00"), 0);
  cr_assert_eq(qun_mp_int(qun_fake_ask(f, "old.count"), "count", -1), 103);
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert_eq(qun_fake_metric(f, "seen"), 1);
  qun_fake_close(f);
}
