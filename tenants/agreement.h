/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agreements as this tenant has accepted them, table BRIDGE: "a" id -> msgpack map {partner, kinds: [...], from, to,
 * share, ended: bool, seq}. Written when records agreement.accepted and agreement.ended are applied; the bridge
 * compares both sides.
 */
#ifndef QUN_TENANTS_AGREEMENT_H
#define QUN_TENANTS_AGREEMENT_H

#include "tenants/batch.h"
#include "tenants/record.h"

struct qun_agreement {
  qun_slice id, partner;
  qun_slice kinds; /* msgpack array of texts */
  int64_t from_ms, to_ms, share;
  bool ended;
  uint64_t seq;
};

/* Applies an agreement.accepted or agreement.ended record; others are ignored. */
int qun_agreement_apply(struct qun_batch *b, const struct qun_record *r);
/* QUN_ENOTFOUND. Borrowed from the view. */
int qun_agreement_get(const struct qun_view *v, qun_slice id, struct qun_agreement *out);
/* 1 if the agreement is open at that time, is with that partner and lists the kind. */
int qun_agreement_allows(const struct qun_agreement *a, qun_slice partner, qun_slice kind, int64_t now_ms);
/* 1 if two sides' terms are the same (kinds, period, share). */
int qun_agreement_same_terms(const struct qun_agreement *a, const struct qun_agreement *b);

#endif
