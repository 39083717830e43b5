/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tenants/scratch.h"

#include <sys/stat.h>
#include <unistd.h>

enum { T = QUN_TABLE_PLUGIN };

/* A plain model of a keyspace: numbers 0..99, present or not, with a value. */
struct model {
  bool there[100];
  char value[100];
};

static qun_slice key_of(char out[8], int n) {
  return qun_slice_of(out, (size_t)snprintf(out, 8, "k%02d", n));
}

static void check(const struct qun_view *v, const struct model *m, int from, int to, uint32_t cap) {
  struct qun_pair pairs[100];
  char after[8];
  uint32_t n = 0;
  int at = from;
  qun_slice last = from ? key_of(after, from - 1) : (qun_slice){NULL, 0};
  (void)to;
  cr_assert_eq(qun_view_scan(v, T, qun_str("k"), last, pairs, cap, &n), 0);
  for (uint32_t i = 0; i < n; i++, at++) {
    char key[8];
    while (at < 100 && !m->there[at]) at++;
    cr_assert_lt(at, 100);
    cr_assert(qun_slice_eq(pairs[i].key, key_of(key, at)), "row %u is %.3s, not %s", i, (const char *)pairs[i].key.ptr,
              key);
    cr_assert_eq(*(const char *)pairs[i].value.ptr, m->value[at]);
  }
  if (n < cap) {
    while (at < 100 && !m->there[at]) at++;
    cr_assert_eq(at, 100, "the scan ended before k%02d", at);
  }
}

Test(tenants_store, reads_its_own_writes_like_a_plain_map) {
  struct scratch s;
  struct model m = {0};
  uint32_t x = 7;
  scratch_open(&s, 1 << 22);
  for (int round = 0; round < 30; round++) {
    struct qun_batch b;
    struct model before = m;
    bool keep = round % 5 != 4;
    scratch_begin(&s, &b);
    for (int i = 0; i < 40; i++) {
      char key[8], value;
      struct model mark_model = m;
      uint32_t mark = qun_overlay_mark(b.view.overlay);
      x = x * 1664525u + 1013904223u;
      int n = (int)((x >> 16) % 100);
      value = (char)('a' + (x >> 8) % 26);
      if ((x >> 28) % 3 == 0) {
        cr_assert_eq(qun_batch_del(&b, T, key_of(key, n)), 0);
        m.there[n] = false;
      } else {
        cr_assert_eq(qun_batch_put(&b, T, key_of(key, n), qun_slice_of(&value, 1)), 0);
        m.there[n] = true;
        m.value[n] = value;
      }
      if (i % 7 == 6) { /* take it back */
        qun_overlay_undo(b.view.overlay, mark);
        m = mark_model;
      }
      check(&b.view, &m, n, 100, 1 + x % 9);
    }
    check(&b.view, &m, 0, 100, 100);
    if (keep) {
      scratch_commit(&b);
    } else {
      qun_batch_end(&b);
      m = before;
    }
  }
  struct qun_view v;
  cr_assert_eq(qun_view_begin(&v, s.store, NULL), 0);
  check(&v, &m, 0, 100, 100);
  qun_view_end(&v);
  scratch_close(&s);
}

Test(tenants_store, never_changes_a_value_under_its_reader) {
  struct scratch s;
  struct qun_batch b;
  qun_slice first, again;
  scratch_open(&s, 1 << 22);
  scratch_begin(&s, &b);
  qun_batch_put(&b, T, qun_str("k"), qun_str("old"));
  scratch_commit(&b);
  scratch_begin(&s, &b);
  cr_assert_eq(qun_view_get(&b.view, T, qun_str("k"), &first), 0);
  for (int i = 0; i < 5000; i++) {
    char key[16];
    snprintf(key, sizeof key, "n%d", i);
    cr_assert_eq(qun_batch_put(&b, T, qun_str(key), qun_str("x")), 0);
  }
  qun_batch_put(&b, T, qun_str("k"), qun_str("new"));
  cr_assert(qun_slice_is(first, "old"));
  cr_assert_eq(qun_view_get(&b.view, T, qun_str("k"), &again), 0);
  cr_assert(qun_slice_is(again, "new"));
  qun_batch_end(&b);
  scratch_close(&s);
}

Test(tenants_store, keeps_keyspaces_apart) {
  struct scratch s;
  struct qun_batch b;
  qun_slice value;
  scratch_open(&s, 1 << 22);
  scratch_begin(&s, &b);
  qun_batch_put(&b, QUN_TABLE_PLUGIN, qun_str("k"), qun_str("one's"));
  cr_assert_eq(qun_view_get(&b.view, QUN_TABLE_PLUGIN + 1, qun_str("k"), &value), QUN_ENOTFOUND);
  scratch_commit(&b);
  scratch_begin(&s, &b);
  cr_assert_eq(qun_view_get(&b.view, QUN_TABLE_PLUGIN + 1, qun_str("k"), &value), QUN_ENOTFOUND);
  qun_batch_end(&b);
  scratch_close(&s);
}

