/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/quota.h"

#include <criterion/criterion.h>
#include <qun/plugin.h>
#include <string.h>

static const int64_t start = 1600000000000;

static int admit(struct qun_quota *q, uint64_t events_s, uint64_t handler_ms, uint32_t n, int64_t now, int64_t *retry) {
  struct qun_quota_limits limits = {events_s, handler_ms};
  struct qun_error err = {0};
  *retry = 0;
  return qun_quota_admit(q, &limits, n, now, retry, &err);
}

Test(host_engine_quota, admits_the_rate_and_a_burst_and_says_when_to_come_again) {
  struct qun_quotas *table = qun_quotas_create();
  struct qun_quota *q = qun_quota_ref(table, "acme");
  int64_t retry;
  uint64_t in = 0;
  for (int64_t now = start; now < start + 60000; now += 10) {
    for (int k = 0; k < 4; k++) {
      if (admit(q, 100, 0, 1, now, &retry) == 0)
        in++;
      else
        cr_assert(retry >= 1 && retry <= 11, "%lld", (long long)retry);
    }
  }
  cr_assert(in >= 6190 && in <= 6201, "60 s of 100 and a burst of 2 s, got %llu", (unsigned long long)in);
  struct qun_quota_use use;
  qun_quota_used(q, &use);
  cr_assert_eq(use.refused_events, 24000 - in);
  qun_quota_unref(q);
  qun_quotas_destroy(table);
}

Test(host_engine_quota, takes_a_batch_larger_than_the_burst_and_has_it_waited_for) {
  struct qun_quotas *table = qun_quotas_create();
  struct qun_quota *q = qun_quota_ref(table, "acme");
  int64_t retry;
  cr_assert_eq(admit(q, 100, 0, 1200, start, &retry), 0);
  cr_assert_eq(admit(q, 100, 0, 1, start, &retry), QUN_EQUOTA);
  cr_assert_eq(retry, 10001);
  cr_assert_eq(admit(q, 100, 0, 1, start + 10000, &retry), QUN_EQUOTA);
  cr_assert_eq(admit(q, 100, 0, 1, start + retry + 10000, &retry), 0, "after the time that it said");
  qun_quota_unref(q);
  qun_quotas_destroy(table);
}

Test(host_engine_quota, charges_handler_time_after_it_was_taken) {
  struct qun_quotas *table = qun_quotas_create();
  struct qun_quota *q = qun_quota_ref(table, "acme");
  struct qun_quota_use use;
  int64_t retry;
  cr_assert_eq(admit(q, 0, 50, 10, start, &retry), 0);
  qun_quota_charge(q, 100000); /* two seconds' worth */
  cr_assert_eq(admit(q, 0, 50, 10, start, &retry), QUN_EQUOTA);
  cr_assert_eq(retry, 1);
  qun_quota_charge(q, 50000);
  cr_assert_eq(admit(q, 0, 50, 10, start, &retry), QUN_EQUOTA);
  cr_assert_eq(retry, 1001);
  cr_assert_eq(admit(q, 0, 50, 10, start + 1001, &retry), 0);
  qun_quota_used(q, &use);
  cr_assert_eq(use.handler_us, 150000);
  cr_assert_eq(use.refused_handler, 2);
  qun_quota_unref(q);
  qun_quotas_destroy(table);
}

Test(host_engine_quota, a_clock_that_goes_back_neither_gives_nor_takes) {
  struct qun_quotas *table = qun_quotas_create();
  struct qun_quota *q = qun_quota_ref(table, "acme");
  int64_t retry;
  cr_assert_eq(admit(q, 10, 0, 20, start, &retry), 0);
  cr_assert_eq(admit(q, 10, 0, 1, start, &retry), QUN_EQUOTA);
  cr_assert_eq(admit(q, 10, 0, 1, start - 3600000, &retry), QUN_EQUOTA);
  cr_assert_eq(retry, 1);
  cr_assert_eq(admit(q, 10, 0, 1, start - 3600000 + 200, &retry), 0);
  qun_quota_unref(q);
  qun_quotas_destroy(table);
}

Test(host_engine_quota, keeps_what_was_used_until_the_tenant_is_gone) {
  struct qun_quotas *table = qun_quotas_create();
  struct qun_quota *q = qun_quota_ref(table, "acme");
  struct qun_quota_use use;
  int64_t retry;
  cr_assert_eq(admit(q, 10, 0, 500, start, &retry), 0);
  qun_quota_charge(q, 7);
  qun_quota_unref(q); /* the store was closed */
  q = qun_quota_ref(table, "acme");
  cr_assert_eq(admit(q, 10, 0, 1, start, &retry), QUN_EQUOTA);
  qun_quotas_drop(table, "acme"); /* deleted while somebody still has it */
  struct qun_quota *next = qun_quota_ref(table, "acme");
  cr_assert_neq(next, q);
  cr_assert_eq(admit(next, 10, 0, 1, start, &retry), 0);
  qun_quota_unref(q);
  qun_quota_unref(next);
  qun_quotas_used(table, &use);
  cr_assert_eq(use.handler_us, 7);
  cr_assert_eq(use.refused_events, 1);
  qun_quotas_destroy(table);
}

Test(host_engine_quota, a_new_limit_begins_with_a_full_bucket_and_none_admits_all) {
  struct qun_quotas *table = qun_quotas_create();
  struct qun_quota *q = qun_quota_ref(table, "acme");
  int64_t retry;
  for (int i = 0; i < 100; i++) cr_assert_eq(admit(q, 0, 0, 100000, start, &retry), 0);
  cr_assert_eq(admit(q, 10, 0, 20, start, &retry), 0);
  cr_assert_eq(admit(q, 10, 0, 1, start, &retry), QUN_EQUOTA);
  cr_assert_eq(admit(q, 0, 0, 100000, start, &retry), 0);
  cr_assert_eq(admit(q, UINT64_C(1) << 40, 0, UINT32_MAX, start, &retry), 0);
  cr_assert_eq(admit(q, UINT64_C(1) << 40, 0, UINT32_MAX, INT64_MAX / 4, &retry), 0, "no overflow");
  qun_quota_unref(q);
  qun_quotas_destroy(table);
}
