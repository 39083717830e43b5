/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/json.h"

#include "host/intake/normalise.h"
#include "host/ops/json_build.h"

#include <yajl/yajl_gen.h>

#include <math.h>
#include <sodium.h>
#include <stdlib.h>

static int on_null(void *b) {
  return qun__json_build_null(b);
}
static int on_bool(void *b, int v) {
  return qun__json_build_bool(b, v);
}
static int on_number(void *b, const char *s, size_t n) {
  return qun__json_build_number(b, qun_slice_of(s, n));
}
static int on_string(void *b, const unsigned char *s, size_t n) {
  return qun__json_build_string(b, qun_slice_of(s, n));
}
static int on_key(void *b, const unsigned char *s, size_t n) {
  return qun__json_build_key(b, qun_slice_of(s, n));
}
static int on_map(void *b) {
  return qun__json_build_start(b, true);
}
static int on_array(void *b) {
  return qun__json_build_start(b, false);
}
static int on_end(void *b) {
  return qun__json_build_end(b);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

/* ---------------------------------------------------------------- reading */

/* "line 2, column 17: <reason>"; columns count bytes. */
static int refuse(struct qun_error *err, qun_slice text, size_t at, const char *reason) {
  const char *s = text.ptr;
  size_t line = 1, from = 0;
  if (at > text.len) at = (size_t)text.len;
  for (size_t i = 0; i < at; i++) {
    if (s[i] != '\n') continue;
    line++;
    from = i + 1;
  }
  return qun_error_set(err, QUN_EINVAL, "line %zu, column %zu: %s", line, at - from + 1, reason);
}

static size_t first_bad_byte(qun_slice text) {
  size_t good = 0, step = (size_t)text.len;
  const char *s = text.ptr;
  while (step > 0) { /* halving: the longest prefix that ends before the broken sequence */
    if (good + step <= text.len && qun_utf8_valid(qun_slice_of(s + good, step)))
      good += step;
    else if (step == 1)
      break;
    else
      step /= 2;
  }
  while (good < text.len) { /* a step may have ended inside a good sequence */
    size_t n = 1;
    while (n <= 4 && good + n <= text.len && !qun_utf8_valid(qun_slice_of(s + good, n))) n++;
    if (n > 4 || good + n > text.len) break;
    good += n;
  }
  return good;
}

/* yajl's own words, without its "parse error: " and line end. */
static void syntax_reason(yajl_handle y, char *out, size_t size) {
  unsigned char *words = yajl_get_error(y, 0, NULL, 0);
  const char *from = words ? (const char *)words : "broken";
  const char *colon = strstr(from, "error: ");
  size_t n;
  if (colon) from = colon + 7;
  n = strcspn(from, "\n");
  if (n >= size) n = size - 1;
  snprintf(out, size, "not valid JSON: %.*s", (int)n, from);
  if (words) yajl_free_error(y, words);
}

int qun_json_to_msgpack(struct qun_pack *out, qun_slice text, struct qun_error *err) {
  struct qun_json_build b;
  char reason[160];
  size_t was = out->len, lone;
  int rc = QUN_OK;
  if (!qun_utf8_valid(text)) return refuse(err, text, first_bad_byte(text), "not valid UTF-8 text without NUL");
  lone = qun__json_lone_surrogate(text);
  if (lone != SIZE_MAX) return refuse(err, text, lone, "half of a surrogate pair stands alone");
  /* Most values are shorter in msgpack: one piece of memory instead of many that grow. */
  if (text.len && qun__pack_room(out, (size_t)text.len)) out->len = was;
  qun__json_build_init(&b, out);
  yajl_handle y = yajl_alloc(&callbacks, NULL, &b);
  if (!y) return qun_error_set(err, QUN_EFAIL, "out of memory");
  yajl_config(y, yajl_dont_validate_strings, 1); /* all of it was checked above */
  yajl_status st = yajl_parse(y, text.ptr, (size_t)text.len);
  size_t at = yajl_get_bytes_consumed(y);
  if (st == yajl_status_ok) {
    at = (size_t)text.len;
    st = yajl_complete_parse(y);
  }
  if (st == yajl_status_client_canceled) {
    rc = refuse(err, text, at, b.err.message);
    if (b.err.code == QUN_EFAIL) rc = qun_error_set(err, QUN_EFAIL, "%s", b.err.message);
  } else if (st != yajl_status_ok) {
    syntax_reason(y, reason, sizeof reason);
    rc = refuse(err, text, at, reason);
  } else if (out->failed) {
    rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  yajl_free(y);
  if (rc < 0 && !out->failed) out->len = was;
  return rc;
}

/* ---------------------------------------------------------------- writing */

static int put_text(yajl_gen g, qun_slice s) {
  return yajl_gen_string(g, s.len ? s.ptr : (const unsigned char *)"", (size_t)s.len) == yajl_gen_status_ok;
}

static int put_double(yajl_gen g, double v) {
  char digits[40];
  if (!isfinite(v)) return yajl_gen_null(g) == yajl_gen_status_ok;
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, v);
    if (strtod(digits, NULL) == v) break;
  }
  return yajl_gen_number(g, digits, strlen(digits)) == yajl_gen_status_ok;
}

