/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas of an engine's tenants, by a clock that the test moves. */
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static int64_t moved(void *arg) {
  return atomic_load((_Atomic int64_t *)arg);
}

static void set(struct bed *b, const char *key, const char *value) {
  struct qun_error err = {0};
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_cstr(&p, key, value);
  cr_assert_eq(qun_engine_tenant_set(b->engine, "acme", qun_pack_slice(&p), &err), 0, "%s", err.message);
  qun_pack_fini(&p);
}

struct answer {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  bool done;
  struct qun_submit_result result;
};

static void answered(void *arg, const struct qun_submit_result *result) {
  struct answer *a = arg;
  pthread_mutex_lock(&a->lock);
  a->result = *result;
  a->done = true;
  pthread_cond_signal(&a->cond);
  pthread_mutex_unlock(&a->lock);
}

/* Sends `n` events of members from `from` on; what was answered. */
static int send(struct bed *b, uint32_t from, uint32_t n, struct qun_error *err) {
  struct answer a = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_pack p;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  cr_assert_eq(qun_engine_normaliser_open(b->engine, "acme", &norm, err), 0, "%s", err->message);
  for (uint32_t i = from; i < from + n; i++) {
    char text[24];
    qun_pack_clear(&p);
    qun_pack_map(&p, 4);
    snprintf(text, sizeof text, "e%u", i);
    qun_pack_kv_cstr(&p, "id", text);
    qun_pack_kv_cstr(&p, "source", "test");
    qun_pack_kv_cstr(&p, "type", "join");
    qun_pack_kv_cstr(&p, "member", text);
    cr_assert_eq(qun_normalise(norm, &in, qun_pack_slice(&p), err), 0, "%s", err->message);
  }
  qun_engine_normaliser_close(b->engine, norm);
  int rc = qun_engine_submit(b->engine, "acme", &in, answered, &a, err);
  if (rc == 0) {
    pthread_mutex_lock(&a.lock);
    while (!a.done) pthread_cond_wait(&a.cond, &a.lock);
    pthread_mutex_unlock(&a.lock);
    cr_assert_eq(a.result.accepted, n);
  }
  qun_input_batch_fini(&in);
  qun_pack_fini(&p);
  return rc;
}

static void begin(struct bed *b, _Atomic int64_t *now) {
  atomic_store(now, 1600000000000);
  bed_live(b, 1, moved, now);
  bed_tenant(b, "acme", false);
}

Test(host_engine_admit, refuses_events_past_the_rate_and_says_when) {
  struct bed b;
  _Atomic int64_t now;
  struct qun_error err = {0};
  begin(&b, &now);
  cr_assert_eq(send(&b, 0, 500, &err), 0);
  set(&b, "quota_events_s", "10");
  cr_assert_eq(send(&b, 500, 50, &err), 0);
  cr_assert_eq(send(&b, 550, 1, &err), QUN_EQUOTA);
  cr_assert_eq(err.retry_ms, 3001, "30 events too many, got %u", err.retry_ms);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 550, "nothing of it is in");
  atomic_fetch_add(&now, 3001);
  cr_assert_eq(send(&b, 550, 1, &err), 0);
  cr_assert_eq(bed_int(&b, "acme", "quota", "refused_events_s"), 1);
  cr_assert_eq(bed_int(&b, "acme", "quota", "quota_events_s"), 10);
  set(&b, "quota_events_s", "0");
  cr_assert_eq(send(&b, 551, 500, &err), 0);
  bed_remove(&b);
}

Test(host_engine_admit, charges_the_time_that_handlers_take) {
  struct bed b;
  _Atomic int64_t now;
  struct qun_error err = {0};
  struct qun_engine_quota_use use;
  uint32_t n = 0;
  int rc;
  begin(&b, &now);
  set(&b, "quota_handler_ms", "1");
  while ((rc = send(&b, n, 500, &err)) == 0) n += 500; /* the clock stands still: it must end */
  cr_assert_eq(rc, QUN_EQUOTA);
  cr_assert_gt(err.retry_ms, 0);
  cr_assert_gt(n, 0);
  atomic_fetch_add(&now, err.retry_ms);
  cr_assert_eq(send(&b, n, 1, &err), 0);
  qun_engine_quota_metrics(b.engine, &use);
  cr_assert_geq(use.handler_us, 2000);
  cr_assert_eq(use.refused_handler, 1);
  bed_remove(&b);
}

Test(host_engine_admit, lets_known_members_speak_when_no_more_may_come) {
  struct bed b;
  _Atomic int64_t now;
  struct qun_error err = {0};
  begin(&b, &now);
  cr_assert_eq(send(&b, 0, 20, &err), 0);
  set(&b, "quota_members", "20");
  cr_assert_eq(send(&b, 20, 1, &err), QUN_EQUOTA);
  cr_assert_eq(err.retry_ms, 0, "waiting does not help");
  cr_assert_eq(bed_int(&b, "acme", "members", NULL), 20);
  struct qun_submit_result r = bed_say(&b, "acme", "x", "e7", "hello");
  cr_assert_eq(r.accepted, 1);
  bed_remove(&b);
}

Test(host_engine_admit, refuses_numbers_out_of_bounds) {
  struct bed b;
  _Atomic int64_t now;
  struct qun_error err = {0};
  static const char *const bad[][2] = {{"weight", "0"},
                                       {"weight", "101"},
                                       {"quota_handler_ms", "1001"},
                                       {"weight", "x"}};
  begin(&b, &now);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct qun_pack p;
    qun_pack_init(&p);
    qun_pack_map(&p, 1);
    qun_pack_kv_cstr(&p, bad[i][0], bad[i][1]);
    cr_assert_eq(qun_engine_tenant_set(b.engine, "acme", qun_pack_slice(&p), &err), QUN_EINVAL);
    qun_pack_fini(&p);
  }
  set(&b, "weight", "100");
  cr_assert_eq(bed_int(&b, "acme", "quota", "weight"), 100);
  bed_remove(&b);
}
