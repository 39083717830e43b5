/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agreements as this side has them (catalogue X04-X06). The host's bridge lets something cross only when both sides
 * have accepted the same terms. Row 'A' id.
 */
#ifndef CROSS_AGREEMENT_H
#define CROSS_AGREEMENT_H

#include "cross.h"

/* Kinds that may cross, as bits; their order is the order in events, so that both sides write the same bytes. */
enum { CROSS_COUNT = 1u << 0, CROSS_ITEM = 1u << 1, CROSS_CODE = 1u << 2 };
enum { CROSS_KINDS = 3 };
extern const char *const cross_kind_names[CROSS_KINDS];

struct cross_agreement {
  struct cross_text id, partner, form, reason;
  uint32_t kinds;
  bool has_from, has_to;
  int64_t from_ms, to_ms;                     /* when given */
  int64_t share;                              /* ppm of revenue to the partner */
  bool offered;                               /* the partner proposed it, over the bridge */
  int64_t proposed_ms, accepted_ms, ended_ms; /* 0: not yet */
};

/* The kinds named in a msgpack list; 0: none, or one that is unknown. */
uint32_t cross_kinds_read(qun_slice list);
/* A msgpack array of the kinds' names. */
void cross_kinds_pack(struct qun_pack *p, uint32_t kinds);
/* "count, item": for people, and for a proposal's body. */
void cross_kinds_text(char out[32], uint32_t kinds);

/* QUN_ENOTFOUND. */
int cross_agreement_get(const struct cross_call *c, qun_slice id, struct cross_agreement *a);
void cross_agreement_decode(struct cross_agreement *a, qun_slice id, qun_slice row);
/* 1 if this side has accepted it and `ms` lies in its time. */
bool cross_agreement_open(const struct cross_agreement *a, int64_t ms);
/* The first open agreement with the partner that lists the kind. QUN_ENOTFOUND. */
int cross_agreement_with(const struct cross_call *c, qun_slice partner, uint32_t kind, int64_t ms,
                         struct cross_agreement *a);
/* Whether any agreement is open at `ms`, or will be. */
int cross_agreement_any(const struct cross_call *c, int64_t ms, bool *any);
/* The data of agreement.proposed and agreement.accepted. */
void cross_agreement_pack(struct qun_pack *p, const struct cross_agreement *a);

/* agreement.proposed, .accepted, .ended. What is proposed here crosses to the partner as a proposal. */
int cross_agreement_event(const struct cross_call *c, const struct qun_event *e);
/* A proposal that came over the bridge. It changes no agreement that this side has accepted, or has with another. */
int cross_agreement_offered(const struct cross_call *c, qun_slice partner, const struct qun_event *e, qun_slice terms);

#endif
