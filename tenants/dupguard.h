/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The duplicate guard: has (source, id) been in this tenant's log before? Exact for ever (DECISIONS 10).
 *
 * A key is SipHash-128 of (source, id) under the store's own random key. The newest keys (up to QUN_DUP_MEMTABLE) are
 * in memory and are read again from the log at open; older ones are in sorted runs in table DUP, each with a Bloom
 * filter (10 bits a key, one cache line a probe), merged four by four, so that random ids cost appends instead of a
 * random page each (PERFORMANCE.md, point 2).
 *   "r" run        -> level (u32), keys (u32), then for each chunk the first 8 bytes of its first key
 *   "b" run        -> Bloom filter
 *   "c" run chunk  -> up to 170 entries of key (16 bytes) and big-endian sequence (8 bytes), sorted
 * Belongs to the tenant's shard; one thread at a time.
 */
#ifndef QUN_TENANTS_DUPGUARD_H
#define QUN_TENANTS_DUPGUARD_H

#include "tenants/store.h"

enum { QUN_DUP_MEMTABLE = 16384, QUN_DUP_KEY = 16, QUN_DUP_FANOUT = 4 };

struct qun_dupguard;

/* Reads the store's key, which is made if it is not there. Blocking. */
int qun_dupguard_open(struct qun_dupguard **out, struct qun_store *s, struct qun_error *err);
void qun_dupguard_close(struct qun_dupguard *g);
void qun_dupguard_key(const struct qun_dupguard *g, qun_slice source, qun_slice id, unsigned char key[QUN_DUP_KEY]);
/* Memory that it takes. */
size_t qun_dupguard_bytes(const struct qun_dupguard *g);
/* Before a batch's first look or addition: the first time reads the run list and, from the log, the keys since the last run; then
 * finds the runs' filters in the batch's snapshot, good until the batch ends. QUN_EFAIL: damaged. */
int qun_dupguard_begin(struct qun_dupguard *g, const struct qun_view *v);
/* 1: known, *seq is its sequence. 0: new. Sees committed runs through the view and all keys added since, committed or
 * not. QUN_EFAIL. */
int qun_dupguard_find(const struct qun_dupguard *g, const struct qun_view *v, const unsigned char key[QUN_DUP_KEY],
                      uint64_t *seq);
/* Remembers a key of the batch in hand. QUN_EFAIL: out of memory. */
int qun_dupguard_add(struct qun_dupguard *g, const unsigned char key[QUN_DUP_KEY], uint64_t seq);
/* Inside the commit: writes runs for full parts of the memory table and merges. 0 or an LMDB status. `next_seq`: first
 * sequence after the batch. */
int qun_dupguard_flush(struct qun_dupguard *g, MDB_txn *txn, uint64_t next_seq, MDB_dbi dup, MDB_dbi meta);
/* After the commit, or after it failed: forgets what flush planned, drops the batch's keys if it failed. */
void qun_dupguard_settle(struct qun_dupguard *g, bool committed);

#endif
