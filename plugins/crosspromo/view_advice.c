/* SPDX-License-Identifier: Apache-2.0 */
/* Which partners to go on with, to evaluate, to retire, to propose to, and never to match (catalogue X02, X10, X11,
 * X15). */
#include "report.h"
#include "services.h"

/* One word for scripts and the reason for people. */
struct advice {
  const char *what, *text;
};

static int decide(const struct cross_view *v, const struct cross_partner *p, const struct cross_fit *fit,
                  struct advice *out) {
  struct cross_agreement a;
  bool any = false;
  for (uint32_t kind = CROSS_COUNT; kind <= CROSS_CODE && !any; kind <<= 1) {
    int rc = cross_agreement_with(v->c, cross_text_slice(&p->name), kind, v->c->ctx->clock_ms, &a);
    if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
    any = rc >= 0;
  }
  if (fit->rival)
    *out = (struct advice){"never", "crosspromo.advice.never"};
  else if (!any && !p->sector.at[0])
    *out = (struct advice){"ask", "crosspromo.advice.ask"};
  else if (!any && fit->score >= v->c->t->settings.fit_good)
    *out = (struct advice){"propose", "crosspromo.advice.propose"};
  else if (!any)
    *out = (struct advice){"wait", "crosspromo.advice.wait"};
  else if (strcmp(p->advice.at, "retire") == 0)
    *out = (struct advice){"retire", "crosspromo.advice.retire"};
  else if (strcmp(p->advice.at, "go_on") == 0)
    *out = (struct advice){"go_on", "crosspromo.advice.go_on"};
  else
    *out = (struct advice){"evaluate", "crosspromo.advice.evaluate"};
  return QUN_OK;
}

static void pack_reason(struct cross_view *v, const struct cross_partner *p, const struct cross_fit *fit,
                        const char *text) {
  struct qun_pack *k = &v->r.pack;
  qun_pack_array(k, 2);
  qun_pack_cstr(k, text);
  qun_pack_map(k, 6);
  qun_pack_kv_cstr(k, "sector", p->sector.at);
  qun_pack_kv_int(k, "score", fit->score);
  qun_pack_kv_int(k, "good", v->c->t->settings.fit_good);
  qun_pack_kv_int(k, "points", p->points);
  qun_pack_kv_int(k, "rank", p->rank);
  qun_pack_kv_int(k, "of", p->of);
}

static int64_t own_size(const struct cross_view *v) {
  int64_t members;
  return cross_own_members(v->c, &members) < 0 ? 0 : cross_size_class(members);
}

static int advice_row(struct cross_view *v, const struct cross_partner *p) {
  struct qun_pack *k = &v->r.pack;
  struct cross_fit fit;
  struct advice advice;
  int rc;
  cross_partner_fit(v->c, p, own_size(v), &fit);
  rc = decide(v, p, &fit, &advice);
  if (rc < 0) return rc;
  qun_report_row(&v->r, 8 + CROSS_FIT_PARTS);
  qun_pack_cstr(k, p->name.at);
  qun_pack_cstr(k, advice.what);
  pack_reason(v, p, &fit, advice.text);
  qun_pack_int(k, fit.score);
  for (unsigned i = 0; i < CROSS_FIT_PARTS; i++) {
    if (fit.part[i] == CROSS_UNKNOWN)
      qun_pack_nil(k);
    else
      qun_pack_int(k, fit.part[i]);
  }
  if (p->sector.at[0])
    qun_pack_cstr(k, p->sector.at);
  else
    qun_pack_nil(k);
  if (p->resources.at[0])
    qun_pack_cstr(k, p->resources.at);
  else
    qun_pack_nil(k);
  if (p->rank > 0) {
    qun_pack_int(k, p->points);
    qun_pack_int(k, p->rank);
  } else {
    qun_pack_nil(k);
    qun_pack_nil(k);
  }
  return QUN_OK;
}

static int score_x(struct cross_view *v, const struct cross_partner *p) {
  qun_pack_cstr(&v->r.pack, p->name.at);
  return QUN_OK;
}

static int score_y(struct cross_view *v, const struct cross_partner *p) {
  struct cross_fit fit;
  cross_partner_fit(v->c, p, own_size(v), &fit);
  qun_pack_int(&v->r.pack, fit.score);
  return QUN_OK;
}

static int count_one(void *arg, qun_slice key, qun_slice row) {
  (void)key, (void)row;
  ++*(uint32_t *)arg;
  return QUN_OK;
}

static int chart(struct cross_view *v) {
  struct cross_key prefix = cross_key_of('P');
  uint32_t n = 0;
  int rc = cross_scan(v->c, &prefix, count_one, &n);
  if (rc < 0) return rc;
  qun_report_chart(&v->r, "scores", "crosspromo.chart.scores", "bar", "crosspromo.col.partner", "str", n);
  rc = cross_partners_each(v, score_x);
  qun_report_chart_series(&v->r);
  qun_report_series(&v->r, "fit", "crosspromo.m.fit", "ratio", n);
  if (rc >= 0) rc = cross_partners_each(v, score_y);
  qun_report_list_end(&v->r);
  return rc;
}

int cross_view_advice(struct cross_view *v) {
  static const struct cross_column columns[] = {{"partner", "crosspromo.col.partner", "str"},
                                                {"advice", "crosspromo.col.advice", "str"},
                                                {"reason", "crosspromo.col.reason", "text"},
                                                {"fit", "crosspromo.m.fit", "ratio"},
                                                {"audience", "crosspromo.col.audience", "int"},
                                                {"size", "crosspromo.col.size", "int"},
                                                {"tone", "crosspromo.col.tone", "int"},
                                                {"place", "crosspromo.col.place", "int"},
                                                {"reputation", "crosspromo.col.reputation", "int"},
                                                {"sector", "crosspromo.col.sector", "str"},
                                                {"resources", "crosspromo.col.resources", "str"},
                                                {"points", "crosspromo.m.points", "int"},
                                                {"rank", "crosspromo.col.rank", "int"}};
  int rc;
  qun_report_table(&v->r, "advice", "crosspromo.section.advice");
  cross_columns(v, columns, sizeof columns / sizeof columns[0]);
  rc = cross_partners_each(v, advice_row);
  qun_report_list_end(&v->r);
  if (rc >= 0) rc = chart(v);
  qun_report_glossary(&v->r);
  qun_report_term(&v->r, "fit", "crosspromo.m.fit", "crosspromo.f.fit", "X02, X15");
  qun_report_term(&v->r, "points", "crosspromo.m.points", "crosspromo.f.points", "X10");
  return rc;
}
