/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdlib.h>

#define HEAD "\"id\":\"1\",\"source\":\"s\","

static const struct {
  const char *json;
  int code;
  const char *message;
} refused[] = {
    {"[]", QUN_EINVAL, "an event must be a map (got a list)"},
    {"{}", QUN_EINVAL, "id is missing"},
    {"{\"id\":\"\",\"source\":\"s\",\"type\":\"join\"}", QUN_EINVAL, "id is empty"},
    {"{\"id\":1,\"type\":\"join\"}", QUN_EINVAL, "source is missing"},
    {"{\"id\":1,\"source\":\"s\"}", QUN_EINVAL, "type is missing"},
    {"{\"id\":1.5,\"source\":\"s\",\"type\":\"join\"}", QUN_EINVAL,
     "id must be text or an integer (got a number with a fraction)"},
    {"{" HEAD "\"type\":7}", QUN_EINVAL, "type must be text (got an integer)"},
    {"{" HEAD "\"type\":\"join\",\"member\":[1]}", QUN_EINVAL, "member must be text (got a list)"},
    {"{" HEAD "\"type\":\"join\",\"colour\":1}", QUN_EINVAL,
     "\"colour\" is not an attribute of an event; it has id, source, type, time, subject, member, group, channel, lang "
     "and data"},
    {"{" HEAD "\"type\":\"jion\"}", QUN_EINVAL, "type \"jion\" is not known to this host"},
    {"{" HEAD "\"type\":\"join\",\"time\":true}", QUN_EINVAL,
     "time must be RFC 3339 text or integer UTC milliseconds (got true or false)"},
    {"{" HEAD "\"type\":\"join\",\"time\":\"yesterday\"}", QUN_EINVAL,
     "time must be such as 2026-11-21T08:00:00Z (got \"yesterday\")"},
    {"{" HEAD "\"type\":\"join\",\"time\":\"2026-11-21T08:05:00.001Z\"}", QUN_EINVAL,
     "time 2026-11-21T08:05:00.001Z is more than 5 minutes ahead of the receive time 2026-11-21T08:00:00.000Z"},
    {"{" HEAD "\"type\":\"join\",\"time\":-1}", QUN_EINVAL, "time -1 is not between 1970 and 9999 in UTC milliseconds"},
    {"{" HEAD "\"type\":\"join\",\"data\":[]}", QUN_EINVAL,
     "data must be a map of the fields of \"join\" (got a list)"},
    {"{" HEAD "\"type\":\"qun.tick\"}", QUN_EDENIED, "type \"qun.tick\" is written by the host alone"},
    {"{\"id\":\"1\",\"source\":\"qun\",\"type\":\"join\"}", QUN_EDENIED, "source \"qun\" is the host's own"},
    {"{\"id\":\"1\",\"source\":\"qun:growth\",\"type\":\"join\"}", QUN_EDENIED,
     "source \"qun:growth\" is the host's own"},
    {"{" HEAD "\"type\":\"purchase\"}", QUN_EINVAL, "data.amount of \"purchase\" is missing"},
    {"{" HEAD "\"type\":\"purchase\",\"data\":{\"amount\":null}}", QUN_EINVAL,
     "data.amount of \"purchase\" is missing"},
    {"{" HEAD "\"type\":\"purchase\",\"data\":{\"amount\":\"9\"}}", QUN_EINVAL,
     "data.amount of \"purchase\" must be an integer in minor units (got text)"},
    {"{" HEAD "\"type\":\"purchase\",\"data\":{\"amount\":9.5}}", QUN_EINVAL,
     "data.amount of \"purchase\" must be an integer in minor units (got a number with a fraction)"},
    {"{" HEAD "\"type\":\"purchase\",\"data\":{\"amount\":9,\"colour\":1}}", QUN_EINVAL,
     "data.colour: \"purchase\" has no such field; it has amount, currency, order, sku, code"},
    {"{" HEAD "\"type\":\"purchase\",\"data\":{\"amount\":9,\"\":1}}", QUN_EINVAL,
     "data.: \"purchase\" has no such field; it has amount, currency, order, sku, code"},
    {"{" HEAD "\"type\":\"checkin\",\"data\":{\"a\":1}}", QUN_EINVAL,
     "data.a: \"checkin\" has no such field; it has none"},
    {"{" HEAD "\"type\":\"message\",\"data\":{\"text\":{}}}", QUN_EINVAL,
     "data.text of \"message\" must be text (got a map)"},
    {"{" HEAD "\"type\":\"message\",\"data\":{\"is_ad\":1}}", QUN_EINVAL,
     "data.is_ad of \"message\" must be true or false (got an integer)"},
    {"{" HEAD "\"type\":\"message\",\"data\":{\"reply_to\":\"1\"}}", QUN_EINVAL,
     "data.reply_to of \"message\" must be a list of texts (got text)"},
    {"{" HEAD "\"type\":\"message\",\"data\":{\"reply_to\":[\"1\",2]}}", QUN_EINVAL,
     "value 2 of data.reply_to of \"message\" must be text (got an integer)"},
    {"{" HEAD "\"type\":\"rename\",\"data\":{\"new_member\":5}}", QUN_EINVAL,
     "data.new_member of \"rename\" must be a member's id as text (got an integer)"},
    {"{" HEAD "\"type\":\"rename\",\"data\":{\"new_member\":\"\"}}", QUN_EINVAL,
     "data.new_member of \"rename\" is empty: a member's id is needed"},
    {"{" HEAD "\"type\":\"consent.given\",\"data\":{\"purpose\":\"x\",\"expires\":\"soon\"}}", QUN_EINVAL,
     "data.expires of \"consent.given\" must be a time such as 2026-11-21T08:00:00Z (got \"soon\")"},
    {"{" HEAD "\"type\":\"consent.given\",\"data\":{\"purpose\":\"x\",\"expires\":{}}}", QUN_EINVAL,
     "data.expires of \"consent.given\" must be a time: RFC 3339 text or integer UTC milliseconds (got a map)"},
    {"{" HEAD "\"type\":\"member.profile\",\"data\":{\"phone\":\"1\"}}", QUN_EINVAL,
     "data.phone of \"member.profile\" identifies a person, so the event needs a member"},
    {"{" HEAD "\"type\":\"message\",\"data\":{\"msg\":\"a\\u0000b\"}}", QUN_EINVAL,
     "data.msg of \"message\" is not valid UTF-8 text without NUL"},
};

