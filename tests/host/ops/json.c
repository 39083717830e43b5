/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/json.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

/* JSON through msgpack and back; free() the answer. NULL: refused, `err` says why. */
static char *round_trip(qun_slice text, struct qun_error *err) {
  struct qun_pack mp, json;
  char *out = NULL;
  qun_pack_init(&mp);
  qun_pack_init(&json);
  if (qun_json_to_msgpack(&mp, text, err) == 0) {
    cr_assert(qun_mp_valid(qun_pack_slice(&mp), QUN_JSON_DEPTH));
    cr_assert_eq(qun_msgpack_to_json(&json, qun_pack_slice(&mp), false, err), 0, "%s", err->message);
    out = strndup((const char *)json.buf, json.len);
  } else {
    cr_assert_eq(mp.len, 0, "a refusal leaves nothing behind");
  }
  qun_pack_fini(&mp);
  qun_pack_fini(&json);
  return out;
}

static const struct {
  const char *in, *out;
} good[] = {
    {"null", "null"},
    {" [1, -1 ,0,-0]\n", "[1,-1,0,0]"},
    {"{\"a\":{\"b\":[true,false,null]},\"\":\"\"}", "{\"a\":{\"b\":[true,false,null]},\"\":\"\"}"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"9007199254740993", "9007199254740993"},
    {"0.1", "0.1"},
    {"[1e3,2.5]", "[1000,2.5]"},
    {"\"\\u7fa4\\ud83d\\ude00 \\\"\\\\u\\n\"", "\"群😀 \\\"\\\\u\\n\""},
};

Test(host_ops_json, keeps_values_exactly) {
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct qun_error err = {0};
    char *out = round_trip(qun_str(good[i].in), &err);
    cr_assert(out, "%s: %s", good[i].in, err.message);
    cr_assert_str_eq(out, good[i].out);
    free(out);
  }
}

static const struct {
  const char *in, *reason;
} bad[] = {
    {"", "line 1, column 1: not valid JSON: "},
    {"{\"a\":1} x", "line 1, column 10: not valid JSON: "},
    {"{\"a\":1,}", "line 1, column 9: not valid JSON: "},
    {"[1,\n [2", "line 2, column 4: not valid JSON: "},
    {"[01]", "not valid JSON: "},
    {"[+1]", "not valid JSON: "},
    {"[1.]", "not valid JSON: "},
    {"[NaN]", "not valid JSON: "},
    {"'a'", "not valid JSON: "},
    {"\"a\nb\"", "not valid JSON: "},
    {"/* a */ 1", "not valid JSON: "},
    {"{\"id\":1,\n\"id\":2}", "line 2, column 8: the key \"id\" is given twice"},
    {"[9223372036854775808]", "the number 9223372036854775808 does not fit in 64 bits"},
    {"[-9223372036854775809]", "the number -9223372036854775809 does not fit in 64 bits"},
    {"[1e999]", "the number 1e999 is out of range"},
    {"[\"\\ud800\"]", "line 1, column 3: half of a surrogate pair stands alone"},
    {"[\"\\ud800\\u0041\"]", "line 1, column 3: half of a surrogate pair stands alone"},
    {"[\"\\udc00\"]", "line 1, column 3: half of a surrogate pair stands alone"},
    {"{\n\"a\": \"\xff\"}", "line 2, column 7: not valid UTF-8 text without NUL"},
    {"[\"\xe7\xbe\xa4\xed\xa0\x80\"]", "line 1, column 6: not valid UTF-8 text without NUL"},
    {"[\"\xc0\x80\"]", "line 1, column 3: not valid UTF-8 text without NUL"},
};

Test(host_ops_json, says_what_is_wrong_and_where) {
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct qun_error err = {0};
    char *out = round_trip(qun_str(bad[i].in), &err);
    cr_assert_null(out, "%s was taken", bad[i].in);
    cr_assert_eq(err.code, QUN_EINVAL);
    cr_assert(strstr(err.message, bad[i].reason), "%s: \"%s\" is not in \"%s\"", bad[i].in, bad[i].reason, err.message);
  }
}

