/* SPDX-License-Identifier: Apache-2.0 */
/* DAU, WAU and MAU over a range of days: rolling unions of daily sets (catalogue G59). */
#ifndef GROWTH_LINES_H
#define GROWTH_LINES_H

#include "report.h"

struct growth_point {
  int32_t day;
  uint32_t dau, wau, mau; /* distinct members active on the day, on the 7 and on the 30 days that end with it */
};

/* Points from day `from` to day `to`, both in; at most `cap` of them, evenly spaced, the last one at `to`. Free
 * *points. */
int growth_lines(const struct growth_call *c, int32_t from, int32_t to, uint32_t cap, struct growth_point **points,
                 uint32_t *count);
/* The chart. */
int growth_chart_lines(struct growth_view *v);
/* Mean of the daily actives of the 7 days that end with `to`, rounded to nearest; and the same for one kind of
 * interaction. */
int growth_mean_daily(const struct growth_call *c, int32_t to, uint32_t *active, uint32_t *topic);

#endif
