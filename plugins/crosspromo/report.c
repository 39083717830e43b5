/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

static const struct {
  const char *name, *title;
  int (*write)(struct cross_view *v);
} views[] = {{"overview", "crosspromo.title.overview", cross_view_overview},
             {"advice", "crosspromo.title.advice", cross_view_advice},
             {"codes", "crosspromo.title.codes", cross_view_codes}};
enum { VIEWS = sizeof views / sizeof views[0] };

struct months {
  int32_t first, last;
};

static int widen(void *arg, qun_slice key, qun_slice row) {
  struct months *m = arg;
  int32_t month = (int32_t)(cross_key_read(key, (size_t)key.len - 4) ^ 0x80000000u);
  (void)row;
  if (month < m->first) m->first = month;
  if (month > m->last) m->last = month;
  return QUN_OK;
}

/* The months that anything was counted in; this month if none. */
static int counted_months(const struct cross_call *c, struct months *m) {
  struct cross_key own = cross_key_of('N'), reported = cross_key_of('Y');
  int rc;
  *m = (struct months){INT32_MAX, INT32_MIN};
  rc = cross_scan(c, &own, widen, m);
  if (rc >= 0) rc = cross_scan(c, &reported, widen, m);
  if (m->first > m->last) m->first = m->last = qun_month_of(c->ctx->clock_day);
  return rc;
}

/* Sums are kept by month: a range of days covers the months that it touches. Without one: all that was counted. */
static int range(struct cross_view *v, qun_slice params, int32_t *from, int32_t *to) {
  struct months m;
  int64_t first, last;
  int rc = counted_months(v->c, &m);
  if (rc < 0) return rc;
  last = qun_mp_int(params, "to", v->c->ctx->clock_day);
  if (last < 0 || last > 100000) return cross_fail(v->c, QUN_EINVAL, "crosspromo.report: `to` is no day of this age");
  first = qun_mp_int(params, "from", qun_month_first(m.first) < last ? qun_month_first(m.first) : last);
  if (first < -1000 || first > last) return cross_fail(v->c, QUN_EINVAL, "crosspromo.report: `from` is after `to`");
  *from = (int32_t)first;
  *to = (int32_t)last;
  v->from = qun_month_of(*from);
  v->to = qun_month_of(*to);
  v->last = m.last < v->to ? m.last : v->to;
  return QUN_OK;
}

int cross_report(const struct cross_call *c, const struct qun_request *request) {
  struct cross_view v = {.c = c};
  qun_slice name = qun_mp_str(request->params, "view"), body;
  int32_t from = 0, to = 0;
  unsigned n = 0;
  int rc = range(&v, request->params, &from, &to);
  if (rc < 0) return rc;
  if (name.len == 0) name = qun_str(views[0].name);
  while (n < VIEWS && !qun_slice_is(name, views[n].name)) n++;
  if (n == VIEWS) return cross_fail(c, QUN_ENOTFOUND, "crosspromo.report: the views are overview, advice and codes");
  qun_report_begin(&v.r, "crosspromo", views[n].name, views[n].title, c->ctx->clock_ms, from, to);
  rc = views[n].write(&v);
  body = rc >= 0 ? qun_report_end(&v.r) : qun_slice_of(NULL, 0);
  if (rc >= 0 && body.len == 0) rc = cross_fail(c, QUN_EFAIL, "crosspromo.report: out of memory");
  if (rc >= 0) rc = c->g->reply->reply(c->g->host, request->id, body);
  qun_report_fini(&v.r);
  return rc;
}

void cross_columns(struct cross_view *v, const struct cross_column *columns, unsigned count) {
  for (unsigned i = 0; i < count; i++) qun_report_column(&v->r, columns[i].id, columns[i].label, columns[i].kind);
  qun_report_rows(&v->r);
}

int cross_balance(const struct cross_view *v, qun_slice partner, struct cross_balance *b) {
  struct cross_sums theirs;
  int rc = cross_code_partner_sum(v->c, partner, true, v->from, v->to + 1, &b->received);
  if (rc >= 0) rc = cross_code_partner_sum(v->c, partner, false, v->from, v->to + 1, &theirs);
  if (rc >= 0) rc = cross_reported_sum(v->c, partner, v->from, v->to + 1, &b->given);
  b->given.clicks = theirs.clicks; /* counted here: the partner sees only who arrives */
  return rc;
}

struct each {
  struct cross_view *v;
  cross_each_partner each;
};

static int one_partner(void *arg, qun_slice key, qun_slice row) {
  struct each *e = arg;
  struct cross_partner p;
  int rc = cross_partner_decode(&p, cross_key_first(key), row);
  return rc < 0 ? rc : e->each(e->v, &p);
}

int cross_partners_each(struct cross_view *v, cross_each_partner each) {
  struct cross_key prefix = cross_key_of('P');
  struct each e = {v, each};
  return cross_scan(v->c, &prefix, one_partner, &e);
}
