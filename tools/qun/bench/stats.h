/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a row of figures. Pure. */
#ifndef QUN_TOOLS_QUN_BENCH_STATS_H
#define QUN_TOOLS_QUN_BENCH_STATS_H

#include <stdint.h>

struct qun_spread {
  double min, median, max;
};

/* Of `count` figures (0: all zero); the median of an even count is the mean of the middle two. Sorts them. */
struct qun_spread qun_spread_of(double *figures, uint32_t count);
/* Of the quotients over[i] / under[i], round by round: a ratio is taken within a round, so that what disturbs a round
   disturbs both sides. At most QUN_SPREAD_MAX rounds count. */
enum { QUN_SPREAD_MAX = 99 };
struct qun_spread qun_spread_ratio(const double *over, const double *under, uint32_t count);

/* The smallest of `count` figures that at least `share` of them (0..1) do not exceed: the nearest rank. Sorts them. 0
 * when there are none. */
float qun_percentile(float *figures, uint64_t count, double share);

#endif
