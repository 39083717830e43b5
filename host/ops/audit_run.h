/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An audit of one tenant: what compliance.audit finds over a snapshot, a qun.audit record of it in the log, a signed
 * checkpoint over that record, a proof of every record that the findings cite, the report in the reader's language, and
 * all of it as an audit bundle (tenants/bundle.h) that a third party can check.
 */
#ifndef QUN_HOST_OPS_AUDIT_RUN_H
#define QUN_HOST_OPS_AUDIT_RUN_H

#include "host/engine/engine.h"
#include "tenants/bundle.h"

struct qun_audit_options {
  const char *scope;  /* NULL: all rules that bind the tenant; else a rule pack's name or the beginning of rule ids */
  const char *locale; /* of the report; NULL: the tenant's */
  qun_slice since; /* an earlier checkpoint (the note); empty: none. The bundle then shows that the log continues it */
};

enum { QUN_AUDIT_VIEWS_MAX = 8, QUN_AUDIT_FILES_MAX = 6 + 2 * QUN_AUDIT_VIEWS_MAX };

struct qun_audit_result {
  /* The bundle, MANIFEST last: give it to qun_bundle_store. Views of the report are reports/<view>.json and .html. */
  struct qun_bundle_file files[QUN_AUDIT_FILES_MAX];
  struct qun_pack bytes[QUN_AUDIT_FILES_MAX]; /* what `files` borrow from */
  char *paths[QUN_AUDIT_FILES_MAX];
  uint32_t files_count;
  uint64_t seq;                                     /* of the qun.audit record */
  uint64_t upto;                                    /* last record that the audit and its proofs cover */
  uint64_t size;                                    /* leaves of the tree at the checkpoint */
  uint32_t records;                                 /* proved */
  int64_t satisfied, not_satisfied, not_applicable; /* rules */
  char key[QUN_VERIFIER_TEXT_SIZE];
};

/* Runs the audit. The tenant's log grows by one record. QUN_ENOTFOUND: no such tenant, or compliance is off.
   QUN_EINVAL: scope, or `since` is not a checkpoint of this log. QUN_EAGAIN: compliance is still catching up, or
   another audit of the tenant ran at the same time. QUN_EFAIL. Any thread but those of the engine's callbacks;
   blocking, long. Fini the result after 0 only.
 */
int qun_audit_run(struct qun_engine *e, const char *tenant, const struct qun_audit_options *options,
                  struct qun_audit_result *out, struct qun_error *err);
void qun_audit_result_fini(struct qun_audit_result *r);

#endif
