/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qun/msgpack.h: write and read msgpack (github.com/msgpack/msgpack/blob/master/spec.md) in a plugin. Header only, C99 and C++.
 *
 * Writing: a struct qun_pack grows as needed; a failed allocation is remembered in `failed` and checked once at the end.
 *     struct qun_pack p; qun_pack_init(&p);
 *     qun_pack_map(&p, 2); qun_pack_cstr(&p, "text"); qun_pack_str(&p, text); qun_pack_cstr(&p, "n"); qun_pack_int(&p, 3);
 *     ... qun_pack_slice(&p) ...; qun_pack_fini(&p);
 * Reading: a struct qun_unpack walks over bytes that it does not own. Each read answers 1 and moves on, or 0 and stays. Every length is
 * checked, so hostile input is safe. All functions: any thread, no blocking.
 */
#ifndef QUN_MSGPACK_H
#define QUN_MSGPACK_H

#include <qun/plugin.h>

#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

enum qun_mp_type {
  QUN_MP_NONE = 0, /* end of input, or a byte that no value starts with */
  QUN_MP_NIL,
  QUN_MP_BOOL,
  QUN_MP_INT,
  QUN_MP_FLOAT,
  QUN_MP_STR,
  QUN_MP_BIN,
  QUN_MP_ARRAY,
  QUN_MP_MAP,
  QUN_MP_EXT
};

/* ---------------------------------------------------------------- writing */

struct qun_pack {
  unsigned char *buf;
  size_t len;
  size_t cap;
  int failed; /* memory ran out; the content is not whole */
};

/* Begins empty, without memory of its own yet. */
static inline void qun_pack_init(struct qun_pack *p) {
  p->buf = NULL;
  p->len = p->cap = 0;
  p->failed = 0;
}

/* Gives the memory back. Begun again it may be used again. */
static inline void qun_pack_fini(struct qun_pack *p) {
  free(p->buf);
  qun_pack_init(p);
}

/* Forgets the content and keeps the memory. */
static inline void qun_pack_clear(struct qun_pack *p) {
  p->len = 0;
  p->failed = 0;
}

/* The bytes so far, borrowed until the next write. */
static inline qun_slice qun_pack_slice(const struct qun_pack *p) {
  return qun_slice_of(p->buf, p->len);
}

static inline unsigned char *qun__pack_room(struct qun_pack *p, size_t n) {
  if (p->failed) return NULL;
  if (p->cap - p->len < n) {
    size_t cap = p->cap ? p->cap : 256;
    unsigned char *buf;
    while (cap - p->len < n) {
      if (cap > SIZE_MAX / 2) {
        p->failed = 1;
        return NULL;
      }
      cap *= 2;
    }
    buf = (unsigned char *)realloc(p->buf, cap);
    if (!buf) {
      p->failed = 1;
      return NULL;
    }
    p->buf = buf;
    p->cap = cap;
  }
  p->len += n;
  return p->buf + p->len - n;
}

static inline void qun__put_be(unsigned char *at, uint64_t v, unsigned bytes) {
  if (bytes == 8) {
    at[0] = (unsigned char)(v >> 56 & 0xff);
    at[1] = (unsigned char)(v >> 48 & 0xff);
    at[2] = (unsigned char)(v >> 40 & 0xff);
    at[3] = (unsigned char)(v >> 32 & 0xff);
    at[4] = (unsigned char)(v >> 24 & 0xff);
    at[5] = (unsigned char)(v >> 16 & 0xff);
    at[6] = (unsigned char)(v >> 8 & 0xff);
    at[7] = (unsigned char)(v & 0xff);
    return;
  }
  while (bytes > 0) {
    at[--bytes] = (unsigned char)(v & 0xff);
    v >>= 8;
  }
}

static inline void qun__pack_head(struct qun_pack *p, unsigned tag, uint64_t v, unsigned bytes) {
  unsigned char *at = qun__pack_room(p, 1u + bytes);
  if (!at) return;
  at[0] = (unsigned char)tag;
  qun__put_be(at + 1, v, bytes);
}

/* Bytes as they are: values that are msgpack already. */
static inline void qun_pack_raw(struct qun_pack *p, qun_slice bytes) {
  unsigned char *at;
  if (bytes.len == 0) return;
  at = qun__pack_room(p, (size_t)bytes.len);
  if (at) memcpy(at, bytes.ptr, (size_t)bytes.len);
}

