/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch of a tenant: a pinned snapshot, its writes in memory, then one LMDB transaction. Handlers have all run
 * before LMDB is written, so a failed flush can be tried again or dropped as a whole. One thread, one batch a store at
 * a time.
 */
#ifndef QUN_TENANTS_BATCH_H
#define QUN_TENANTS_BATCH_H

#include "tenants/overlay.h"

/* Does its part of the flush inside the write transaction: the log's append, the duplicate guard's runs. 0 or an LMDB
 * status. */
typedef int (*qun_batch_flush)(void *arg, struct qun_store *store, MDB_txn *txn);

struct qun_batch {
  struct qun_view view; /* reads see the batch's own writes */
  uint64_t commit;      /* the commit's number in the store; 0: none, or it changed nothing */
};

int qun_batch_begin(struct qun_batch *b, struct qun_store *s, struct qun_error *err);
/* The same in memory that an earlier batch left (qun_batch_end_keep), taken over in any case; NULL: new. What it holds
   must be what the snapshot has: else clear it. */
int qun_batch_begin_in(struct qun_batch *b, struct qun_store *s, struct qun_overlay *room, struct qun_error *err);
/* Ends the batch as qun_batch_end does, and gives its memory to the caller: with what the commit left in the store, or
   empty if there was none. NULL: the batch was zeroed. */
struct qun_overlay *qun_batch_end_keep(struct qun_batch *b);
/* Drops everything that is not committed. A zeroed batch is fine. */
void qun_batch_end(struct qun_batch *b);
int qun_batch_put(struct qun_batch *b, unsigned table, qun_slice key, qun_slice value);
int qun_batch_del(struct qun_batch *b, unsigned table, qun_slice key);
/* Writes all rows and commits durably (a scratch store: without sync). `flush` may be NULL. QUN_EQUOTA, QUN_EFAIL:
   nothing was written. The batch still has to be ended. Blocking: the disk sync. */
int qun_batch_commit(struct qun_batch *b, qun_batch_flush flush, void *arg, struct qun_error *err);

#endif
