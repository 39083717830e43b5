/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts: channel rule, tier rule, settings against plugin.yaml. Expectations are computed by hand.
 */
#include "channel_rule.h"
#include "settings.h"
#include "tier_rule.h"

#include <qun/msgpack.h>

#include <criterion/criterion.h>
#include <stdio.h>

static const struct growth_channel_rule rule = {
    .optimise = 250000, .retire = 200000, .focus = 350000, .weeks = 2, .min_cohort = 20};

static struct growth_channel_step week(struct growth_channel_memory *m, int32_t n, uint32_t cohort, uint32_t retained) {
  struct growth_channel_step s;
  growth_channel_week(&s, m, n, (struct growth_retention){cohort, retained}, &rule);
  return s;
}

static struct growth_channel_step month(struct growth_channel_memory *m, uint32_t cohort, uint32_t retained) {
  struct growth_channel_step s;
  growth_channel_month_end(&s, m, (struct growth_retention){cohort, retained}, &rule);
  return s;
}

Test(plugins_growth_channel_rule, optimises_after_two_low_weeks_in_a_row) {
  struct growth_channel_memory m = {.last_week = INT32_MIN};
  struct growth_channel_step s = week(&m, 10, 100, 24);
  cr_assert(!s.changed);
  cr_assert_eq(s.value, 240000);
  s = week(&m, 11, 100, 24);
  cr_assert(s.changed);
  cr_assert_eq(s.to, GROWTH_OPTIMISE);
  cr_assert_eq(s.rule, GROWTH_RULE_LOW_WEEKS);
  cr_assert_eq(s.threshold, 250000);
  s = week(&m, 12, 100, 10);
  cr_assert(!s.changed, "it is there already");
}

Test(plugins_growth_channel_rule, exactly_the_threshold_is_not_below_it) {
  struct growth_channel_memory m = {.last_week = INT32_MIN};
  week(&m, 10, 100, 25);
  cr_assert(!week(&m, 11, 100, 25).changed);
  cr_assert_eq(month(&m, 100, 20).to, GROWTH_OPTIMISE, "20 %% is not retired");
  cr_assert_eq(month(&m, 100, 35).to, GROWTH_HOLD, "35 %% is not focused");
}

Test(plugins_growth_channel_rule, a_good_week_a_gap_or_a_small_cohort_breaks_the_row) {
  struct growth_channel_memory m = {.last_week = INT32_MIN};
  week(&m, 10, 100, 10);
  week(&m, 11, 100, 90);
  cr_assert(!week(&m, 12, 100, 10).changed, "one good week between");
  cr_assert(!week(&m, 14, 100, 10).changed, "one week left out");
  cr_assert(!week(&m, 15, 19, 0).changed, "one cohort too small");
  cr_assert(!week(&m, 16, 100, 10).changed);
  cr_assert(week(&m, 17, 100, 10).changed);
}

Test(plugins_growth_channel_rule, recovers_after_two_good_weeks) {
  struct growth_channel_memory m = {.state = GROWTH_OPTIMISE, .last_week = INT32_MIN};
  cr_assert(!week(&m, 1, 100, 30).changed);
  struct growth_channel_step s = week(&m, 2, 100, 30);
  cr_assert(s.changed);
  cr_assert_eq(s.to, GROWTH_HOLD);
  cr_assert_eq(s.rule, GROWTH_RULE_GOOD_WEEKS);
}

Test(plugins_growth_channel_rule, evaluates_the_month_in_four_bands) {
  static const struct {
    uint32_t retained;
    enum growth_channel_state to;
    enum growth_channel_rule_id rule;
  } bands[] = {{19, GROWTH_RETIRE, GROWTH_RULE_RETIRE},
               {24, GROWTH_OPTIMISE, GROWTH_RULE_LOW_MONTH},
               {30, GROWTH_HOLD, GROWTH_RULE_NEUTRAL},
               {36, GROWTH_FOCUS, GROWTH_RULE_FOCUS}};
  for (int from = GROWTH_HOLD; from <= GROWTH_FOCUS; from++)
    for (unsigned i = 0; i < 4; i++) {
      struct growth_channel_memory m = {.state = (enum growth_channel_state)from};
      struct growth_channel_step s = month(&m, 100, bands[i].retained);
      cr_assert_eq(s.to, bands[i].to);
      cr_assert_eq(s.rule, bands[i].rule);
      cr_assert_eq(s.changed, from != (int)bands[i].to);
      cr_assert_eq(m.state, bands[i].to);
    }
}

Test(plugins_growth_channel_rule, weeks_do_not_reopen_a_retired_channel) {
  struct growth_channel_memory m = {.state = GROWTH_RETIRE, .last_week = INT32_MIN};
  for (int32_t n = 1; n < 9; n++) cr_assert(!week(&m, n, 100, n < 5 ? 90 : 5).changed);
  cr_assert(!month(&m, 19, 19).changed, "a cohort of 19 is no evidence");
  cr_assert_eq(month(&m, 100, 30).to, GROWTH_HOLD);
}

