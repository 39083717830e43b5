/* SPDX-License-Identifier: Apache-2.0 */
#include "tier_rule.h"

/* amount * ppm / 1,000,000, rounded down; amounts stay below 10^15 and ratios below 10^9 */
static int64_t part_of(int64_t amount, int64_t ppm) {
  return amount / 1000000 * ppm + amount % 1000000 * ppm / 1000000;
}

void growth_tier_thresholds(struct growth_tier_rule *rule, int64_t core_over, int64_t near) {
  rule->core_spend = part_of(rule->mean_spend, 1000000 + core_over);
  rule->near_spend = part_of(rule->mean_spend, near > 1000000 ? 0 : 1000000 - near);
}

static enum growth_tier by_purchases(const struct growth_tier_rule *r, const struct growth_tier_facts *f) {
  bool many = f->purchases >= r->core_purchases;
  if (f->purchases < 1) return GROWTH_ORDINARY;
  if (many && f->spend > r->core_spend) return GROWTH_CORE;
  return many || f->spend >= r->near_spend ? GROWTH_POTENTIAL : GROWTH_ORDINARY;
}

static enum growth_tier by_activity(const struct growth_tier_rule *r, const struct growth_tier_facts *f) {
  if (f->active_days >= r->core_days) return GROWTH_CORE;
  return f->active_days >= r->potential_days ? GROWTH_POTENTIAL : GROWTH_ORDINARY;
}

enum growth_tier growth_tier_decide(const struct growth_tier_rule *rule, const struct growth_tier_facts *facts) {
  return rule->basis == GROWTH_BY_ACTIVITY ? by_activity(rule, facts) : by_purchases(rule, facts);
}

static int64_t above(int64_t want, int64_t have) {
  return want > have ? want - have : 0;
}

void growth_tier_missing(struct growth_tier_gap *gap, const struct growth_tier_rule *rule,
                         const struct growth_tier_facts *facts, enum growth_tier to) {
  *gap = (struct growth_tier_gap){.reached = growth_tier_decide(rule, facts) >= to};
  if (gap->reached || to == GROWTH_ORDINARY) return;
  if (rule->basis == GROWTH_BY_ACTIVITY) {
    gap->days = above(to == GROWTH_CORE ? rule->core_days : rule->potential_days, facts->active_days);
    return;
  }
  gap->purchases = above(to == GROWTH_CORE ? rule->core_purchases : 1, facts->purchases);
  gap->spend = above(to == GROWTH_CORE ? rule->core_spend + 1 : rule->near_spend, facts->spend);
}