Test(host_intake_normalise, says_why_an_event_is_refused) {
  struct gate g;
  gate_open(&g);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    struct qun_error err = {0};
    cr_assert_eq(gate_take(&g, refused[i].json, &err), refused[i].code, "%s: %s", refused[i].json, err.message);
    cr_assert_str_eq(err.message, refused[i].message);
    cr_assert_eq(g.batch.count, 0);
  }
  gate_close(&g);
}

Test(host_intake_normalise, keeps_operator_types_for_operators) {
  struct gate g;
  struct qun_error err = {0};
  const char *cost = "{" HEAD "\"type\":\"channel.cost\",\"channel\":\"kol\",\"data\":{\"amount\":100}}";
  gate_open(&g);
  cr_assert_eq(gate_take(&g, cost, &err), 0, "%s", err.message);
  g.n.operator_types = false;
  cr_assert_eq(gate_take(&g, cost, &err), QUN_EDENIED);
  cr_assert_str_eq(err.message, "type \"channel.cost\" needs a token of role owner or operator");
  gate_close(&g);
}

/* An event of raw msgpack that JSON cannot say. */
static int take_raw(struct gate *g, struct qun_pack *p, struct qun_error *err) {
  int rc = qun_normalise(&g->n, &g->batch, qun_pack_slice(p), err);
  qun_pack_clear(p);
  return rc;
}

static void raw_head(struct qun_pack *p, uint32_t more) {
  qun_pack_map(p, 3 + more);
  qun_pack_kv_cstr(p, "id", "1");
  qun_pack_kv_cstr(p, "source", "s");
  qun_pack_kv_cstr(p, "type", "message");
}

