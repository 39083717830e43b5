/* SPDX-License-Identifier: Apache-2.0 */
/* qun.store/1 and /2: the plugin's keyspace through the batch's overlay. */
#include "host/engine/services_call.h"

enum { KEY_MAX = 400, VALUE_MAX = 16 << 20 };

static unsigned table_of(const struct qun_host *host) {
  const struct qun_instance *in = host->ctx;
  return QUN_TABLE_PLUGIN + in->number;
}

/* A stored value begins with its owner's number as a variable-length integer, so that an erasure finds the rows of a
 * member. */
static size_t owner_write(unsigned char out[10], uint64_t owner) {
  size_t n = 0;
  while (owner >= 0x80) {
    out[n++] = (unsigned char)(owner | 0x80);
    owner >>= 7;
  }
  out[n++] = (unsigned char)owner;
  return n;
}

static qun_slice without_owner(qun_slice stored) {
  const unsigned char *p = stored.ptr;
  size_t n = 0;
  while (n < stored.len && n < 10 && (p[n] & 0x80)) n++;
  return qun_slice_of(p + n + 1, (size_t)stored.len - n - 1);
}

static int store_get(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice *value) {
  struct qun_scope *scope = qun__scope_of(host, tenant);
  qun_slice stored;
  if (!scope || !scope->view) return QUN_EDENIED; /* a pure service has no keyspace */
  if (key.len == 0 || key.len > KEY_MAX) return QUN_EINVAL;
  int rc = qun_view_get(scope->view, table_of(host), key, &stored);
  if (rc < 0) return rc;
  if (stored.len == 0) return QUN_EFAIL;
  *value = without_owner(stored);
  return 0;
}

static int store_put(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice value, uint64_t owner) {
  struct qun_scope *scope = qun__scope_of(host, tenant);
  unsigned char head[10];
  if (!scope || !scope->batch) return QUN_EDENIED;
  if (key.len == 0 || key.len > KEY_MAX || value.len > VALUE_MAX) return QUN_EINVAL;
  return qun_overlay_put_parts(scope->view->overlay, table_of(host), key, qun_slice_of(head, owner_write(head, owner)),
                               value);
}

static int store_del(const struct qun_host *host, qun_handle tenant, qun_slice key) {
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope || !scope->batch) return QUN_EDENIED;
  if (key.len == 0 || key.len > KEY_MAX) return QUN_EINVAL;
  return qun_batch_del(scope->batch, table_of(host), key);
}

static int store_scan(const struct qun_host *host, qun_handle tenant, qun_slice prefix, qun_slice after,
                      struct qun_pair *pairs, uint32_t cap, uint32_t *count) {
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope || !scope->view) return QUN_EDENIED;
  if (prefix.len > KEY_MAX || after.len > KEY_MAX) return QUN_EINVAL;
  *count = 0;
  int rc = qun_view_scan(scope->view, table_of(host), prefix, after, pairs, cap, count);
  for (uint32_t i = 0; rc == 0 && i < *count; i++) pairs[i].value = without_owner(pairs[i].value);
  return rc;
}

const struct qun_store_v1 qun__store_v1 = {
    .struct_size = sizeof qun__store_v1, .get = store_get, .put = store_put, .del = store_del, .scan = store_scan};

/* ---------------------------------------------------------------- many at once */

static bool key_fits(qun_slice key) {
  return key.len > 0 && key.len <= KEY_MAX;
}

static int store_get_many(const struct qun_host *host, qun_handle tenant, const qun_slice *keys, uint32_t count,
                          qun_slice *values) {
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope || !scope->view) return QUN_EDENIED;
  if (count > QUN_STORE_MANY) return QUN_EINVAL;
  for (uint32_t i = 0; i < count; i++) {
    if (!key_fits(keys[i])) return QUN_EINVAL;
  }
  for (uint32_t i = 0; i < count; i++) {
    qun_slice stored;
    int rc = qun_view_get(scope->view, table_of(host), keys[i], &stored);
    if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
    values[i] = rc < 0 || stored.len == 0 ? (qun_slice){NULL, 0} : without_owner(stored);
  }
  return 0;
}

/* 0; QUN_ECONFLICT: the keyspace is not as the step expects it. */
static int expect(const struct qun_scope *scope, unsigned table, const struct qun_store_op *op) {
  qun_slice stored;
  int rc = qun_view_get(scope->view, table, op->key, &stored);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (op->kind == QUN_STORE_ABSENT) return rc == QUN_ENOTFOUND ? 0 : QUN_ECONFLICT;
  return rc == 0 && stored.len > 0 && qun_slice_eq(without_owner(stored), op->value) ? 0 : QUN_ECONFLICT;
}

static int store_batch(const struct qun_host *host, qun_handle tenant, const struct qun_store_op *ops, uint32_t count) {
  struct qun_scope *scope = qun__scope_of(host, tenant);
  unsigned table = table_of(host);
  int rc = 0;
  if (!scope || !scope->batch) return QUN_EDENIED;
  if (count > QUN_STORE_MANY) return QUN_EINVAL;
  for (uint32_t i = 0; i < count; i++) {
    if (!key_fits(ops[i].key) || ops[i].value.len > VALUE_MAX || ops[i].kind < QUN_STORE_PUT ||
        ops[i].kind > QUN_STORE_ABSENT)
      return QUN_EINVAL;
  }
  for (uint32_t i = 0; rc == 0 && i < count; i++) {
    if (ops[i].kind >= QUN_STORE_EXPECT) rc = expect(scope, table, &ops[i]);
  }
  uint32_t mark = qun_overlay_mark(scope->view->overlay);
  for (uint32_t i = 0; rc == 0 && i < count; i++) {
    if (ops[i].kind == QUN_STORE_PUT) rc = store_put(host, tenant, ops[i].key, ops[i].value, ops[i].owner);
    if (ops[i].kind == QUN_STORE_DEL) rc = store_del(host, tenant, ops[i].key);
  }
  if (rc < 0) qun_overlay_undo(scope->view->overlay, mark);
  return rc;
}

const struct qun_store_v2 qun__store_v2 = {.struct_size = sizeof qun__store_v2,
                                           .get = store_get,
                                           .put = store_put,
                                           .del = store_del,
                                           .scan = store_scan,
                                           .get_many = store_get_many,
                                           .batch = store_batch};
