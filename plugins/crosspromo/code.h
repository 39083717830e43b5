/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Campaign codes and what came by them (catalogue X08, X09). An own code is one that a partner spreads for us: what
 * comes by it is received. A partner's code came over the bridge; clicks on it are given. Rows: 'K' code -> whose it
 * is, 'N' code, month -> sums, 'o' order -> code, 'Y' partner, month -> sums that the partner reports. Sums are kept
 * for every code that events name, so a code that is registered later has its past.
 */
#ifndef CROSS_CODE_H
#define CROSS_CODE_H

#include "cross.h"

struct cross_code {
  struct cross_text code, partner, agreement, item;
  bool own;
  int64_t created_ms;
};

struct cross_sums {
  int64_t clicks, joins, purchases;
  int64_t spend; /* minor units, refunds taken off */
};

/* QUN_ENOTFOUND. */
int cross_code_get(const struct cross_call *c, qun_slice code, struct cross_code *k);
void cross_code_decode(struct cross_code *k, qun_slice code, qun_slice row);
int cross_code_save(const struct cross_call *c, const struct cross_code *k);

/* Adds to a code's sums of a month. */
int cross_code_add(const struct cross_call *c, qun_slice code, int32_t month, const struct cross_sums *add);
/* Sums of a code from month `from` up to, not with, `to`. */
int cross_code_sum(const struct cross_call *c, qun_slice code, int32_t from, int32_t to, struct cross_sums *sum);
/* Sums of all own (or all of the partner's) codes of a partner. */
int cross_code_partner_sum(const struct cross_call *c, qun_slice partner, bool own, int32_t from, int32_t to,
                           struct cross_sums *sum);

/* What a partner says that it received from us in a month: replaces what it said before. */
int cross_reported_set(const struct cross_call *c, qun_slice partner, int32_t month, const struct cross_sums *sums);
int cross_reported_sum(const struct cross_call *c, qun_slice partner, int32_t from, int32_t to, struct cross_sums *sum);

/* click, purchase and refund events; joins come by members.h. */
int cross_code_click(const struct cross_call *c, const struct qun_event *e);
int cross_code_purchase(const struct cross_call *c, const struct qun_event *e);
int cross_code_refund(const struct cross_call *c, const struct qun_event *e);
/* crosspromo.code events: an own code is registered and, by an open agreement, given to the partner. */
int cross_code_recorded(const struct cross_call *c, const struct qun_event *e);

/* Points of sums by the settings. */
int64_t cross_points(const struct cross_settings *s, const struct cross_sums *sums);

#endif
