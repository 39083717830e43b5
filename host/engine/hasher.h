/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record hashes of a shard's batch on a thread beside it: hashing a batch costs as much as several plugins' handlers, and its results are needed only at the
 * commit. One batch at a time, one shard a hasher; begin, add and wait are the shard's thread.
 */
#ifndef QUN_HOST_ENGINE_HASHER_H
#define QUN_HOST_ENGINE_HASHER_H

#include "tenants/audit_leaf.h"
#include "tenants/vault.h"

struct qun_hasher;

/* QUN_EFAIL: memory ran out or the thread cannot start. */
int qun_hasher_start(struct qun_hasher **out, struct qun_error *err);
/* NULL is fine. Nothing may be under way. */
void qun_hasher_stop(struct qun_hasher *h);
/* A batch of this vault's tenant begins. */
void qun_hasher_begin(struct qun_hasher *h, const struct qun_vault *vault);
/* The next record; `bytes` must stay until wait. QUN_EFAIL: out of memory. */
int qun_hasher_add(struct qun_hasher *h, uint64_t seq, qun_slice bytes);
/* Waits until all that was added is hashed: the hashes in order, good until the next begin. Blocking. */
const unsigned char (*qun_hasher_wait(struct qun_hasher *h))[QUN_HASH_SIZE];

#endif
