/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/journal_entry.h"

#include <endian.h>
#include <stddef.h>
#include <string.h>
#include <xxhash.h>

enum { MAGIC = 0x31454a51, BODY_FIXED = 16 + 8 + 4 + 1, INPUT_SLICES = 10, INPUT_FIXED = 4 + 4 + 8 + 8 + 1 + 16 + 8 };

static const size_t slices[INPUT_SLICES] = {offsetof(struct qun_input, origin),  offsetof(struct qun_input, type),
                                            offsetof(struct qun_input, id),      offsetof(struct qun_input, source),
                                            offsetof(struct qun_input, subject), offsetof(struct qun_input, group),
                                            offsetof(struct qun_input, channel), offsetof(struct qun_input, lang),
                                            offsetof(struct qun_input, data),    offsetof(struct qun_input, identity)};

static qun_slice slice_of(const struct qun_input *in, int i) {
  qun_slice s;
  memcpy(&s, (const char *)in + slices[i], sizeof s);
  return s;
}

/* ---------------------------------------------------------------- write */

static unsigned char *put(unsigned char *at, const void *bytes, size_t n) {
  if (n) memcpy(at, bytes, n);
  return at + n;
}

static unsigned char *put32(unsigned char *at, uint32_t v) {
  v = htole32(v);
  return put(at, &v, 4);
}

static unsigned char *put64(unsigned char *at, uint64_t v) {
  v = htole64(v);
  return put(at, &v, 8);
}

static size_t padded(size_t n) {
  return (n + 7) & ~(size_t)7;
}

size_t qun_entry_size(const char *tenant, const struct qun_input_batch *b) {
  size_t n = QUN_ENTRY_HEAD + BODY_FIXED + strlen(tenant);
  for (uint32_t i = 0; i < b->count; i++) {
    n += INPUT_FIXED + 4 * INPUT_SLICES;
    for (int k = 0; k < INPUT_SLICES; k++) n += (size_t)slice_of(&b->items[i], k).len;
  }
  return padded(n);
}

static unsigned char *put_input(unsigned char *at, const struct qun_input *in) {
  at = put32(at, in->flags);
  at = put32(at, in->type_flags);
  at = put64(at, (uint64_t)in->time_ms);
  at = put64(at, in->member_no);
  *at++ = in->has_member;
  at = put(at, in->member, QUN_PSEUDONYM_SIZE);
  at = put(at, in->digest, QUN_DIGEST_SIZE);
  for (int k = 0; k < INPUT_SLICES; k++) at = put32(at, (uint32_t)slice_of(in, k).len);
  for (int k = 0; k < INPUT_SLICES; k++) {
    qun_slice s = slice_of(in, k);
    at = put(at, s.ptr, (size_t)s.len);
  }
  return at;
}

static uint64_t checksum(const unsigned char *head, const unsigned char *body, size_t len, uint64_t seed) {
  uint64_t sum = XXH3_64bits_withSeed(body, len, seed);
  unsigned char both[24];
  memcpy(both, head, 16);
  put64(both + 16, sum);
  return XXH3_64bits_withSeed(both, sizeof both, seed);
}

void qun_entry_write(unsigned char *out, const struct qun_entry *e, const struct qun_input_batch *b, uint64_t seed) {
  unsigned char *body = out + QUN_ENTRY_HEAD, *at = body;
  size_t name = strlen(e->tenant);
  at = put(at, e->incarnation, 16);
  at = put64(at, (uint64_t)e->now_ms);
  at = put32(at, b->count);
  *at++ = (unsigned char)name;
  at = put(at, e->tenant, name);
  for (uint32_t i = 0; i < b->count; i++) at = put_input(at, &b->items[i]);
  while ((size_t)(at - out) & 7u) *at++ = 0;
  size_t len = (size_t)(at - body);
  put64(put32(put32(out, MAGIC), (uint32_t)len), e->number);
  put64(out + 16, checksum(out, body, len, seed));
}

/* ---------------------------------------------------------------- read */

static uint32_t get32(const unsigned char *p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return le32toh(v);
}

static uint64_t get64(const unsigned char *p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return le64toh(v);
}

int qun_entry_read(struct qun_entry *e, qun_slice bytes, uint64_t seed, size_t *size) {
  const unsigned char *p = bytes.ptr;
  if (bytes.len < QUN_ENTRY_HEAD || get32(p) != MAGIC) return QUN_ENOTFOUND;
  size_t len = get32(p + 4);
  const unsigned char *body = p + QUN_ENTRY_HEAD;
  if (len < BODY_FIXED || len > QUN_ENTRY_MAX || len % 8 || len > bytes.len - QUN_ENTRY_HEAD) return QUN_ENOTFOUND;
  if (checksum(p, body, len, seed) != get64(p + 16)) return QUN_ENOTFOUND;
  memset(e, 0, sizeof *e);
  size_t name = body[BODY_FIXED - 1];
  if (name >= sizeof e->tenant || BODY_FIXED + name > len) return QUN_ENOTFOUND;
  e->number = get64(p + 8);
  memcpy(e->incarnation, body, 16);
  e->now_ms = (int64_t)get64(body + 16);
  e->count = get32(body + 24);
  memcpy(e->tenant, body + BODY_FIXED, name);
  e->body = qun_slice_of(body + BODY_FIXED + name, len - BODY_FIXED - name);
  *size = QUN_ENTRY_HEAD + len;
  return 0;
}

/* Takes `n` bytes off the front; NULL: there are fewer. */
static const unsigned char *take(qun_slice *s, size_t n) {
  const unsigned char *p = s->ptr;
  if (s->len < n) return NULL;
  *s = qun_slice_of(p + n, (size_t)s->len - n);
  return p;
}

static bool get_input(struct qun_input_batch *b, qun_slice *rest) {
  const unsigned char *p = take(rest, INPUT_FIXED);
  const unsigned char *lengths = p ? take(rest, 4 * INPUT_SLICES) : NULL;
  struct qun_input *in = lengths ? qun_input_batch_add(b) : NULL;
  if (!in) return false;
  in->flags = get32(p);
  in->type_flags = get32(p + 4);
  in->time_ms = (int64_t)get64(p + 8);
  in->member_no = get64(p + 16);
  in->has_member = p[24] != 0;
  memcpy(in->member, p + 25, QUN_PSEUDONYM_SIZE);
  memcpy(in->digest, p + 25 + QUN_PSEUDONYM_SIZE, QUN_DIGEST_SIZE);
  for (int k = 0; k < INPUT_SLICES; k++) {
    size_t n = get32(lengths + 4 * (size_t)k);
    const unsigned char *bytes = take(rest, n);
    if (!bytes) return false;
    qun_slice s = qun_arena_copy(&b->arena, qun_slice_of(bytes, n));
    if (n && !s.ptr) return false;
    memcpy((char *)in + slices[k], &s, sizeof s);
  }
  return true;
}

int qun_entry_inputs(struct qun_input_batch *b, const struct qun_entry *e, struct qun_error *err) {
  qun_slice rest = e->body;
  qun_input_batch_init(b);
  for (uint32_t i = 0; i < e->count; i++) {
    if (get_input(b, &rest)) continue;
    qun_input_batch_fini(b);
    return qun_error_set(err, QUN_EFAIL, "journal entry %llu for tenant %s: input %u cannot be read",
                         (unsigned long long)e->number, e->tenant, i);
  }
  return 0;
}