/* No value. */
static inline void qun_pack_nil(struct qun_pack *p) {
  qun__pack_head(p, 0xc0, 0, 0);
}
/* True for anything but 0. */
static inline void qun_pack_bool(struct qun_pack *p, int v) {
  qun__pack_head(p, v ? 0xc3 : 0xc2, 0, 0);
}

/* In the shortest form, as all integers. */
static inline void qun_pack_uint(struct qun_pack *p, uint64_t v) {
  if (v < 0x80)
    qun__pack_head(p, (unsigned)v, 0, 0);
  else if (v <= 0xff)
    qun__pack_head(p, 0xcc, v, 1);
  else if (v <= 0xffff)
    qun__pack_head(p, 0xcd, v, 2);
  else if (v <= 0xffffffffu)
    qun__pack_head(p, 0xce, v, 4);
  else
    qun__pack_head(p, 0xcf, v, 8);
}

/* The same; what is not negative is written as unsigned. */
static inline void qun_pack_int(struct qun_pack *p, int64_t v) {
  if (v >= 0)
    qun_pack_uint(p, (uint64_t)v);
  else if (v >= -32)
    qun__pack_head(p, (unsigned)(v & 0xff), 0, 0);
  else if (v >= -128)
    qun__pack_head(p, 0xd0, (uint64_t)v & 0xff, 1);
  else if (v >= -32768)
    qun__pack_head(p, 0xd1, (uint64_t)v & 0xffff, 2);
  else if (v >= -2147483647 - 1)
    qun__pack_head(p, 0xd2, (uint64_t)v & 0xffffffffu, 4);
  else
    qun__pack_head(p, 0xd3, (uint64_t)v, 8);
}

/* A 64-bit float. Never into a keyspace. */
static inline void qun_pack_double(struct qun_pack *p, double v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  qun__pack_head(p, 0xcb, bits, 8);
}

/* Text, which should be UTF-8, of less than 4 GiB. */
static inline void qun_pack_str(struct qun_pack *p, qun_slice s) {
  if (s.len < 32)
    qun__pack_head(p, 0xa0u | (unsigned)s.len, 0, 0);
  else if (s.len <= 0xff)
    qun__pack_head(p, 0xd9, s.len, 1);
  else if (s.len <= 0xffff)
    qun__pack_head(p, 0xda, s.len, 2);
  else
    qun__pack_head(p, 0xdb, s.len, 4);
  qun_pack_raw(p, s);
}

/* The same of a C string; NULL is the empty text. */
static inline void qun_pack_cstr(struct qun_pack *p, const char *s) {
  qun_pack_str(p, qun_str(s));
}

/* Bytes of less than 4 GiB. */
static inline void qun_pack_bin(struct qun_pack *p, qun_slice s) {
  if (s.len <= 0xff)
    qun__pack_head(p, 0xc4, s.len, 1);
  else if (s.len <= 0xffff)
    qun__pack_head(p, 0xc5, s.len, 2);
  else
    qun__pack_head(p, 0xc6, s.len, 4);
  qun_pack_raw(p, s);
}

/* The head of an array: its n values follow. */
static inline void qun_pack_array(struct qun_pack *p, uint32_t n) {
  if (n < 16)
    qun__pack_head(p, 0x90u | n, 0, 0);
  else if (n <= 0xffff)
    qun__pack_head(p, 0xdc, n, 2);
  else
    qun__pack_head(p, 0xdd, n, 4);
}

/* The head of a map: n times a key and a value follow. */
static inline void qun_pack_map(struct qun_pack *p, uint32_t n) {
  if (n < 16)
    qun__pack_head(p, 0x80u | n, 0, 0);
  else if (n <= 0xffff)
    qun__pack_head(p, 0xde, n, 2);
  else
    qun__pack_head(p, 0xdf, n, 4);
}

/* An extension value, type -128..127. */
static inline void qun_pack_ext(struct qun_pack *p, int type, qun_slice s) {
  unsigned char *at;
  if (s.len <= 0xff)
    qun__pack_head(p, 0xc7, s.len, 1);
  else if (s.len <= 0xffff)
    qun__pack_head(p, 0xc8, s.len, 2);
  else
    qun__pack_head(p, 0xc9, s.len, 4);
  at = qun__pack_room(p, 1);
  if (at) at[0] = (unsigned char)(type & 0xff);
  qun_pack_raw(p, s);
}

/* A container whose count is known only later: `at = qun_pack_open_map(p)` ... `qun_pack_close(p, at, n)`. */
static inline size_t qun_pack_open_map(struct qun_pack *p) {
  qun__pack_head(p, 0xdf, 0, 4);
  return p->len;
}

