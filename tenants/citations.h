/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records a JSON file of an audit bundle cites. Any thread, no blocking.
 *   "evidence" or "seq": a whole number, or a list of them; 0 cites nothing
 *   "finding": a finding's id, RULE:SEQ:START, cites SEQ; another text cites nothing
 */
#ifndef QUN_TENANTS_CITATIONS_H
#define QUN_TENANTS_CITATIONS_H

#include "tenants/error.h"

#include <qun/plugin.h>

struct qun_citations { /* zeroed: none */
  uint64_t *seqs;      /* heap */
  uint32_t count, cap;
};

/* Adds what the text cites, in its order. QUN_EINVAL: not strict JSON, or a citation that is no sequence. */
int qun_citations_add(struct qun_citations *c, qun_slice json, struct qun_error *err);
/* 0, or QUN_EFAIL: out of memory. */
int qun_citations_add_one(struct qun_citations *c, uint64_t seq, struct qun_error *err);
/* In order, each once. */
void qun_citations_sort(struct qun_citations *c);
void qun_citations_fini(struct qun_citations *c);

#endif
