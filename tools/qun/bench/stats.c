/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/stats.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static int by_float(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

struct qun_spread qun_spread_of(double *figures, uint32_t count) {
  if (count == 0) return (struct qun_spread){0};
  qsort(figures, count, sizeof figures[0], by_value);
  uint32_t half = count / 2;
  return (struct qun_spread){.min = figures[0],
                             .median = count % 2 ? figures[half] : (figures[half - 1] + figures[half]) / 2,
                             .max = figures[count - 1]};
}

struct qun_spread qun_spread_ratio(const double *over, const double *under, uint32_t count) {
  double quotients[QUN_SPREAD_MAX];
  uint32_t n = 0;
  for (uint32_t i = 0; i < count && n < QUN_SPREAD_MAX; i++)
    if (under[i] > 0) quotients[n++] = over[i] / under[i];
  return qun_spread_of(quotients, n);
}

float qun_percentile(float *figures, uint64_t count, double share) {
  if (count == 0) return 0;
  qsort(figures, count, sizeof figures[0], by_float);
  double rank = share * (double)count;
  uint64_t at = (uint64_t)rank;
  if ((double)at >= rank && at > 0) at--;
  return figures[at < count ? at : count - 1];
}
