/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record hashes of a shard's batch on a thread beside it: hashing a batch costs as much as several plugins' handlers, and its results are needed only at the
 * commit. One batch at a time, one shard a hasher; begin, add and wait are the shard's thread.
 */
#ifndef QUN_HOST_ENGINE_HASHER_H
#define QUN_HOST_ENGINE_HASHER_H

#include "tenants/audit_leaf.h"
#include "tenants/sha256_lanes.h"
#include "tenants/vault.h"

struct qun_hasher;

/* QUN_EFAIL: memory ran out or the thread cannot start. */
int qun_hasher_start(struct qun_hasher **out, struct qun_error *err);
/* NULL is fine. Nothing may be under way. */
void qun_hasher_stop(struct qun_hasher *h);
/* A batch of this vault's tenant begins. */
void qun_hasher_begin(struct qun_hasher *h, const struct qun_vault *vault);
/* The next record: its `len` stored bytes stand behind QUN_HASH_SIZE bytes at `salted` that the hasher writes its salt
 * to. Must stay until wait. QUN_EFAIL: out of memory. */
int qun_hasher_add(struct qun_hasher *h, uint64_t seq, unsigned char *salted, uint64_t len);
/* Waits until all that was added is hashed: the hashes in order, good until the next begin. The last few are hashed in
 * the caller's thread: a small batch wakes nobody. Blocking. */
const unsigned char (*qun_hasher_wait(struct qun_hasher *h))[QUN_HASH_SIZE];
/* The hasher's lanes, for the shard's own use between wait and the next add; NULL: none. */
struct qun_sha256_lanes *qun_hasher_lanes(struct qun_hasher *h);

#endif
