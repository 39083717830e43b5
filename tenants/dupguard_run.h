/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sorted run of the duplicate guard in table DUP; the layout is described in tenants/dupguard.h. Used by dupguard.c
 * alone.
 */
#ifndef QUN_TENANTS_DUPGUARD_RUN_H
#define QUN_TENANTS_DUPGUARD_RUN_H

#include "tenants/dupguard.h"

struct qun_dup_entry {
  unsigned char key[QUN_DUP_KEY];
  unsigned char seq[8]; /* big-endian */
};

struct qun_dup_run {
  uint32_t id, level, count;
};

/* A run's Bloom filter in a snapshot's pages. */
struct qun_dup_filter {
  const unsigned char *bits;
  size_t blocks;
};

/* Finds a run's filter. QUN_EFAIL: damaged. */
int qun_dup_filter_get(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_run *run, struct qun_dup_filter *out);
/* False: the key is certainly not in the run. */
bool qun_dup_filter_may(const struct qun_dup_filter *filter, const unsigned char *key);

/* Sorts a copy of n entries and writes them as a run of level 0. 0 or an LMDB status. */
int qun_dup_run_write(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_entry *entries, uint32_t n, uint32_t id,
                      struct qun_dup_run *out);
/* 1 found, 0 not there, QUN_EFAIL damaged. */
int qun_dup_run_find(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_run *run, const unsigned char *key, uint64_t *seq);
/* Writes the union of `parts` as run `id` and deletes them. 0 or an LMDB status. */
int qun_dup_runs_merge(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_run *parts, uint32_t n, uint32_t id,
                       uint32_t level, struct qun_dup_run *out);
/* All runs there are, in order of id. QUN_EFAIL: damaged or more than `cap`. */
int qun_dup_runs_load(const struct qun_view *v, struct qun_dup_run *runs, uint32_t cap, uint32_t *count,
                      uint32_t *next_id);

#endif
