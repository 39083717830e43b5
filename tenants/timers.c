/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/timers.h"

enum { KEY_MAX = 1 + 8 + 32 + 1 + QUN_TIMER_NAME_MAX };

static qun_slice name_key(unsigned char *key, qun_slice plugin, qun_slice name) {
  size_t n = 0;
  key[n++] = 'n';
  memcpy(key + n, plugin.ptr, (size_t)plugin.len);
  n += (size_t)plugin.len;
  key[n++] = 0;
  if (name.len) memcpy(key + n, name.ptr, (size_t)name.len);
  return qun_slice_of(key, n + (size_t)name.len);
}

static qun_slice due_key(unsigned char key[KEY_MAX], int64_t due, qun_slice plugin, qun_slice name) {
  qun_slice tail = name_key(key + 8, plugin, name); /* its 'n' is overwritten by the due time's last byte */
  key[0] = 'd';
  qun_be64_signed(key + 1, due);
  return qun_slice_of(key, 8 + (size_t)tail.len);
}

static bool valid(qun_slice plugin, qun_slice name) {
  return plugin.len <= 31 && name.len >= 1 && name.len <= QUN_TIMER_NAME_MAX && !memchr(name.ptr, 0, (size_t)name.len);
}

int qun_timer_cancel(struct qun_batch *b, const char *plugin, qun_slice name) {
  unsigned char key[KEY_MAX], due[KEY_MAX];
  qun_slice value, id = qun_str(plugin);
  if (!valid(id, name)) return QUN_EINVAL;
  qun_slice at = name_key(key, id, name);
  int rc = qun_view_get(&b->view, QUN_TABLE_TIMERS, at, &value);
  if (rc == QUN_ENOTFOUND) return 0;
  if (rc < 0 || value.len != 8) return QUN_EFAIL;
  rc = qun_batch_del(b, QUN_TABLE_TIMERS, due_key(due, qun_be64_signed_read(value.ptr), id, name));
  return rc < 0 ? rc : qun_batch_del(b, QUN_TABLE_TIMERS, at);
}

int qun_timer_set(struct qun_batch *b, const char *plugin, qun_slice name, int64_t due_ms, qun_slice data) {
  unsigned char key[KEY_MAX], value[8];
  qun_slice id = qun_str(plugin);
  int rc = qun_timer_cancel(b, plugin, name);
  if (rc < 0) return rc;
  qun_be64_signed(value, due_ms);
  rc = qun_batch_put(b, QUN_TABLE_TIMERS, name_key(key, id, name), qun_slice_of(value, 8));
  return rc < 0 ? rc : qun_batch_put(b, QUN_TABLE_TIMERS, due_key(key, due_ms, id, name), data);
}

static int read_row(const struct qun_pair *pair, struct qun_timer_row *row) {
  const unsigned char *key = pair->key.ptr;
  const unsigned char *end = key + pair->key.len;
  const unsigned char *zero = pair->key.len > 9 ? memchr(key + 9, 0, (size_t)pair->key.len - 9) : NULL;
  if (!zero) return QUN_EFAIL;
  row->due_ms = qun_be64_signed_read(key + 1);
  row->plugin = qun_slice_of(key + 9, (size_t)(zero - key - 9));
  row->name = qun_slice_of(zero + 1, (size_t)(end - zero - 1));
  row->data = pair->value;
  return 0;
}

int qun_timer_next(const struct qun_view *v, const char *plugin, struct qun_timer_row *row) {
  struct qun_pair pair;
  qun_slice after = {NULL, 0};
  for (;;) {
    uint32_t n = 0;
    int rc = qun_view_scan(v, QUN_TABLE_TIMERS, qun_str("d"), after, &pair, 1, &n);
    if (rc < 0) return rc;
    if (n == 0) return QUN_ENOTFOUND;
    if (read_row(&pair, row) < 0) return QUN_EFAIL;
    if (!plugin || qun_slice_is(row->plugin, plugin)) return 0;
    after = pair.key;
  }
}

int qun_timer_cancel_all(struct qun_batch *b, const char *plugin) {
  unsigned char key[KEY_MAX];
  qun_slice prefix = name_key(key, qun_str(plugin), (qun_slice){NULL, 0});
  for (;;) {
    struct qun_pair pairs[64];
    uint32_t n = 0;
    int rc = qun_view_scan(&b->view, QUN_TABLE_TIMERS, prefix, (qun_slice){NULL, 0}, pairs, 64, &n);
    if (rc < 0 || n == 0) return rc;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
      const char *name = (const char *)pairs[i].key.ptr + prefix.len;
      rc = qun_timer_cancel(b, plugin, qun_slice_of(name, (size_t)(pairs[i].key.len - prefix.len)));
    }
    if (rc < 0) return rc;
  }
}