/* The same of an array. */
static inline size_t qun_pack_open_array(struct qun_pack *p) {
  qun__pack_head(p, 0xdd, 0, 4);
  return p->len;
}

/* Writes the count n of what was opened at `at`. */
static inline void qun_pack_close(struct qun_pack *p, size_t at, uint32_t n) {
  if (!p->failed && at >= 4) qun__put_be(p->buf + at - 4, n, 4);
}

/* Short forms for a map's members. */
static inline void qun_pack_kv_str(struct qun_pack *p, const char *key, qun_slice v) {
  qun_pack_cstr(p, key);
  qun_pack_str(p, v);
}
static inline void qun_pack_kv_cstr(struct qun_pack *p, const char *key, const char *v) {
  qun_pack_cstr(p, key);
  qun_pack_cstr(p, v);
}
static inline void qun_pack_kv_int(struct qun_pack *p, const char *key, int64_t v) {
  qun_pack_cstr(p, key);
  qun_pack_int(p, v);
}
static inline void qun_pack_kv_bool(struct qun_pack *p, const char *key, int v) {
  qun_pack_cstr(p, key);
  qun_pack_bool(p, v);
}

/* ---------------------------------------------------------------- reading */

struct qun_unpack {
  const unsigned char *at;
  const unsigned char *end;
};

/* Stands at the first of bytes that must outlast the reading. */
static inline void qun_unpack_init(struct qun_unpack *u, qun_slice bytes) {
  u->at = (const unsigned char *)bytes.ptr;
  u->end = bytes.len ? u->at + bytes.len : u->at;
}

