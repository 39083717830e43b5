/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/growth/growth.h"

static void say(struct qun_fake *f, const char *at, uint64_t member) {
  cr_assert_eq(qun_fake_event(f, .type = "message", .at = at, .member = member, .group = "g",
                              .fields = {QUN_TEXT("text", "x")}),
               0);
}

static void groups_are(struct qun_fake *f, int64_t fresh, int64_t active, int64_t silent, int64_t lost) {
  qun_slice model = growth_view_of(f, "lifecycle");
  cr_assert_eq(model_figure(model, "lifecycle", "new"), fresh, "new %lld",
               (long long)model_figure(model, "lifecycle", "new"));
  cr_assert_eq(model_figure(model, "lifecycle", "active"), active);
  cr_assert_eq(model_figure(model, "lifecycle", "silent"), silent);
  cr_assert_eq(model_figure(model, "lifecycle", "lost"), lost);
}

Test(plugins_growth_lifecycle, four_groups_by_days) {
  struct qun_fake *f = growth_open();
  for (uint64_t m = 1; m <= 5; m++)
    qun_fake_event(f, .type = "join", .at = "2026-01-01 10:00", .member = m, .group = "g");
  say(f, "2026-01-02 10:00", 1); /* then no more: silent, later lost */
  say(f, "2026-02-20 10:00", 2);
  say(f, "2026-03-20 10:00", 3);
  qun_fake_event(f, .type = "leave", .at = "2026-03-20 11:00", .member = 3, .group = "g");
  qun_fake_event(f, .type = "join", .at = "2026-03-20 12:00", .member = 6, .group = "g");
  say(f, "2026-03-21 10:00", 2);
  /* on 21 March: 6 new; 2 active; 1, 4, 5 were first seen 80 days ago: silent; 3 has left */
  groups_are(f, 1, 1, 3, 1);
  say(f, "2026-05-01 10:00", 2);
  /* on 1 May 90 days reach back to 1 February: 6 silent (42 days), 1, 4, 5 and 3 lost */
  groups_are(f, 0, 1, 1, 4);
  qun_fake_close(f);
}

Test(plugins_growth_lifecycle, movements_and_churn_by_month) {
  struct qun_fake *f = growth_open();
  for (uint64_t m = 1; m <= 100; m++)
    qun_fake_event(f, .type = "join", .at = "2026-01-20 10:00", .member = m, .group = "g");
  for (uint64_t m = 1; m <= 30; m++) say(f, "2026-02-25 10:00", m);
  qun_fake_event(f, .type = "join", .at = "2026-02-25 11:00", .member = 101, .group = "g");
  for (uint64_t m = 90; m <= 100; m++)
    qun_fake_event(f, .type = "leave", .at = "2026-02-26 10:00", .member = m, .group = "g");
  qun_fake_advance_to(f, "2026-03-01 00:00");
  qun_slice model = growth_view_of(f, "lifecycle");
  uint32_t last = model_rows(model, "months") - 1;
  cr_assert_eq(model_at(model, "months", last, "arrived"), 1);
  cr_assert_eq(model_at(model, "months", last, "lost"), 11);
  cr_assert_eq(model_at(model, "months", last, "churn"), 110000);
  cr_assert_eq(model_at(model, "moved", 0, "active"), 30, "new in January, active in February");
  cr_assert_eq(model_at(model, "moved", 0, "silent"), 59);
  cr_assert_eq(model_at(model, "moved", 0, "lost"), 11);
  const struct qun_fake_emitted *alert = qun_fake_emitted_of(f, "growth.alert", 0);
  cr_assert(alert);
  cr_assert(qun_slice_is(qun_mp_str(alert->data, "kind"), "churn"));
  cr_assert_eq(qun_mp_int(alert->data, "value", 0), 110000);
  /* 31 and 32 wake up in March, and one of those who had left comes back */
  say(f, "2026-03-10 10:00", 31);
  say(f, "2026-03-10 10:00", 32);
  say(f, "2026-03-10 10:00", 95);
  qun_fake_advance_to(f, "2026-04-01 00:00");
  model = growth_view_of(f, "lifecycle");
  last = model_rows(model, "months") - 1;
  cr_assert_eq(model_at(model, "months", last, "woken"), 2);
  cr_assert_eq(model_at(model, "months", last, "won_back"), 1);
  cr_assert_eq(model_at(model, "months", last, "arrived"), 0);
  qun_fake_close(f);
}
