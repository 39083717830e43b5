/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A leaf's proof as text that carries its checkpoint (C2SP tlog-proof):
 *   "c2sp.org/tlog-proof@v1\n", "extra <base64>\n" or nothing, "index <n>\n", a base64 hash a line, "\n", the signed
 * checkpoint All functions: any thread, no blocking.
 */
#ifndef QUN_TENANTS_TLOG_PROOF_H
#define QUN_TENANTS_TLOG_PROOF_H

#include "tenants/merkle.h"

#include <qun/msgpack.h>

struct qun_tlog_proof {
  qun_slice extra; /* base64 as it stands there, borrowed; empty if there is none */
  uint64_t index;
  struct qun_proof proof;
  qun_slice checkpoint; /* the note, borrowed */
};

/* Appends the text. `extra`: bytes, empty for none. */
void qun_tlog_proof_write(struct qun_pack *out, qun_slice extra, uint64_t index, const struct qun_proof *proof,
                          qun_slice checkpoint);
/* QUN_EINVAL names the line. The checkpoint is not looked into: qun_checkpoint_open. */
int qun_tlog_proof_read(struct qun_tlog_proof *out, qun_slice text, struct qun_error *err);

#endif
