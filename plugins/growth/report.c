/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

static const struct {
  const char *name;
  const char *title;
  int (*write)(struct growth_view *v);
} views[] = {
    {"overview", "growth.title.overview", growth_view_overview},
    {"channels", "growth.title.channels", growth_view_channels},
    {"cohorts", "growth.title.cohorts", growth_view_cohorts},
    {"tiers", "growth.title.tiers", growth_view_tiers},
    {"lifecycle", "growth.title.lifecycle", growth_view_lifecycle},
    {"activity", "growth.title.activity", growth_view_activity},
};
enum { VIEWS = sizeof views / sizeof views[0], MOST_DAYS = 3660 };

/* The days that a report covers: those asked for, else the last `report_days` up to the last interaction. */
static int range(struct growth_view *v, qun_slice params) {
  const struct growth_head *head = &v->c->t->head;
  int64_t last = head->last_day != 0 ? head->last_day : v->c->ctx->clock_day;
  int64_t to = qun_mp_int(params, "to", last);
  int64_t from = qun_mp_int(params, "from", to - v->c->t->settings.report_days + 1);
  qun_slice given;
  if (!qun_mp_find(params, "from", &given) && head->first_day != 0 && from < head->first_day && head->first_day <= to)
    from = head->first_day;
  if (from > to) return growth_fail(v->c, QUN_EINVAL, "growth.report: `from` is after `to`");
  if (to - from >= MOST_DAYS) return growth_fail(v->c, QUN_EINVAL, "growth.report: a report covers at most 3660 days");
  if (from < -MOST_DAYS || to > 10 * MOST_DAYS)
    return growth_fail(v->c, QUN_EINVAL, "growth.report: `from` or `to` is no day of this age");
  v->from = (int32_t)from;
  v->to = (int32_t)to;
  return QUN_OK;
}

static int send(const struct growth_call *c, const struct qun_request *request, struct qun_report *r) {
  qun_slice body = qun_report_end(r);
  if (body.len == 0) return growth_fail(c, QUN_EFAIL, "growth.report: out of memory");
  return c->g->reply->reply(c->g->host, request->id, body);
}

static int report(const struct growth_call *c, const struct qun_request *request) {
  struct growth_view v = {.c = c};
  qun_slice name = qun_mp_str(request->params, "view");
  unsigned n = 0;
  int rc;
  if (name.len == 0) name = qun_str(views[0].name);
  while (n < VIEWS && !qun_slice_is(name, views[n].name)) n++;
  if (n == VIEWS)
    return growth_fail(c, QUN_ENOTFOUND,
                       "growth.report: the views are overview, channels, cohorts, tiers, lifecycle and activity");
  rc = range(&v, request->params);
  if (rc < 0) return rc;
  qun_report_begin(&v.r, "growth", views[n].name, views[n].title, c->ctx->clock_ms, v.from, v.to);
  rc = views[n].write(&v);
  if (rc >= 0) rc = send(c, request, &v.r);
  qun_report_fini(&v.r);
  return rc;
}

int growth_answer(const struct growth_call *c, const struct qun_request *request) {
  static const struct {
    const char *service;
    int (*answer)(const struct growth_call *c, const struct qun_request *request);
  } services[] = {{"growth.report", report}, {"growth.explain", growth_explain}, {"growth.members", growth_members}};
  for (unsigned i = 0; i < sizeof services / sizeof services[0]; i++)
    if (qun_slice_is(request->service, services[i].service)) return services[i].answer(c, request);
  return growth_fail(c, QUN_ENOTFOUND, "growth: no such service");
}
