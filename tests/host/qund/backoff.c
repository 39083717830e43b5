/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/backoff.h"

#include <criterion/criterion.h>

static struct qun_qund_backoff b;

Test(host_qund_backoff, four_crashes_cost_nothing) {
  for (int i = 0; i < 4; i++) cr_assert_eq(qun_qund_backoff_crash(&b, i, 0), 0);
}

Test(host_qund_backoff, crashes_far_apart_cost_nothing) {
  for (int i = 0; i < 100; i++) cr_assert_eq(qun_qund_backoff_crash(&b, i * 16000, 16000), 0, "crash %d", i);
}

Test(host_qund_backoff, a_loop_waits_longer_each_time_up_to_half_a_minute) {
  static const int64_t waits[] = {0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30};
  int64_t now = 1000;
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
    int64_t wait = qun_qund_backoff_crash(&b, now, 10);
    cr_assert_eq(wait, waits[i] * 1000, "crash %zu waits %lld ms", i, (long long)wait);
    now += wait + 10;
  }
}

Test(host_qund_backoff, a_minute_of_life_ends_a_loop) {
  for (int i = 0; i < 8; i++) qun_qund_backoff_crash(&b, i, 0);
  cr_assert_eq(qun_qund_backoff_crash(&b, 100000, 59999), 16000);
  cr_assert_eq(qun_qund_backoff_crash(&b, 200000, 60000), 0);
  cr_assert_eq(qun_qund_backoff_crash(&b, 200001, 1), 0);
}
