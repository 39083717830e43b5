/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/rooms.h"
#include "tests/tenants/scratch.h"

enum { T = QUN_TABLE_PLUGIN };

static void begin(struct qun_rooms *r, struct scratch *s, struct qun_batch *b) {
  struct qun_error err = {0};
  cr_assert_eq(qun_rooms_begin(r, b, s->store, &err), 0, "%s", err.message);
}

static void commit(struct qun_batch *b) {
  struct qun_error err = {0};
  cr_assert_eq(qun_batch_commit(b, NULL, NULL, &err), 0, "%s", err.message);
}

static void expect(const struct qun_batch *b, const char *key, const char *value) {
  qun_slice v = {NULL, 0};
  int rc = qun_view_get(&b->view, T, qun_str(key), &v);
  if (!value)
    cr_assert_eq(rc, QUN_ENOTFOUND, "%s is there", key);
  else
    cr_assert(rc == 0 && qun_slice_is(v, value), "%s is %.*s, not %s", key, (int)v.len, (const char *)v.ptr, value);
}

/* Writes beside the rooms. */
static void write_aside(struct scratch *s, const char *key, const char *value) {
  struct qun_batch b;
  scratch_begin(s, &b);
  qun_batch_put(&b, T, qun_str(key), qun_str(value));
  scratch_commit(&b);
}

Test(host_engine_rooms, the_next_batch_knows_what_the_last_one_committed) {
  struct qun_rooms r = {0};
  struct qun_batch b;
  struct scratch s;
  scratch_open(&s, 1 << 22);
  write_aside(&s, "old", "1");
  begin(&r, &s, &b);
  expect(&b, "old", "1");
  expect(&b, "none", NULL);
  qun_batch_put(&b, T, qun_str("new"), qun_str("2"));
  commit(&b);
  qun_rooms_end(&r, &b);
  begin(&r, &s, &b);
  cr_assert_eq(qun_overlay_find(b.view.overlay, T, qun_str("new"))->state, QUN_OVERLAY_BELOW);
  expect(&b, "new", "2");
  expect(&b, "old", "1");
  expect(&b, "none", NULL);
  qun_rooms_end(&r, &b);
  qun_rooms_fini(&r);
  scratch_close(&s);
}

Test(host_engine_rooms, forgets_when_another_commit_came_between) {
  struct qun_rooms r = {0};
  struct qun_batch b;
  struct scratch s;
  scratch_open(&s, 1 << 22);
  for (int i = 0; i < 3; i++) {
    char value[8];
    snprintf(value, sizeof value, "%d", i);
    begin(&r, &s, &b);
    if (i == 1) /* a commit that changes nothing has no number of its own */
      qun_batch_put(&b, T, qun_str("k"), qun_str("0"));
    else
      qun_batch_put(&b, T, qun_str("mine"), qun_str(value));
    expect(&b, "k", i ? "0" : NULL);
    commit(&b);
    qun_rooms_end(&r, &b);
    write_aside(&s, i ? "other" : "k", "0");
    begin(&r, &s, &b);
    expect(&b, "k", "0");
    expect(&b, "other", i ? "0" : NULL);
    qun_rooms_end(&r, &b);
  }
  qun_rooms_fini(&r);
  scratch_close(&s);
}

Test(host_engine_rooms, a_batch_that_was_dropped_leaves_nothing) {
  struct qun_rooms r = {0};
  struct qun_batch b;
  struct scratch s;
  scratch_open(&s, 1 << 22);
  begin(&r, &s, &b);
  qun_batch_put(&b, T, qun_str("k"), qun_str("dropped"));
  qun_rooms_end(&r, &b);
  begin(&r, &s, &b);
  expect(&b, "k", NULL);
  qun_rooms_end(&r, &b);
  qun_rooms_fini(&r);
  scratch_close(&s);
}

Test(host_engine_rooms, keeps_many_stores_apart_and_batches_within_batches) {
  enum { STORES = QUN_ROOMS_MAX + 3 };
  struct qun_rooms r = {0};
  struct qun_batch outer, inner;
  struct scratch s[STORES];
  for (int i = 0; i < STORES; i++) scratch_open(&s[i], 1 << 22);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < STORES; i++) {
      char was[16], value[16];
      int next = (i + 1) % STORES;
      snprintf(was, sizeof was, "%d-%d", round - 1, i);
      snprintf(value, sizeof value, "%d-%d", round, i);
      begin(&r, &s[i], &outer);
      begin(&r, &s[next], &inner);
      expect(&outer, "k", round ? was : NULL);
      qun_batch_put(&outer, T, qun_str("k"), qun_str(value));
      qun_batch_put(&inner, T, qun_str("inner"), qun_str(value));
      commit(&inner);
      qun_rooms_end(&r, &inner);
      commit(&outer);
      qun_rooms_end(&r, &outer);
    }
  }
  qun_rooms_fini(&r);
  for (int i = 0; i < STORES; i++) scratch_close(&s[i]);
}