Test(host_intake_normalise, refuses_hostile_msgpack) {
  struct gate g;
  struct qun_error err = {0};
  struct qun_pack p;
  gate_open(&g);
  qun_pack_init(&p);

  qun_pack_map(&p, 3);
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "the event is not one whole msgpack value nested at most 16 deep");
  for (int i = 0; i < 18; i++) qun_pack_array(&p, 1);
  qun_pack_nil(&p);
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "the event is not one whole msgpack value nested at most 16 deep");
  cr_assert_eq(qun_normalise(&g.n, &g.batch, qun_slice_of(NULL, 0), &err), QUN_EINVAL);

  raw_head(&p, 1);
  qun_pack_kv_cstr(&p, "id", "2");
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "id is given twice");

  raw_head(&p, 1);
  qun_pack_int(&p, 5);
  qun_pack_nil(&p);
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "an event's key must be text (got an integer)");

  raw_head(&p, 1);
  qun_pack_kv_cstr(&p, "group", "\xff\xfe");
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "group is not valid UTF-8 text without NUL");

  raw_head(&p, 1);
  qun_pack_cstr(&p, "data");
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "msg", "1");
  qun_pack_kv_cstr(&p, "msg", "2");
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "data.msg of \"message\" is given twice");

  raw_head(&p, 1);
  qun_pack_cstr(&p, "data");
  qun_pack_map(&p, 1);
  qun_pack_nil(&p);
  qun_pack_nil(&p);
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "data of \"message\": a key must be text (got nothing)");

  raw_head(&p, 1); /* a NUL does not end a key */
  qun_pack_str(&p, qun_slice_of("id\0", 3));
  qun_pack_nil(&p);
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert(strstr(err.message, "\"id?\" is not an attribute"), "%s", err.message);

  raw_head(&p, 0);
  qun_pack_nil(&p);
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "the event is not one whole msgpack value nested at most 16 deep");

  raw_head(&p, 1);
  qun_pack_cstr(&p, "\x1b[31m\xff");
  qun_pack_nil(&p);
  cr_assert_eq(take_raw(&g, &p, &err), QUN_EINVAL);
  cr_assert(strncmp(err.message, "\"?[31m?\" is not an attribute", 28) == 0, "%s", err.message);

  qun_pack_fini(&p);
  gate_close(&g);
}

/* {"id":"1","source":"s","type":"message", <key>: <text>} or with the text in data */
static int take_long(struct gate *g, const char *key, const char *field, const char *text, struct qun_error *err) {
  struct qun_pack p;
  qun_pack_init(&p);
  raw_head(&p, 1);
  qun_pack_cstr(&p, key);
  if (field) qun_pack_map(&p, 1);
  if (field) qun_pack_cstr(&p, field);
  qun_pack_cstr(&p, text);
  int rc = take_raw(g, &p, err);
  qun_pack_fini(&p);
  return rc;
}