/* Written out, so that compilers make one load and one swap of it. */
static inline uint64_t qun__get_be(const unsigned char *at, unsigned bytes) {
  uint64_t v = 0;
  switch (bytes) {
  case 8:
    return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 | (uint64_t)at[3] << 32 |
           (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 | (uint64_t)at[6] << 8 | at[7];
  case 4: return (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
  case 2: return (uint64_t)at[0] << 8 | at[1];
  case 1: return at[0];
  default: break;
  }
  while (bytes-- > 0) v = (v << 8) | *at++;
  return v;
}

/* The type of the next value, without reading it. */
static inline enum qun_mp_type qun_unpack_peek(const struct qun_unpack *u) {
  unsigned b;
  if (u->at >= u->end) return QUN_MP_NONE;
  b = *u->at;
  if (b < 0x80 || b >= 0xe0) return QUN_MP_INT;
  if (b < 0x90) return QUN_MP_MAP;
  if (b < 0xa0) return QUN_MP_ARRAY;
  if (b < 0xc0) return QUN_MP_STR;
  if (b == 0xc0) return QUN_MP_NIL;
  if (b == 0xc1) return QUN_MP_NONE;
  if (b <= 0xc3) return QUN_MP_BOOL;
  if (b <= 0xc6) return QUN_MP_BIN;
  if (b <= 0xc9) return QUN_MP_EXT;
  if (b <= 0xcb) return QUN_MP_FLOAT;
  if (b <= 0xd3) return QUN_MP_INT;
  if (b <= 0xd8) return QUN_MP_EXT;
  if (b <= 0xdb) return QUN_MP_STR;
  if (b <= 0xdd) return QUN_MP_ARRAY;
  return QUN_MP_MAP;
}

/* Head of a value: bytes of the head in *head, the number it carries (length, count or bits) in *v. */
static inline int qun__unpack_head(const struct qun_unpack *u, unsigned *head, uint64_t *v) {
  static const unsigned char extra[32] = {/* c0 */ 0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
                                          /* d0 */ 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
  unsigned b, n;
  if (u->at >= u->end) return 0;
  b = *u->at;
  *head = 1;
  if (b < 0x80 || b >= 0xe0)
    *v = b;
  else if (b < 0xa0)
    *v = b & 0x0f;
  else if (b < 0xc0)
    *v = b & 0x1f;
  else if (b >= 0xd4 && b <= 0xd8)
    *v = 1ull << (b - 0xd4);
  else {
    n = extra[b - 0xc0];
    if ((size_t)(u->end - u->at) < 1u + n) return 0;
    *v = n ? qun__get_be(u->at + 1, n) : 0;
    *head = 1 + n;
  }
  return 1;
}

/* 1 if the value is nil. */
static inline int qun_unpack_nil(struct qun_unpack *u) {
  if (qun_unpack_peek(u) != QUN_MP_NIL) return 0;
  u->at++;
  return 1;
}

/* *v: 0 or 1. */
static inline int qun_unpack_bool(struct qun_unpack *u, int *v) {
  if (qun_unpack_peek(u) != QUN_MP_BOOL) return 0;
  *v = *u->at++ == 0xc3;
  return 1;
}

/* 0 also for an unsigned number over INT64_MAX. */
static inline int qun_unpack_int(struct qun_unpack *u, int64_t *v) {
  unsigned head, b;
  uint64_t n;
  if (qun_unpack_peek(u) != QUN_MP_INT || !qun__unpack_head(u, &head, &n)) return 0;
  b = *u->at;
  if (b >= 0xe0)
    *v = (int64_t)b - 256;
  else if (b == 0xd0)
    *v = (int64_t)(int8_t)n;
  else if (b == 0xd1)
    *v = (int64_t)(int16_t)n;
  else if (b == 0xd2)
    *v = (int64_t)(int32_t)n;
  else if (b == 0xcf && n > (uint64_t)INT64_MAX)
    return 0;
  else
    *v = (int64_t)n;
  u->at += head;
  return 1;
}

/* Takes an integer too. */
static inline int qun_unpack_double(struct qun_unpack *u, double *v) {
  unsigned head;
  uint64_t n;
  int64_t i;
  if (qun_unpack_int(u, &i)) {
    *v = (double)i;
    return 1;
  }
  if (qun_unpack_peek(u) != QUN_MP_FLOAT || !qun__unpack_head(u, &head, &n)) return 0;
  if (head == 5) {
    uint32_t bits = (uint32_t)n;
    float f;
    memcpy(&f, &bits, sizeof f);
    *v = (double)f;
  } else {
    memcpy(v, &n, sizeof *v);
  }
  u->at += head;
  return 1;
}

static inline int qun__unpack_bytes(struct qun_unpack *u, enum qun_mp_type type, qun_slice *s) {
  unsigned head;
  uint64_t n;
  if (qun_unpack_peek(u) != type || !qun__unpack_head(u, &head, &n)) return 0;
  if ((uint64_t)(u->end - u->at) - head < n) return 0;
  *s = qun_slice_of(u->at + head, (size_t)n);
  u->at += head + n;
  return 1;
}

/* *s is borrowed from the bytes, as for bin and ext. It may not be UTF-8. */
static inline int qun_unpack_str(struct qun_unpack *u, qun_slice *s) {
  return qun__unpack_bytes(u, QUN_MP_STR, s);
}
/* As for a text. */
static inline int qun_unpack_bin(struct qun_unpack *u, qun_slice *s) {
  return qun__unpack_bytes(u, QUN_MP_BIN, s);
}

/* *type: -128..127. */
static inline int qun_unpack_ext(struct qun_unpack *u, int *type, qun_slice *s) {
  unsigned head;
  uint64_t n;
  if (qun_unpack_peek(u) != QUN_MP_EXT || !qun__unpack_head(u, &head, &n)) return 0;
  if ((uint64_t)(u->end - u->at) - head < n + 1) return 0;
  *type = u->at[head] < 128 ? u->at[head] : u->at[head] - 256; /* a signed byte */
  *s = qun_slice_of(u->at + head + 1, (size_t)n);
  u->at += head + 1 + n;
  return 1;
}

/* The count is at most the bytes that are left, so a loop over it ends soon. */
static inline int qun_unpack_array(struct qun_unpack *u, uint32_t *n) {
  unsigned head;
  uint64_t v;
  if (qun_unpack_peek(u) != QUN_MP_ARRAY || !qun__unpack_head(u, &head, &v)) return 0;
  if ((uint64_t)(u->end - u->at) - head < v) return 0;
  *n = (uint32_t)v;
  u->at += head;
  return 1;
}

/* The count of pairs; bounded likewise. */
static inline int qun_unpack_map(struct qun_unpack *u, uint32_t *n) {
  unsigned head;
  uint64_t v;
  if (qun_unpack_peek(u) != QUN_MP_MAP || !qun__unpack_head(u, &head, &v)) return 0;
  if ((uint64_t)(u->end - u->at) - head < 2 * v) return 0;
  *n = (uint32_t)v;
  u->at += head;
  return 1;
}

/* Steps over one value of any type. 0: not whole, or nested over a count of 2^32 values. */
static inline int qun_unpack_skip(struct qun_unpack *u) {
  struct qun_unpack w = *u;
  uint64_t left = 1;
  while (left > 0) {
    qun_slice s;
    unsigned head;
    uint64_t n;
    int type;
    left--;
    switch (qun_unpack_peek(&w)) {
    case QUN_MP_NONE: return 0;
    case QUN_MP_STR:
      if (!qun_unpack_str(&w, &s)) return 0;
      break;
    case QUN_MP_BIN:
      if (!qun_unpack_bin(&w, &s)) return 0;
      break;
    case QUN_MP_EXT:
      if (!qun_unpack_ext(&w, &type, &s)) return 0;
      break;
    case QUN_MP_ARRAY:
    case QUN_MP_MAP: {
      int map = qun_unpack_peek(&w) == QUN_MP_MAP;
      if (!qun__unpack_head(&w, &head, &n)) return 0;
      n = map ? 2 * n : n;
      if ((uint64_t)(w.end - w.at) - head < n) return 0;
      left += n;
      w.at += head;
      break;
    }
    default:
      if (!qun__unpack_head(&w, &head, &n)) return 0;
      w.at += head;
      break;
    }
  }
  u->at = w.at;
  return 1;
}

/* One value's bytes, whatever it is. */
static inline int qun_unpack_any(struct qun_unpack *u, qun_slice *value) {
  const unsigned char *from = u->at;
  if (!qun_unpack_skip(u)) return 0;
  *value = qun_slice_of(from, (size_t)(u->at - from));
  return 1;
}

/* 1 if `bytes` is exactly one whole value, nested at most `depth` deep. Check foreign bytes with it first. */
static inline int qun_mp_valid(qun_slice bytes, unsigned depth) {
  struct qun_unpack u;
  uint64_t left[64];
  unsigned d = 0;
  qun_unpack_init(&u, bytes);
  if (depth > 63) depth = 63;
  left[0] = 1;
  for (;;) {
    uint32_t n = 0;
    enum qun_mp_type t;
    while (left[d] == 0) {
      if (d == 0) return u.at == u.end;
      d--;
    }
    left[d]--;
    t = qun_unpack_peek(&u);
    if (t == QUN_MP_ARRAY || t == QUN_MP_MAP) {
      if (t == QUN_MP_ARRAY ? !qun_unpack_array(&u, &n) : !qun_unpack_map(&u, &n)) return 0;
      if (++d > depth) return 0;
      left[d] = t == QUN_MP_MAP ? 2ull * n : n;
    } else if (!qun_unpack_skip(&u)) {
      return 0;
    }
  }
}

/* The value of a text key in a map. 0: no map, or no such key. */
static inline int qun_mp_find(qun_slice map, const char *key, qun_slice *value) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice want = qun_str(key);
  qun_unpack_init(&u, map);
  if (!qun_unpack_map(&u, &n)) return 0;
  while (n-- > 0) {
    qun_slice k;
    if (qun_unpack_peek(&u) == QUN_MP_STR && qun_unpack_str(&u, &k)) {
      if (qun_slice_eq(k, want)) return qun_unpack_any(&u, value);
    } else if (!qun_unpack_skip(&u)) {
      return 0;
    }
    if (!qun_unpack_skip(&u)) return 0;
  }
  return 0;
}

/* A map's text, or the empty slice. */
static inline qun_slice qun_mp_str(qun_slice map, const char *key) {
  struct qun_unpack u;
  qun_slice v, s = qun_slice_of(NULL, 0);
  if (!qun_mp_find(map, key, &v)) return s;
  qun_unpack_init(&u, v);
  if (!qun_unpack_str(&u, &s)) return qun_slice_of(NULL, 0);
  return s;
}

/* A map's integer, or `otherwise`. */
static inline int64_t qun_mp_int(qun_slice map, const char *key, int64_t otherwise) {
  struct qun_unpack u;
  qun_slice v;
  int64_t i;
  if (!qun_mp_find(map, key, &v)) return otherwise;
  qun_unpack_init(&u, v);
  return qun_unpack_int(&u, &i) ? i : otherwise;
}

/* A map's boolean, or `otherwise`. */
static inline int qun_mp_bool(qun_slice map, const char *key, int otherwise) {
  struct qun_unpack u;
  qun_slice v;
  int b;
  if (!qun_mp_find(map, key, &v)) return otherwise;
  qun_unpack_init(&u, v);
  return qun_unpack_bool(&u, &b) ? b : otherwise;
}

#ifdef __cplusplus
}
#endif
#endif
