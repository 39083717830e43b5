/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas: what intake may bring is decided before the journal, so that applying it cannot fail for them (DECISIONS 2). */
#include "host/engine/internal.h"
#include "tenants/members.h"

/* DECISIONS 20: the byte quota is checked at admission; the map's reserve belongs to what is already acknowledged. A
   smaller quota counts at once, a larger one as soon as the store's map could grow. */
static int admit_bytes(struct qun_tenant *t, const struct qun_config *config, struct qun_error *err) {
  qun_store_grow(t->store, config->quota_bytes);
  uint64_t used = qun_store_bytes(t->store), quota = t->store->quota_bytes;
  if (config->quota_bytes < quota) quota = config->quota_bytes;
  if (used < quota) return 0;
  return qun_error_set(err, QUN_EQUOTA, "tenant %s: its byte quota is used up (%llu of %llu bytes)", t->name,
                       (unsigned long long)used, (unsigned long long)quota);
}

static bool is_new(const struct qun_view *v, const struct qun_input *in) {
  uint64_t number;
  return in->has_member && qun_member_find(v, in->member, &number) == QUN_ENOTFOUND;
}

/* Members that are known may always speak. What waits to be applied may bring some more than the quota. */
static int admit_members(struct qun_tenant *t, uint64_t quota, const struct qun_input_batch *batch,
                         struct qun_error *err) {
  struct qun_view v;
  struct qun_head head;
  if (!quota) return 0;
  int rc = qun_view_begin(&v, t->store, err);
  if (rc < 0) return rc;
  if (qun_head_read(&v, &head) < 0)
    rc = qun_error_set(err, QUN_ECONFLICT, "tenant %s: the store's head is damaged", t->name);
  for (uint32_t i = 0; rc == 0 && head.members >= quota && i < batch->count; i++) {
    if (is_new(&v, &batch->items[i]))
      rc = qun_error_set(err, QUN_EQUOTA, "tenant %s: it has as many members as its quota allows (%llu)", t->name,
                         (unsigned long long)quota);
  }
  qun_view_end(&v);
  return rc;
}

static struct qun_quota_limits limits_of(const struct qun_config *config) {
  return (struct qun_quota_limits){.events_s = config->quota_events_s, .handler_ms = config->quota_handler_ms};
}

int qun__admit(struct qun_engine *e, struct qun_tenant *t, const struct qun_input_batch *batch, struct qun_error *err) {
  struct qun_config *config = qun_tenant_config(t);
  struct qun_quota_limits limits = limits_of(config);
  int64_t retry_ms = 0;
  int rc = admit_bytes(t, config, err);
  if (rc == 0) rc = admit_members(t, config->quota_members, batch, err);
  qun_config_unref(config);
  if (rc == 0) rc = qun_quota_admit(t->quota, &limits, batch->count, qun_engine_now(e), &retry_ms, err);
  if (retry_ms && err) err->retry_ms = retry_ms > INT32_MAX ? INT32_MAX : (unsigned)retry_ms;
  return rc;
}

void qun__admit_return(struct qun_tenant *t, uint32_t events) {
  struct qun_config *config = qun_tenant_config(t);
  struct qun_quota_limits limits = limits_of(config);
  qun_config_unref(config);
  qun_quota_return(t->quota, &limits, events);
}

void qun_engine_quota_metrics(struct qun_engine *e, struct qun_engine_quota_use *out) {
  struct qun_quota_use use;
  struct qun_tenant_pool_counts pool;
  qun_quotas_used(e->quotas, &use);
  qun_tenant_pool_count(e->pool, &pool);
  *out = (struct qun_engine_quota_use){.refused_events = use.refused_events,
                                       .refused_handler = use.refused_handler,
                                       .handler_us = use.handler_us,
                                       .open = pool.open,
                                       .opened = pool.opened};
}
