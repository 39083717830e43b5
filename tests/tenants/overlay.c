/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/overlay.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { T = QUN_TABLE_PLUGIN };

static qun_slice key_of(char out[8], int n) {
  return qun_slice_of(out, (size_t)snprintf(out, 8, "k%04d", n));
}

static bool holds(const struct qun_overlay *o, qun_slice key, const char *value) {
  const struct qun_overlay_row *row = qun_overlay_find(o, T, key);
  return row && row->state == QUN_OVERLAY_PUT && qun_slice_is(row->value, value);
}

Test(tenants_overlay, keeps_a_value_that_was_read_until_the_next_step) {
  struct qun_overlay *o = qun_overlay_create();
  qun_slice key = qun_str("k"), seen[4];
  for (int round = 0; round < 3; round++) {
    char value[4][8];
    qun_overlay_step(o);
    for (int i = 0; i < 4; i++) { /* several puts in a step: each earlier value is still there */
      qun_slice v = qun_slice_of(value[i], (size_t)snprintf(value[i], 8, "v%d-%d", round, i));
      cr_assert_eq(qun_overlay_put(o, T, key, v), 0);
      seen[i] = qun_overlay_find(o, T, key)->value;
      for (int k = 0; k <= i; k++) cr_assert(qun_slice_is(seen[k], value[k]), "put %d changed value %d", i, k);
    }
  }
  qun_overlay_destroy(o);
}

Test(tenants_overlay, writes_one_row_again_and_again_in_two_places) {
  struct qun_overlay *o = qun_overlay_create();
  unsigned char value[48] = {0};
  size_t used = 0;
  for (uint32_t i = 0; i < 10000; i++) {
    qun_overlay_step(o);
    memcpy(value, &i, sizeof i);
    cr_assert_eq(qun_overlay_put(o, T, qun_str("count"), qun_slice_of(value, sizeof value)), 0);
    if (i == 1) used = qun_overlay_arena(o)->used;
  }
  cr_assert_eq(qun_overlay_arena(o)->used, used);
  cr_assert_eq(qun_overlay_count(o, T), 1);
  cr_assert_eq(memcmp(qun_overlay_find(o, T, qun_str("count"))->value.ptr, value, sizeof value), 0);
  qun_overlay_destroy(o);
}

Test(tenants_overlay, takes_back_puts_that_used_old_places_again) {
  struct qun_overlay *o = qun_overlay_create();
  qun_slice key = qun_str("k");
  for (int i = 0; i < 50; i++) {
    char value[8], next[8];
    qun_slice v = qun_slice_of(value, (size_t)snprintf(value, 8, "%04d", i));
    qun_overlay_step(o);
    qun_overlay_put(o, T, key, v);
    qun_overlay_step(o);
    uint32_t mark = qun_overlay_mark(o);
    for (int k = 0; k < i % 4; k++) {
      if ((i + k) % 5 == 0)
        qun_overlay_del(o, T, key);
      else
        qun_overlay_put(o, T, key, qun_slice_of(next, (size_t)snprintf(next, 8, "x%03d", k)));
    }
    qun_overlay_undo(o, mark);
    cr_assert(holds(o, key, value), "round %d", i);
  }
  qun_overlay_destroy(o);
}

Test(tenants_overlay, takes_back_to_what_the_snapshot_had) {
  struct qun_overlay *o = qun_overlay_create();
  qun_slice below = qun_str("below");
  const struct qun_overlay_row *there = qun_overlay_look(o, T, qun_str("there"));
  const struct qun_overlay_row *not_there = qun_overlay_look(o, T, qun_str("not there"));
  qun_overlay_learn(o, there, &below);
  qun_overlay_learn(o, not_there, NULL);
  qun_overlay_step(o);
  uint32_t mark = qun_overlay_mark(o);
  qun_overlay_put(o, T, qun_str("there"), qun_str("above"));
  qun_overlay_put(o, T, qun_str("not there"), qun_str("above"));
  cr_assert(holds(o, qun_str("there"), "above"));
  qun_overlay_undo(o, mark);
  cr_assert_eq(there->state, QUN_OVERLAY_BELOW);
  cr_assert(qun_slice_is(there->value, "below"));
  cr_assert_eq(not_there->state, QUN_OVERLAY_MISSING);
  qun_overlay_destroy(o);
}

struct walk {
  int last, rows;
};

static int in_order(void *arg, const struct qun_overlay_row *row) {
  struct walk *w = arg;
  int n = 0;
  cr_assert_eq(sscanf((const char *)row->key.ptr, "k%4d", &n), 1);
  cr_assert_gt(n, w->last);
  w->last = n;
  w->rows++;
  return 0;
}

