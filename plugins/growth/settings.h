/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of the growth plugin: one table, from which the struct, the reader and the test against plugin.yaml are
 * made. What each one means stands in plugin.yaml and README.md, with the catalogue row that its default comes from.
 */
#ifndef GROWTH_SETTINGS_H
#define GROWTH_SETTINGS_H

#include <qun/plugin.h>

#include <stdint.h>

/* X(name, kind, default): ratio in parts per million, money in minor units, else a count */
#define GROWTH_SETTINGS(X)                                                                                             \
  X(plan_growth, "ratio", 150000)                                                                                      \
  X(plan_dau, "ratio", 300000)                                                                                         \
  X(plan_wau, "ratio", 500000)                                                                                         \
  X(plan_mau, "ratio", 700000)                                                                                         \
  X(plan_topic, "ratio", 200000)                                                                                       \
  X(plan_task, "ratio", 150000)                                                                                        \
  X(plan_churn, "ratio", 100000)                                                                                       \
  X(plan_invited, "ratio", 200000)                                                                                     \
  X(plan_year, "ratio", 700000)                                                                                        \
  X(core_share, "ratio", 150000)                                                                                       \
  X(potential_share, "ratio", 350000)                                                                                  \
  X(ordinary_share, "ratio", 500000)                                                                                   \
  X(plan_near, "ratio", 100000)                                                                                        \
  X(gate_m3_members, "int", 15000)                                                                                     \
  X(gate_m3_dau, "ratio", 300000)                                                                                      \
  X(gate_m6_members, "int", 30000)                                                                                     \
  X(gate_m6_wau, "ratio", 500000)                                                                                      \
  X(gate_m9_members, "int", 50000)                                                                                     \
  X(gate_m9_mau, "ratio", 700000)                                                                                      \
  X(new_days, "int", 30)                                                                                               \
  X(active_days, "int", 30)                                                                                            \
  X(lost_days, "int", 90)                                                                                              \
  X(channel_optimise, "ratio", 250000)                                                                                 \
  X(channel_weeks, "int", 2)                                                                                           \
  X(channel_retire, "ratio", 200000)                                                                                   \
  X(channel_focus, "ratio", 350000)                                                                                    \
  X(channel_cohort_days, "int", 28)                                                                                    \
  X(channel_min_cohort, "int", 20)                                                                                     \
  X(stale_days, "int", 7)                                                                                              \
  X(channel_industry_cac, "money", 0)                                                                                  \
  X(channel_cac_over, "ratio", 200000)                                                                                 \
  X(tier_core_purchases, "int", 3)                                                                                     \
  X(tier_core_over, "ratio", 300000)                                                                                   \
  X(tier_near, "ratio", 300000)                                                                                        \
  X(tier_industry_spend, "money", 0)                                                                                   \
  X(tier_core_days, "int", 12)                                                                                         \
  X(tier_potential_days, "int", 4)                                                                                     \
  X(cohort_by_week, "bool", 0)                                                                                         \
  X(cohort_periods, "int", 12)                                                                                         \
  X(cohort_bracket, "int", 7)                                                                                          \
  X(alert_min_members, "int", 50)                                                                                      \
  X(report_days, "int", 90)

struct growth_settings {
#define GROWTH_SETTING_FIELD(NAME, KIND, DEFAULT) int64_t NAME;
  GROWTH_SETTINGS(GROWTH_SETTING_FIELD)
#undef GROWTH_SETTING_FIELD
  int32_t plan_start; /* day that the plan begins; INT32_MIN: the community's first day */
};

/* One row of the table. */
struct growth_setting_info {
  const char *name;
  const char *kind;
  int64_t fallback;
};
extern const struct growth_setting_info growth_setting_infos[];
extern const unsigned growth_setting_count;

/* Reads the host's map; what is absent or of another kind takes its default. Any thread. */
void growth_settings_read(struct growth_settings *s, qun_slice map);

#endif
