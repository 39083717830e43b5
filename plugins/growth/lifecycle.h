/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifecycle groups of the tenant (catalogue G51, G49, G50, G55, G57), as they stand before a day.
 *   new      first day within `new_days`
 *   active   not new; an interaction within `active_days`
 *   silent   neither; an interaction or the first day within `lost_days`
 *   lost     everybody else who is known, and whoever left
 * Rows: 'l' month -> counts and movements over the month; sets GROWTH_SET_LIFE for the last two months.
 */
#ifndef GROWTH_LIFECYCLE_H
#define GROWTH_LIFECYCLE_H

#include "growth.h"

enum growth_life { GROWTH_NEW = 0, GROWTH_ACTIVE, GROWTH_SILENT, GROWTH_LOST };
enum { GROWTH_LIVES = 4 };

/* Who is in which group; lost is nobody's set, only a count. */
struct growth_life_sets {
  roaring_bitmap_t *set[GROWTH_LOST];
  uint32_t count[GROWTH_LIVES];
};

struct growth_life_month {
  int32_t month;
  uint32_t count[GROWTH_LIVES];               /* at its end */
  uint32_t moved[GROWTH_LIVES][GROWTH_LIVES]; /* [before][now] */
  uint32_t arrived;                           /* not known at its beginning */
};

/* Fills *out; give it to growth_life_fini() whatever is answered. `before`: the first day that does not count any more.
 */
int growth_life_compute(const struct growth_call *c, int32_t before, struct growth_life_sets *out);
void growth_life_fini(struct growth_life_sets *sets);
/* Records `month`, which is over; *out is its row. */
int growth_life_run(const struct growth_call *c, int32_t month, struct growth_life_month *out);
/* QUN_ENOTFOUND. */
int growth_life_month_get(const struct growth_call *c, int32_t month, struct growth_life_month *out);
int growth_life_month_decode(struct growth_life_month *out, qun_slice key, qun_slice row);
/* Members lost in the month and members at its beginning. */
void growth_life_churn(const struct growth_life_month *m, uint32_t *lost, uint32_t *members);
const char *growth_life_name(enum growth_life life);

#endif
