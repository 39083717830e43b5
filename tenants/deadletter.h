/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What could not be applied, kept for a person to look at: an id that came again with other content, an event that a
 * plugin failed on. Table DEAD: number (big-endian) -> msgpack map {seq, plugin, reason, type, id, source}.
 */
#ifndef QUN_TENANTS_DEADLETTER_H
#define QUN_TENANTS_DEADLETTER_H

#include "tenants/meta.h"

struct qun_dead_letter {
  uint64_t number;
  uint64_t seq;     /* the record it is about; 0: it never got into the log */
  qun_slice plugin; /* who failed; empty: the host's own check */
  qun_slice reason, type, id, source;
};

/* head->dead grows and numbers it. */
int qun_dead_letter_add(struct qun_batch *b, struct qun_head *head, const struct qun_dead_letter *letter);
/* Calls `each` with letters after number `after`. Stops when it answers other than 0, and answers that. */
int qun_dead_letter_each(const struct qun_view *v, uint64_t after,
                         int (*each)(void *arg, const struct qun_dead_letter *letter), void *arg);

#endif
