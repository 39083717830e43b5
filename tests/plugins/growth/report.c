/* SPDX-License-Identifier: Apache-2.0 */
/* The report as a whole: cohorts by hand, months, gates, and every message in both languages. */
#include "tests/plugins/growth/growth.h"

#include <stdio.h>
#include <stdlib.h>

static void say(struct qun_fake *f, const char *at, uint64_t member) {
  cr_assert_eq(qun_fake_event(f, .type = "message", .at = at, .member = member, .group = "g",
                              .fields = {QUN_TEXT("text", "x")}),
               0);
}

static void join(struct qun_fake *f, const char *at, uint64_t member, const char *channel) {
  cr_assert_eq(qun_fake_event(f, .type = "join", .at = at, .member = member, .group = "g", .channel = channel), 0);
}

/* Ten come in January, four of them write on their day 7, two on day 30 to 36 and in March one. Five come in February.
 */
static struct qun_fake *community(void) {
  struct qun_fake *f = growth_open();
  for (uint64_t m = 1; m <= 10; m++) join(f, "2026-01-10 10:00", m, m <= 6 ? "qr" : "ads");
  for (uint64_t m = 1; m <= 4; m++) say(f, "2026-01-17 10:00", m);
  for (uint64_t m = 1; m <= 2; m++) say(f, "2026-02-15 10:00", m);
  for (uint64_t m = 11; m <= 15; m++) join(f, "2026-02-20 10:00", m, "qr");
  say(f, "2026-03-31 10:00", 1);
  return f;
}

Test(plugins_growth_report, cohorts_are_as_by_hand) {
  struct qun_fake *f = community();
  qun_slice model = growth_view_of(f, "cohorts");
  uint32_t jan = model_rows(model, "cohorts") - 3, feb = jan + 1;
  cr_assert_eq(model_at(model, "cohorts", jan, "cohort"), (2026 - 1970) * 12);
  cr_assert_eq(model_at(model, "cohorts", jan, "size"), 10);
  cr_assert_eq(model_at(model, "cohorts", jan, "d7"), 400000);
  cr_assert_eq(model_at(model, "cohorts", jan, "d30"), 200000);
  cr_assert_eq(model_at(model, "cohorts", jan, "m1"), 200000);
  cr_assert_eq(model_at(model, "cohorts", jan, "m2"), 100000, "March is over on the 31st");
  cr_assert_eq(model_at(model, "cohorts", jan, "m3"), NIL);
  cr_assert_eq(model_at(model, "cohorts", feb, "size"), 5);
  cr_assert_eq(model_at(model, "cohorts", feb, "d7"), 0);
  cr_assert_eq(model_at(model, "cohorts", feb, "m1"), 0);
  cr_assert_eq(model_series(model, "curve", "retention", 0), 133333, "2 of 15 in the first month after");
  uint32_t ads = model_row_of(model, "by_channel", "channel", "ads"),
           qr = model_row_of(model, "by_channel", "channel", "qr");
  cr_assert_eq(model_at(model, "by_channel", ads, "d7"), 0);
  cr_assert_eq(model_at(model, "by_channel", qr, "d7"), 363636, "4 of 11");
  cr_assert_eq(model_figure(model, "year", "year"), NIL);
  qun_fake_close(f);
}

Test(plugins_growth_report, a_period_that_is_not_over_is_not_judged) {
  struct qun_fake *f = community();
  qun_slice model =
      qun_fake_ask(f, "growth.report", QUN_TEXT("view", "cohorts"), QUN_INT("to", qun_fake_day("2026-02-16")));
  uint32_t jan = model_rows(model, "cohorts") - 2;
  cr_assert_eq(model_at(model, "cohorts", jan, "m1"), NIL);
  cr_assert_eq(model_at(model, "cohorts", jan, "d30"), 200000, "day 36 was 15 February");
  model = qun_fake_ask(f, "growth.report", QUN_TEXT("view", "cohorts"), QUN_INT("to", qun_fake_day("2026-02-14")));
  cr_assert_eq(model_at(model, "cohorts", jan, "d30"), NIL, "the bracket has not ended");
  qun_fake_close(f);
}

