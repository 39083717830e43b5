/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/meta.h"

#include <sodium.h>
#include <stdio.h>

enum { HEAD_NUMBERS = 7 };

int qun_head_read(const struct qun_view *v, struct qun_head *h) {
  qun_slice value;
  int rc = qun_view_get(v, QUN_TABLE_META, qun_str("head"), &value);
  memset(h, 0, sizeof *h);
  if (rc == QUN_ENOTFOUND) {
    h->clock_ms = INT64_MIN;
    return 0;
  }
  if (rc < 0 || value.len != 8 * HEAD_NUMBERS) return QUN_EFAIL;
  const unsigned char *p = value.ptr;
  h->seq = qun_be64_read(p);
  h->clock_ms = (int64_t)qun_be64_read(p + 8);
  h->members = qun_be64_read(p + 16);
  h->tree_size = qun_be64_read(p + 24);
  h->dead = qun_be64_read(p + 32);
  h->live = qun_be64_read(p + 40);
  h->importing = qun_be64_read(p + 48);
  return 0;
}

int qun_head_write(struct qun_batch *b, const struct qun_head *h) {
  unsigned char p[8 * HEAD_NUMBERS];
  qun_be64(p, h->seq);
  qun_be64(p + 8, (uint64_t)h->clock_ms);
  qun_be64(p + 16, h->members);
  qun_be64(p + 24, h->tree_size);
  qun_be64(p + 32, h->dead);
  qun_be64(p + 40, h->live);
  qun_be64(p + 48, h->importing);
  return qun_batch_put(b, QUN_TABLE_META, qun_str("head"), qun_slice_of(p, sizeof p));
}

/* 1: the store is an old one and fine, 0: it is new. */
static int meta_check(struct qun_store *s, unsigned char incarnation[16], struct qun_error *err) {
  struct qun_view v;
  qun_slice value;
  int rc = qun_view_begin(&v, s, err);
  if (rc < 0) return rc;
  if (qun_view_get(&v, QUN_TABLE_META, qun_str("incarnation"), &value) == 0 && value.len == 16) {
    memcpy(incarnation, value.ptr, 16);
    rc = qun_view_get(&v, QUN_TABLE_META, qun_str("schema"), &value) < 0 || value.len != 8 ||
                 qun_be64_read(value.ptr) != QUN_STORE_SCHEMA
             ? qun_error_set(err, QUN_EUNSUPPORTED, "the store has another layout than %d", QUN_STORE_SCHEMA)
             : 1;
  }
  qun_view_end(&v);
  return rc;
}

bool qun_journal_mark_read(const struct qun_view *v, unsigned char uuid[16], uint64_t *number) {
  qun_slice value;
  if (qun_view_get(v, QUN_TABLE_META, qun_str("journal"), &value) < 0 || value.len != 24) return false;
  memcpy(uuid, value.ptr, 16);
  *number = qun_be64_read((const unsigned char *)value.ptr + 16);
  return true;
}

int qun_journal_mark_write(struct qun_batch *b, const unsigned char uuid[16], uint64_t number) {
  unsigned char p[24];
  memcpy(p, uuid, 16);
  qun_be64(p + 16, number);
  return qun_batch_put(b, QUN_TABLE_META, qun_str("journal"), qun_slice_of(p, sizeof p));
}

int qun_meta_read(struct qun_store *s, unsigned char incarnation[16], struct qun_error *err) {
  int rc = meta_check(s, incarnation, err);
  if (rc == 0) rc = qun_error_set(err, QUN_ECONFLICT, "the store is damaged: it has lost what says which it is");
  return rc < 0 ? rc : 0;
}

int qun_meta_init(struct qun_store *s, unsigned char incarnation[16], struct qun_error *err) {
  struct qun_batch b = {0};
  unsigned char schema[8];
  int rc = meta_check(s, incarnation, err);
  if (rc != 0) return rc < 0 ? rc : 0;
  rc = qun_batch_begin(&b, s, err);
  if (rc < 0) return rc;
  randombytes_buf(incarnation, 16);
  qun_be64(schema, QUN_STORE_SCHEMA);
  rc = qun_batch_put(&b, QUN_TABLE_META, qun_str("incarnation"), qun_slice_of(incarnation, 16));
  if (rc == 0) rc = qun_batch_put(&b, QUN_TABLE_META, qun_str("schema"), qun_slice_of(schema, 8));
  if (rc == 0) rc = qun_batch_commit(&b, NULL, NULL, err);
  qun_batch_end(&b);
  return rc;
}

static qun_slice name_of(char out[256], const char *prefix, qun_slice name) {
  int n = snprintf(out, 256, "%s%.*s", prefix, (int)(name.len > 200 ? 200 : name.len), (const char *)name.ptr);
  return qun_slice_of(out, (size_t)n);
}

