/* SPDX-License-Identifier: Apache-2.0 */
/* The channel rule through the plugin: events in, timers on the tenant's clock, alerts and states out. */
#include "tests/plugins/growth/growth.h"

#include <stdio.h>

static const char *at(struct qun_fake *f, char buf[32], const char *date, unsigned plus) {
  int32_t day = qun_fake_day(date) + (int32_t)plus;
  (void)f;
  /* days since 1970 to a date, by counting */
  int y = 1970, m = 1;
  static const int len[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (;;) {
    int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0, days = len[m - 1] + (m == 2 && leap);
    if (day < days) break;
    day -= days;
    if (++m > 12) m = 1, y++;
  }
  snprintf(buf, 32, "%04d-%02d-%02d 12:00", y, m, day + 1);
  return buf;
}

/* `n` members join by a channel on a day; `kept` of them write each day of `days` that follow. */
static void cohort(struct qun_fake *f, const char *channel, const char *date, uint64_t first, unsigned n) {
  char buf[32];
  for (unsigned i = 0; i < n; i++)
    cr_assert_eq(qun_fake_event(f, .type = "join", .at = at(f, buf, date, 0), .member = first + i, .group = "g",
                                .channel = channel),
                 0);
}

static void write_on(struct qun_fake *f, const char *date, uint64_t first, unsigned n) {
  char buf[32];
  for (unsigned i = 0; i < n; i++)
    cr_assert_eq(qun_fake_event(f, .type = "message", .at = at(f, buf, date, 0), .member = first + i, .group = "g",
                                .fields = {QUN_TEXT("text", "x")}),
                 0);
}

Test(plugins_growth_channel, two_low_weeks_start_the_optimisation) {
  struct qun_fake *f = growth_open();
  const struct qun_fake_emitted *alert;
  /* 2026-01-05 is a Monday. 100 members come by "ads" in that week. */
  cohort(f, "ads", "2026-01-07", 1, 100);
  write_on(f, "2026-01-13", 1, 24); /* first whole week after: 24 % */
  qun_fake_advance_to(f, "2026-01-19 00:00");
  cr_assert_eq(qun_fake_emitted_count(f), 0, "one low week is none");
  write_on(f, "2026-01-20", 1, 10);
  qun_fake_advance_to(f, "2026-01-26 00:00");
  alert = qun_fake_emitted_of(f, "growth.alert", 0);
  cr_assert(alert);
  cr_assert(qun_slice_is(alert->channel, "ads"));
  cr_assert(qun_slice_is(qun_mp_str(alert->data, "kind"), "optimise"));
  cr_assert(qun_slice_is(qun_mp_str(alert->data, "rule"), "G30"));
  cr_assert_eq(qun_mp_int(alert->data, "value", 0), 100000);
  cr_assert_eq(qun_mp_int(alert->data, "threshold", 0), 250000);
  cr_assert_eq(qun_mp_int(alert->data, "since", 0), qun_fake_ms(f, "2026-01-12 00:00"), "the first of the two weeks");
  cr_assert_eq(alert->clock_ms, qun_fake_ms(f, "2026-01-26 00:00"));
  qun_slice model = growth_view_of(f, "channels");
  cr_assert(qun_slice_is(model_text(model, "channels", 0, "state"), "optimise"));
  cr_assert(qun_slice_is(model_text(model, "channels", 0, "rule"), "G30"));
  cr_assert_eq(model_rows(model, "history"), 1);
  cr_assert_eq(model_at(model, "history", 0, "cohort"), 100);
  cr_assert_eq(model_at(model, "history", 0, "retained"), 10);
  qun_fake_close(f);
}

Test(plugins_growth_channel, the_month_retires_and_focuses) {
  struct qun_fake *f = growth_open();
  cohort(f, "ground", "2026-01-10", 1, 100);
  cohort(f, "qr", "2026-01-10", 1001, 100);
  cohort(f, "small", "2026-01-10", 2001, 19);
  write_on(f, "2026-02-10", 1, 19);
  write_on(f, "2026-02-10", 1001, 36);
  write_on(f, "2026-02-28", 5001, 1); /* the source is alive */
  qun_fake_advance_to(f, "2026-03-01 00:00");
  qun_slice model = growth_view_of(f, "channels");
  uint32_t ground = model_row_of(model, "channels", "channel", "ground"),
           qr = model_row_of(model, "channels", "channel", "qr"),
           small = model_row_of(model, "channels", "channel", "small");
  cr_assert(qun_slice_is(model_text(model, "channels", ground, "state"), "retire"));
  cr_assert(qun_slice_is(model_text(model, "channels", ground, "rule"), "G31"));
  cr_assert(qun_slice_is(model_text(model, "channels", qr, "state"), "focus"));
  cr_assert(qun_slice_is(model_text(model, "channels", qr, "rule"), "G32"));
  cr_assert(qun_slice_is(model_text(model, "channels", small, "state"), "hold"), "19 members are no evidence");
  cr_assert_eq(model_at(model, "channels", ground, "since"), qun_fake_ms(f, "2026-03-01 00:00"));
  qun_fake_close(f);
}

Test(plugins_growth_channel, the_threshold_is_a_setting) {
  struct qun_fake *f = growth_open();
  cr_assert_eq(qun_fake_set(f, "channel_retire=0.1"), 0);
  cr_assert_eq(qun_fake_set(f, "channel_min_cohort=5"), 0);
  cohort(f, "ground", "2026-01-10", 1, 10);
  write_on(f, "2026-02-10", 1, 1);
  write_on(f, "2026-02-28", 5001, 1);
  qun_fake_advance_to(f, "2026-03-01 00:00");
  qun_slice model = growth_view_of(f, "channels");
  cr_assert(qun_slice_is(model_text(model, "channels", 0, "state"), "optimise"), "10 %% is not below 10 %%");
  qun_fake_close(f);
}

Test(plugins_growth_channel, funnel_and_costs_are_as_by_hand) {
  struct qun_fake *f = growth_open();
  cohort(f, "kol", "2026-01-10", 1, 40);
  qun_fake_event(f, .type = "channel.reach", .at = "2026-01-10 13:00", .channel = "kol",
                 .fields = {QUN_INT("people", 1000)});
  qun_fake_event(f, .type = "channel.cost", .at = "2026-01-10 13:00", .channel = "kol",
                 .fields = {QUN_INT("amount", 100000)});
  write_on(f, "2026-01-17", 1, 10); /* day 7 */
  for (uint64_t m = 1; m <= 4; m++)
    qun_fake_event(f, .type = "purchase", .at = "2026-01-18 10:00", .member = m, .fields = {QUN_INT("amount", 2500)});
  qun_fake_event(f, .type = "purchase", .at = "2026-01-18 11:00", .member = 1,
                 .fields = {QUN_INT("amount", 500), QUN_TEXT("currency", "USD")});
  qun_fake_event(f, .type = "refund", .at = "2026-01-18 12:00", .member = 1, .fields = {QUN_INT("amount", 1000)});
  write_on(f, "2026-02-20", 1, 8); /* effective on that day; day 30 is 2026-02-09 .. 15 */
  qun_slice model = growth_view_of(f, "channels");
  cr_assert_eq(model_at(model, "channels", 0, "reach"), 1000);
  cr_assert_eq(model_at(model, "channels", 0, "joins"), 40);
  cr_assert_eq(model_at(model, "channels", 0, "join_rate"), 40000);
  cr_assert_eq(model_at(model, "channels", 0, "d7"), 250000);
  cr_assert_eq(model_at(model, "channels", 0, "d30"), 0);
  cr_assert_eq(model_at(model, "channels", 0, "effective"), 8);
  cr_assert_eq(model_at(model, "channels", 0, "buyers"), 4);
  cr_assert_eq(model_at(model, "channels", 0, "conversion"), 100000);
  cr_assert_eq(model_at(model, "channels", 0, "spend"), 9000, "4 x 25.00 less 10.00; dollars can't be added");
  cr_assert_eq(model_at(model, "channels", 0, "cac"), 2500);
  cr_assert_eq(model_at(model, "channels", 0, "true_cost"), 12500);
  qun_fake_close(f);
}

Test(plugins_growth_channel, a_dear_channel_alerts_once_the_industry_is_known) {
  struct qun_fake *f = growth_open();
  const struct qun_fake_emitted *alert;
  cr_assert_eq(qun_fake_set(f, "channel_industry_cac=1000"), 0);
  cohort(f, "dear", "2026-01-10", 1, 10);
  cohort(f, "fair", "2026-01-10", 101, 10);
  qun_fake_event(f, .type = "channel.cost", .at = "2026-01-10 13:00", .channel = "dear",
                 .fields = {QUN_INT("amount", 12010)});
  qun_fake_event(f, .type = "channel.cost", .at = "2026-01-10 13:00", .channel = "fair",
                 .fields = {QUN_INT("amount", 12000)});
  qun_fake_advance_to(f, "2026-02-01 00:00");
  alert = qun_fake_emitted_of(f, "growth.alert", 0);
  cr_assert(alert);
  cr_assert(qun_slice_is(qun_mp_str(alert->data, "kind"), "cost"));
  cr_assert(qun_slice_is(qun_mp_str(alert->data, "unit"), "minor"));
  cr_assert_eq(qun_mp_int(alert->data, "value", 0), 1201);
  cr_assert_eq(qun_mp_int(alert->data, "threshold", 0), 1200);
  cr_assert_null(qun_fake_emitted_of(f, "growth.alert", 1), "exactly 20 %% above is not over");
  cr_assert_eq(model_rows(growth_view_of(f, "overview"), "alerts"), 1);
  qun_fake_close(f);
}

Test(plugins_growth_channel, history_of_years_runs_through_every_week) {
  struct qun_fake *f = growth_open();
  char buf[32];
  uint64_t member = 1;
  for (unsigned week = 0; week < 60; week++) /* every Wednesday 30 join and never come again */
    for (unsigned i = 0; i < 30; i++)
      qun_fake_event(f, .type = "join", .at = at(f, buf, "2024-01-03", 7 * week), .member = member++, .group = "g",
                     .channel = "ads", .flags = QUN_EVENT_IMPORTED);
  qun_slice model = growth_view_of(f, "channels");
  cr_assert(qun_slice_is(model_text(model, "channels", 0, "state"), "retire"));
  cr_assert_eq(model_rows(model, "history"), 2, "optimise by weeks, then retire by the month; nothing flaps");
  qun_fake_close(f);
}

Test(plugins_growth_channel, data_that_ends_retires_nobody) {
  struct qun_fake *f = growth_open();
  cohort(f, "qr", "2026-01-10", 1, 100);
  cohort(f, "qr", "2026-02-10", 101, 100);
  write_on(f, "2026-01-17", 1, 60);
  write_on(f, "2026-02-28", 1, 60); /* the last event of the export */
  qun_fake_advance_to(f, "2027-06-01 00:00");
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert(qun_slice_is(qun_mp_str(qun_fake_emitted_of(f, "growth.alert", 0)->data, "kind"), "focus"));
  cr_assert(qun_slice_is(model_text(growth_view_of(f, "channels"), "channels", 0, "state"), "focus"));
  qun_fake_close(f);
}

Test(plugins_growth_channel, reach_and_cost_without_a_channel_are_refused) {
  struct qun_fake *f = growth_open();
  cr_assert_neq(qun_fake_event(f, .type = "channel.reach", .at = "2026-01-10 13:00",
                               .fields = {QUN_INT("people", 1000)}),
                0);
  cr_assert_neq(qun_fake_event(f, .type = "channel.cost", .at = "2026-01-10 13:00", .channel = "x",
                               .fields = {QUN_INT("amount", 5), QUN_TEXT("currency", "USD")}),
                0);
  qun_fake_close(f);
}