Test(tenants_overlay, walks_written_rows_in_order_and_no_others) {
  struct qun_overlay *o = qun_overlay_create();
  struct walk w = {-1, 0};
  char key[8];
  for (int i = 0; i < 5000; i++) qun_overlay_put(o, T, key_of(key, (i * 7919) % 10000), qun_str("v"));
  for (int i = 0; i < 10000; i += 3) qun_overlay_learn(o, qun_overlay_look(o, T + 1, key_of(key, i)), NULL);
  cr_assert_eq(qun_overlay_each(o, T, in_order, &w), 0);
  cr_assert_eq(w.rows, 5000);
  cr_assert_eq(qun_overlay_count(o, T + 1), 0);
  cr_assert_null(qun_overlay_seek(o, T + 1, qun_str("k"), false));
  w = (struct walk){-1, 0};
  const struct qun_overlay_row *row = qun_overlay_seek(o, T, key_of(key, 5000), false);
  for (; row; row = qun_overlay_next(row)) in_order(&w, row);
  for (int i = 5000; i < 10000; i++) w.rows -= holds(o, key_of(key, i), "v");
  cr_assert_eq(w.rows, 0);
  cr_assert_eq(qun_overlay_put(o, T, qun_str("k0000x"), qun_str("late")), 0); /* after it was first walked */
  row = qun_overlay_seek(o, T, qun_str("k0000x"), false);
  cr_assert(row && qun_slice_is(row->value, "late"));
  qun_overlay_destroy(o);
}

Test(tenants_overlay, starts_empty_after_a_clear) {
  struct qun_overlay *o = qun_overlay_create();
  char key[8];
  for (int round = 0; round < 4; round++) {
    int n = round == 0 ? 9000 : 20;
    for (int i = 0; i < n; i++) {
      cr_assert_null(qun_overlay_find(o, T, key_of(key, i)));
      cr_assert_eq(qun_overlay_put(o, T, key_of(key, i), qun_str("v")), 0);
    }
    for (int i = 0; i < n; i++) cr_assert(holds(o, key_of(key, i), "v"));
    cr_assert_eq(qun_overlay_count(o, T), (uint32_t)n);
    qun_overlay_clear(o);
    cr_assert_eq(qun_overlay_count(o, T), 0);
    cr_assert_null(qun_overlay_seek(o, T, qun_str("k"), false));
  }
  qun_overlay_destroy(o);
}

Test(tenants_overlay, writes_nothing_where_the_snapshot_has_the_same) {
  struct qun_overlay *o = qun_overlay_create();
  qun_slice below = qun_str("same");
  qun_overlay_learn(o, qun_overlay_look(o, T, qun_str("k")), &below);
  cr_assert_eq(qun_overlay_put_parts(o, T, qun_str("k"), qun_str("sa"), qun_str("me")), 0);
  cr_assert_eq(qun_overlay_count(o, T), 0);
  cr_assert_eq(qun_overlay_put_parts(o, T, qun_str("k"), qun_str("sa"), qun_str("mE")), 0);
  cr_assert(holds(o, qun_str("k"), "samE"));
  qun_overlay_destroy(o);
}

Test(tenants_overlay, carries_what_was_committed_to_the_next_batch) {
  struct qun_overlay *o = qun_overlay_create();
  qun_slice below = qun_str("read");
  qun_overlay_learn(o, qun_overlay_look(o, T, qun_str("read")), &below);
  qun_overlay_put(o, T, qun_str("put"), qun_str("one"));
  qun_overlay_del(o, T, qun_str("gone"));
  qun_overlay_carry(o);
  cr_assert_eq(qun_overlay_count(o, T), 0);
  cr_assert_eq(qun_overlay_find(o, T, qun_str("gone"))->state, QUN_OVERLAY_MISSING);
  const struct qun_overlay_row *put = qun_overlay_find(o, T, qun_str("put"));
  qun_slice seen = put->value;
  cr_assert_eq(put->state, QUN_OVERLAY_BELOW);
  cr_assert(qun_slice_is(qun_overlay_find(o, T, qun_str("read"))->value, "read"));
  qun_overlay_put(o, T, qun_str("put"), qun_str("two"));
  cr_assert(qun_slice_is(seen, "one"), "a value that was read changed");
  qun_overlay_undo(o, 0);
  cr_assert_eq(put->state, QUN_OVERLAY_BELOW);
  cr_assert(qun_slice_is(put->value, "one"));
  qun_overlay_destroy(o);
}