Test(host_ops_json, refuses_a_raw_nul) {
  struct qun_error err = {0};
  cr_assert_null(round_trip(qun_slice_of("[1,\0]", 5), &err));
  cr_assert_str_eq(err.message, "line 1, column 4: not valid UTF-8 text without NUL");
}

Test(host_ops_json, bounds_the_depth) {
  char text[2 * QUN_JSON_DEPTH + 3];
  struct qun_error err = {0};
  for (size_t depth = QUN_JSON_DEPTH; depth <= QUN_JSON_DEPTH + 1; depth++) {
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    char *out = round_trip(qun_slice_of(text, 2 * depth), &err);
    cr_assert_eq(out != NULL, depth == QUN_JSON_DEPTH);
    free(out);
  }
  cr_assert(strstr(err.message, "nested more than 32 deep"), "%s", err.message);
}

Test(host_ops_json, finds_a_duplicate_among_many_keys) {
  enum { KEYS = 5000 };
  struct qun_pack text;
  struct qun_error err = {0};
  qun_pack_init(&text);
  for (int i = 0; i < KEYS; i++) {
    char pair[32];
    snprintf(pair, sizeof pair, "%c\"k%d\":%d", i ? ',' : '{', i, i);
    qun_pack_raw(&text, qun_str(pair));
  }
  qun_pack_raw(&text, qun_str("}"));
  char *out = round_trip(qun_pack_slice(&text), &err);
  cr_assert(out, "%s", err.message);
  free(out);
  text.len--;
  qun_pack_raw(&text, qun_str(",\"k77\":1}"));
  cr_assert_null(round_trip(qun_pack_slice(&text), &err));
  cr_assert(strstr(err.message, "the key \"k77\" is given twice"), "%s", err.message);
  qun_pack_fini(&text);
}

Test(host_ops_json, writes_what_json_has_no_word_for) {
  struct qun_pack mp, json;
  struct qun_error err = {0};
  qun_pack_init(&mp);
  qun_pack_init(&json);
  qun_pack_map(&mp, 5);
  qun_pack_cstr(&mp, "bin");
  qun_pack_bin(&mp, qun_slice_of("\0\1\xff", 3));
  qun_pack_cstr(&mp, "sealed");
  qun_pack_ext(&mp, 1, qun_str("secret"));
  qun_pack_cstr(&mp, "member");
  qun_pack_ext(&mp, 2, qun_slice_of("\xab\xcd", 2));
  qun_pack_int(&mp, 7);
  qun_pack_uint(&mp, UINT64_MAX);
  qun_pack_cstr(&mp, "nan");
  qun_pack_double(&mp, (double)NAN);
  cr_assert_eq(qun_msgpack_to_json(&json, qun_pack_slice(&mp), false, &err), 0, "%s", err.message);
  qun_pack_raw(&json, qun_slice_of("", 1));
  cr_assert_str_eq(
      (const char *)json.buf,
      "{\"bin\":\"AAH/\",\"sealed\":\"[sealed]\",\"member\":\"abcd\",\"7\":18446744073709551615,\"nan\":null}");
  json.len = 0;
  mp.len--;
  cr_assert_eq(qun_msgpack_to_json(&json, qun_pack_slice(&mp), false, &err), QUN_EINVAL);
  cr_assert_eq(json.len, 0);
  qun_pack_fini(&mp);
  qun_pack_fini(&json);
}

Test(host_ops_json, writes_pretty_text) {
  struct qun_pack mp, json;
  struct qun_error err = {0};
  qun_pack_init(&mp);
  qun_pack_init(&json);
  cr_assert_eq(qun_json_to_msgpack(&mp, qun_str("{\"a\":[1]}"), &err), 0);
  cr_assert_eq(qun_msgpack_to_json(&json, qun_pack_slice(&mp), true, &err), 0);
  qun_pack_raw(&json, qun_slice_of("", 1));
  cr_assert_str_eq((const char *)json.buf, "{\n  \"a\": [\n    1\n  ]\n}\n");
  qun_pack_fini(&mp);
  qun_pack_fini(&json);
}