Test(plugins_growth_report, cohorts_by_week_are_a_setting) {
  struct qun_fake *f = community();
  cr_assert_eq(qun_fake_set(f, "cohort_by_week=true"), 0);
  qun_slice model = growth_view_of(f, "cohorts");
  cr_assert_eq(model_rows(model, "cohorts"), 12);
  cr_assert_eq(model_at(model, "cohorts", 11, "cohort"), qun_fake_day("2026-03-30"));
  cr_assert_eq(model_at(model, "cohorts", 0, "size"), 0);
  cr_assert_eq(model_at(model, "cohorts", 5, "size"), 5, "the week of 16 February");
  qun_fake_close(f);
}

Test(plugins_growth_report, months_name_growth_and_its_driver) {
  struct qun_fake *f = community();
  qun_slice model = growth_view_of(f, "overview");
  uint32_t mar = model_rows(model, "months") - 1;
  cr_assert_eq(model_at(model, "months", mar, "members"), 15);
  cr_assert_eq(model_at(model, "months", mar - 1, "fresh"), 5);
  cr_assert_eq(model_at(model, "months", mar - 1, "growth"), 500000);
  cr_assert(qun_slice_is(model_text(model, "months", mar - 2, "driver"), "qr"));
  cr_assert_eq(model_at(model, "months", mar - 2, "driver_joins"), 6);
  cr_assert_eq(model_at(model, "months", mar - 2, "growth"), NIL, "nobody before");
  cr_assert_eq(model_figure(model, "now", "growth"), 0, "March is over on its 31st");
  cr_assert(qun_slice_is(model_status(model, "now", "growth"), "bad"));
  qun_fake_close(f);
}

Test(plugins_growth_report, gates_are_judged_on_their_day) {
  struct qun_fake *f = community();
  cr_assert_eq(qun_fake_set(f, "plan_start=2026-01-01"), 0);
  cr_assert_eq(qun_fake_set(f, "gate_m3_members=15"), 0);
  cr_assert_eq(qun_fake_set(f, "gate_m3_dau=0"), 0);
  qun_slice model = growth_view_of(f, "overview");
  cr_assert_eq(model_rows(model, "gates"), 3);
  cr_assert_eq(model_at(model, "gates", 0, "due"), qun_fake_day("2026-03-31"));
  cr_assert(qun_slice_eq(model_cell(model, "gates", 0, "result"), qun_slice_of("\x92\xafgrowth.gate.met\x80", 18)));
  cr_assert_eq(model_at(model, "gates", 1, "due"), qun_fake_day("2026-06-30"));
  qun_fake_close(f);
}

Test(plugins_growth_report, an_empty_tenant_has_every_view) {
  static const char *const views[] = {"overview", "channels", "cohorts", "tiers", "lifecycle", "activity"};
  struct qun_fake *f = growth_open();
  qun_fake_advance_to(f, "2026-01-05 09:00");
  for (unsigned i = 0; i < 6; i++) cr_assert(growth_view_of(f, views[i]).len > 0);
  cr_assert_eq(model_figure(growth_view_of(f, "overview"), "now", "members"), 0);
  qun_fake_close(f);
}

struct catalogue {
  char *text;
  unsigned checked;
};

static void must_have(void *arg, qun_slice id) {
  struct catalogue *c = arg;
  char line[160];
  snprintf(line, sizeof line, "msgid \"%.*s\"\n", (int)id.len, (const char *)id.ptr);
  cr_assert(strstr(c->text, line), "no words for %.*s", (int)id.len, (const char *)id.ptr);
  c->checked++;
}

static char *slurp(const char *path) {
  FILE *file = fopen(path, "rb");
  char *text = calloc(1, 1 << 17);
  cr_assert(file && text);
  cr_assert_gt(fread(text, 1, (1 << 17) - 1, file), 0);
  fclose(file);
  return text;
}

Test(plugins_growth_report, every_text_has_words_in_both_languages) {
  static const char *const views[] = {"overview", "channels", "cohorts", "tiers", "lifecycle", "activity"};
  static const char *const files[] = {QUN_SOURCE_DIR "/plugins/growth/locales/en.po",
                                      QUN_SOURCE_DIR "/plugins/growth/locales/zh-CN.po"};
  struct qun_fake *f = community();
  qun_fake_advance_to(f, "2026-06-01 00:00");
  for (unsigned l = 0; l < 2; l++) {
    struct catalogue c = {slurp(files[l]), 0};
    for (unsigned i = 0; i < 6; i++) model_each_text(growth_view_of(f, views[i]), must_have, &c);
    model_each_text(qun_fake_ask(f, "growth.explain", QUN_INT("member", 1)), must_have, &c);
    cr_assert_gt(c.checked, 150);
    free(c.text);
  }
  qun_fake_close(f);
}
