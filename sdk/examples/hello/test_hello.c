/* SPDX-License-Identifier: Apache-2.0 */
#include <qun/fake_host.h>

#include <criterion/criterion.h>

static struct qun_fake *f;

static void open_fake(void) {
  f = qun_fake_open(QUN_PACKAGE_DIR);
  cr_assert_not_null(f);
}

static void close_fake(void) {
  qun_fake_close(f);
}

TestSuite(hello, .init = open_fake, .fini = close_fake);

Test(hello, says_once_who_is_a_regular) {
  cr_assert_eq(qun_fake_set(f, "regular_after=2"), 0);
  for (int i = 0; i < 3; i++)
    cr_assert_eq(qun_fake_event(f, .type = "message", .at = "2026-01-05 09:00", .member = 7), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert_eq(qun_fake_emitted(f, 0)->member, 7);
  cr_assert_eq(qun_mp_int(qun_fake_emitted(f, 0)->data, "messages", 0), 2);
  cr_assert_eq(qun_mp_int(qun_fake_ask(f, "hello.count", QUN_INT("member", 7)), "messages", 0), 3);
}

Test(hello, refuses_a_count_of_nobody) {
  cr_assert_eq(qun_fake_ask(f, "hello.count", QUN_INT("member", 0)).len, 0);
  cr_assert_str_eq(qun_fake_message(f), "member must be a member's number");
}

Test(hello, forgets_nothing_when_it_is_made_anew) {
  qun_fake_recreate_every(f, 1);
  for (int i = 0; i < 3; i++) cr_assert_eq(qun_fake_event(f, .type = "message", .member = 7), 0);
  cr_assert_eq(qun_mp_int(qun_fake_ask(f, "hello.count", QUN_INT("member", 7)), "messages", 0), 3);
}

Test(hello, keeps_tenants_apart) {
  qun_fake_tenant(f, "a");
  qun_fake_event(f, .type = "message", .member = 7);
  qun_fake_tenant(f, "b");
  cr_assert_eq(qun_fake_rows(f), 0);
}
