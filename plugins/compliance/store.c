/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

#include <stdio.h>

enum { SCAN = 64 };

void qun__key_begin(struct qun_key *k, const char *prefix) {
  k->len = strlen(prefix);
  memcpy(k->at, prefix, k->len);
}

uint64_t qun__digest(qun_slice text, uint64_t seed) {
  const unsigned char *s = text.ptr;
  uint64_t h = 0xcbf29ce484222325ull ^ seed;
  for (uint64_t i = 0; i < text.len; i++) h = (h ^ s[i]) * 0x100000001b3ull;
  return h;
}

void qun__key_text(struct qun_key *k, qun_slice text) {
  if (text.len > 160 || k->len + text.len + 1 > QUN_KEY_MAX - 40) {
    char d[40];
    int n = snprintf(d, sizeof d, "#%016llx%016llx", (unsigned long long)qun__digest(text, 0),
                     (unsigned long long)qun__digest(text, 0x9e3779b97f4a7c15ull));
    memcpy(k->at + k->len, d, (size_t)n);
    k->len += (size_t)n;
    return;
  }
  if (text.len) memcpy(k->at + k->len, text.ptr, (size_t)text.len);
  k->len += (size_t)text.len;
}

void qun__key_u64(struct qun_key *k, uint64_t v) {
  qun__put_be(k->at + k->len, v, 8);
  k->len += 8;
}

void qun__key_u32(struct qun_key *k, uint32_t v) {
  qun__put_be(k->at + k->len, v, 4);
  k->len += 4;
}

qun_slice qun__key_slice(const struct qun_key *k) {
  return qun_slice_of(k->at, k->len);
}

int qun__get(struct qun_work *w, const struct qun_key *k, qun_slice *value) {
  int error = w->in->store->get(w->in->host, w->ctx->tenant, qun__key_slice(k), value);
  if (error == QUN_ENOTFOUND) return 0;
  return error < 0 ? error : 1;
}

int qun__put(struct qun_work *w, const struct qun_key *k, struct qun_pack *value, uint64_t owner) {
  if (value->failed) return QUN_EFAIL;
  return w->in->store->put(w->in->host, w->ctx->tenant, qun__key_slice(k), qun_pack_slice(value), owner);
}

int qun__del(struct qun_work *w, const struct qun_key *k) {
  return w->in->store->del(w->in->host, w->ctx->tenant, qun__key_slice(k));
}

int qun__each(struct qun_work *w, qun_slice prefix, int (*each)(void *arg, qun_slice key, qun_slice value), void *arg) {
  struct qun_pair pairs[SCAN];
  qun_slice after = qun_slice_of(NULL, 0);
  uint32_t n = 0;
  do {
    int error = w->in->store->scan(w->in->host, w->ctx->tenant, prefix, after, pairs, SCAN, &n);
    for (uint32_t i = 0; error == 0 && i < n; i++) error = each(arg, pairs[i].key, pairs[i].value);
    if (error != 0) return error;
    if (n > 0) after = pairs[n - 1].key;
  } while (n == SCAN);
  return 0;
}

int qun__get_ints(struct qun_work *w, const struct qun_key *k, int64_t *v, size_t n) {
  qun_slice value;
  struct qun_unpack u;
  uint32_t count;
  memset(v, 0, n * sizeof *v);
  int found = qun__get(w, k, &value);
  if (found <= 0) return found;
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &count)) return QUN_EFAIL;
  for (size_t i = 0; i < n && i < count; i++)
    if (!qun_unpack_int(&u, &v[i])) return QUN_EFAIL;
  return 1;
}

int qun__put_ints(struct qun_work *w, const struct qun_key *k, const int64_t *v, size_t n, uint64_t owner) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_array(&p, (uint32_t)n);
  for (size_t i = 0; i < n; i++) qun_pack_int(&p, v[i]);
  int error = qun__put(w, k, &p, owner);
  qun_pack_fini(&p);
  return error;
}

int qun__stats_load(struct qun_work *w, struct qun_stats *s) {
  qun_slice value;
  memset(s, 0, sizeof *s);
  int found = w->in->store->get(w->in->host, w->ctx->tenant, qun_str("s"), &value);
  if (found == QUN_ENOTFOUND) return 0;
  if (found < 0) return found;
  const unsigned char *at = value.ptr;
  for (size_t i = 0; i < ST_COUNT && (i + 1) * 8 <= value.len; i++) s->at[i] = (int64_t)qun__get_be(at + 8 * i, 8);
  return 0;
}

