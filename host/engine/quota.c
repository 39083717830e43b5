/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/quota.h"

#include <pthread.h>
#include <qun/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

/* Tokens are thousandths of an event, or microseconds of handler time: a second of `rate` makes 1000 * rate of both. */
struct bucket {
  int64_t tokens;
  int64_t at_ms; /* when it was filled last */
  uint64_t rate; /* it was filled for; 0: it is full */
};

struct qun_quota {
  char tenant[64];
  struct qun_quotas *table;
  uint32_t refs; /* guarded by the table's lock, as `dropped` */
  bool dropped;
  pthread_mutex_t lock; /* guards all below */
  struct bucket events, handler;
  struct qun_quota_use use;
  UT_hash_handle hh;
};

struct qun_quotas {
  pthread_mutex_t lock;
  struct qun_quota *all;
  struct qun_quota_use past; /* of tenants that are gone */
};

/* ---------------------------------------------------------------- the table */

struct qun_quotas *qun_quotas_create(void) {
  struct qun_quotas *q = calloc(1, sizeof *q);
  if (q) pthread_mutex_init(&q->lock, NULL);
  return q;
}

static void quota_free(struct qun_quota *quota) {
  pthread_mutex_destroy(&quota->lock);
  free(quota);
}

void qun_quotas_destroy(struct qun_quotas *q) {
  struct qun_quota *quota, *next;
  if (!q) return;
  HASH_ITER(hh, q->all, quota, next) {
    HASH_DEL(q->all, quota);
    quota_free(quota);
  }
  pthread_mutex_destroy(&q->lock);
  free(q);
}

struct qun_quota *qun_quota_ref(struct qun_quotas *q, const char *tenant) {
  struct qun_quota *quota;
  pthread_mutex_lock(&q->lock);
  HASH_FIND_STR(q->all, tenant, quota);
  if (!quota && (quota = calloc(1, sizeof *quota)) != NULL) {
    snprintf(quota->tenant, sizeof quota->tenant, "%s", tenant);
    pthread_mutex_init(&quota->lock, NULL);
    quota->table = q;
    HASH_ADD_STR(q->all, tenant, quota);
  }
  if (quota) quota->refs++;
  pthread_mutex_unlock(&q->lock);
  return quota;
}

static void add_use(struct qun_quota_use *sum, struct qun_quota *quota) {
  struct qun_quota_use use;
  qun_quota_used(quota, &use);
  sum->handler_us += use.handler_us;
  sum->refused_events += use.refused_events;
  sum->refused_handler += use.refused_handler;
}

void qun_quota_unref(struct qun_quota *quota) {
  if (!quota) return;
  struct qun_quotas *q = quota->table;
  pthread_mutex_lock(&q->lock);
  bool last = --quota->refs == 0 && quota->dropped;
  if (last) add_use(&q->past, quota);
  pthread_mutex_unlock(&q->lock);
  if (last) quota_free(quota);
}

void qun_quotas_drop(struct qun_quotas *q, const char *tenant) {
  struct qun_quota *quota;
  pthread_mutex_lock(&q->lock);
  HASH_FIND_STR(q->all, tenant, quota);
  if (quota) {
    HASH_DEL(q->all, quota);
    quota->dropped = true;
  }
  bool unused = quota && quota->refs == 0;
  if (unused) add_use(&q->past, quota);
  pthread_mutex_unlock(&q->lock);
  if (unused) quota_free(quota);
}

/* ---------------------------------------------------------------- buckets; with the quota's lock held */

static void fill(struct bucket *b, uint64_t rate, int64_t now_ms) {
  int64_t most = (int64_t)rate * 1000 * QUN_QUOTA_BURST_S;
  if (b->rate != rate) { /* the first look, or the limit is new */
    *b = (struct bucket){.tokens = most, .at_ms = now_ms, .rate = rate};
    return;
  }
  if (now_ms > b->at_ms) {
    /* from deep below zero it takes long: no overflow, as both factors are bounded here */
    int64_t past = now_ms - b->at_ms, need = most > b->tokens ? most - b->tokens : 0;
    b->tokens = past > need / (int64_t)rate ? most : b->tokens + past * (int64_t)rate;
  }
  if (b->tokens > most) b->tokens = most;
  b->at_ms = now_ms; /* a clock that goes back gives nothing and takes nothing */
}

/* 0, or in how many ms the bucket is above zero. */
static int64_t wait_of(struct bucket *b, uint64_t rate, int64_t now_ms) {
  if (!rate) {
    b->rate = 0;
    return 0;
  }
  fill(b, rate, now_ms);
  return b->tokens > 0 ? 0 : -b->tokens / (int64_t)rate + 1;
}

int qun_quota_admit(struct qun_quota *quota, const struct qun_quota_limits *limits, uint32_t events, int64_t now_ms,
                    int64_t *retry_ms, struct qun_error *err) {
  if (!limits->events_s && !limits->handler_ms) return 0;
  pthread_mutex_lock(&quota->lock);
  int64_t events_wait = wait_of(&quota->events, limits->events_s, now_ms);
  int64_t handler_wait = wait_of(&quota->handler, limits->handler_ms, now_ms);
  if (events_wait) quota->use.refused_events++;
  if (handler_wait) quota->use.refused_handler++;
  if (!events_wait && !handler_wait && limits->events_s) quota->events.tokens -= (int64_t)events * 1000;
  pthread_mutex_unlock(&quota->lock);
  if (!events_wait && !handler_wait) return 0;
  *retry_ms = events_wait > handler_wait ? events_wait : handler_wait;
  if (events_wait >= handler_wait)
    return qun_error_set(err, QUN_EQUOTA,
                         "tenant %s: its quota of %llu events a second is used up; try again in %lld ms", quota->tenant,
                         (unsigned long long)limits->events_s, (long long)*retry_ms);
  return qun_error_set(err, QUN_EQUOTA,
                       "tenant %s: its quota of %llu ms of handler time a second is used up; try again in %lld ms",
                       quota->tenant, (unsigned long long)limits->handler_ms, (long long)*retry_ms);
}

void qun_quota_return(struct qun_quota *quota, const struct qun_quota_limits *limits, uint32_t events) {
  if (!limits->events_s) return;
  pthread_mutex_lock(&quota->lock);
  quota->events.tokens += (int64_t)events * 1000;
  pthread_mutex_unlock(&quota->lock);
}

void qun_quota_charge(struct qun_quota *quota, uint64_t handler_us) {
  pthread_mutex_lock(&quota->lock);
  quota->use.handler_us += handler_us;
  if (quota->handler.rate) quota->handler.tokens -= (int64_t)handler_us;
  pthread_mutex_unlock(&quota->lock);
}

void qun_quota_used(struct qun_quota *quota, struct qun_quota_use *out) {
  pthread_mutex_lock(&quota->lock);
  *out = quota->use;
  pthread_mutex_unlock(&quota->lock);
}

void qun_quotas_used(struct qun_quotas *q, struct qun_quota_use *out) {
  pthread_mutex_lock(&q->lock);
  *out = q->past;
  for (struct qun_quota *quota = q->all; quota; quota = quota->hh.next) add_use(out, quota);
  pthread_mutex_unlock(&q->lock);
}