/* Integers over INT64_MAX too. */
static int put_int(yajl_gen g, struct qun_unpack *u) {
  char digits[24];
  qun_slice raw;
  int64_t v;
  if (qun_unpack_int(u, &v))
    snprintf(digits, sizeof digits, "%lld", (long long)v);
  else if (qun_unpack_any(u, &raw) && raw.len == 9)
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)qun__get_be((const unsigned char *)raw.ptr + 1, 8));
  else
    return 0;
  return yajl_gen_number(g, digits, strlen(digits)) == yajl_gen_status_ok;
}

static int put_bytes(yajl_gen g, qun_slice s, bool base64) {
  size_t size =
      base64 ? sodium_base64_encoded_len((size_t)s.len, sodium_base64_VARIANT_ORIGINAL) : 2 * (size_t)s.len + 1;
  char *text = malloc(size);
  int ok = 0;
  if (!text) return 0;
  if (base64)
    sodium_bin2base64(text, size, s.ptr, (size_t)s.len, sodium_base64_VARIANT_ORIGINAL);
  else
    sodium_bin2hex(text, size, s.ptr, (size_t)s.len);
  ok = put_text(g, qun_str(text));
  free(text);
  return ok;
}

static int put_ext(yajl_gen g, struct qun_unpack *u) {
  qun_slice s;
  int type;
  if (!qun_unpack_ext(u, &type, &s)) return 0;
  return type == QUN_EXT_SEALED ? put_text(g, qun_str("[sealed]")) : put_bytes(g, s, false);
}

static int put_key(yajl_gen g, struct qun_unpack *u) {
  struct qun_pack text;
  qun_slice s, raw;
  int ok;
  if (qun_unpack_str(u, &s)) return put_text(g, s);
  qun_pack_init(&text);
  ok = qun_unpack_any(u, &raw) && qun_msgpack_to_json(&text, raw, false, NULL) == 0 &&
       put_text(g, qun_pack_slice(&text));
  qun_pack_fini(&text);
  return ok;
}

static int put_value(yajl_gen g, struct qun_unpack *u, unsigned depth);

static int put_container(yajl_gen g, struct qun_unpack *u, unsigned depth) {
  uint32_t count;
  bool map = qun_unpack_peek(u) == QUN_MP_MAP;
  if (depth == QUN_JSON_DEPTH) return 0;
  if (map ? !qun_unpack_map(u, &count) : !qun_unpack_array(u, &count)) return 0;
  if ((map ? yajl_gen_map_open(g) : yajl_gen_array_open(g)) != yajl_gen_status_ok) return 0;
  while (count-- > 0) {
    if (map && !put_key(g, u)) return 0;
    if (!put_value(g, u, depth + 1)) return 0;
  }
  return (map ? yajl_gen_map_close(g) : yajl_gen_array_close(g)) == yajl_gen_status_ok;
}

static int put_value(yajl_gen g, struct qun_unpack *u, unsigned depth) {
  qun_slice s;
  double d;
  int v;
  switch (qun_unpack_peek(u)) {
  case QUN_MP_NIL: return qun_unpack_nil(u) && yajl_gen_null(g) == yajl_gen_status_ok;
  case QUN_MP_BOOL: return qun_unpack_bool(u, &v) && yajl_gen_bool(g, v) == yajl_gen_status_ok;
  case QUN_MP_INT: return put_int(g, u);
  case QUN_MP_FLOAT: return qun_unpack_double(u, &d) && put_double(g, d);
  case QUN_MP_STR: return qun_unpack_str(u, &s) && put_text(g, s);
  case QUN_MP_BIN: return qun_unpack_bin(u, &s) && put_bytes(g, s, true);
  case QUN_MP_EXT: return put_ext(g, u);
  case QUN_MP_ARRAY:
  case QUN_MP_MAP: return put_container(g, u, depth);
  case QUN_MP_NONE: break;
  }
  return 0;
}

int qun_msgpack_to_json(struct qun_pack *text, qun_slice value, bool pretty, struct qun_error *err) {
  struct qun_unpack u;
  const unsigned char *buf;
  size_t len;
  int rc = QUN_OK;
  if (!qun_mp_valid(value, QUN_JSON_DEPTH))
    return qun_error_set(err, QUN_EINVAL, "not one whole msgpack value nested at most %d deep", QUN_JSON_DEPTH);
  yajl_gen g = yajl_gen_alloc(NULL);
  if (!g) return qun_error_set(err, QUN_EFAIL, "out of memory");
  yajl_gen_config(g, yajl_gen_beautify, pretty ? 1 : 0);
  yajl_gen_config(g, yajl_gen_indent_string, "  ");
  yajl_gen_config(g, yajl_gen_validate_utf8, 1);
  qun_unpack_init(&u, value);
  if (!put_value(g, &u, 0) || yajl_gen_get_buf(g, &buf, &len) != yajl_gen_status_ok)
    rc = qun_error_set(err, QUN_EINVAL,
                       "the value cannot be written as JSON: a text in it is not valid UTF-8, or memory ran out");
  else
    qun_pack_raw(text, qun_slice_of(buf, len));
  yajl_gen_free(g);
  return rc;
}
