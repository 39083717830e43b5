/* SPDX-License-Identifier: Apache-2.0 */
/* Whose callback runs, and qun.store/1 and /2, as a plugin under test meets them. */
#include "fake_internal.h"

enum { KEY_MAX = 400, VALUE_MAX = 16 << 20 };

static struct qun__fake_plugin *plugin_of(const struct qun_host *host) {
  return host->ctx;
}

/* The frame of a callback of this plugin for this tenant; NULL with the message set. */
struct qun__fake_frame *qun__fake_frame_of(const struct qun_host *host, qun_handle tenant, const char *what) {
  struct qun__fake_plugin *p = plugin_of(host);
  struct qun__fake_frame *frame = p->f->frame;
  if (!frame || frame->plugin != p) {
    qun__fake_fail(p->f, QUN_EDENIED, "%s outside a callback of %s", what, p->id);
    return NULL;
  }
  if (frame->tenant->handle != tenant) {
    qun__fake_fail(p->f, QUN_EDENIED, "%s with a tenant handle that is not this callback's", what);
    return NULL;
  }
  return frame;
}

struct qun__fake_frame *qun__fake_handler_of(const struct qun_host *host, qun_handle tenant, const char *what) {
  struct qun__fake_frame *frame = qun__fake_frame_of(host, tenant, what);
  if (!frame || frame->mode == QUN_MODE_EVENT || frame->mode == QUN_MODE_TIMER) return frame;
  qun__fake_fail(plugin_of(host)->f, QUN_EDENIED, "%s outside on_event and on_timer", what);
  return NULL;
}

struct qun__fake_frame *qun__fake_reader_of(const struct qun_host *host, qun_handle tenant, const char *what) {
  struct qun__fake_frame *frame = qun__fake_frame_of(host, tenant, what);
  if (!frame || !frame->pure) return frame;
  qun__fake_fail(plugin_of(host)->f, QUN_EDENIED, "%s in a service that the manifest calls pure", what);
  return NULL;
}

static struct qun__fake_space *space_of(const struct qun__fake_frame *frame) {
  return qun__fake_space_of(frame->tenant, frame->plugin);
}

static int store_get(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice *value) {
  struct qun__fake_frame *frame = qun__fake_reader_of(host, tenant, "store.get");
  bool found;
  if (!frame) return QUN_EDENIED;
  if (key.len < 1 || key.len > KEY_MAX)
    return qun__fake_fail(plugin_of(host)->f, QUN_EINVAL, "store.get: a key has 1 to 400 bytes");
  struct qun__fake_table *t = &space_of(frame)->store;
  size_t at = qun__fake_table_seek(t, key, &found);
  if (!found) return QUN_ENOTFOUND;
  *value = qun__fake_copy(&frame->lent, qun__fake_cell_value(t->cells[at]));
  return 0;
}

static int store_put(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice value, uint64_t owner) {
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "store.put");
  if (!frame) return QUN_EDENIED;
  if (key.len < 1 || key.len > KEY_MAX)
    return qun__fake_fail(plugin_of(host)->f, QUN_EINVAL, "store.put: a key has 1 to 400 bytes");
  if (value.len > VALUE_MAX)
    return qun__fake_fail(plugin_of(host)->f, QUN_EINVAL, "store.put: a value has up to 16 MiB");
  qun__fake_table_put(&space_of(frame)->store, key, value, owner);
  return 0;
}

static int store_del(const struct qun_host *host, qun_handle tenant, qun_slice key) {
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "store.del");
  if (!frame) return QUN_EDENIED;
  qun__fake_table_del(&space_of(frame)->store, key);
  return 0;
}

static int store_scan(const struct qun_host *host, qun_handle tenant, qun_slice prefix, qun_slice after,
                      struct qun_pair *pairs, uint32_t cap, uint32_t *count) {
  struct qun__fake_frame *frame = qun__fake_reader_of(host, tenant, "store.scan");
  bool found;
  uint32_t n = 0;
  if (!frame) return QUN_EDENIED;
  struct qun__fake_table *t = &space_of(frame)->store;
  size_t at = qun__fake_table_seek(t, qun_slice_cmp(after, prefix) > 0 ? after : prefix, &found);
  if (found && after.len && qun_slice_eq(qun__fake_cell_key(t->cells[at]), after)) at++;
  for (; at < t->count && n < cap; at++) {
    qun_slice key = qun__fake_cell_key(t->cells[at]);
    if (key.len < prefix.len || (prefix.len && memcmp(key.ptr, prefix.ptr, (size_t)prefix.len) != 0)) break;
    pairs[n].key = qun__fake_copy(&frame->lent, key);
    pairs[n].value = qun__fake_copy(&frame->lent, qun__fake_cell_value(t->cells[at]));
    n++;
  }
  *count = n;
  return 0;
}

