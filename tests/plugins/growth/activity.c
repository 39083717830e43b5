/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/growth/growth.h"

static void say(struct qun_fake *f, const char *at, uint64_t member) {
  cr_assert_eq(qun_fake_event(f, .type = "message", .at = at, .member = member, .group = "g",
                              .fields = {QUN_TEXT("text", "x")}),
               0, "%s", qun_fake_message(f));
}

Test(plugins_growth_activity, counts_distinct_members_by_day_week_and_month) {
  struct qun_fake *f = growth_open();
  qun_slice model;
  uint32_t last;
  say(f, "2026-01-01 10:00", 1);
  say(f, "2026-01-25 10:00", 2);
  say(f, "2026-01-30 10:00", 3);
  say(f, "2026-01-30 11:00", 3);
  say(f, "2026-01-31 10:00", 3);
  say(f, "2026-01-31 10:00", 4);
  model = growth_view_of(f, "overview");
  last = 30; /* the 31st place of a range that begins on 1 January */
  cr_assert_eq(model_series(model, "activity_line", "dau", last), 2, "3 and 4");
  cr_assert_eq(model_series(model, "activity_line", "wau", last), 3, "2 on the 25th is the seventh day back");
  cr_assert_eq(model_series(model, "activity_line", "mau", last), 3, "1 on the 1st is 31 days back, so it is out");
  cr_assert_eq(model_series(model, "activity_line", "mau", last - 1), 3, "on the 30th: 1, 2, 3");
  cr_assert_eq(model_series(model, "activity_line", "dau", 1), 0);
  cr_assert_eq(model_figure(model, "now", "members"), 4);
  cr_assert_eq(model_figure(model, "now", "dau"), 1, "(1 on the 25th + 1 + 2) / 7, rounded");
  cr_assert_eq(model_figure(model, "now", "wau"), 3);
  cr_assert_eq(model_figure(model, "now", "wau_share"), 750000);
  cr_assert(qun_slice_is(model_status(model, "now", "wau_share"), "good"));
  cr_assert(qun_slice_is(model_status(model, "now", "dau_share"), "bad"),
            "25 %% against 30 %%, more than a tenth below");
  qun_fake_close(f);
}

enum { DAYS = 103, PEOPLE = 40 };

/* Distinct people of the `length` days that end with `day`, counted one by one. */
static int64_t count_distinct(bool was[DAYS][PEOPLE], int day, int length) {
  int64_t n = 0;
  for (int who = 0; who < PEOPLE; who++) {
    bool there = false;
    for (int d = day - length + 1; d <= day; d++) there |= d >= 0 && was[d][who];
    n += there;
  }
  return n;
}

Test(plugins_growth_activity, windows_over_many_weeks_are_as_counted_one_by_one) {
  struct qun_fake *f = growth_open();
  static bool was[DAYS][PEOPLE];
  int64_t start = qun_fake_ms(f, "2026-01-01 12:00");
  uint32_t random = 7;
  for (int day = 0; day < DAYS; day++) {
    bool quiet = day % 17 == 5 || (day > 50 && day < 58); /* days and a week without anybody */
    for (int who = 0; who < PEOPLE; who++) {
      random = random * 1664525u + 1013904223u;
      was[day][who] = day == 0 || day == DAYS - 1 ? who == 0 : !quiet && (random >> 24) < 24;
      if (!was[day][who]) continue;
      cr_assert_eq(qun_fake_event(f, .type = "message", .time_ms = start + day * 86400000ll,
                                  .member = (uint64_t)who + 1, .group = "g", .fields = {QUN_TEXT("text", "x")}),
                   0, "%s", qun_fake_message(f));
    }
  }
  int32_t first = qun_fake_day("2026-01-01");
  qun_slice model = qun_fake_ask(f, "growth.report", QUN_TEXT("view", "overview"), QUN_INT("from", first),
                                 QUN_INT("to", first + DAYS - 1));
  for (int day = 0; day < DAYS; day++) {
    uint32_t at = (uint32_t)day;
    cr_assert_eq(model_series(model, "activity_line", "dau", at), count_distinct(was, day, 1), "day %d", day);
    cr_assert_eq(model_series(model, "activity_line", "wau", at), count_distinct(was, day, 7), "day %d", day);
    cr_assert_eq(model_series(model, "activity_line", "mau", at), count_distinct(was, day, 30), "day %d", day);
  }
  qun_fake_close(f);
}

Test(plugins_growth_activity, tells_kinds_of_interaction_apart) {
  struct qun_fake *f = growth_open();
  qun_slice model;
  qun_fake_event(f, .type = "read", .at = "2026-01-05 10:00", .member = 1, .subject = "item");
  qun_fake_event(f, .type = "checkin", .at = "2026-01-05 10:00", .member = 2);
  qun_fake_event(f, .type = "message", .at = "2026-01-05 10:00", .member = 3, .group = "g",
                 .fields = {QUN_TEXT("text", "x")});
  qun_fake_event(f, .type = "reaction", .at = "2026-01-05 10:00", .member = 3, .group = "g",
                 .fields = {QUN_INT("value", 1)});
  qun_fake_event(f, .type = "join", .at = "2026-01-05 10:00", .member = 4, .group = "g");
  qun_fake_event(f, .type = "message", .at = "2026-01-05 10:00", .member = 5, .group = "g",
                 .fields = {QUN_TEXT("text", "x"), QUN_BOOL("staff", 1)});
  model = growth_view_of(f, "overview");
  cr_assert_eq(model_figure(model, "now", "members"), 4, "the staff's number is no member");
  cr_assert_eq(model_figure(model, "now", "wau"), 3, "a join is no interaction");
  cr_assert_eq(model_figure(model, "now", "task"), 250000);
  model = growth_view_of(f, "activity");
  cr_assert_eq(model_figure(model, "hours", "interactions"), 4);
  qun_fake_close(f);
}

