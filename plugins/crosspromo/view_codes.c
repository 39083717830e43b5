/* SPDX-License-Identifier: Apache-2.0 */
/* Campaign codes and what came by each (catalogue X08). */
#include "report.h"

struct wanted {
  struct cross_view *v;
  bool own;
};

static int code_row(void *arg, qun_slice key, qun_slice row) {
  const struct wanted *w = arg;
  struct cross_view *v = w->v;
  struct qun_pack *p = &v->r.pack;
  struct cross_code k;
  struct cross_sums s;
  int rc;
  cross_code_decode(&k, cross_key_first(key), row);
  if (k.own != w->own) return QUN_OK;
  rc = cross_code_sum(v->c, cross_text_slice(&k.code), v->from, v->to + 1, &s);
  if (rc < 0) return rc;
  qun_report_row(&v->r, w->own ? 8 : 5);
  qun_pack_cstr(p, k.code.at);
  qun_pack_cstr(p, k.partner.at);
  if (k.agreement.at[0])
    qun_pack_cstr(p, k.agreement.at);
  else
    qun_pack_nil(p);
  qun_pack_int(p, k.created_ms);
  qun_pack_int(p, s.clicks);
  if (!w->own) return QUN_OK;
  qun_pack_int(p, s.joins);
  qun_pack_int(p, s.purchases);
  qun_pack_int(p, s.spend);
  return QUN_OK;
}

static int table(struct cross_view *v, bool own) {
  static const struct cross_column columns[] = {
      {"code", "crosspromo.col.code", "str"},           {"partner", "crosspromo.col.partner", "str"},
      {"agreement", "crosspromo.col.agreement", "str"}, {"created", "crosspromo.col.time", "time"},
      {"clicks", "crosspromo.m.clicks", "int"},         {"joins", "crosspromo.m.joins", "int"},
      {"purchases", "crosspromo.m.purchases", "int"},   {"spend", "crosspromo.m.spend", "money"}};
  struct cross_key prefix = cross_key_of('K');
  struct wanted w = {v, own};
  int rc;
  qun_report_table(&v->r, own ? "own" : "partners",
                   own ? "crosspromo.section.own_codes" : "crosspromo.section.their_codes");
  cross_columns(v, columns, own ? 8 : 5);
  rc = cross_scan(v->c, &prefix, code_row, &w);
  qun_report_list_end(&v->r);
  return rc;
}

/* All own codes together, month by month. */
struct line {
  const struct cross_view *v;
  int32_t month;
  struct cross_sums sum;
};

static int add_code(void *arg, qun_slice key, qun_slice row) {
  struct line *l = arg;
  struct cross_code k;
  struct cross_sums s;
  int rc;
  cross_code_decode(&k, cross_key_first(key), row);
  if (!k.own) return QUN_OK;
  rc = cross_code_sum(l->v->c, cross_text_slice(&k.code), l->month, l->month + 1, &s);
  l->sum.joins += s.joins;
  l->sum.purchases += s.purchases;
  return rc;
}

enum { MONTHS = 24 };

static int chart(struct cross_view *v) {
  int32_t first = v->last - MONTHS + 1 > v->from ? v->last - MONTHS + 1 : v->from;
  uint32_t n = v->last < first ? 0 : (uint32_t)(v->last - first + 1);
  struct cross_key prefix = cross_key_of('K');
  qun_report_chart(&v->r, "by_month", "crosspromo.chart.by_month", "bar", "crosspromo.col.month", "month", n);
  for (uint32_t i = 0; i < n; i++) qun_pack_int(&v->r.pack, first + (int32_t)i);
  qun_report_chart_series(&v->r);
  for (int joins = 1; joins >= 0; joins--) {
    qun_report_series(&v->r, joins ? "joins" : "purchases", joins ? "crosspromo.m.joins" : "crosspromo.m.purchases",
                      "int", n);
    for (uint32_t i = 0; i < n; i++) {
      struct line l = {.v = v, .month = first + (int32_t)i};
      int rc = cross_scan(v->c, &prefix, add_code, &l);
      if (rc < 0) return rc;
      qun_pack_int(&v->r.pack, joins ? l.sum.joins : l.sum.purchases);
    }
  }
  qun_report_list_end(&v->r);
  return QUN_OK;
}

int cross_view_codes(struct cross_view *v) {
  int rc = table(v, true);
  if (rc >= 0) rc = table(v, false);
  if (rc >= 0) rc = chart(v);
  qun_report_glossary(&v->r);
  qun_report_term(&v->r, "clicks", "crosspromo.m.clicks", "crosspromo.f.clicks", "X08");
  qun_report_term(&v->r, "joins", "crosspromo.m.joins", "crosspromo.f.joins", "X08");
  qun_report_term(&v->r, "purchases", "crosspromo.m.purchases", "crosspromo.f.purchases", "X08");
  return rc;
}
