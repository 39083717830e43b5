/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/tlog_proof.h"

#include "tenants/base64.h"
#include "tenants/note.h"

#include <stdio.h>

static const char header[] = "c2sp.org/tlog-proof@v1", extra_mark[] = "extra ", index_mark[] = "index ";

enum { EXTRA_MAX = 4096 };

void qun_tlog_proof_write(struct qun_pack *out, qun_slice extra, uint64_t index, const struct qun_proof *proof,
                          qun_slice checkpoint) {
  char base64[QUN_BASE64_SIZE(EXTRA_MAX)], number[32];
  if (extra.len > EXTRA_MAX) {
    out->failed = 1;
    return;
  }
  qun_pack_raw(out, qun_str(header));
  if (extra.len) {
    qun_pack_raw(out, qun_str("\nextra "));
    qun_pack_raw(out, qun_str(qun_base64_write(base64, extra.ptr, (size_t)extra.len)));
  }
  snprintf(number, sizeof number, "\nindex %llu\n", (unsigned long long)index);
  qun_pack_raw(out, qun_str(number));
  for (uint32_t i = 0; i < proof->count; i++) {
    qun_pack_raw(out, qun_str(qun_base64_write(base64, proof->hashes[i], QUN_HASH_SIZE)));
    qun_pack_raw(out, qun_str("\n"));
  }
  qun_pack_raw(out, qun_str("\n"));
  qun_pack_raw(out, checkpoint);
}

static int cut_mark(qun_slice *line, const char *mark) {
  size_t n = strlen(mark);
  if (line->len < n || memcmp(line->ptr, mark, n) != 0) return 0;
  *line = qun_slice_of((const char *)line->ptr + n, (size_t)line->len - n);
  return 1;
}

int qun_tlog_proof_read(struct qun_tlog_proof *out, qun_slice text, struct qun_error *err) {
  unsigned char extra[EXTRA_MAX];
  struct qun_tlog_proof p = {.index = 0};
  qun_slice line, rest = text;
  size_t n;
  if (!qun__line(&line, &rest) || !qun_slice_is(line, header))
    return qun_error_set(err, QUN_EINVAL, "a proof starts with the line %s", header);
  if (!qun__line(&line, &rest)) return qun_error_set(err, QUN_EINVAL, "the proof's second line is missing");
  if (cut_mark(&line, extra_mark)) {
    if (!qun_base64_read(extra, sizeof extra, &n, line))
      return qun_error_set(err, QUN_EINVAL, "the proof's extra line is not base64");
    p.extra = line;
    if (!qun__line(&line, &rest)) return qun_error_set(err, QUN_EINVAL, "the proof's index line is missing");
  }
  if (!cut_mark(&line, index_mark) || !qun__decimal(&p.index, line))
    return qun_error_set(err, QUN_EINVAL, "the proof's index line is missing or holds no number");
  for (;;) {
    if (!qun__line(&line, &rest))
      return qun_error_set(err, QUN_EINVAL, "the proof has no empty line before its checkpoint");
    if (line.len == 0) break;
    if (p.proof.count == QUN_PROOF_MAX || !qun_base64_read_exactly(p.proof.hashes[p.proof.count], QUN_HASH_SIZE, line))
      return qun_error_set(err, QUN_EINVAL, "hash %u of the proof is not the base64 of 32 bytes", p.proof.count + 1);
    p.proof.count++;
  }
  if (rest.len == 0) return qun_error_set(err, QUN_EINVAL, "the proof has no checkpoint");
  p.checkpoint = rest;
  *out = p;
  return 0;
}