const struct qun_store_v1 qun__fake_store_1 = {.struct_size = sizeof(struct qun_store_v1),
                                               .get = store_get,
                                               .put = store_put,
                                               .del = store_del,
                                               .scan = store_scan};

/* ---------------------------------------------------------------- many at once */

static int store_get_many(const struct qun_host *host, qun_handle tenant, const qun_slice *keys, uint32_t count,
                          qun_slice *values) {
  struct qun_fake *f = plugin_of(host)->f;
  struct qun__fake_frame *frame = qun__fake_reader_of(host, tenant, "store.get_many");
  if (!frame) return QUN_EDENIED;
  if (count > QUN_STORE_MANY) return qun__fake_fail(f, QUN_EINVAL, "store.get_many: at most %d keys", QUN_STORE_MANY);
  for (uint32_t i = 0; i < count; i++)
    if (keys[i].len < 1 || keys[i].len > KEY_MAX)
      return qun__fake_fail(f, QUN_EINVAL, "store.get_many: a key has 1 to 400 bytes");
  for (uint32_t i = 0; i < count; i++) {
    values[i] = qun_slice_of(NULL, 0);
    if (store_get(host, tenant, keys[i], &values[i]) == 0 && !values[i].ptr) values[i].ptr = "";
  }
  return 0;
}

/* 0 or why the batch may not begin. */
static int check_op(struct qun_fake *f, struct qun__fake_table *t, const struct qun_store_op *op) {
  bool found;
  if (op->key.len < 1 || op->key.len > KEY_MAX)
    return qun__fake_fail(f, QUN_EINVAL, "store.batch: a key has 1 to 400 bytes");
  if (op->value.len > VALUE_MAX) return qun__fake_fail(f, QUN_EINVAL, "store.batch: a value has up to 16 MiB");
  if (op->kind < QUN_STORE_PUT || op->kind > QUN_STORE_ABSENT)
    return qun__fake_fail(f, QUN_EINVAL, "store.batch: there is no step of kind %u", op->kind);
  size_t at = qun__fake_table_seek(t, op->key, &found);
  if (op->kind == QUN_STORE_ABSENT && found)
    return qun__fake_fail(f, QUN_ECONFLICT, "store.batch: a key is there that must not be");
  if (op->kind == QUN_STORE_EXPECT && !(found && qun_slice_eq(qun__fake_cell_value(t->cells[at]), op->value)))
    return qun__fake_fail(f, QUN_ECONFLICT, "store.batch: a key does not have the value that is expected");
  return 0;
}

static int store_batch(const struct qun_host *host, qun_handle tenant, const struct qun_store_op *ops, uint32_t count) {
  struct qun_fake *f = plugin_of(host)->f;
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "store.batch");
  int rc = 0;
  if (!frame) return QUN_EDENIED;
  if (count > QUN_STORE_MANY) return qun__fake_fail(f, QUN_EINVAL, "store.batch: at most %d steps", QUN_STORE_MANY);
  struct qun__fake_table *t = &space_of(frame)->store;
  for (uint32_t i = 0; i < count && rc == 0; i++) rc = check_op(f, t, &ops[i]);
  for (uint32_t i = 0; i < count && rc == 0; i++) {
    if (ops[i].kind == QUN_STORE_PUT) qun__fake_table_put(t, ops[i].key, ops[i].value, ops[i].owner);
    if (ops[i].kind == QUN_STORE_DEL) qun__fake_table_del(t, ops[i].key);
  }
  return rc;
}

const struct qun_store_v2 qun__fake_store_2 = {.struct_size = sizeof(struct qun_store_v2),
                                               .get = store_get,
                                               .put = store_put,
                                               .del = store_del,
                                               .scan = store_scan,
                                               .get_many = store_get_many,
                                               .batch = store_batch};