int qun__counts_load(struct qun_work *w, struct qun_counts *c) {
  qun_slice value = qun_slice_of(NULL, 0);
  int found = w->in->store->get(w->in->host, w->ctx->tenant, qun_str("s"), &value);
  if (found < 0 && found != QUN_ENOTFOUND) return found;
  size_t n = found < 0 ? 0 : value.len < sizeof c->row ? (size_t)value.len / 8 * 8 : sizeof c->row;
  if (n) memcpy(c->row, value.ptr, n);
  memset(c->row + n, 0, sizeof c->row - n);
  return 0;
}

int qun__counts_save(struct qun_work *w, const struct qun_counts *c) {
  return w->in->store->put(w->in->host, w->ctx->tenant, qun_str("s"), qun_slice_of(c->row, sizeof c->row), 0);
}

int qun__category(qun_slice name) {
  static const char *const names[] = {"food",   "health_food", "medical",    "drug",      "device", "education",
                                      "invest", "alcohol",     "realestate", "cosmetics", "tobacco"};
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
    if (qun_slice_is(name, names[i])) return i;
  return ST_CATEGORIES - 1;
}

qun_slice qun__field(struct qun_work *w, const char *name, char *buf, size_t cap) {
  qun_slice value, text = qun_slice_of(NULL, 0);
  struct qun_unpack u;
  int64_t i;
  int b;
  if (strcmp(name, "subject") == 0) return w->event->subject;
  if (strcmp(name, "group") == 0) return w->event->group;
  if (!qun_mp_find(w->data, name, &value)) return text;
  qun_unpack_init(&u, value);
  if (qun_unpack_str(&u, &text)) return text;
  if (qun_unpack_bool(&u, &b)) return qun_str(b ? "true" : "false");
  if (!qun_unpack_int(&u, &i)) return text;
  snprintf(buf, cap, "%lld", (long long)i);
  return qun_str(buf);
}

int qun__field_int(struct qun_work *w, const char *name, int64_t *v) {
  qun_slice value;
  struct qun_unpack u;
  if (!qun_mp_find(w->data, name, &value)) return 0;
  qun_unpack_init(&u, value);
  return qun_unpack_int(&u, v);
}

int qun__field_set(struct qun_work *w, const char *name) {
  qun_slice value, text;
  struct qun_unpack u;
  uint32_t n = 0;
  int b;
  if (strcmp(name, "member") == 0) return w->member != 0;
  if (strcmp(name, "subject") == 0) return w->event->subject.len > 0;
  if (strcmp(name, "group") == 0) return w->event->group.len > 0;
  if (!qun_mp_find(w->data, name, &value)) return 0;
  qun_unpack_init(&u, value);
  if (qun_unpack_nil(&u)) return 0;
  if (qun_unpack_str(&u, &text)) return text.len > 0;
  if (qun_unpack_bool(&u, &b)) return b;
  if (qun_unpack_peek(&u) == QUN_MP_ARRAY) return qun_unpack_array(&u, &n) && n > 0;
  return 1;
}

static int list_has(qun_slice list, const struct qun_words *values) {
  struct qun_unpack u;
  uint32_t n = 0;
  qun_slice text;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &n)) return 0;
  while (n-- > 0 && qun_unpack_str(&u, &text))
    if (qun__words_have(values, text)) return 1;
  return 0;
}

/* "*": set; "absent": not set; "!X" (all of them so): set and none of these; else one of these, also in a list. */
static int match_one(struct qun_work *w, const struct qun_match *m) {
  char buf[32];
  qun_slice list, text = qun__field(w, m->field, buf, sizeof buf);
  bool set = qun__field_set(w, m->field) || text.len > 0;
  uint32_t not = 0;
  for (uint32_t i = 0; i < m->values.count; i++) {
    const char *v = m->values.at[i];
    if (set && strcmp(v, "*") == 0) return 1;
    if (!set && strcmp(v, "absent") == 0) return 1;
    if (*v != '!') continue;
    if (!set || qun_slice_is(text, v + 1)) return 0;
    not ++;
  }
  if (not == m->values.count) return 1;
  if (qun__words_have(&m->values, text)) return 1;
  return qun_mp_find(w->data, m->field, &list) && list_has(list, &m->values);
}

int qun__matches(struct qun_work *w, const struct qun_matches *m) {
  for (uint32_t i = 0; i < m->count; i++)
    if (!match_one(w, &m->at[i])) return 0;
  return 1;
}
