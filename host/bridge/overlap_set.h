/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One side's set of an overlap count: of each member the hash for the count and a mark, a keyed hash that only this
 * side can make, by which sets are compared over time. Plain identifiers live on the stack of one function only. Internal
 * to host/bridge; one thread.
 */
#ifndef QUN_HOST_BRIDGE_OVERLAP_SET_H
#define QUN_HOST_BRIDGE_OVERLAP_SET_H

#include "host/bridge/psi.h"
#include "host/engine/engine.h"

enum { QUN_MARK_SIZE = 8 };

struct qun_overlap_set {
  unsigned char *hashes; /* count * QUN_PSI_HASH_SIZE */
  unsigned char *marks;  /* count * QUN_MARK_SIZE, rising, each once */
  uint32_t count;
};

/* Opens the identities of `members` (msgpack array of numbers). Members without one, or whose key is gone, are left
   out; two with the same identity count once. QUN_EINVAL: not a list of numbers, or too long. */
int qun__overlap_set_load(struct qun_overlap_set *out, struct qun_engine *e, const char *tenant, qun_slice members,
                          qun_slice context, const unsigned char secret[32], struct qun_error *err);
/* Zeroes and frees. A zeroed set is fine. */
void qun__overlap_set_fini(struct qun_overlap_set *set);
/* Keyed hash of the set. */
void qun__overlap_set_commit(unsigned char out[32], const struct qun_overlap_set *set, const unsigned char secret[32]);
/* Members that are in one of two lists of marks only. Pure. */
uint32_t qun__marks_differ(const unsigned char *a, uint32_t a_count, const unsigned char *b, uint32_t b_count);

#endif
