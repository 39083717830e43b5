/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monthly tiers of the whole tenant (catalogue G45-G50, G53). Rows: 'T' month -> thresholds, counts and movements,
 * 't' member -> the last result with the facts that led to it; sets GROWTH_SET_TIER for the last two months.
 * A member without a row 't' had neither a purchase nor an active day in any month judged: ordinary.
 */
#ifndef GROWTH_TIER_H
#define GROWTH_TIER_H

#include "growth.h"
#include "tier_rule.h"

struct growth_tier_month {
  int32_t month;
  struct growth_tier_rule rule;
  uint32_t members; /* at the end of the month */
  uint32_t count[GROWTH_TIERS];
  uint32_t moved[GROWTH_TIERS][GROWTH_TIERS]; /* [before][now], of members known a month before */
  int64_t spend[GROWTH_TIERS];                /* of the month, by tier */
};

struct growth_tier_result {
  int32_t month;
  enum growth_tier tier, before;
  struct growth_tier_facts facts;
};

/* Judges `month`, which is over. */
int growth_tier_run(const struct growth_call *c, int32_t month);
/* QUN_ENOTFOUND. */
int growth_tier_month_get(const struct growth_call *c, int32_t month, struct growth_tier_month *out);
int growth_tier_month_decode(struct growth_tier_month *out, qun_slice key, qun_slice row);
int growth_tier_result_get(const struct growth_call *c, uint32_t member, struct growth_tier_result *out);
const char *growth_tier_name(enum growth_tier tier);
/* "growth.tier.purchases" or "growth.tier.activity". */
const char *growth_tier_rule_name(enum growth_tier_basis basis);

#endif
