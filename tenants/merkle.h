/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, roots, proofs and their verification (RFC 9162 sections
 * 2.1.3.2 and 2.1.4.2). A tree of any size is kept as the hashes of its complete subtrees: node (level, index) covers
 * leaves [index << level, (index + 1) << level). Appending n leaves stores fewer than 2n nodes and changes none, and
 * every proof and root reads O(log n) of them. All functions: any thread, no blocking of their own.
 */
#ifndef QUN_TENANTS_MERKLE_H
#define QUN_TENANTS_MERKLE_H

#include "tenants/error.h"
#include "tenants/sha256_lanes.h"

enum { QUN_HASH_SIZE = QUN_SHA256_SIZE, QUN_PROOF_MAX = 65 };

/* Hashes from the leaf's level up. */
struct qun_proof {
  uint32_t count;
  unsigned char hashes[QUN_PROOF_MAX][QUN_HASH_SIZE];
};

/* SHA-256(0x00 || data), SHA-256(0x01 || left || right), SHA-256(). */
void qun_merkle_leaf(qun_slice data, unsigned char out[QUN_HASH_SIZE]);
void qun_merkle_node(const unsigned char left[QUN_HASH_SIZE], const unsigned char right[QUN_HASH_SIZE],
                     unsigned char out[QUN_HASH_SIZE]);
void qun_merkle_empty(unsigned char out[QUN_HASH_SIZE]);

/* ---- growing a tree */

/* The right border of a tree: all that is needed to append. Plain memory, no fini. */
struct qun_merkle_border {
  uint64_t size;
  unsigned char nodes[64][QUN_HASH_SIZE]; /* by level; in use where `size` has a bit */
};

/* Takes the hash of a complete subtree. Less than 0 stops. */
typedef int (*qun_merkle_store)(void *arg, uint32_t level, uint64_t index, const unsigned char hash[QUN_HASH_SIZE]);
/* Gives the hash of a complete subtree. 0 or less than 0. */
typedef int (*qun_merkle_fetch)(void *arg, uint32_t level, uint64_t index, unsigned char out[QUN_HASH_SIZE]);

void qun_merkle_border_init(struct qun_merkle_border *b);
/* The border of a stored tree of `size` leaves. Answers what `fetch` answered. */
int qun_merkle_border_load(struct qun_merkle_border *b, qun_merkle_fetch fetch, void *arg, uint64_t size);
/* Appends a leaf's hash; `store` (NULL is fine) gets it and each subtree that it completes. Answers what `store`
   answered; the border stays as it was if that is less than 0. */
int qun_merkle_border_add(struct qun_merkle_border *b, const unsigned char leaf[QUN_HASH_SIZE], qun_merkle_store store,
                          void *arg);
/* Appends n leaves' hashes to a tree of which no node is stored; the same border as n times qun_merkle_border_add.
   `hashes` is overwritten. */
void qun_merkle_border_add_each(struct qun_merkle_border *b, unsigned char (*hashes)[QUN_HASH_SIZE], uint32_t n,
                                struct qun_sha256_lanes *lanes);
void qun_merkle_border_root(const struct qun_merkle_border *b, unsigned char out[QUN_HASH_SIZE]);

/* ---- over a stored tree; QUN_EINVAL or what `fetch` answered */

int qun_merkle_root(unsigned char out[QUN_HASH_SIZE], qun_merkle_fetch fetch, void *arg, uint64_t size);
/* PATH(index, D[size]). QUN_EINVAL: no such leaf. */
int qun_merkle_prove(struct qun_proof *out, qun_merkle_fetch fetch, void *arg, uint64_t index, uint64_t size);
/* PROOF(from, D[to]); empty if from is 0 or to. QUN_EINVAL: from is more than to. */
int qun_merkle_prove_consistency(struct qun_proof *out, qun_merkle_fetch fetch, void *arg, uint64_t from, uint64_t to);

/* ---- verifying; 0, or QUN_EINVAL and what is wrong */

/* The root that an inclusion proof leads to. QUN_EINVAL: no such leaf, or a proof of another length. */
int qun_merkle_root_of_proof(unsigned char out[QUN_HASH_SIZE], uint64_t index, uint64_t size,
                             const unsigned char leaf[QUN_HASH_SIZE], const struct qun_proof *proof,
                             struct qun_error *err);
int qun_merkle_verify(uint64_t index, uint64_t size, const unsigned char leaf[QUN_HASH_SIZE],
                      const struct qun_proof *proof, const unsigned char root[QUN_HASH_SIZE], struct qun_error *err);
/* A tree is consistent with itself; nothing can be said of an empty one before a larger one (QUN_EINVAL). */
int qun_merkle_verify_consistency(uint64_t from, uint64_t to, const unsigned char from_root[QUN_HASH_SIZE],
                                  const unsigned char to_root[QUN_HASH_SIZE], const struct qun_proof *proof,
                                  struct qun_error *err);

#endif
