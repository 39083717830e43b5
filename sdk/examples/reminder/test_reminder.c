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

TestSuite(reminder, .init = open_fake, .fini = close_fake);

Test(reminder, asks_after_three_days_at_nine) {
  cr_assert_eq(qun_fake_event(f, .type = "join", .at = "2026-01-05 22:00", .member = 7), 0);
  cr_assert_eq(qun_fake_advance_to(f, "2026-01-08 08:59"), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 0);
  cr_assert_eq(qun_fake_advance_to(f, "2026-01-08 09:00"), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert_eq(qun_fake_emitted(f, 0)->member, 7);
}

Test(reminder, asks_nobody_who_left) {
  qun_fake_event(f, .type = "join", .at = "2026-01-05 22:00", .member = 7);
  qun_fake_event(f, .type = "leave", .at = "2026-01-06 22:00", .member = 7);
  cr_assert_eq(qun_fake_timers(f), 0);
  cr_assert_eq(qun_fake_advance_to(f, "2026-02-01 09:00"), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 0);
}