Test(plugins_growth_activity, days_are_the_tenants_own) {
  struct qun_fake *f = growth_open();
  qun_fake_profile(f, "zone", "America/New_York");
  say(f, "2026-03-07 23:59", 1);
  say(f, "2026-03-08 00:01", 1); /* clocks go forward at 02:00 */
  say(f, "2026-03-08 03:30", 2);
  say(f, "2026-03-08 23:59", 3);
  say(f, "2026-03-09 00:00", 4);
  qun_slice model = growth_view_of(f, "activity");
  cr_assert_eq(model_series(model, "activity_line", "dau", 0), 1);
  cr_assert_eq(model_series(model, "activity_line", "dau", 1), 3);
  cr_assert_eq(model_series(model, "activity_line", "dau", 2), 1);
  cr_assert_eq(model_at(model, "heat", 6, "h03"), 1, "2026-03-08 was a Sunday");
  cr_assert_eq(model_at(model, "heat", 6, "h02"), 0);
  cr_assert_eq(model_at(model, "heat", 0, "h00"), 1);
  /* Monday 00:00 in New York, on the summer side of the change: 04:00 UTC */
  cr_assert_eq(qun_fake_timer(f, "week"), qun_fake_ms(f, "2026-03-16 00:00"));
  cr_assert_eq(qun_fake_timer(f, "week") % 86400000, 4 * 3600000);
  qun_fake_close(f);
}

Test(plugins_growth_activity, late_events_count_on_their_own_day) {
  struct qun_fake *f = growth_open();
  say(f, "2026-01-05 10:00", 1);
  say(f, "2026-01-20 10:00", 1);
  say(f, "2026-01-06 10:00", 2); /* its clock is the 20th */
  say(f, "2026-01-06 11:00", 2);
  say(f, "2026-01-04 11:00", 3);
  qun_slice model = growth_view_of(f, "activity");
  cr_assert_eq(qun_mp_int(model, "from", 0), qun_fake_day("2026-01-04"), "the first day is the earliest");
  cr_assert_eq(model_series(model, "activity_line", "dau", 0), 1);
  cr_assert_eq(model_series(model, "activity_line", "dau", 2), 1);
  cr_assert_eq(model_series(model, "activity_line", "mau", 16), 3);
  qun_fake_close(f);
}

Test(plugins_growth_activity, a_full_tail_is_folded_and_nothing_is_lost) {
  struct qun_fake *f = growth_open();
  for (uint64_t m = 1; m <= 1000; m++) say(f, "2026-01-05 10:00", m);
  for (uint64_t m = 1; m <= 1000; m++) say(f, "2026-01-05 11:00", m);
  qun_slice model = growth_view_of(f, "overview");
  cr_assert_eq(model_figure(model, "now", "wau"), 1000);
  cr_assert_eq(model_figure(model, "now", "members"), 1000);
  qun_fake_close(f);
}

Test(plugins_growth_activity, finds_the_best_hour_and_the_zombie) {
  struct qun_fake *f = growth_open();
  for (uint64_t m = 1; m <= 60; m++)
    qun_fake_event(f, .type = "join", .at = "2026-01-05 08:00", .member = m, .group = "g");
  say(f, "2026-01-05 21:10", 1);
  say(f, "2026-01-05 21:20", 1);
  say(f, "2026-01-05 22:00", 1);
  qun_slice model = growth_view_of(f, "activity");
  cr_assert_eq(model_figure(model, "hours", "best_hour"), 21);
  cr_assert_eq(model_figure(model, "hours", "best_share"), 666666);
  cr_assert_eq(model_figure(model, "hours", "zombie"), 1);
  cr_assert(qun_slice_is(model_status(model, "hours", "zombie"), "bad"));
  cr_assert_eq(model_at(model, "groups", 0, "members"), 60);
  qun_fake_close(f);
}

Test(plugins_growth_activity, silence_costs_no_timers) {
  struct qun_fake *f = growth_open();
  say(f, "2016-01-05 10:00", 1);
  cr_assert_eq(qun_fake_timers(f), 2);
  qun_fake_advance_to(f, "2026-01-05 10:00");
  cr_assert_eq(qun_fake_timers(f), 0, "ten years later nothing is left to do");
  say(f, "2026-01-05 10:00", 1);
  cr_assert_eq(qun_fake_timers(f), 2);
  cr_assert_eq(qun_fake_timer(f, "month"), qun_fake_ms(f, "2026-02-01 00:00"));
  qun_fake_close(f);
}

Test(plugins_growth_activity, a_member_number_that_is_none_is_refused) {
  struct qun_fake *f = growth_open();
  uint64_t before = qun_fake_hash(f);
  cr_assert_neq(qun_fake_event(f, .type = "message", .at = "2026-01-05 10:00", .member = 1ull << 33, .group = "g",
                               .fields = {QUN_TEXT("text", "x")}),
                0);
  cr_assert_eq(qun_fake_hash(f), before);
  qun_fake_close(f);
}
