/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new epoch of the audit tree (DECISIONS 24): after a restore the log may have lost its newest records, and a signer
 * never goes back. So the tree begins anew under a new origin, and its first leaf is the last known checkpoint of the
 * one before, which makes the cut visible for ever:
 *     "qun-leaf/1 epoch\n", epoch u64 (big-endian), the checkpoint's text (tenants/note.h)
 * Behind it come the leaves of the records as they ever were (tenants/audit_leaf.h). Table AUDIT, key "e": that leaf.
 */
#ifndef QUN_TENANTS_AUDIT_EPOCH_H
#define QUN_TENANTS_AUDIT_EPOCH_H

#include "tenants/audit_log.h"

#include <qun/msgpack.h>

/* The bytes of a first leaf. Appends. */
void qun_leaf_epoch(struct qun_pack *out, uint64_t epoch, qun_slice checkpoint);

/* How a record stands in the tree: QUN_AUDIT_... bits. */
enum { QUN_AUDIT_GOVERNS = 1, QUN_AUDIT_AUDITS = 2 };
typedef unsigned (*qun_audit_kind)(void *arg, qun_slice record);

/* Builds the tree again from the log under a new epoch, and writes epoch and size to META. `s` has no other writer.
   Hashes of records that were redacted by an erasure are kept (tenants/audit_log.h, "h"). Blocking, long. */
int qun_audit_begin_epoch(struct qun_store *s, const struct qun_vault *vault, uint64_t epoch, qun_slice checkpoint,
                          qun_audit_kind kind, void *arg, struct qun_error *err);
/* The first leaf of the epoch. QUN_ENOTFOUND: the first epoch has none. */
int qun_audit_epoch_leaf(const struct qun_view *v, qun_slice *leaf);

#endif
