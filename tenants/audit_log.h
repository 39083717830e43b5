/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit tree of a tenant in its store (forms: tenants/audit_leaf.h). Table AUDIT, numbers big-endian:
 *   "t" level (1 byte) index       -> node hash of the tree
 *   "r" sequence                   -> leaf index of a governing record
 *   "g" first sequence             -> leaf index of a full group
 *   "a"                            -> sequence of the newest qun.audit record
 *   "h" sequence                   -> record hash of a record that an erasure redacted: proofs survive it
 *   "e"                            -> first leaf of an epoch after a restore: tenants/audit_epoch.h
 * Appending belongs to the tenant's shard and its batch; proofs are made over any view.
 */
#ifndef QUN_TENANTS_AUDIT_LOG_H
#define QUN_TENANTS_AUDIT_LOG_H

#include "tenants/audit_leaf.h"
#include "tenants/meta.h"
#include "tenants/vault.h"

/* What appending needs: the tree's right border and the group that fills. Plain memory; copied into a batch, copied
 * back after its commit. */
struct qun_audit_tail {
  struct qun_merkle_border border;
  struct qun_group group;
};

/* Reads the border, and the hashes of the open group from the log. Blocking. */
int qun_audit_tail_load(struct qun_audit_tail *tail, const struct qun_view *v, const struct qun_vault *vault,
                        const struct qun_head *head, struct qun_error *err);
/* Adds the record `seq` (the next one) by its record hash (qun_record_hash under qun_vault_salt). `governs`: it gets a leaf of its own.
   `audits`: it is a qun.audit record. */
int qun_audit_append(struct qun_audit_tail *tail, struct qun_batch *b, uint64_t seq,
                     const unsigned char hash[QUN_HASH_SIZE], bool governs, bool audits);
/* The same for n records from `seq` on; marks[i] is a set of QUN_MARK_*. Whole groups are hashed at once. */
enum { QUN_MARK_GOVERNS = 1, QUN_MARK_AUDITS = 2 };
int qun_audit_append_each(struct qun_audit_tail *tail, struct qun_batch *b, uint64_t seq,
                          const unsigned char (*hashes)[QUN_HASH_SIZE], const unsigned char *marks, uint32_t n,
                          struct qun_sha256_lanes *lanes);
/* Root of the tree of `size` leaves. QUN_EINVAL: there are fewer. */
int qun_audit_root(const struct qun_view *v, uint64_t size, unsigned char root[QUN_HASH_SIZE], struct qun_error *err);
/* How record `seq` is bound to the tree of `size` leaves, with its proofs. QUN_ENOTFOUND: no such record. Kind OPEN:
 * nothing covers it yet. */
int qun_audit_prove(struct qun_bound *out, const struct qun_view *v, const struct qun_vault *vault, uint64_t seq,
                    uint64_t size, struct qun_error *err);
int qun_audit_prove_consistency(struct qun_proof *out, const struct qun_view *v, uint64_t from, uint64_t to,
                                struct qun_error *err);
/* The open group as it stands: its first sequence, the last one in it, the root over them. count 0: the group is empty.
 */
struct qun_audit_open {
  uint64_t first, upto;
  uint32_t count;
  unsigned char root[QUN_HASH_SIZE];
};
int qun_audit_open_group(struct qun_audit_open *out, const struct qun_view *v, const struct qun_vault *vault,
                         struct qun_error *err);

/* ---- internal to tenants/ and to the engine's rebuilding */
/* The hash of a record as the tree has it, redacted or not. */
int qun__audit_record_hash(const struct qun_view *v, const struct qun_vault *vault, uint64_t seq,
                           unsigned char out[QUN_HASH_SIZE]);
int qun__audit_add_leaf(struct qun_audit_tail *tail, struct qun_batch *b, const unsigned char leaf[QUN_HASH_SIZE]);

#endif
