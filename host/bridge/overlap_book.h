/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tenant remembers of its overlap counts, beside its keys and never in its store: overlap.key, a random 32-byte
 * secret, and overlap.<hash of the saga> for each count, a msgpack map {at, partner, marks, count, own}; the last
 * two once it has ended. Kept for 400 days. Goes with the tenant's keys. Internal to host/bridge. Blocking.
 */
#ifndef QUN_HOST_BRIDGE_OVERLAP_BOOK_H
#define QUN_HOST_BRIDGE_OVERLAP_BOOK_H

#include "host/bridge/overlap_set.h"
#include "tenants/key_file.h"

struct qun_overlap_book {
  struct qun_key_dir dir;
  unsigned char secret[32];
};

/* One count. */
struct qun_overlap_entry {
  const char *saga, *partner;
  int64_t at_ms;
  const struct qun_overlap_set *set;
  bool ended;
  int64_t count, own; /* ended */
};

struct qun_overlap_bounds {
  int64_t k, pair_budget, tenant_budget;
};

/* Makes the secret at the first use. */
int qun__overlap_book_open(struct qun_overlap_book *b, const char *keys_dir, const char *tenant, struct qun_error *err);
/* A zeroed book is fine. */
void qun__overlap_book_close(struct qun_overlap_book *b);
/* Whether the set may be counted, given all other counts. QUN_EQUOTA: a budget is used up. QUN_EDENIED: the set differs
   from an earlier one for the partner by fewer than k members, and by at least one. */
int qun__overlap_book_check(struct qun_overlap_book *b, const struct qun_overlap_entry *entry,
                            const struct qun_overlap_bounds *bounds, struct qun_error *err);
/* Writes the entry over what stands there for its saga. */
int qun__overlap_book_write(struct qun_overlap_book *b, const struct qun_overlap_entry *entry, struct qun_error *err);
/* The figures of a saga that has ended. QUN_ENOTFOUND. */
int qun__overlap_book_find(struct qun_overlap_book *b, const char *saga, int64_t *count, int64_t *own,
                           struct qun_error *err);

#endif
