/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/msgpack_batch.h"

#include "support.h"

#include <stdlib.h>

struct batch_case {
  struct gate g;
  struct qun_refusals refusals;
  struct qun_pack body;
  struct qun_error err;
};

static void open_case(struct batch_case *c) {
  memset(c, 0, sizeof *c);
  gate_open(&c->g);
}

static void close_case(struct batch_case *c) {
  qun_refusals_fini(&c->refusals);
  qun_pack_fini(&c->body);
  gate_close(&c->g);
}

static int take(struct batch_case *c, const char *json, const struct qun_batch_limits *limits) {
  qun_pack_clear(&c->body);
  cr_assert_eq(qun_json_to_msgpack(&c->body, qun_str(json), &c->err), 0, "%s", c->err.message);
  return qun_msgpack_batch_read(&c->g.n, &c->g.batch, &c->refusals, qun_pack_slice(&c->body), limits, &c->err);
}

#define GOOD(id) "{\"id\":\"" id "\",\"source\":\"s\",\"type\":\"join\",\"member\":\"u\"}"

Test(host_intake_msgpack_batch, keeps_the_good_and_names_the_bad) {
  struct batch_case c;
  open_case(&c);
  cr_assert_eq(take(&c, "[" GOOD("1") ",{\"id\":\"2\"},7," GOOD("3") "]", NULL), 2);
  cr_assert_eq(c.g.batch.count, 2);
  cr_assert_eq(c.refusals.count, 2);
  cr_assert_eq(c.refusals.items[0].index, 1);
  cr_assert_eq(c.refusals.items[0].code, QUN_EINVAL);
  cr_assert_str_eq(c.refusals.items[0].reason, "source is missing");
  cr_assert_eq(c.refusals.items[1].index, 2);
  cr_assert_str_eq(c.refusals.items[1].reason, "an event must be a map (got an integer)");
  close_case(&c);
}

Test(host_intake_msgpack_batch, takes_a_map_with_events) {
  struct batch_case c;
  open_case(&c);
  cr_assert_eq(take(&c, "{\"v\":1,\"events\":[" GOOD("1") "]}", NULL), 1);
  cr_assert_eq(take(&c, "[]", NULL), 0);
  cr_assert_eq(take(&c, "{\"x\":[]}", NULL), QUN_EINVAL);
  cr_assert_str_eq(c.err.message, "the batch is a map without the key \"events\"");
  cr_assert_eq(take(&c, "{\"events\":1}", NULL), QUN_EINVAL);
  cr_assert_str_eq(c.err.message, "a batch must be a list of events, or a map {\"events\": [...]}");
  cr_assert_eq(take(&c, "\"x\"", NULL), QUN_EINVAL);
  close_case(&c);
}

Test(host_intake_msgpack_batch, holds_its_limits) {
  struct batch_case c;
  open_case(&c);
  cr_assert_eq(take(&c, "[" GOOD("1") "," GOOD("2") "]", &(struct qun_batch_limits){.events = 1}), QUN_EQUOTA);
  cr_assert_str_eq(c.err.message, "the batch has too many events: 2, at most 1 are allowed");
  cr_assert_eq(take(&c, "[" GOOD("1") "]", &(struct qun_batch_limits){.bytes = 10}), QUN_EQUOTA);
  cr_assert(strstr(c.err.message, "at most 10 are allowed"), "%s", c.err.message);
  cr_assert_eq(c.g.batch.count, 0);
  close_case(&c);
}

Test(host_intake_msgpack_batch, refuses_a_batch_cut_off_anywhere) {
  struct batch_case c;
  open_case(&c);
  cr_assert_eq(take(&c, "[" GOOD("1") "," GOOD("2") "]", NULL), 2);
  for (size_t n = 0; n < c.body.len; n++) {
    unsigned char *cut = malloc(n ? n : 1); /* exact size: asan sees a read behind it */
    memcpy(cut, c.body.buf, n);
    cr_assert_eq(qun_msgpack_batch_read(&c.g.n, &c.g.batch, &c.refusals, qun_slice_of(cut, n), NULL, &c.err),
                 QUN_EINVAL);
    cr_assert(strstr(c.err.message, "cut off or damaged"), "%s", c.err.message);
    free(cut);
  }
  cr_assert_eq(c.g.batch.count, 2);
  cr_assert_eq(c.refusals.total, 0);
  close_case(&c);
}

Test(host_intake_msgpack_batch, counts_all_refusals_and_keeps_the_first) {
  struct batch_case c;
  struct qun_pack p;
  open_case(&c);
  qun_pack_init(&p);
  qun_pack_array(&p, QUN_REFUSALS_MAX + 50);
  for (int i = 0; i < QUN_REFUSALS_MAX + 50; i++) qun_pack_nil(&p);
  cr_assert_eq(qun_msgpack_batch_read(&c.g.n, &c.g.batch, &c.refusals, qun_pack_slice(&p), NULL, &c.err), 0);
  cr_assert_eq(c.refusals.count, QUN_REFUSALS_MAX);
  cr_assert_eq(c.refusals.total, QUN_REFUSALS_MAX + 50);
  qun_pack_fini(&p);
  close_case(&c);
}

Test(host_intake_msgpack_batch, survives_any_change_of_its_bytes) {
  struct batch_case c;
  uint32_t seed = 7;
  open_case(&c);
  cr_assert_eq(take(&c, "[" GOOD("1") "," GOOD("2") "]", NULL), 2);
  unsigned char *bytes = malloc(c.body.len);
  for (int i = 0; i < 20000; i++) {
    memcpy(bytes, c.body.buf, c.body.len);
    for (int changes = 0; changes < 2; changes++) {
      seed = seed * 1664525u + 1013904223u;
      bytes[(seed >> 8) % c.body.len] = (unsigned char)(seed >> 24);
    }
    uint32_t before = c.g.batch.count;
    int rc = qun_msgpack_batch_read(&c.g.n, &c.g.batch, &c.refusals, qun_slice_of(bytes, c.body.len), NULL, &c.err);
    cr_assert_eq(c.g.batch.count, before + (uint32_t)(rc > 0 ? rc : 0));
  }
  free(bytes);
  close_case(&c);
}
