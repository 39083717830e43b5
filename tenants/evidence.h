/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON files of an audit bundle that carry proofs. Hashes, salts and record bytes are base64.
 *
 * evidence.json
 *   {"format": "qun-evidence/1", "origin": text, "size": n, "root": hash,       the checkpoint's
 *    "audit": {"seq": n, "salt": hash, "bytes": text},                          the qun.audit record of this run,
 * disclosed "records": [R...]}                                                         in order of seq R  {"seq": n,
 * "kind": "record", "hash": hash, "leaf": n, "proof": [hash...]}
 *      {"seq": n, "kind": "group", "hash": hash, "first": n, "count": n, "path": [hash...], "leaf": n, "proof":
 * [hash...]}
 *      {"seq": n, "kind": "tail", "hash": hash, "first": n, "count": n, "path": [hash...], "by": n}
 *   See tenants/audit_leaf.h for what they mean. A record hash is salted: it tells nothing about the record. Only the
 * qun.audit record is disclosed; it stands among the records too, as a "record", and states `tail` and the SHA-256 of
 * audit.json.
 *
 * consistency.json
 *   {"format": "qun-consistency/1", "since": text, "proof": [hash...]}          `since`: an earlier checkpoint, the
 * whole note
 *
 * audit.json is what the audit found: {"format": "qun-audit/1", "tenant": text, "upto": n, ...}. What it and the other
 * JSON files of the bundle cite (tenants/citations.h) must be in evidence.json.
 *
 * All functions: any thread, no blocking.
 */
#ifndef QUN_TENANTS_EVIDENCE_H
#define QUN_TENANTS_EVIDENCE_H

#include "tenants/audit_leaf.h"
#include "tenants/note.h"

struct qun_evidence {
  uint64_t audit_seq;
  unsigned char audit_salt[32];
  unsigned char *audit_bytes; /* heap */
  size_t audit_bytes_size;
  struct qun_bound *records; /* heap, in order of seq */
  uint32_t count;
};

/* What a qun.audit record states. */
struct qun_audit_statement {
  uint64_t upto;            /* last record covered */
  unsigned char report[32]; /* SHA-256 of audit.json */
  uint64_t tail_first;      /* 0: no tail, upto ends a group */
  unsigned char tail[QUN_HASH_SIZE];
};

/* Appends the text. The records must be in order of seq, without doubles. */
void qun_evidence_write(struct qun_pack *out, const struct qun_checkpoint *checkpoint,
                        const struct qun_evidence *evidence);
/* Reads the text and holds origin, size and root against the checkpoint. QUN_EINVAL names the place. Fini after 0 only.
 */
int qun_evidence_read(struct qun_evidence *out, qun_slice text, const struct qun_checkpoint *checkpoint,
                      struct qun_error *err);
void qun_evidence_fini(struct qun_evidence *e);
/* Checks every proof against the checkpoint and the disclosed qun.audit record, which it gives. QUN_EINVAL names the
 * record. */
int qun_evidence_verify(const struct qun_evidence *e, const struct qun_checkpoint *checkpoint,
                        struct qun_audit_statement *statement, struct qun_error *err);
/* NULL if the record is not proved. */
const struct qun_bound *qun_evidence_find(const struct qun_evidence *e, uint64_t seq);

void qun_consistency_write(struct qun_pack *out, qun_slice since, const struct qun_proof *proof);
/* Reads the text and checks it: `since` is signed by the same key, and the checkpoint continues it. Gives the earlier
 * checkpoint's size and root. */
int qun_consistency_verify(qun_slice text, const struct qun_verifier *key, const struct qun_checkpoint *checkpoint,
                           uint64_t *since_size, unsigned char since_root[QUN_HASH_SIZE], struct qun_error *err);

/* The data of a qun.audit record as a msgpack map, and back. QUN_EINVAL names the key. */
void qun_audit_statement_write(struct qun_pack *out, const struct qun_audit_statement *s);
int qun_audit_statement_read(struct qun_audit_statement *out, qun_slice data, struct qun_error *err);

#endif
