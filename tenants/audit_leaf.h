/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the audit tree is made of (DECISIONS 23). Every record of the log has a record hash:
 *     SHA-256(salt || stored bytes), salt = HMAC-SHA-256(tenant's salt key, sequence) (qun_vault_salt)
 * and the tree (tenants/merkle.h) has two kinds of leaves, in the order of the log. Numbers are big-endian.
 *     a governing record:  "qun-leaf/1 record\n", sequence u64, record hash 32                              58 bytes
 *     a full group:        "qun-leaf/1 group\n", first sequence u64, count u32, group root 32               61 bytes
 * A group is 256 sequences, 1 to 256, 257 to 512 and so on; its root is that of a small RFC 6962 tree whose leaf data
 * are the record hashes, governing records too. The leaf of a group comes right behind that of its last record, if that
 * has one. Records of the group that is not yet full have no leaf of it. An audit run writes a qun.audit record (which
 * governs) with the root over that tail, so that a checkpoint over it covers every record up to it. All functions: any
 * thread, no blocking.
 */
#ifndef QUN_TENANTS_AUDIT_LEAF_H
#define QUN_TENANTS_AUDIT_LEAF_H

#include "tenants/merkle.h"

#include <stdbool.h>

enum {
  QUN_GROUP_SIZE = 256,
  QUN_LEAF_RECORD_SIZE = 18 + 8 + QUN_HASH_SIZE,
  QUN_LEAF_GROUP_SIZE = 17 + 8 + 4 + QUN_HASH_SIZE
};

/* Hash of a stored record, and of a leaf. */
void qun_record_hash(const unsigned char salt[32], qun_slice bytes, unsigned char out[QUN_HASH_SIZE]);
void qun_leaf_record(uint64_t seq, const unsigned char record_hash[QUN_HASH_SIZE],
                     unsigned char out[QUN_LEAF_RECORD_SIZE]);
void qun_leaf_group(uint64_t first, uint32_t count, const unsigned char root[QUN_HASH_SIZE],
                    unsigned char out[QUN_LEAF_GROUP_SIZE]);
/* The same and the tree's leaf hash of it: what qun_merkle_border_add takes. */
void qun_leaf_record_hash(uint64_t seq, const unsigned char record_hash[QUN_HASH_SIZE],
                          unsigned char out[QUN_HASH_SIZE]);
void qun_leaf_group_hash(uint64_t first, uint32_t count, const unsigned char root[QUN_HASH_SIZE],
                         unsigned char out[QUN_HASH_SIZE]);

/* The first sequence of the group that a sequence (1 or more) is in. */
uint64_t qun_group_first(uint64_t seq);

/* A group as it fills. Plain memory, no fini. */
struct qun_group {
  uint64_t first;
  struct qun_merkle_border border; /* border.size: records so far */
};

void qun_group_init(struct qun_group *g, uint64_t first);
/* Takes the hash of record first + count. True: the group is full now; take root and leaf, then init the next. */
bool qun_group_add(struct qun_group *g, const unsigned char record_hash[QUN_HASH_SIZE]);
/* Takes n hashes, at most as many as the group has room for. True: it is full now. */
bool qun_group_add_each(struct qun_group *g, const unsigned char (*record_hashes)[QUN_HASH_SIZE], uint32_t n,
                        struct qun_sha256_lanes *lanes);
void qun_group_root(const struct qun_group *g, unsigned char out[QUN_HASH_SIZE]);
/* The path of record `index` in the small tree over `count` record hashes. QUN_EINVAL: no such record. */
int qun_group_prove(struct qun_proof *out, const unsigned char (*hashes)[QUN_HASH_SIZE], uint32_t count,
                    uint32_t index);

/* How a record is bound to the tree. */
enum qun_bound_kind {
  QUN_BOUND_RECORD = 1, /* it governs: a leaf of its own */
  QUN_BOUND_GROUP,      /* path in its group, then the group's leaf */
  QUN_BOUND_TAIL,       /* path in the tail that a qun.audit record states; that record is proved on its own */
  QUN_BOUND_OPEN        /* not yet: its group is not full. Only inside the host */
};

struct qun_bound {
  enum qun_bound_kind kind;
  uint64_t seq;
  unsigned char hash[QUN_HASH_SIZE]; /* record hash */
  uint64_t first;                    /* GROUP, TAIL: the group */
  uint32_t count;
  struct qun_proof path;  /* GROUP, TAIL: in the small tree */
  uint64_t leaf;          /* RECORD, GROUP: leaf index in the tree */
  struct qun_proof proof; /* RECORD, GROUP: in the tree */
  uint64_t by;            /* TAIL: sequence of the qun.audit record */
};

/* Checks a RECORD or GROUP against a tree of `size` leaves. 0, or QUN_EINVAL and what is wrong. */
int qun_bound_verify(const struct qun_bound *b, uint64_t size, const unsigned char root[QUN_HASH_SIZE],
                     struct qun_error *err);
/* Checks a TAIL against the root that its qun.audit record states over [first, upto]. */
int qun_bound_verify_tail(const struct qun_bound *b, uint64_t first, uint64_t upto,
                          const unsigned char root[QUN_HASH_SIZE], struct qun_error *err);

#endif
