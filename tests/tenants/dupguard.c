/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/dupguard.h"

#include "tests/tenants/scratch.h"

struct flush_arg {
  struct qun_dupguard *g;
  uint64_t next;
  bool fail;
};

static int flush(void *arg, struct qun_store *s, MDB_txn *txn) {
  struct flush_arg *f = arg;
  int rc = qun_dupguard_flush(f->g, txn, f->next, s->dbi[QUN_TABLE_DUP], s->dbi[QUN_TABLE_META]);
  return rc ? rc : f->fail ? MDB_PANIC : 0;
}

static void id_key(const struct qun_dupguard *g, uint32_t n, unsigned char key[QUN_DUP_KEY]) {
  char id[24];
  snprintf(id, sizeof id, "id-%u", n);
  qun_dupguard_key(g, qun_str("source"), qun_str(id), key);
}

static int find(struct scratch *s, struct qun_dupguard *g, uint32_t n, uint64_t *seq) {
  unsigned char key[QUN_DUP_KEY];
  struct qun_view v;
  id_key(g, n, key);
  cr_assert_eq(qun_view_begin(&v, s->store, NULL), 0);
  cr_assert_eq(qun_dupguard_begin(g, &v), 0);
  int found = qun_dupguard_find(g, &v, key, seq);
  qun_view_end(&v);
  return found;
}

/* Adds ids [from, to) as sequences id + 1 in one commit. */
static void add(struct scratch *s, struct qun_dupguard *g, uint32_t from, uint32_t to, bool fail) {
  struct qun_batch b;
  struct flush_arg arg = {g, to + 1, fail};
  scratch_begin(s, &b);
  cr_assert_eq(qun_dupguard_begin(g, &b.view), 0);
  for (uint32_t n = from; n < to; n++) {
    unsigned char key[QUN_DUP_KEY];
    id_key(g, n, key);
    cr_assert_eq(qun_dupguard_add(g, key, n + 1), 0);
  }
  int rc = qun_batch_commit(&b, flush, &arg, NULL);
  cr_assert_eq(rc == 0, !fail);
  qun_batch_end(&b);
  qun_dupguard_settle(g, rc == 0);
}

Test(tenants_dupguard, finds_every_id_over_many_merged_runs) {
  struct scratch s;
  struct qun_dupguard *g = NULL;
  const uint32_t total = 6 * QUN_DUP_FANOUT * QUN_DUP_MEMTABLE + 1000;
  uint64_t seq = 0;
  scratch_open(&s, 1u << 28);
  cr_assert_eq(qun_dupguard_open(&g, s.store, NULL), 0);
  for (uint32_t n = 0; n < total; n += 10000) add(&s, g, n, n + 10000 < total ? n + 10000 : total, false);
  for (uint32_t n = 0; n < total; n += 37) {
    cr_assert_eq(find(&s, g, n, &seq), 1, "id %u", n);
    cr_assert_eq(seq, n + 1);
  }
  for (uint32_t n = total; n < total + 5000; n++) cr_assert_eq(find(&s, g, n, &seq), 0, "id %u", n);
  qun_dupguard_close(g);
  g = NULL;
  cr_assert_eq(qun_dupguard_open(&g, s.store, NULL),
               0); /* the runs are on disk; the newest keys would come from the log */
  for (uint32_t n = 0; n < 6 * QUN_DUP_FANOUT * QUN_DUP_MEMTABLE; n += 101)
    cr_assert_eq(find(&s, g, n, &seq), 1, "id %u", n);
  qun_dupguard_close(g);
  scratch_close(&s);
}

Test(tenants_dupguard, forgets_a_batch_that_was_not_committed) {
  struct scratch s;
  struct qun_dupguard *g = NULL;
  uint64_t seq = 0;
  scratch_open(&s, 1u << 26);
  cr_assert_eq(qun_dupguard_open(&g, s.store, NULL), 0);
  add(&s, g, 0, 20000, false);
  add(&s, g, 20000, 60000, true);
  for (uint32_t n = 0; n < 20000; n += 11) cr_assert_eq(find(&s, g, n, &seq), 1);
  for (uint32_t n = 20000; n < 60000; n += 11) cr_assert_eq(find(&s, g, n, &seq), 0);
  add(&s, g, 20000, 60000, false);
  for (uint32_t n = 0; n < 60000; n += 11) cr_assert_eq(find(&s, g, n, &seq), 1);
  qun_dupguard_close(g);
  scratch_close(&s);
}

Test(tenants_dupguard, tells_source_and_id_apart) {
  struct scratch s;
  struct qun_dupguard *g = NULL;
  unsigned char a[QUN_DUP_KEY], b[QUN_DUP_KEY];
  scratch_open(&s, 1u << 22);
  cr_assert_eq(qun_dupguard_open(&g, s.store, NULL), 0);
  qun_dupguard_key(g, qun_str("a"), qun_str("bc"), a);
  qun_dupguard_key(g, qun_str("ab"), qun_str("c"), b);
  cr_assert_neq(memcmp(a, b, sizeof a), 0);
  qun_dupguard_close(g);
  scratch_close(&s);
}
