/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private overlap count with a partner (catalogue X03, X13): whether it may be asked for, and who may be counted.
 * The host's bridge does the set intersection; nobody's list is seen by the other side. Row 'R' partner, month ->
 * requests; partner "" is all of them.
 */
#ifndef CROSS_OVERLAP_H
#define CROSS_OVERLAP_H

#include "agreement.h"

/* Checks the policy for a request now: an open agreement that lists counts, no rival, the month's budgets. QUN_EDENIED,
   QUN_EQUOTA with a sentence. *a: the agreement. */
int cross_overlap_allowed(const struct cross_call *c, qun_slice partner, struct cross_agreement *a);
/* crosspromo.overlap.requested events: counts them, and asks the bridge. */
int cross_overlap_requested(const struct cross_call *c, const struct qun_event *e);
/* Packs {partner, agreement, minimum, pair_budget, tenant_budget, members: [...], refused?}: the numbers that may be counted with the partner, in
   order; each person once. `refused` "too few" and no members when they are fewer than the setting. */
int cross_overlap_members(const struct cross_call *c, qun_slice partner, struct qun_pack *p);

#endif
