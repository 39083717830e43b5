/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention (catalogue G58, G29-G33): of the members whose first day is in a span, how many had an interaction in a
 * later span.
 */
#ifndef GROWTH_COHORT_H
#define GROWTH_COHORT_H

#include "channel_rule.h"
#include "growth.h"

/* Members by first day and channel: a set for each channel, 0..channels. */
struct growth_cohorts {
  roaring_bitmap_t **by_channel;
  uint32_t count; /* channels + 1 */
};

/* Everybody whose first day is in [from, to), by channel. Give *out to growth_cohorts_fini() whatever is answered. */
int growth_cohorts_read(const struct growth_call *c, int32_t from, int32_t to, struct growth_cohorts *out);
void growth_cohorts_fini(struct growth_cohorts *out);

/* For each channel 0..channels: how many of the cohort of [from, to) are in `active`. `out` has channels + 1 places. */
int growth_retention_by_channel(const struct growth_call *c, int32_t from, int32_t to, const roaring_bitmap_t *active,
                                struct growth_retention *out);

/* Day-N retention of the members whose first day is in [from, to): active on one of the days first + n .. first + n +
   bracket - 1. Only first days whose bracket has ended before `before` count. by_channel: channels + 1 places, added
   to. */
int growth_retention_day_n(const struct growth_call *c, int32_t from, int32_t to, int32_t n, int32_t before,
                           struct growth_retention *by_channel);

#endif
