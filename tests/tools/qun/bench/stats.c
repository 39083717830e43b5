/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/stats.h"

#include <criterion/criterion.h>
#include <math.h>

static int same(double a, double b) {
  return fabs(a - b) < 1e-9;
}

Test(tools_qun_bench_stats, the_median_is_the_middle_one_or_the_mean_of_the_middle_two) {
  double odd[] = {5, 1, 9}, even[] = {4, 1, 3, 2}, one[] = {7};
  struct qun_spread s = qun_spread_of(odd, 3);
  cr_assert(same(s.min, 1) && same(s.median, 5) && same(s.max, 9));
  s = qun_spread_of(even, 4);
  cr_assert(same(s.min, 1) && same(s.median, 2.5) && same(s.max, 4));
  s = qun_spread_of(one, 1);
  cr_assert(same(s.min, 7) && same(s.median, 7) && same(s.max, 7));
  s = qun_spread_of(NULL, 0);
  cr_assert(same(s.min, 0) && same(s.median, 0) && same(s.max, 0));
}

Test(tools_qun_bench_stats, a_ratio_is_taken_within_its_round) {
  const double ours[] = {100, 400, 90}, theirs[] = {50, 100, 90};
  struct qun_spread s = qun_spread_ratio(ours, theirs, 3);
  cr_assert(same(s.min, 1) && same(s.median, 2) && same(s.max, 4));
}

Test(tools_qun_bench_stats, a_round_without_a_figure_gives_no_ratio) {
  const double ours[] = {100, 400}, theirs[] = {0, 100};
  struct qun_spread s = qun_spread_ratio(ours, theirs, 2);
  cr_assert(same(s.min, 4) && same(s.max, 4));
}

Test(tools_qun_bench_stats, percentiles_are_nearest_ranks) {
  float hundred[100];
  for (int i = 0; i < 100; i++) hundred[i] = (float)(100 - i);
  cr_assert(same((double)qun_percentile(hundred, 100, 0.50), 50));
  cr_assert(same((double)qun_percentile(hundred, 100, 0.99), 99));
  cr_assert(same((double)qun_percentile(hundred, 100, 1.0), 100));
  float few[] = {3, 1, 2};
  cr_assert(same((double)qun_percentile(few, 3, 0.99), 3));
  cr_assert(same((double)qun_percentile(few, 3, 0.5), 2));
  cr_assert(same((double)qun_percentile(few, 1, 0.5), 1));
  cr_assert(same((double)qun_percentile(NULL, 0, 0.5), 0));
}
