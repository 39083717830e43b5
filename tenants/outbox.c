/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/outbox.h"

#include <qun/msgpack.h>

enum { KEY_MAX = 1 + 8 + 32 + 1 + QUN_OUTBOX_KEY_MAX };

static const char *const state_names[] = {
    [QUN_OUTBOX_HELD] = "held",     [QUN_OUTBOX_RELEASED] = "released", [QUN_OUTBOX_SENT] = "sent",
    [QUN_OUTBOX_FAILED] = "failed", [QUN_OUTBOX_BLOCKED] = "blocked",   [QUN_OUTBOX_CANCELLED] = "cancelled"};

const char *qun_outbox_state_name(enum qun_outbox_state state) {
  return state_names[state];
}

static qun_slice tail(unsigned char *at, size_t used, const unsigned char *from, qun_slice plugin, qun_slice key) {
  memcpy(at, plugin.ptr, (size_t)plugin.len);
  at[plugin.len] = 0;
  memcpy(at + plugin.len + 1, key.ptr, (size_t)key.len);
  return qun_slice_of(from, used + (size_t)plugin.len + 1 + (size_t)key.len);
}

static qun_slice row_key(unsigned char out[KEY_MAX], qun_slice plugin, qun_slice key) {
  out[0] = 'r';
  return tail(out + 1, 1, out, plugin, key);
}

static qun_slice due_key(unsigned char out[KEY_MAX], int64_t due, qun_slice plugin, qun_slice key) {
  out[0] = 'd';
  qun_be64_signed(out + 1, due);
  return tail(out + 9, 9, out, plugin, key);
}

static bool split(qun_slice bytes, size_t skip, struct qun_outbox_entry *e) {
  const unsigned char *from = (const unsigned char *)bytes.ptr + skip;
  const unsigned char *zero = bytes.len > skip ? memchr(from, 0, (size_t)bytes.len - skip) : NULL;
  if (!zero) return false;
  e->plugin = qun_slice_of(from, (size_t)(zero - from));
  e->key = qun_slice_of(zero + 1, (size_t)bytes.len - skip - (size_t)(zero - from) - 1);
  return true;
}

static int write_row(struct qun_batch *b, const struct qun_outbox_entry *e) {
  unsigned char key[KEY_MAX];
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 6);
  qun_pack_kv_int(&p, "state", e->state);
  qun_pack_kv_int(&p, "due", e->due_ms);
  qun_pack_kv_str(&p, "via", e->via);
  qun_pack_kv_str(&p, "target", e->target);
  qun_pack_cstr(&p, "body");
  if (e->body.len)
    qun_pack_raw(&p, e->body);
  else
    qun_pack_map(&p, 0);
  qun_pack_kv_int(&p, "seq", (int64_t)e->seq);
  int rc =
      p.failed ? QUN_EFAIL : qun_batch_put(b, QUN_TABLE_OUTBOX, row_key(key, e->plugin, e->key), qun_pack_slice(&p));
  qun_pack_fini(&p);
  if (rc == 0 && e->state == QUN_OUTBOX_RELEASED)
    rc = qun_batch_put(b, QUN_TABLE_OUTBOX, due_key(key, e->due_ms, e->plugin, e->key), (qun_slice){NULL, 0});
  return rc;
}

static int read_row(qun_slice value, struct qun_outbox_entry *e) {
  int64_t state = qun_mp_int(value, "state", 0);
  if (state < QUN_OUTBOX_HELD || state > QUN_OUTBOX_CANCELLED) return QUN_EFAIL;
  e->state = (enum qun_outbox_state)state;
  e->due_ms = qun_mp_int(value, "due", 0);
  e->seq = (uint64_t)qun_mp_int(value, "seq", 0);
  e->via = qun_mp_str(value, "via");
  e->target = qun_mp_str(value, "target");
  return qun_mp_find(value, "body", &e->body) ? 0 : QUN_EFAIL;
}

int qun_outbox_get(const struct qun_view *v, qun_slice plugin, qun_slice key, struct qun_outbox_entry *entry) {
  unsigned char name[KEY_MAX];
  qun_slice value;
  if (plugin.len > 31 || key.len == 0 || key.len > QUN_OUTBOX_KEY_MAX) return QUN_ENOTFOUND;
  int rc = qun_view_get(v, QUN_TABLE_OUTBOX, row_key(name, plugin, key), &value);
  if (rc < 0) return rc;
  entry->plugin = plugin;
  entry->key = key;
  return read_row(value, entry);
}

int qun_outbox_add(struct qun_batch *b, const struct qun_outbox_entry *entry) {
  struct qun_outbox_entry old;
  if (entry->plugin.len > 31 || entry->key.len == 0 || entry->key.len > QUN_OUTBOX_KEY_MAX || entry->via.len == 0 ||
      entry->via.len > 32 || entry->target.len > 200)
    return QUN_EINVAL;
  int rc = qun_outbox_get(&b->view, entry->plugin, entry->key, &old);
  if (rc != QUN_ENOTFOUND) return rc < 0 ? rc : QUN_ECONFLICT;
  return write_row(b, entry);
}

int qun_outbox_move(struct qun_batch *b, qun_slice plugin, qun_slice key, enum qun_outbox_state state) {
  unsigned char name[KEY_MAX];
  struct qun_outbox_entry e;
  int rc = qun_outbox_get(&b->view, plugin, key, &e);
  if (rc < 0) return rc;
  if (e.state != QUN_OUTBOX_HELD && e.state != QUN_OUTBOX_RELEASED) return QUN_ECONFLICT;
  if (e.state == QUN_OUTBOX_RELEASED) rc = qun_batch_del(b, QUN_TABLE_OUTBOX, due_key(name, e.due_ms, plugin, key));
  e.state = state;
  return rc < 0 ? rc : write_row(b, &e);
}

int qun_outbox_due(const struct qun_view *v, int64_t now_ms, struct qun_outbox_entry *entries, uint32_t cap,
                   uint32_t *count) {
  struct qun_pair pair;
  qun_slice after = {NULL, 0};
  *count = 0;
  while (*count < cap) {
    struct qun_outbox_entry e;
    uint32_t n = 0;
    int rc = qun_view_scan(v, QUN_TABLE_OUTBOX, qun_str("d"), after, &pair, 1, &n);
    if (rc < 0) return rc;
    if (n == 0 || pair.key.len < 10 || qun_be64_signed_read((const char *)pair.key.ptr + 1) > now_ms) return 0;
    after = pair.key;
    if (!split(pair.key, 9, &e)) return QUN_EFAIL;
    rc = qun_outbox_get(v, e.plugin, e.key, &entries[*count]);
    if (rc < 0) return rc;
    ++*count;
  }
  return 0;
}

int qun_outbox_each(const struct qun_view *v, int (*each)(void *, const struct qun_outbox_entry *), void *arg) {
  struct qun_pair pairs[64];
  qun_slice after = {NULL, 0};
  uint32_t n = 64;
  while (n == 64) {
    int rc = qun_view_scan(v, QUN_TABLE_OUTBOX, qun_str("r"), after, pairs, 64, &n);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < n; i++) {
      struct qun_outbox_entry e;
      if (!split(pairs[i].key, 1, &e) || read_row(pairs[i].value, &e) < 0) return QUN_EFAIL;
      rc = each(arg, &e);
      if (rc) return rc;
    }
    if (n) after = pairs[n - 1].key;
  }
  return 0;
}
