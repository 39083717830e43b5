/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many members two tenants share, without showing a list to anybody (catalogue X03, DECISIONS 28). A row of kind
 * "overlap" under an agreement that lists "count" starts it:
 *
 *  1. Each side's plugin answers crosspromo.overlap_members {partner} (role host) with
 *       members   numbers of the members that may be counted: consent of its own, 30 days or more
 *       minimum   size below which nothing is counted
 *       refused   a reason instead of members (optional)
 *       k, round, noise, pair_budget, tenant_budget (optional): stricter bounds than those below
 *  2. qun.access is recorded on both sides, before an identity is opened.
 *  3. Each side opens its members' unionid, else phone, with its own vault and turns them into hashes at once.
 *  4. Refused: a set that is too small; one that differs from an earlier one for this partner by fewer than k members;
 *     more than so many counts in 30 days for the pair or the tenant.
 *  5. overlap.committed is recorded on both sides: a keyed hash of the set, its size rounded.
 *  6. The parties exchange messages (psi.h).
 *  7. The figure gets noise, is rounded, and is recorded on both sides: overlap.counted {partner, agreement, count, own}
 *     or {partner, agreement, refused}. A refusal has one sentence for both sides, which names neither.
 *
 * Noise: two-sided geometric with ratio noise / (noise + 1), drawn from both sides' secrets and sets, so the same pair
 * of sets gives the same figure for ever and asking again averages nothing out. Both sides' bounds hold: the larger
 * minimum, k, round and noise, the smaller budget. Identifiers, hashes and points are zeroed after use.
 */
#ifndef QUN_HOST_BRIDGE_OVERLAP_H
#define QUN_HOST_BRIDGE_OVERLAP_H

#include "host/bridge/bridge.h"

/* The host's own bounds; a plugin's settings can only be stricter. */
enum {
  QUN_OVERLAP_MINIMUM = 20,
  QUN_OVERLAP_K = 10,
  QUN_OVERLAP_ROUND = 10,
  QUN_OVERLAP_NOISE = 5,
  QUN_OVERLAP_PAIR_BUDGET = 4,
  QUN_OVERLAP_TENANT_BUDGET = 12,
  QUN_OVERLAP_DAYS = 30 /* of a budget */
};

/* The agreement is checked already. Blocking; 200,000 members a side take about a minute. */
void qun_overlap_run(const struct qun_crossing *c, struct qun_send_outcome *out);

/* The figure that is published: `count` with noise of scale `noise` drawn from `seed`, rounded to a multiple of
   `round`, not under 0. Pure. */
int64_t qun_overlap_figure(uint32_t count, const unsigned char seed[32], int64_t noise, int64_t round);

#endif
