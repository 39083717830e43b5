/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/json_build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

void qun__json_build_init(struct qun_json_build *b, struct qun_pack *out) {
  b->out = out;
  b->depth = 0;
  b->err.code = 0;
  b->err.message[0] = '\0';
}

static int value(struct qun_json_build *b) {
  if (b->depth > 0 && !b->open[b->depth - 1].map) b->open[b->depth - 1].count++;
  return 1;
}

int qun__json_build_null(struct qun_json_build *b) {
  qun_pack_nil(b->out);
  return value(b);
}

int qun__json_build_bool(struct qun_json_build *b, int v) {
  qun_pack_bool(b->out, v);
  return value(b);
}

static int build_double(struct qun_json_build *b, const char *digits) {
  double v = strtod(digits, NULL);
  if (!isfinite(v)) {
    qun_error_set(&b->err, QUN_EINVAL, "the number %.40s is out of range", digits);
    return 0;
  }
  qun_pack_double(b->out, v);
  return value(b);
}

int qun__json_build_number(struct qun_json_build *b, qun_slice s) {
  char digits[400];
  if (s.len >= sizeof digits) {
    qun_error_set(&b->err, QUN_EINVAL, "a number has %llu digits, which is too long", (unsigned long long)s.len);
    return 0;
  }
  memcpy(digits, s.ptr, (size_t)s.len);
  digits[s.len] = '\0';
  if (strpbrk(digits, ".eE")) return build_double(b, digits);
  errno = 0;
  long long v = strtoll(digits, NULL, 10);
  if (errno == ERANGE) {
    qun_error_set(&b->err, QUN_EINVAL, "the number %.40s does not fit in 64 bits", digits);
    return 0;
  }
  qun_pack_int(b->out, v);
  return value(b);
}

int qun__json_build_string(struct qun_json_build *b, qun_slice s) {
  qun_pack_str(b->out, s);
  return value(b);
}

int qun__json_build_key(struct qun_json_build *b, qun_slice s) {
  uint32_t i = b->open[b->depth - 1].count++;
  qun_pack_str(b->out, s);
  if (i < QUN__JSON_KEYS) {
    b->open[b->depth - 1].keys[i].at = b->out->len - (size_t)s.len;
    b->open[b->depth - 1].keys[i].len = (size_t)s.len;
  }
  return 1;
}

int qun__json_build_start(struct qun_json_build *b, bool map) {
  if (b->depth == QUN_JSON_DEPTH) {
    qun_error_set(&b->err, QUN_EINVAL, "values are nested more than %d deep", QUN_JSON_DEPTH);
    return 0;
  }
  value(b);
  size_t at = map ? qun_pack_open_map(b->out) : qun_pack_open_array(b->out);
  b->open[b->depth].at = at;
  b->open[b->depth].count = 0;
  b->open[b->depth].map = map;
  b->depth++;
  return 1;
}

static int by_text(const void *left, const void *right) {
  const qun_slice *a = left, *b = right;
  size_t n = (size_t)(a->len < b->len ? a->len : b->len);
  int c = n ? memcmp(a->ptr, b->ptr, n) : 0;
  return c ? c : (a->len > b->len) - (a->len < b->len);
}

static int twice(struct qun_json_build *b, qun_slice key) {
  qun_error_set(&b->err, QUN_EINVAL, "the key \"%.*s\" is given twice", (int)(key.len < 60 ? key.len : 60),
                (const char *)key.ptr);
  return 0;
}

/* The keys of the map that just ended, when they are few: where they stand is known. */
static int check_few(struct qun_json_build *b, uint32_t count) {
  const unsigned char *buf = b->out->buf;
  for (uint32_t i = 1; i < count; i++) {
    size_t at = b->open[b->depth].keys[i].at, len = b->open[b->depth].keys[i].len;
    for (uint32_t j = 0; j < i; j++)
      if (len == b->open[b->depth].keys[j].len && memcmp(buf + at, buf + b->open[b->depth].keys[j].at, len) == 0)
        return twice(b, qun_slice_of(buf + at, len));
  }
  return 1;
}

/* Many are sorted. */
static int check_many(struct qun_json_build *b, size_t at, uint32_t count) {
  qun_slice value_bytes, *keys = malloc(count * sizeof *keys);
  struct qun_unpack u;
  int ok = 1;
  if (!keys) {
    qun_error_set(&b->err, QUN_EFAIL, "out of memory");
    return 0;
  }
  qun_unpack_init(&u, qun_slice_of(b->out->buf + at, b->out->len - at));
  for (uint32_t i = 0; i < count && ok; i++) ok = qun_unpack_str(&u, &keys[i]) && qun_unpack_any(&u, &value_bytes);
  qsort(keys, count, sizeof *keys, by_text);
  for (uint32_t i = 1; i < count && ok; i++)
    if (qun_slice_eq(keys[i], keys[i - 1])) ok = twice(b, keys[i]);
  free(keys);
  return ok;
}

int qun__json_build_end(struct qun_json_build *b) {
  b->depth--;
  size_t at = b->open[b->depth].at;
  uint32_t count = b->open[b->depth].count;
  if (b->out->failed) {
    qun_error_set(&b->err, QUN_EFAIL, "out of memory");
    return 0;
  }
  qun_pack_close(b->out, at, count);
  if (!b->open[b->depth].map) return 1;
  return count <= QUN__JSON_KEYS ? check_few(b, count) : check_many(b, at, count);
}

/* ---------------------------------------------------------------- surrogates */

/* The code unit of `\uXXXX` at `at`, or -1. */
static int unit_at(const char *at, const char *end) {
  int v = 0;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
  for (int i = 2; i < 6; i++) {
    char c = at[i];
    int d = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : -1;
    if (d < 0) return -1;
    v = v * 16 + d;
  }
  return v;
}

size_t qun__json_lone_surrogate(qun_slice text) {
  const char *at = text.ptr, *end = text.len ? at + text.len : at;
  while (at < end && (at = memchr(at, '\\', (size_t)(end - at)))) {
    int unit = unit_at(at, end);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      int low = unit_at(at + 6, end);
      if (low < 0xdc00 || low > 0xdfff) return (size_t)(at - (const char *)text.ptr);
      at += 12;
    } else if (unit >= 0xdc00 && unit <= 0xdfff) {
      return (size_t)(at - (const char *)text.ptr);
    } else {
      at += 2; /* also steps over an escaped backslash */
    }
  }
  return SIZE_MAX;
}
