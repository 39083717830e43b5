/* SPDX-License-Identifier: Apache-2.0 */
/* crosspromo.report: the views overview, advice, codes. */
#ifndef CROSS_REPORT_H
#define CROSS_REPORT_H

#include "agreement.h"
#include "code.h"
#include "partner.h"

#include <qun/report.h>

struct cross_view {
  const struct cross_call *c;
  struct qun_report r;
  int32_t from, to; /* months: from, up to and with to */
  int32_t last;     /* month that something was counted in last, at most `to` */
};

int cross_report(const struct cross_call *c, const struct qun_request *request);
int cross_view_overview(struct cross_view *v);
int cross_view_advice(struct cross_view *v);
int cross_view_codes(struct cross_view *v);

/* Given and received with one partner over the view's months. */
struct cross_balance {
  struct cross_sums received; /* by our codes, in our log */
  struct cross_sums given;    /* joins and purchases as the partner reports them, clicks in our own log */
};
int cross_balance(const struct cross_view *v, qun_slice partner, struct cross_balance *b);

/* Calls `each` for every partner of the registry. */
typedef int (*cross_each_partner)(struct cross_view *v, const struct cross_partner *p);
int cross_partners_each(struct cross_view *v, cross_each_partner each);
/* A column of each (id, label, kind). */
struct cross_column {
  const char *id, *label, *kind;
};
void cross_columns(struct cross_view *v, const struct cross_column *columns, unsigned count);

#endif