Test(host_intake_normalise, bounds_every_length) {
  struct gate g;
  struct qun_error err = {0};
  gate_open(&g);
  cr_assert_eq(take_long(&g, "group", NULL, repeat('g', 200), &err), 0, "%s", err.message);
  cr_assert_eq(take_long(&g, "group", NULL, repeat('g', 201), &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "group is too long: 201 bytes, at most 200 are allowed");
  cr_assert_eq(take_long(&g, "data", "text", repeat('t', QUN_TEXT_MAX), &err), 0, "%s", err.message);
  cr_assert_eq(take_long(&g, "data", "text", repeat('t', QUN_TEXT_MAX + 1), &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "data.text of \"message\" is too long: 65537 bytes, at most 65536 are allowed");
  cr_assert_eq(take_long(&g, "data", "msg", repeat('m', QUN_STR_MAX + 1), &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "data.msg of \"message\" is too long: 8193 bytes, at most 8192 are allowed");
  gate_close(&g);
}

/* All members that an event can name, each with the longest id. */
Test(host_intake_normalise, takes_members_with_the_longest_ids) {
  struct gate g;
  struct qun_error err = {0};
  char json[8192], id[201];
  gate_open(&g);
  snprintf(id, sizeof id, "%s", repeat('m', 200));
  snprintf(json, sizeof json,
           "{\"id\":\"%s\",\"source\":\"%s\",\"type\":\"join\",\"subject\":\"%s\",\"member\":\"%s\",\"group\":\"%s\","
           "\"channel\":\"%s\",\"data\":{\"inviter\":\"%s\"}}",
           id, id, id, id, id, id, id);
  cr_assert_eq(gate_take(&g, json, &err), 0, "%s", err.message);
  unsigned char first[QUN_DIGEST_SIZE];
  memcpy(first, gate_last(&g)->digest, sizeof first);
  json[strlen(json) - 4] = 'n'; /* the inviter's last byte */
  cr_assert_eq(gate_take(&g, json, &err), 0, "%s", err.message);
  cr_assert(memcmp(gate_last(&g)->digest, first, sizeof first) != 0);
  gate_close(&g);
}

Test(host_intake_normalise, refuses_a_field_with_a_nul_behind_its_name) {
  struct gate g;
  struct qun_error err = {0};
  struct qun_pack p;
  gate_open(&g);
  qun_pack_init(&p);
  qun_pack_map(&p, 5);
  qun_pack_kv_cstr(&p, "id", "1");
  qun_pack_kv_cstr(&p, "source", "s");
  qun_pack_kv_cstr(&p, "type", "join");
  qun_pack_kv_cstr(&p, "member", "m");
  qun_pack_cstr(&p, "data");
  qun_pack_map(&p, 1);
  qun_pack_str(&p, qun_slice_of("code\0 and what stands behind it in the memory", 46));
  qun_pack_cstr(&p, "1");
  cr_assert_eq(qun_normalise(&g.n, &g.batch, qun_pack_slice(&p), &err), QUN_EINVAL);
  cr_assert(strstr(err.message, "has no such field"), "%s", err.message);
  qun_pack_fini(&p);
  gate_close(&g);
}

Test(host_intake_normalise, fills_the_envelope) {
  struct gate g;
  struct qun_error err = {0};
  gate_open(&g);
  g.n.imported = true;
  cr_assert_eq(gate_take(&g,
                         "{\"id\":42,\"source\":\"wecom\",\"type\":\"kick\",\"time\":\"2026-11-21T16:00:00+08:00\","
                         "\"subject\":\"sub\","
                         "\"group\":\"g\",\"channel\":null,\"lang\":\"\",\"member\":\"u1\",\"data\":{\"by\":\"u2\","
                         "\"session\":\"x\"}}",
                         &err),
               0, "%s", err.message);
  struct qun_input *in = gate_last(&g);
  unsigned char u1[QUN_PSEUDONYM_SIZE], u2[QUN_PSEUDONYM_SIZE];
  qun_vault_pseudonym(g.vault, qun_str("u1"), u1);
  qun_vault_pseudonym(g.vault, qun_str("u2"), u2);
  cr_assert(qun_slice_eq(in->id, qun_str("42")));
  cr_assert(qun_slice_eq(in->source, qun_str("wecom")));
  cr_assert(qun_slice_eq(in->type, qun_str("kick")));
  cr_assert(qun_slice_eq(in->subject, qun_str("sub")));
  cr_assert(qun_slice_eq(in->group, qun_str("g")));
  cr_assert_eq(in->channel.len + in->lang.len, 0);
  cr_assert_eq(in->time_ms, GATE_NOW);
  cr_assert_eq(in->flags, QUN_INPUT_IMPORTED);
  cr_assert_eq(in->type_flags, QUN_TYPE_GOVERNS);
  cr_assert(in->has_member);
  cr_assert_arr_eq(in->member, u1, sizeof u1);
  qun_slice by;
  int ext;
  struct qun_unpack u;
  cr_assert(qun_mp_find(in->data, "by", &by));
  qun_unpack_init(&u, by);
  cr_assert(qun_unpack_ext(&u, &ext, &by));
  cr_assert_eq(ext, QUN_EXT_PSEUDONYM);
  cr_assert_arr_eq(by.ptr, u2, sizeof u2);
  cr_assert_eq(in->data_open.len, 0, "nothing is sealed");
  gate_close(&g);
}

/* The plaintext of a sealed value under the input's member, in a buffer of the test. */
static const char *opened(struct gate *g, const struct qun_input *in, qun_slice sealed) {
  static unsigned char plain[1000];
  struct qun_error err = {0};
  memset(plain, 0, sizeof plain);
  size_t len = 0;
  cr_assert(qun_sealed_plain_len(sealed, &len) && len > 0 && len < sizeof plain);
  cr_assert_eq(qun_vault_open_sealed(g->vault, in->member, sealed, plain, &err), 0, "%s", err.message);
  return (const char *)plain;
}

static qun_slice bytes_of(qun_slice map, const char *key, int want_ext) {
  struct qun_unpack u;
  qun_slice v, s;
  int ext = 0;
  cr_assert(qun_mp_find(map, key, &v), "%s", key);
  qun_unpack_init(&u, v);
  if (want_ext)
    cr_assert(qun_unpack_ext(&u, &ext, &s));
  else
    cr_assert(qun_unpack_bin(&u, &s));
  cr_assert_eq(ext, want_ext);
  return s;
}

Test(host_intake_normalise, seals_text_and_identity) {
  struct gate g;
  struct qun_error err = {0};
  gate_open(&g);
  cr_assert_eq(
      gate_take(&g,
                "{" HEAD
                "\"type\":\"member.profile\",\"member\":\"u1\",\"data\":{\"city\":\"上海\",\"phone\":\"+86 100\","
                "\"name\":\"张三\",\"tags\":[\"a\"]}}",
                &err),
      0, "%s", err.message);
  struct qun_input *in = gate_last(&g);
  cr_assert_str_eq(as_json(in->data_open), "{\"name\":true,\"phone\":true,\"city\":\"上海\",\"tags\":[\"a\"]}");
  cr_assert_str_eq(as_json(in->data),
                   "{\"name\":\"[sealed]\",\"phone\":\"[sealed]\",\"city\":\"上海\",\"tags\":[\"a\"]}");
  cr_assert_str_eq(opened(&g, in, bytes_of(in->data, "phone", QUN_EXT_SEALED)), "+86 100");
  cr_assert_str_eq(opened(&g, in, bytes_of(in->identity, "phone", 0)), "+86 100");
  cr_assert_str_eq(opened(&g, in, bytes_of(in->identity, "name", 0)), "张三");
  cr_assert_str_eq(opened(&g, in, bytes_of(in->identity, "id", 0)), "u1");

  cr_assert_eq(gate_take(&g,
                         "{" HEAD "\"type\":\"message\",\"member\":\"u1\",\"data\":{\"text\":\"你好\",\"msg\":\"9\"}}",
                         &err),
               0);
  in = gate_last(&g);
  cr_assert_str_eq(as_json(in->data), "{\"text\":\"[sealed]\",\"msg\":\"9\"}");
  cr_assert_str_eq(as_json(in->data_open), "{\"text\":\"你好\",\"msg\":\"9\"}");
  cr_assert_str_eq(opened(&g, in, bytes_of(in->data, "text", QUN_EXT_SEALED)), "你好");
  cr_assert_eq(in->identity.len, 0, "the id was sealed in this batch already");

  g.n.seal_text = false;
  cr_assert_eq(gate_take(&g, "{" HEAD "\"type\":\"message\",\"member\":\"u1\",\"data\":{\"text\":\"你好\"}}", &err), 0);
  cr_assert_str_eq(as_json(gate_last(&g)->data), "{\"text\":\"你好\"}");
  cr_assert_eq(gate_last(&g)->data_open.len, 0);
  gate_close(&g);
}

Test(host_intake_normalise, seals_text_of_nobody_under_the_tenants_own_key) {
  struct gate g;
  struct qun_error err = {0};
  static const unsigned char nobody[QUN_PSEUDONYM_SIZE];
  gate_open(&g);
  cr_assert_eq(gate_take(&g, "{" HEAD "\"type\":\"topic\",\"data\":{\"text\":\"rules\"}}", &err), 0, "%s", err.message);
  struct qun_input *in = gate_last(&g);
  cr_assert(!in->has_member);
  cr_assert_arr_eq(in->member, nobody, sizeof nobody);
  cr_assert_eq(in->identity.len, 0);
  cr_assert_str_eq(opened(&g, in, bytes_of(in->data, "text", QUN_EXT_SEALED)), "rules");
  gate_close(&g);
}

Test(host_intake_normalise, seals_an_id_once_a_batch) {
  struct gate g;
  struct qun_error err = {0};
  const char *join = "{" HEAD "\"type\":\"join\",\"member\":\"u1\"}";
  const char *bad = "{" HEAD "\"type\":\"join\",\"member\":\"u1\",\"data\":{\"x\":1}}";
  gate_open(&g);
  cr_assert_eq(gate_take(&g, bad, &err), QUN_EINVAL);
  cr_assert_eq(gate_take(&g, join, &err), 0);
  cr_assert_gt(gate_last(&g)->identity.len, 0, "a refused event does not count");
  cr_assert_eq(gate_take(&g, join, &err), 0);
  cr_assert_eq(gate_last(&g)->identity.len, 0);
  qun_input_batch_fini(&g.batch); /* lost, or taken over by the engine */
  qun_input_batch_init(&g.batch);
  cr_assert_eq(gate_take(&g, join, &err), 0);
  cr_assert_gt(gate_last(&g)->identity.len, 0, "another batch stands alone");
  gate_close(&g);
}

static void digest_of(struct gate *g, const char *json, unsigned char out[QUN_DIGEST_SIZE]) {
  struct qun_error err = {0};
  cr_assert_eq(gate_take(g, json, &err), 0, "%s", err.message);
  memcpy(out, gate_last(g)->digest, QUN_DIGEST_SIZE);
}

Test(host_intake_normalise, digests_tell_content_apart) {
  static const char *const same[] = {
      "{" HEAD
      "\"type\":\"purchase\",\"time\":\"2026-11-21T08:00:00Z\",\"member\":\"u\",\"data\":{\"amount\":5,\"sku\":\"a\"}}",
      "{\"type\":\"purchase\",\"data\":{\"sku\":\"a\",\"code\":null,\"amount\":5},\"time\":1795248000000,\"member\":"
      "\"u\"," HEAD "\"group\":\"\"}"};
  static const char *const other[] = {
      "{\"id\":\"2\",\"source\":\"s\",\"type\":\"purchase\",\"time\":1795248000000,\"member\":\"u\",\"data\":{"
      "\"amount\":5,\"sku\":\"a\"}}",
      "{" HEAD "\"type\":\"purchase\",\"time\":1795248000001,\"member\":\"u\",\"data\":{\"amount\":5,\"sku\":\"a\"}}",
      "{" HEAD "\"type\":\"purchase\",\"member\":\"u\",\"data\":{\"amount\":5,\"sku\":\"a\"}}",
      "{" HEAD "\"type\":\"purchase\",\"time\":1795248000000,\"member\":\"v\",\"data\":{\"amount\":5,\"sku\":\"a\"}}",
      "{" HEAD "\"type\":\"purchase\",\"time\":1795248000000,\"member\":\"u\",\"data\":{\"amount\":6,\"sku\":\"a\"}}",
      "{" HEAD "\"type\":\"purchase\",\"time\":1795248000000,\"member\":\"u\",\"data\":{\"amount\":5,\"code\":\"a\"}}",
      "{" HEAD "\"type\":\"purchase\",\"time\":1795248000000,\"member\":\"u\",\"group\":\"g\",\"data\":{\"amount\":5,"
      "\"sku\":\"a\"}}"};
  struct gate g;
  unsigned char first[QUN_DIGEST_SIZE], next[QUN_DIGEST_SIZE];
  gate_open(&g);
  digest_of(&g, same[0], first);
  g.n.now_ms += 60000;
  digest_of(&g, same[1], next);
  cr_assert_arr_eq(first, next, sizeof first);
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    digest_of(&g, other[i], next);
    cr_assert_arr_neq(first, next, sizeof first, "%zu", i);
  }
  gate_close(&g);
}

Test(host_intake_normalise, digests_cover_what_is_sealed) {
  struct gate g;
  unsigned char a[QUN_DIGEST_SIZE], b[QUN_DIGEST_SIZE], c[QUN_DIGEST_SIZE];
  gate_open(&g);
  digest_of(&g, "{" HEAD "\"type\":\"member.profile\",\"member\":\"u\",\"data\":{\"phone\":\"1\"}}", a);
  digest_of(&g, "{" HEAD "\"type\":\"member.profile\",\"member\":\"u\",\"data\":{\"phone\":\"2\"}}", b);
  digest_of(&g, "{" HEAD "\"type\":\"member.profile\",\"member\":\"u\",\"data\":{\"phone\":\"1\"}}", c);
  cr_assert_arr_neq(a, b, sizeof a);
  cr_assert_arr_eq(a, c, sizeof a);
  gate_close(&g);
}

Test(host_intake_normalise, survives_any_change_of_its_bytes) {
  enum { ROUNDS = 20000 };
  struct gate g;
  struct qun_pack p;
  struct qun_error err = {0};
  uint32_t seed = 1;
  gate_open(&g);
  qun_pack_init(&p);
  cr_assert_eq(qun_json_to_msgpack(
                   &p,
                   qun_str("{" HEAD "\"type\":\"message\",\"member\":\"u1\",\"time\":1795248000000,\"data\":{\"text\":"
                           "\"群\",\"reply_to\":[\"1\",\"2\"],\"is_ad\":true}}"),
                   &err),
               0);
  unsigned char *bytes = malloc(p.len);
  for (int i = 0; i < ROUNDS; i++) {
    memcpy(bytes, p.buf, p.len);
    for (int changes = 0; changes < 3; changes++) {
      seed = seed * 1664525u + 1013904223u;
      bytes[(seed >> 8) % p.len] = (unsigned char)(seed >> 24);
    }
    seed = seed * 1664525u + 1013904223u;
    size_t len = i % 2 ? p.len : (seed >> 8) % (p.len + 1);
    uint32_t before = g.batch.count;
    int rc = qun_normalise(&g.n, &g.batch, qun_slice_of(bytes, len), &err);
    cr_assert_eq(g.batch.count, before + (rc == 0));
    if (rc == 0) cr_assert(qun_mp_valid(gate_last(&g)->data, 16));
  }
  free(bytes);
  qun_pack_fini(&p);
  gate_close(&g);
}