Test(plugins_growth_tier_rule, decides_by_purchases_and_spend) {
  struct growth_tier_rule r = {.basis = GROWTH_BY_PURCHASES, .core_purchases = 3, .mean_spend = 10000};
  growth_tier_thresholds(&r, 300000, 300000);
  cr_assert_eq(r.core_spend, 13000);
  cr_assert_eq(r.near_spend, 7000);
  const struct {
    struct growth_tier_facts f;
    enum growth_tier tier;
  } cases[] = {{{3, 13001, 0}, GROWTH_CORE},     {{3, 13000, 0}, GROWTH_POTENTIAL}, {{2, 90000, 0}, GROWTH_POTENTIAL},
               {{1, 7000, 0}, GROWTH_POTENTIAL}, {{1, 6999, 0}, GROWTH_ORDINARY},   {{5, 100, 0}, GROWTH_POTENTIAL},
               {{0, 0, 31}, GROWTH_ORDINARY}};
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
    cr_assert_eq(growth_tier_decide(&r, &cases[i].f), cases[i].tier, "case %u", i);
}

Test(plugins_growth_tier_rule, decides_by_activity_where_nobody_buys) {
  struct growth_tier_rule r = {.basis = GROWTH_BY_ACTIVITY, .core_days = 12, .potential_days = 4};
  cr_assert_eq(growth_tier_decide(&r, &(struct growth_tier_facts){0, 0, 12}), GROWTH_CORE);
  cr_assert_eq(growth_tier_decide(&r, &(struct growth_tier_facts){0, 0, 11}), GROWTH_POTENTIAL);
  cr_assert_eq(growth_tier_decide(&r, &(struct growth_tier_facts){0, 0, 3}), GROWTH_ORDINARY);
}

Test(plugins_growth_tier_rule, what_is_missing_is_enough_once_it_is_added) {
  struct growth_tier_rule r = {.basis = GROWTH_BY_PURCHASES, .core_purchases = 3, .mean_spend = 10000};
  struct growth_tier_gap gap;
  growth_tier_thresholds(&r, 300000, 300000);
  for (int64_t n = 0; n < 5; n++)
    for (int64_t spend = 0; spend < 16000; spend += 500)
      for (int to = GROWTH_POTENTIAL; to <= GROWTH_CORE; to++) {
        struct growth_tier_facts f = {n, n ? spend : 0, 0};
        growth_tier_missing(&gap, &r, &f, (enum growth_tier)to);
        f.purchases += gap.purchases;
        f.spend += gap.spend;
        cr_assert_geq(growth_tier_decide(&r, &f), (enum growth_tier)to);
      }
}

Test(plugins_growth_settings, take_the_defaults_and_what_is_given) {
  struct growth_settings s;
  struct qun_pack p;
  growth_settings_read(&s, qun_slice_of("\x80", 1));
  cr_assert_eq(s.channel_optimise, 250000);
  cr_assert_eq(s.plan_start, INT32_MIN);
  qun_pack_init(&p);
  qun_pack_map(&p, 3);
  qun_pack_kv_int(&p, "channel_optimise", 300000);
  qun_pack_kv_cstr(&p, "plan_start", "2024-02-29");
  qun_pack_kv_bool(&p, "cohort_by_week", 1);
  growth_settings_read(&s, qun_pack_slice(&p));
  qun_pack_fini(&p);
  cr_assert_eq(s.channel_optimise, 300000);
  cr_assert_eq(s.plan_start, 19782);
  cr_assert_eq(s.cohort_by_week, 1);
  cr_assert_eq(s.channel_retire, 200000);
}

/* "0.15" as parts per million, "3" as it is, "true" as 1 */
static int64_t stored(const char *kind, const char *text) {
  int64_t whole = 0, part = 0, scale = 1000000;
  if (strcmp(kind, "bool") == 0) return strncmp(text, "\"true", 5) == 0 || strncmp(text, "true", 4) == 0;
  while (*text >= '0' && *text <= '9') whole = whole * 10 + *text++ - '0';
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9'; text++) part += (*text - '0') * (scale /= 10);
  return strcmp(kind, "ratio") == 0 ? whole * 1000000 + part : whole;
}

Test(plugins_growth_settings, have_the_defaults_of_the_manifest) {
  FILE *file = fopen(QUN_SOURCE_DIR "/plugins/growth/plugin.yaml", "r");
  char line[600];
  unsigned found = 0;
  cr_assert(file);
  while (fgets(line, sizeof line, file))
    for (unsigned i = 0; i < growth_setting_count; i++) {
      const struct growth_setting_info *info = &growth_setting_infos[i];
      char name[80], kind[40];
      const char *at;
      snprintf(name, sizeof name, "{name: %s,", info->name);
      snprintf(kind, sizeof kind, "kind: %s,", info->kind);
      if (!strstr(line, name)) continue;
      at = strstr(line, "default: ");
      cr_assert(strstr(line, kind), "%s is of another kind", info->name);
      cr_assert(at);
      cr_assert_eq(stored(info->kind, at + 9), info->fallback, "%s has another default", info->name);
      found++;
    }
  fclose(file);
  cr_assert_eq(found, growth_setting_count);
}
