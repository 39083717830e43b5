/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/outbox.h"

#include <qun/msgpack.h>

enum { KEY_MAX = 1 + 8 + 32 + 1 + QUN_OUTBOX_KEY_MAX };

static const char *const state_names[] = {[QUN_OUTBOX_HELD] = "held",
                                          [QUN_OUTBOX_RELEASED] = "released",
                                          [QUN_OUTBOX_SENT] = "sent",
                                          [QUN_OUTBOX_FAILED] = "failed",
                                          [QUN_OUTBOX_BLOCKED] = "blocked",
                                          [QUN_OUTBOX_CANCELLED] = "cancelled",
                                          [QUN_OUTBOX_INTERCEPTED] = "intercepted"};

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

/* When delivery is to look at it; false: never. */
static bool indexed(const struct qun_outbox_entry *e, int64_t *due) {
  *due = e->state == QUN_OUTBOX_INTERCEPTED ? e->deadline_ms : e->due_ms;
  return e->state == QUN_OUTBOX_RELEASED || e->state == QUN_OUTBOX_INTERCEPTED;
}

static int write_row(struct qun_batch *b, const struct qun_outbox_entry *e) {
  unsigned char key[KEY_MAX];
  struct qun_pack p;
  int64_t due;
  bool asked = e->state == QUN_OUTBOX_INTERCEPTED;
  qun_pack_init(&p);
  qun_pack_map(&p, asked ? 10 : 6);
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
  if (asked) {
    qun_pack_kv_str(&p, "by", e->by);
    qun_pack_kv_int(&p, "deadline", e->deadline_ms);
    qun_pack_kv_bool(&p, "gated", e->gated);
    qun_pack_kv_bool(&p, "open", e->open);
  }
  int rc =
      p.failed ? QUN_EFAIL : qun_batch_put(b, QUN_TABLE_OUTBOX, row_key(key, e->plugin, e->key), qun_pack_slice(&p));
  qun_pack_fini(&p);
  if (rc == 0 && indexed(e, &due))
    rc = qun_batch_put(b, QUN_TABLE_OUTBOX, due_key(key, due, e->plugin, e->key), (qun_slice){NULL, 0});
  return rc;
}

static int read_row(qun_slice value, struct qun_outbox_entry *e) {
  int64_t state = qun_mp_int(value, "state", 0);
  if (state < QUN_OUTBOX_HELD || state > QUN_OUTBOX_INTERCEPTED) return QUN_EFAIL;
  e->state = (enum qun_outbox_state)state;
  e->due_ms = qun_mp_int(value, "due", 0);
  e->seq = (uint64_t)qun_mp_int(value, "seq", 0);
  e->via = qun_mp_str(value, "via");
  e->target = qun_mp_str(value, "target");
  e->by = qun_mp_str(value, "by");
  e->deadline_ms = qun_mp_int(value, "deadline", 0);
  e->gated = qun_mp_bool(value, "gated", 0);
  e->open = qun_mp_bool(value, "open", 0);
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

int qun_outbox_rewrite(struct qun_batch *b, const struct qun_outbox_entry *entry) {
  unsigned char name[KEY_MAX];
  struct qun_outbox_entry old;
  int64_t due;
  int rc = qun_outbox_get(&b->view, entry->plugin, entry->key, &old);
  if (rc == 0 && indexed(&old, &due))
    rc = qun_batch_del(b, QUN_TABLE_OUTBOX, due_key(name, due, entry->plugin, entry->key));
  return rc < 0 ? rc : write_row(b, entry);
}

int qun_outbox_move(struct qun_batch *b, qun_slice plugin, qun_slice key, enum qun_outbox_state state) {
  struct qun_outbox_entry e;
  int rc = qun_outbox_get(&b->view, plugin, key, &e);
  if (rc < 0) return rc;
  if (e.state != QUN_OUTBOX_HELD && e.state != QUN_OUTBOX_RELEASED && e.state != QUN_OUTBOX_INTERCEPTED)
    return QUN_ECONFLICT;
  e.state = state;
  return qun_outbox_rewrite(b, &e);
}

/* The body with the patch's members in place of its own of that name. */
static int patched(struct qun_pack *out, qun_slice body, qun_slice patch) {
  struct qun_unpack u;
  uint32_t n = 0, kept = 0;
  qun_slice value;
  char name[256];
  size_t at = qun_pack_open_map(out);
  qun_unpack_init(&u, body);
  if (!qun_unpack_map(&u, &n)) return QUN_EINVAL;
  while (n-- > 0) {
    qun_slice key, own;
    if (!qun_unpack_str(&u, &key) || key.len >= sizeof name || !qun_unpack_any(&u, &own)) return QUN_EINVAL;
    memcpy(name, key.ptr, (size_t)key.len);
    name[key.len] = '\0';
    if (qun_mp_find(patch, name, &value)) continue;
    qun_pack_str(out, key);
    qun_pack_raw(out, own);
    kept++;
  }
  qun_unpack_init(&u, patch);
  if (!qun_unpack_map(&u, &n)) return QUN_EINVAL;
  qun_pack_raw(out, qun_slice_of(u.at, (size_t)(u.end - u.at)));
  qun_pack_close(out, at, kept + n);
  return out->failed ? QUN_EFAIL : 0;
}

int qun_outbox_decide(struct qun_batch *b, qun_slice plugin, qun_slice key, bool release, qun_slice patch) {
  struct qun_outbox_entry e;
  struct qun_pack body;
  int rc = qun_outbox_get(&b->view, plugin, key, &e);
  if (rc < 0) return rc;
  if (e.state != QUN_OUTBOX_INTERCEPTED) return QUN_ECONFLICT;
  qun_pack_init(&body);
  e.state = !release ? QUN_OUTBOX_BLOCKED : e.gated ? QUN_OUTBOX_HELD : QUN_OUTBOX_RELEASED;
  if (release && patch.len) {
    rc = patched(&body, e.body, patch);
    e.body = qun_pack_slice(&body);
  }
  if (rc == 0) rc = qun_outbox_rewrite(b, &e);
  qun_pack_fini(&body);
  return rc;
}

/* ---------------------------------------------------------------- who is asked */

enum { TOKEN_MAX = 31 + 1 + QUN_OUTBOX_KEY_MAX, ASK_KEY = 1 + 31 + 1 + TOKEN_MAX };

/* False: it can't be such a token. */
static bool ask_key(unsigned char out[ASK_KEY], qun_slice by, qun_slice token, qun_slice *key) {
  if (by.len > 31 || token.len == 0 || token.len > TOKEN_MAX) return false;
  out[0] = 'i';
  *key = tail(out + 1, 1, out, by, token);
  return true;
}

int qun_outbox_ask(struct qun_batch *b, qun_slice by, qun_slice token, bool decided) {
  unsigned char name[ASK_KEY];
  qun_slice key;
  if (!ask_key(name, by, token, &key)) return QUN_EINVAL;
  return qun_batch_put(b, QUN_TABLE_OUTBOX, key, qun_str(decided ? "d" : "a"));
}

int qun_outbox_asked(const struct qun_view *v, qun_slice by, qun_slice token) {
  unsigned char name[ASK_KEY];
  qun_slice key, value;
  if (!ask_key(name, by, token, &key)) return QUN_ENOTFOUND;
  int rc = qun_view_get(v, QUN_TABLE_OUTBOX, key, &value);
  return rc < 0 ? rc : qun_slice_is(value, "a") ? 0 : QUN_ECONFLICT;
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
