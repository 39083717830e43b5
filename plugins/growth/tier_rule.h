/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tier of a member for one month, and why (catalogue G45, G46). Pure; any thread.
 *
 * A tenant with purchases: "growth.tier.purchases"
 *   core       at least `core_purchases` and spend more than `core_over` above the mean
 *   potential  else, at least one purchase and spend not more than `near` below the mean, or at least `core_purchases`
 *   ordinary   else
 * A tenant without any purchase ever: "growth.tier.activity"
 *   core       active on at least `core_days` days of the month
 *   potential  active on at least `potential_days`
 *   ordinary   else
 */
#ifndef GROWTH_TIER_RULE_H
#define GROWTH_TIER_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum growth_tier { GROWTH_ORDINARY = 0, GROWTH_POTENTIAL, GROWTH_CORE };
enum { GROWTH_TIERS = 3 };

enum growth_tier_basis { GROWTH_BY_PURCHASES = 1, GROWTH_BY_ACTIVITY = 2 };

/* The thresholds of one month, as they were applied. */
struct growth_tier_rule {
  enum growth_tier_basis basis;
  int64_t core_purchases;
  int64_t mean_spend; /* minor units: of the industry if set, else of the month's buyers */
  int64_t core_spend; /* more than this */
  int64_t near_spend; /* at least this */
  int64_t core_days, potential_days;
};

struct growth_tier_facts {
  int64_t purchases;
  int64_t spend;       /* minor units */
  int64_t active_days; /* of the month */
};

/* mean_spend and the ratios (ppm) to the two thresholds of spend. */
void growth_tier_thresholds(struct growth_tier_rule *rule, int64_t core_over, int64_t near);
enum growth_tier growth_tier_decide(const struct growth_tier_rule *rule, const struct growth_tier_facts *facts);

/* What is missing to be in tier `to`; zeroes where nothing is. */
struct growth_tier_gap {
  bool reached;
  int64_t purchases;
  int64_t spend; /* minor units */
  int64_t days;
};
void growth_tier_missing(struct growth_tier_gap *gap, const struct growth_tier_rule *rule,
                         const struct growth_tier_facts *facts, enum growth_tier to);

#endif
