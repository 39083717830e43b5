/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct qun_bound as msgpack, which is how qun_engine_prove answers:
 *   {kind: "record"|"group"|"tail"|"open", seq, hash: bin 32, salt: bin 32?, first, count, path: [bin 32...], leaf,
 * proof: [bin 32...], by} Keys that a kind does not use are left out. `salt` (of this one record) stays inside the host
 * unless a record is to be disclosed. All functions: any thread, no blocking.
 */
#ifndef QUN_TENANTS_AUDIT_PROOF_H
#define QUN_TENANTS_AUDIT_PROOF_H

#include "tenants/audit_leaf.h"

#include <qun/msgpack.h>

/* Appends the map; salt may be NULL. */
void qun_bound_write(struct qun_pack *out, const struct qun_bound *b, const unsigned char *salt);
/* *salt (NULL is fine) is filled if the map has one, else zeroed. QUN_EINVAL names the key. */
int qun_bound_read(struct qun_bound *out, unsigned char *salt, qun_slice map, struct qun_error *err);
/* Hashes as an array of bins. */
void qun_proof_write(struct qun_pack *out, const struct qun_proof *p);
int qun_proof_read(struct qun_proof *out, qun_slice array, struct qun_error *err);
/* "record", "group", "tail", "open", and back; 0 if there is no such kind. */
const char *qun_bound_kind_name(enum qun_bound_kind kind);
enum qun_bound_kind qun_bound_kind_of(qun_slice name);

#endif
