/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of keys and rows. Numbers in keys are big-endian, so that keys sort; a signed number has its sign bit turned
 * for the same reason. Numbers in rows are little-endian. A reader that runs past the end sets `bad` and gives zeroes.
 */
#ifndef GROWTH_ROW_H
#define GROWTH_ROW_H

#include <qun/plugin.h>

#include <endian.h>
#include <stdbool.h>

enum { GROWTH_NAME_MAX = 200, GROWTH_ROW_MAX = 512 };

struct growth_key {
  unsigned char bytes[GROWTH_NAME_MAX + 32];
  uint32_t len;
};

static inline qun_slice growth_key_slice(const struct growth_key *k) {
  return qun_slice_of(k->bytes, k->len);
}

static inline void growth_key_u8(struct growth_key *k, unsigned v) {
  k->bytes[k->len++] = (unsigned char)v;
}

static inline void growth_key_u32(struct growth_key *k, uint32_t v) {
  v = htobe32(v);
  memcpy(k->bytes + k->len, &v, 4);
  k->len += 4;
}

static inline void growth_key_i32(struct growth_key *k, int32_t v) {
  growth_key_u32(k, (uint32_t)v ^ 0x80000000u);
}

static inline struct growth_key growth_key_of(char tag) {
  struct growth_key k;
  k.len = 0;
  growth_key_u8(&k, (unsigned char)tag);
  return k;
}

/* A name as it stands in keys and rows: cut at GROWTH_NAME_MAX bytes, never inside a UTF-8 sign. */
static inline qun_slice growth_name(qun_slice name) {
  const unsigned char *p = (const unsigned char *)name.ptr;
  if (name.len <= GROWTH_NAME_MAX) return name;
  name.len = GROWTH_NAME_MAX;
  while (name.len > 0 && (p[name.len] & 0xc0) == 0x80) name.len--;
  return name;
}

static inline struct growth_key growth_key_name(char tag, qun_slice name) {
  struct growth_key k = growth_key_of(tag);
  name = growth_name(name);
  if (name.len > 0) memcpy(k.bytes + k.len, name.ptr, (size_t)name.len);
  k.len += (uint32_t)name.len;
  return k;
}

static inline struct growth_key growth_key_number(char tag, uint32_t v) {
  struct growth_key k = growth_key_of(tag);
  growth_key_u32(&k, v);
  return k;
}

static inline struct growth_key growth_key_pair(char tag, uint32_t a, uint32_t b) {
  struct growth_key k = growth_key_number(tag, a);
  growth_key_u32(&k, b);
  return k;
}

/* The big-endian number at `at` of a key that is long enough. */
static inline uint32_t growth_key_read(qun_slice key, size_t at) {
  const unsigned char *p = (const unsigned char *)key.ptr + at;
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Begin with `len` 0; to clear all bytes costs more than to write a row. */
struct growth_row {
  unsigned char bytes[GROWTH_ROW_MAX];
  uint32_t len;
};

static inline qun_slice growth_row_slice(const struct growth_row *r) {
  return qun_slice_of(r->bytes, r->len);
}

static inline void growth_row_u8(struct growth_row *r, unsigned v) {
  r->bytes[r->len++] = (unsigned char)v;
}

static inline void growth_row_u32(struct growth_row *r, uint32_t v) {
  v = htole32(v);
  memcpy(r->bytes + r->len, &v, 4);
  r->len += 4;
}

static inline void growth_row_i32(struct growth_row *r, int32_t v) {
  growth_row_u32(r, (uint32_t)v);
}

static inline void growth_row_u64(struct growth_row *r, uint64_t v) {
  v = htole64(v);
  memcpy(r->bytes + r->len, &v, 8);
  r->len += 8;
}

static inline void growth_row_i64(struct growth_row *r, int64_t v) {
  growth_row_u64(r, (uint64_t)v);
}

/* A name with its length before it. */
static inline void growth_row_name(struct growth_row *r, qun_slice name) {
  name = growth_name(name);
  growth_row_u8(r, (unsigned)name.len);
  if (name.len > 0) memcpy(r->bytes + r->len, name.ptr, (size_t)name.len);
  r->len += (uint32_t)name.len;
}

struct growth_reader {
  const unsigned char *at;
  const unsigned char *end;
  bool bad;
};

static inline struct growth_reader growth_read(qun_slice row) {
  struct growth_reader r = {(const unsigned char *)row.ptr, NULL, false};
  r.end = row.len ? r.at + row.len : r.at;
  return r;
}

/* The next `bytes` bytes, or NULL. */
static inline const unsigned char *growth_read_bytes(struct growth_reader *r, size_t bytes) {
  const unsigned char *at = r->at;
  if ((size_t)(r->end - at) < bytes) {
    r->bad = true;
    r->at = r->end;
    return NULL;
  }
  r->at += bytes;
  return at;
}

static inline unsigned growth_read_u8(struct growth_reader *r) {
  const unsigned char *at = growth_read_bytes(r, 1);
  return at ? *at : 0;
}

static inline uint32_t growth_read_u32(struct growth_reader *r) {
  const unsigned char *at = growth_read_bytes(r, 4);
  uint32_t v = 0;
  if (at) memcpy(&v, at, 4);
  return le32toh(v);
}

static inline int32_t growth_read_i32(struct growth_reader *r) {
  return (int32_t)growth_read_u32(r);
}

static inline uint64_t growth_read_u64(struct growth_reader *r) {
  const unsigned char *at = growth_read_bytes(r, 8);
  uint64_t v = 0;
  if (at) memcpy(&v, at, 8);
  return le64toh(v);
}

static inline int64_t growth_read_i64(struct growth_reader *r) {
  return (int64_t)growth_read_u64(r);
}

static inline qun_slice growth_read_name(struct growth_reader *r) {
  unsigned len = growth_read_u8(r);
  qun_slice s = qun_slice_of(r->at, len);
  if ((size_t)(r->end - r->at) < len) {
    r->bad = true;
    r->at = r->end;
    return qun_slice_of(NULL, 0);
  }
  r->at += len;
  return s;
}

#endif