Test(tenants_store, refuses_a_batch_that_does_not_fit_and_keeps_what_was) {
  struct scratch s;
  struct qun_batch b;
  struct qun_error err = {0};
  qun_slice value;
  char big[4000];
  memset(big, 'x', sizeof big);
  scratch_open(&s, 1 << 20);
  scratch_begin(&s, &b);
  qun_batch_put(&b, T, qun_str("kept"), qun_str("yes"));
  scratch_commit(&b);
  scratch_begin(&s, &b);
  for (int i = 0; i < 1000; i++) {
    char key[16];
    snprintf(key, sizeof key, "n%d", i);
    cr_assert_eq(qun_batch_put(&b, T, qun_str(key), qun_slice_of(big, sizeof big)), 0);
  }
  cr_assert_eq(qun_batch_commit(&b, NULL, NULL, &err), QUN_EQUOTA);
  cr_assert_not_null(strstr(err.message, "quota"), "%s", err.message);
  qun_batch_end(&b);
  scratch_begin(&s, &b);
  cr_assert_eq(qun_view_get(&b.view, T, qun_str("kept"), &value), 0);
  cr_assert_eq(qun_view_get(&b.view, T, qun_str("n1"), &value), QUN_ENOTFOUND);
  qun_batch_put(&b, T, qun_str("after"), qun_str("fine"));
  scratch_commit(&b);
  scratch_close(&s);
}

Test(tenants_store, names_a_store_file_that_is_not_one) {
  struct scratch s;
  struct qun_error err = {0};
  struct qun_store *store = NULL;
  struct qun_store_options o = {0};
  char path[96], junk[8192];
  scratch_open(&s, 1 << 20);
  qun_store_close(s.store);
  snprintf(path, sizeof path, "%s/data.mdb", s.dir);
  FILE *f = fopen(path, "wb");
  memset(junk, 'j', sizeof junk);
  cr_assert_eq(fwrite(junk, 1, sizeof junk, f), sizeof junk);
  fclose(f);
  cr_assert_eq(qun_store_open(&store, s.dir, &o, &err), QUN_ECONFLICT);
  cr_assert_not_null(strstr(err.message, s.dir), "%s", err.message);
  s.store = NULL;
  scratch_close(&s);
}

static off_t size_of_file(const struct scratch *s, char path[96]) {
  struct stat st;
  snprintf(path, 96, "%s/data.mdb", s->dir);
  cr_assert_eq(stat(path, &st), 0);
  return st.st_size;
}

static void fill(struct scratch *s) {
  char key[16];
  for (int round = 0; round < 6; round++) {
    struct qun_batch b = {0};
    scratch_begin(s, &b);
    for (int i = 0; i < 1000; i++) {
      snprintf(key, sizeof key, "%d/%d", round, i);
      cr_assert_eq(qun_batch_put(&b, QUN_TABLE_META, qun_str(key), qun_str("a row of some length to fill pages")), 0);
    }
    scratch_commit(&b);
  }
}

/* A large value comes and goes: its pages at the end are free. */
static void leave_free_end(struct scratch *s) {
  static char large[40 * 4096];
  struct qun_batch b = {0};
  scratch_begin(s, &b);
  cr_assert_eq(qun_batch_put(&b, QUN_TABLE_META, qun_str("large"), qun_slice_of(large, sizeof large)), 0);
  scratch_commit(&b);
  scratch_begin(s, &b);
  cr_assert_eq(qun_batch_del(&b, QUN_TABLE_META, qun_str("large")), 0);
  scratch_commit(&b);
}

Test(tenants_store, a_file_that_was_cut_short_does_not_open) {
  struct qun_store_options o = {.there = true};
  struct qun_error err = {0};
  for (int pages = 1; pages < 30; pages += 7) {
    struct scratch s;
    char path[96];
    scratch_open(&s, 1 << 20);
    fill(&s);
    qun_store_close(s.store);
    s.store = NULL;
    off_t size = size_of_file(&s, path) - pages * 4096;
    cr_assert_eq(truncate(path, size), 0);
    for (int again = 0; again < 2; again++) {
      cr_assert_eq(qun_store_open(&s.store, s.dir, &o, &err), QUN_ECONFLICT, "%d pages less", pages);
      cr_assert_not_null(strstr(err.message, s.dir), "%s", err.message);
      cr_assert_eq(size_of_file(&s, path), size, "it is left as it was");
    }
    scratch_close(&s);
  }
}

Test(tenants_store, a_file_without_free_pages_at_its_end_opens) {
  struct qun_store_options o = {.there = true};
  struct qun_error err = {0};
  struct scratch s;
  struct qun_view v;
  qun_slice value;
  char path[96];
  scratch_open(&s, 1 << 20);
  fill(&s);
  leave_free_end(&s);
  qun_store_close(s.store);
  off_t size = size_of_file(&s, path);
  cr_assert_eq(truncate(path, size - 3 * 4096), 0);
  cr_assert_eq(qun_store_open(&s.store, s.dir, &o, &err), 0, "%s", err.message);
  cr_assert_eq(qun_view_begin(&v, s.store, &err), 0);
  for (int round = 0; round < 6; round++) {
    char key[16];
    snprintf(key, sizeof key, "%d/999", round);
    cr_assert_eq(qun_view_get(&v, QUN_TABLE_META, qun_str(key), &value), 0);
  }
  qun_view_end(&v);
  scratch_close(&s);
}
