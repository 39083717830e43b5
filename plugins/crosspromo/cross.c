/* SPDX-License-Identifier: Apache-2.0 */
#include "cross.h"

int cross_fail(const struct cross_call *c, int code, const char *message) {
  return c->g->host->fail(c->g->host, code, qun_str(message));
}

int cross_name_ok(qun_slice s) {
  const unsigned char *p = s.ptr;
  if (s.len == 0 || s.len > CROSS_NAME) return 0;
  for (uint64_t i = 0; i < s.len; i++)
    if (p[i] < 0x20 || p[i] == 0x7f) return 0;
  return 1;
}

static qun_slice cut(qun_slice s) {
  const unsigned char *p = s.ptr;
  if (s.len <= CROSS_NAME) return s;
  s.len = CROSS_NAME;
  while (s.len > 0 && (p[s.len] & 0xc0) == 0x80) s.len--;
  return s;
}

void cross_text_set(struct cross_text *t, qun_slice s) {
  s = cut(s);
  memset(t, 0, sizeof *t);
  if (s.len > 0) memcpy(t->at, s.ptr, (size_t)s.len);
}

struct cross_key cross_key_of(char tag) {
  struct cross_key k;
  k.bytes[0] = (unsigned char)tag;
  k.len = 1;
  return k;
}

void cross_key_text(struct cross_key *k, qun_slice part) {
  part = cut(part);
  if (part.len > 0) memcpy(k->bytes + k->len, part.ptr, (size_t)part.len);
  k->len += (uint32_t)part.len;
  k->bytes[k->len++] = 0;
}

void cross_key_number(struct cross_key *k, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) k->bytes[k->len++] = (unsigned char)(v >> shift & 0xff);
}

struct cross_key cross_key_named(char tag, qun_slice part) {
  struct cross_key k = cross_key_of(tag);
  cross_key_text(&k, part);
  return k;
}

struct cross_key cross_key_named_number(char tag, qun_slice part, int32_t number) {
  struct cross_key k = cross_key_named(tag, part);
  cross_key_number(&k, (uint32_t)number ^ 0x80000000u);
  return k;
}

struct cross_key cross_key_numbered(char tag, uint32_t number) {
  struct cross_key k = cross_key_of(tag);
  cross_key_number(&k, number);
  return k;
}

uint32_t cross_key_read(qun_slice key, size_t at) {
  const unsigned char *p = (const unsigned char *)key.ptr + at;
  if (at + 4 > key.len) return 0;
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

qun_slice cross_key_first(qun_slice key) {
  const char *p = key.ptr;
  size_t end = 1;
  while (end < key.len && p[end]) end++;
  return qun_slice_of(p + 1, key.len > 1 ? end - 1 : 0);
}

int cross_get(const struct cross_call *c, const struct cross_key *key, qun_slice *value) {
  return c->g->store->get(c->g->host, c->ctx->tenant, cross_key_slice(key), value);
}

int cross_put(const struct cross_call *c, const struct cross_key *key, struct qun_pack *row, uint64_t owner) {
  int rc = row->failed ? cross_fail(c, QUN_EFAIL, "crosspromo: out of memory for a row")
                       : c->g->store->put(c->g->host, c->ctx->tenant, cross_key_slice(key), qun_pack_slice(row), owner);
  qun_pack_fini(row);
  return rc;
}

int cross_del(const struct cross_call *c, const struct cross_key *key) {
  return c->g->store->del(c->g->host, c->ctx->tenant, cross_key_slice(key));
}

int cross_scan(const struct cross_call *c, const struct cross_key *prefix, cross_visit visit, void *arg) {
  enum { PAGE = 32 };
  struct qun_pair pairs[PAGE];
  qun_slice after = qun_slice_of(NULL, 0);
  for (;;) {
    uint32_t count = 0;
    int rc = c->g->store->scan(c->g->host, c->ctx->tenant, cross_key_slice(prefix), after, pairs, PAGE, &count);
    for (uint32_t i = 0; rc >= 0 && i < count; i++) {
      rc = visit(arg, pairs[i].key, pairs[i].value);
      if (rc > 0) return QUN_OK;
    }
    if (rc < 0 || count < PAGE) return rc;
    after = pairs[count - 1].key;
  }
}

int cross_counted(const struct cross_call *c, const struct cross_key *key, int64_t *now) {
  struct qun_unpack u;
  qun_slice row;
  int rc = cross_get(c, key, &row);
  *now = 0;
  if (rc == QUN_ENOTFOUND) return QUN_OK;
  if (rc < 0) return rc;
  qun_unpack_init(&u, row);
  return qun_unpack_int(&u, now) ? QUN_OK : cross_fail(c, QUN_EFAIL, "crosspromo: a count's row is not whole");
}

int cross_count(const struct cross_call *c, const struct cross_key *key, int64_t *now) {
  struct qun_pack p;
  int rc = cross_counted(c, key, now);
  if (rc < 0) return rc;
  qun_pack_init(&p);
  qun_pack_int(&p, ++*now);
  return cross_put(c, key, &p, 0);
}

int64_t cross_bounded(int64_t v) {
  const int64_t most = 1000000000000000;
  return v < 0 ? 0 : (v > most ? most : v);
}

int cross_emit(const struct cross_call *c, const char *type, qun_slice subject, struct qun_pack *data) {
  struct qun_emit e = {.struct_size = sizeof e,
                       .type = qun_str(type),
                       .subject = subject,
                       .data = qun_pack_slice(data)};
  int rc = data->failed ? cross_fail(c, QUN_EFAIL, "crosspromo: out of memory for an event")
                        : c->g->events->emit(c->g->host, c->ctx->tenant, &e);
  qun_pack_fini(data);
  return rc;
}
