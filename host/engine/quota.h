/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tenant may use a second: events, and handler time on its shard. Two buckets a tenant that fill with time up to
 * BURST seconds' worth and may fall below zero: a batch is admitted while they are above, however large it is, and what
 * it took too much is waited for. So a batch larger than a second's worth is not refused for ever, and handler time,
 * which is known only afterwards, is charged when it was taken.
 *
 * A table by name that outlasts the tenants' being open, so that closing a cold one refills nothing. Any thread.
 */
#ifndef QUN_HOST_ENGINE_QUOTA_H
#define QUN_HOST_ENGINE_QUOTA_H

#include "tenants/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { QUN_QUOTA_BURST_S = 2 };

struct qun_quotas;
struct qun_quota; /* of one tenant; lives until it is dropped */

struct qun_quota_limits {
  uint64_t events_s;   /* 0: no limit */
  uint64_t handler_ms; /* of a thread's time, a second; 0: no limit */
};

struct qun_quota_use {
  uint64_t handler_us;     /* taken since the start of the process */
  uint64_t refused_events; /* batches refused because of each */
  uint64_t refused_handler;
};

struct qun_quotas *qun_quotas_create(void);
/* NULL is fine. */
void qun_quotas_destroy(struct qun_quotas *q);
/* The tenant's entry, made with full buckets if it is not there; a reference. NULL: out of memory. */
struct qun_quota *qun_quota_ref(struct qun_quotas *q, const char *tenant);
/* NULL is fine. */
void qun_quota_unref(struct qun_quota *quota);
/* The tenant is gone: the next of that name begins anew. */
void qun_quotas_drop(struct qun_quotas *q, const char *tenant);

/* Takes `events` if both buckets are above zero. Else QUN_EQUOTA with a sentence, and *retry_ms says when to try again. */
int qun_quota_admit(struct qun_quota *quota, const struct qun_quota_limits *limits, uint32_t events, int64_t now_ms,
                    int64_t *retry_ms, struct qun_error *err);
/* Gives back what was admitted and then not queued. */
void qun_quota_return(struct qun_quota *quota, const struct qun_quota_limits *limits, uint32_t events);
/* Handler time that the tenant took. */
void qun_quota_charge(struct qun_quota *quota, uint64_t handler_us);
void qun_quota_used(struct qun_quota *quota, struct qun_quota_use *out);
/* Sums over all tenants since the start of the process. */
void qun_quotas_used(struct qun_quotas *q, struct qun_quota_use *out);

#endif
