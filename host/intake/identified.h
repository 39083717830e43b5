/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members whose sealed platform id the store is known to hold, so that intake seals it once and not with every batch. A direct-mapped cache of pseudonym
 * prefixes: a miss costs a seal, never a wrong answer (pseudonyms are keyed hashes; 64 of their bits are compared). Any thread, no locks.
 */
#ifndef QUN_HOST_INTAKE_IDENTIFIED_H
#define QUN_HOST_INTAKE_IDENTIFIED_H

#include "tenants/input.h"

#include <stdatomic.h>

enum { QUN_IDENTIFIED_SLOTS = 8192 };

struct qun_identified {
  _Atomic uint64_t slots[QUN_IDENTIFIED_SLOTS]; /* zeroed: nobody */
};

/* NULL is fine and knows nobody. */
bool qun_identified_has(const struct qun_identified *known, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE]);
/* After the commit that stored the id. NULL is fine. */
void qun_identified_add(struct qun_identified *known, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE]);

#endif