/* ---------------------------------------------------------------- streams */

struct source {
  const char *at;
  size_t left;
  size_t piece;
};

static ptrdiff_t read_source(void *arg, void *buf, size_t size) {
  struct source *s = arg;
  size_t n = s->left < s->piece ? s->left : s->piece;
  if (n > size) n = size;
  memcpy(buf, s->at, n);
  s->at += n;
  s->left -= n;
  return (ptrdiff_t)n;
}

/* All elements as JSON or "!reason", each with a line end, then "=root" or "?error". */
static void stream_all(struct qun_pack *out, const char *text, const char *array, size_t piece) {
  struct source src = {text, strlen(text), piece};
  struct qun_json_stream *s;
  struct qun_json_element e;
  struct qun_error err = {0};
  struct qun_pack root;
  int rc;
  cr_assert_eq(qun_json_stream_open(&s, array, read_source, &src), 0);
  while ((rc = qun_json_stream_next(s, &e, &err)) == 1) {
    if (e.reason)
      qun_pack_raw(out, qun_str("!")), qun_pack_raw(out, qun_str(e.reason));
    else
      cr_assert_eq(qun_msgpack_to_json(out, e.value, false, &err), 0, "%s", err.message);
    qun_pack_raw(out, qun_str("\n"));
  }
  qun_pack_init(&root);
  qun_json_stream_root(s, &root);
  qun_pack_raw(out, qun_str(rc < 0 ? "?" : "="));
  if (rc < 0)
    qun_pack_raw(out, qun_str(err.message));
  else
    qun_msgpack_to_json(out, qun_pack_slice(&root), false, &err);
  qun_pack_raw(out, qun_slice_of("", 1));
  qun_pack_fini(&root);
  qun_json_stream_close(s);
}

static const struct {
  const char *text, *array, *want;
} streams[] = {
    {"{\"name\":\"x\",\"m\":[{\"a\":1},2,[3]],\"n\":{\"k\":[1]}}", "m",
     "{\"a\":1}\n2\n[3]\n={\"name\":\"x\",\"n\":{\"k\":[1]}}"},
    {"[1,\"\\ud83d\\ude00\"]", NULL, "1\n\"😀\"\n={}"},
    {"{\"m\":[]}", "m", "={}"},
    {"{\"m\":[1,{\"a\":1,\"a\":2},{\"b\":[99999999999999999999,{}]},\"\xff\",4]}", "m",
     "1\n!the key \"a\" is given twice\n!the number 99999999999999999999 does not fit in 64 bits\n"
     "!a text is not valid UTF-8 without NUL\n4\n={}"},
    {"{\"m\":[1,2", "m", "1\n2\n?not valid JSON after entry 2: premature EOF"},
    {"{\"m\":[1}", "m", "1\n?not valid JSON after entry 1: after array element, I expect ',' or ']'"},
    {"{\"x\":[1]}", "m", "?the document has no such list"},
    {"[1]", "m", "?the document is not an object"},
    {"{}", NULL, "?the document is not a list"},
    {"{\"m\":1}", "m", "?its list is not a list"},
    {"{\"m\":[1],\"m\":[2]}", "m", "1\n?its list is given twice"},
    {"", NULL, "?not valid JSON after entry 0: premature EOF"},
};

Test(host_ops_json, streams_a_list_in_pieces) {
  static const size_t pieces[] = {1, 3, 4096};
  for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
    for (size_t p = 0; p < 3; p++) {
      struct qun_pack out;
      qun_pack_init(&out);
      stream_all(&out, streams[i].text, streams[i].array, pieces[p]);
      cr_assert_str_eq((const char *)out.buf, streams[i].want);
      qun_pack_fini(&out);
    }
}