static uint64_t number_at(const struct qun_view *v, qun_slice key) {
  qun_slice value;
  return qun_view_get(v, QUN_TABLE_META, key, &value) == 0 && value.len == 8 ? qun_be64_read(value.ptr) : 0;
}

static int put_number(struct qun_batch *b, qun_slice key, uint64_t n) {
  unsigned char value[8];
  qun_be64(value, n);
  return qun_batch_put(b, QUN_TABLE_META, key, qun_slice_of(value, 8));
}

int qun_total_add(struct qun_batch *b, char class_letter, qun_slice type, uint64_t n) {
  char name[256], prefix[5] = {'n', '/', class_letter, '/', '\0'};
  qun_slice key = name_of(name, prefix, type);
  return put_number(b, key, number_at(&b->view, key) + n);
}

int qun_total_each(const struct qun_view *v, int (*each)(void *, char, qun_slice, uint64_t), void *arg) {
  struct qun_pair pairs[64];
  qun_slice after = {NULL, 0};
  uint32_t n = 64;
  while (n == 64) {
    int rc = qun_view_scan(v, QUN_TABLE_META, qun_str("n/"), after, pairs, 64, &n);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < n; i++) {
      const char *key = pairs[i].key.ptr;
      if (pairs[i].key.len < 5 || pairs[i].value.len != 8) continue;
      rc = each(arg, key[2], qun_slice_of(key + 4, (size_t)pairs[i].key.len - 4), qun_be64_read(pairs[i].value.ptr));
      if (rc) return rc;
    }
    if (n) after = pairs[n - 1].key;
  }
  return 0;
}

uint64_t qun_epoch_read(const struct qun_view *v) {
  uint64_t epoch = number_at(v, qun_str("epoch"));
  return epoch ? epoch : 1;
}

uint64_t qun_erased_seq_read(const struct qun_view *v) {
  return number_at(v, qun_str("erased_seq"));
}

void qun_origin_of(char out[96], const char *tenant, uint64_t epoch) {
  if (epoch <= 1)
    snprintf(out, 96, "qun/%s", tenant);
  else
    snprintf(out, 96, "qun/%s/%llu", tenant, (unsigned long long)epoch);
}

uint64_t qun_cursor_read(const struct qun_view *v, const char *plugin) {
  char name[256];
  return number_at(v, name_of(name, "cursor/", qun_str(plugin)));
}

int qun_cursor_write(struct qun_batch *b, const char *plugin, uint64_t seq) {
  char name[256];
  return put_number(b, name_of(name, "cursor/", qun_str(plugin)), seq);
}

bool qun_plugin_is_live(const struct qun_view *v, const char *plugin) {
  char name[256];
  qun_slice value;
  return qun_view_get(v, QUN_TABLE_META, name_of(name, "status/", qun_str(plugin)), &value) == 0 &&
         qun_slice_is(value, "live");
}

int qun_plugin_set_live(struct qun_batch *b, const char *plugin, bool live) {
  char name[256];
  return qun_batch_put(b, QUN_TABLE_META, name_of(name, "status/", qun_str(plugin)), qun_str(live ? "live" : "off"));
}

int qun_plugin_parked(const struct qun_view *v, const char *plugin, qun_slice *reason) {
  char name[256];
  return qun_view_get(v, QUN_TABLE_META, name_of(name, "parked/", qun_str(plugin)), reason);
}

int qun_plugin_set_parked(struct qun_batch *b, const char *plugin, qun_slice reason) {
  char name[256];
  qun_slice key = name_of(name, "parked/", qun_str(plugin));
  return reason.len ? qun_batch_put(b, QUN_TABLE_META, key, reason) : qun_batch_del(b, QUN_TABLE_META, key);
}

int qun_skip_add(struct qun_batch *b, qun_slice plugin, uint64_t seq) {
  char name[256 + 9];
  qun_slice key = name_of(name, "skip/", plugin);
  name[key.len] = '/';
  qun_be64((unsigned char *)name + key.len + 1, seq);
  return qun_batch_put(b, QUN_TABLE_META, qun_slice_of(name, (size_t)key.len + 9), qun_str("1"));
}

int qun_skip_each(const struct qun_view *v, int (*each)(void *, qun_slice, uint64_t), void *arg) {
  struct qun_pair pairs[64];
  qun_slice after = {NULL, 0};
  uint32_t n = 64;
  while (n == 64) {
    int rc = qun_view_scan(v, QUN_TABLE_META, qun_str("skip/"), after, pairs, 64, &n);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < n; i++) {
      const unsigned char *key = pairs[i].key.ptr;
      size_t len = (size_t)pairs[i].key.len;
      if (len < 5 + 1 + 9) continue;
      rc = each(arg, qun_slice_of(key + 5, len - 5 - 9), qun_be64_read(key + len - 8));
      if (rc) return rc;
    }
    if (n) after = pairs[n - 1].key;
  }
  return 0;
}
