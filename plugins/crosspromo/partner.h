/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The partner registry (catalogue X01, X12): what is known of another community, from its card over the bridge or as an
 * operator recorded it. Row 'P' partner.
 */
#ifndef CROSS_PARTNER_H
#define CROSS_PARTNER_H

#include "cross.h"
#include "fit.h"

struct cross_partner {
  struct cross_text name, sector, country, tone, resources, advice, overlap_refused;
  int64_t size;       /* size class; 0: not known */
  int64_t reputation; /* 0..100; CROSS_UNKNOWN */
  int64_t card_ms;    /* its card came over the bridge; 0: no card */
  int64_t overlap;    /* last counted, rounded by the host; CROSS_UNKNOWN */
  int64_t overlap_own;
  int64_t overlap_ms;
  int64_t sent, received, refused; /* crossings */
  int64_t quarter;                 /* of the last evaluation: quarters since 1970; with `advice` */
  int64_t points, rank, of;
};

/* The partner's row, or an empty one of that name; *found says which (may be NULL). */
int cross_partner_get(const struct cross_call *c, qun_slice name, struct cross_partner *p, bool *found);
int cross_partner_decode(struct cross_partner *p, qun_slice name, qun_slice row);
int cross_partner_save(const struct cross_call *c, const struct cross_partner *p);
/* Puts what a card says into the row: sector, country, tone, size. What the partner says of its own reputation is
 * nothing to go by. */
void cross_partner_learn(struct cross_partner *p, qun_slice card);
/* The fit between this tenant, of that size class, and the partner. */
void cross_partner_fit(const struct cross_call *c, const struct cross_partner *p, int64_t own_size,
                       struct cross_fit *fit);
/* crosspromo.partner events. */
int cross_partner_recorded(const struct cross_call *c, const struct qun_event *e);

#endif
