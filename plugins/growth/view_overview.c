/* SPDX-License-Identifier: Apache-2.0 */
/* The overview: where the community stands against its plan (catalogue G01, G13-G15, G24, G55, G59, G60; R01). */
#include "alert.h"
#include "channel.h"
#include "lifecycle.h"
#include "lines.h"
#include "report.h"
#include "sets.h"

#include <stdlib.h>

/* The last month that is over on day `to`. */
static int32_t last_full_month(int32_t to) {
  return qun_month_of(to + 1) - 1;
}

static int active_figures(struct growth_view *v, int64_t members) {
  const struct growth_settings *s = &v->c->t->settings;
  uint64_t base = members > 0 ? (uint64_t)members : 0;
  uint32_t dau, topic, wau, mau;
  int rc = growth_mean_daily(v->c, v->to, &dau, &topic);
  if (rc >= 0) rc = growth_count_active(v->c, v->to - 6, v->to, &wau);
  if (rc >= 0) rc = growth_count_active(v->c, v->to - 29, v->to, &mau);
  if (rc < 0) return rc;
  qun_report_figure(&v->r, "dau", "growth.m.dau", "int", dau, NULL);
  qun_report_figure(&v->r, "wau", "growth.m.wau", "int", wau, NULL);
  qun_report_figure(&v->r, "mau", "growth.m.mau", "int", mau, NULL);
  growth_figure_goal(v, "dau_share", "growth.m.dau_share", growth_ratio(dau, base), GROWTH_AT_LEAST, s->plan_dau);
  growth_figure_goal(v, "wau_share", "growth.m.wau_share", growth_ratio(wau, base), GROWTH_AT_LEAST, s->plan_wau);
  growth_figure_goal(v, "mau_share", "growth.m.mau_share", growth_ratio(mau, base), GROWTH_AT_LEAST, s->plan_mau);
  growth_figure_goal(v, "topic", "growth.m.topic", growth_ratio(topic, base), GROWTH_AT_LEAST, s->plan_topic);
  return QUN_OK;
}

static int task_figure(struct growth_view *v, int64_t members) {
  roaring_bitmap_t *set = roaring_bitmap_create();
  int rc = set ? growth_set_union(v->c, GROWTH_SET_TASK, v->to - 6, v->to + 1, set)
               : growth_fail(v->c, QUN_EFAIL, "growth: out of memory");
  if (rc >= 0) rc = growth_set_fold_merged(v->c, set);
  if (rc >= 0)
    growth_figure_goal(v, "task", "growth.m.task", growth_ratio(roaring_bitmap_get_cardinality(set), (uint64_t)members),
                       GROWTH_AT_LEAST, v->c->t->settings.plan_task);
  growth_set_free(set);
  return rc;
}

static int growth_figure(struct growth_view *v) {
  int32_t month = last_full_month(v->to);
  int64_t before, now;
  int rc = growth_members_at(v->c, qun_month_first(month) - 1, &before);
  if (rc >= 0) rc = growth_members_at(v->c, qun_month_first(month + 1) - 1, &now);
  if (rc < 0) return rc;
  if (before == 0) {
    growth_figure_unknown(v, "growth", "growth.m.growth", "ratio", "growth.reason.no_month");
    return QUN_OK;
  }
  growth_figure_goal(v, "growth", "growth.m.growth", (now - before) * 1000000 / before, GROWTH_AT_LEAST,
                     v->c->t->settings.plan_growth);
  return QUN_OK;
}

static int churn_figure(struct growth_view *v) {
  struct growth_life_month m;
  uint32_t lost = 0, members = 0;
  int rc = growth_life_month_get(v->c, last_full_month(v->to), &m);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (rc >= 0) growth_life_churn(&m, &lost, &members);
  if (members == 0)
    growth_figure_unknown(v, "churn", "growth.m.churn", "ratio", "growth.reason.no_month");
  else
    growth_figure_goal(v, "churn", "growth.m.churn", growth_ratio(lost, members), GROWTH_AT_MOST,
                       v->c->t->settings.plan_churn);
  return QUN_OK;
}

static int invited_figure(struct growth_view *v) {
  struct growth_day *days;
  uint64_t fresh = 0, invited = 0;
  uint32_t n;
  int rc = growth_days_read(v->c, v->from, v->to, &days, &n);
  if (rc < 0) return rc;
  for (uint32_t i = 0; i < n; i++) {
    fresh += days[i].fresh;
    invited += days[i].invited;
  }
  free(days);
  qun_report_figure(&v->r, "fresh", "growth.m.fresh", "int", (int64_t)fresh, NULL);
  if (fresh == 0)
    growth_figure_unknown(v, "invited", "growth.m.invited", "ratio", "growth.reason.nobody_new");
  else
    growth_figure_goal(v, "invited", "growth.m.invited", growth_ratio(invited, fresh), GROWTH_AT_LEAST,
                       v->c->t->settings.plan_invited);
  return QUN_OK;
}

static int figures(struct growth_view *v) {
  int64_t members;
  int rc = growth_members_at(v->c, v->to, &members);
  if (rc < 0) return rc;
  qun_report_figures(&v->r, "now", "growth.section.now");
  qun_report_figure(&v->r, "members", "growth.m.members", "int", members, NULL);
  qun_report_figure(&v->r, "known", "growth.m.known", "int", v->c->t->head.persons, NULL);
  rc = active_figures(v, members);
  if (rc >= 0) rc = task_figure(v, members);
  if (rc >= 0) rc = growth_figure(v);
  if (rc >= 0) rc = churn_figure(v);
  if (rc >= 0) rc = invited_figure(v);
  qun_report_list_end(&v->r);
  return rc;
}

/* ---------------------------------------------------------------- months */

enum { MONTHS = 12 };

struct month {
  int64_t fresh, left, members;
  uint32_t driver; /* channel that brought the most; 0: not known */
  int64_t driver_joins;
};

static int find_driver(const struct growth_call *c, int32_t month, struct month *m) {
  for (uint32_t id = 0; id <= c->t->head.channels; id++) {
    struct growth_channel_month sum;
    int rc = growth_channel_sum(c, id, month, month + 1, &sum);
    if (rc < 0) return rc;
    if (sum.joins <= m->driver_joins) continue;
    m->driver = id;
    m->driver_joins = sum.joins;
  }
  return QUN_OK;
}

static int read_months(const struct growth_call *c, int32_t first, int32_t to, struct month *months, int64_t *before) {
  int32_t from = qun_month_first(first);
  struct growth_day *days;
  uint32_t n;
  int rc = growth_members_at(c, from - 1, before);
  int64_t members = *before;
  if (rc >= 0) rc = growth_days_read(c, from, to, &days, &n);
  if (rc < 0) return rc;
  for (uint32_t i = 0; i < n; i++) {
    struct month *m = &months[qun_month_of(days[i].day) - first];
    members += (int64_t)days[i].fresh + days[i].returned - days[i].left;
    m->fresh += days[i].fresh;
    m->left += days[i].left;
    m->members = members;
  }
  free(days);
  for (int32_t i = 0; rc >= 0 && i < MONTHS; i++) rc = find_driver(c, first + i, &months[i]);
  return rc;
}

static int months_table(struct growth_view *v, int32_t first, const struct month *m, int64_t before) {
  struct qun_pack *p = &v->r.pack;
  int rc = QUN_OK;
  qun_report_table(&v->r, "months", "growth.section.months");
  qun_report_column(&v->r, "month", "growth.col.month", "month");
  qun_report_column(&v->r, "members", "growth.m.members", "int");
  qun_report_column(&v->r, "fresh", "growth.m.fresh", "int");
  qun_report_column(&v->r, "left", "growth.m.left", "int");
  qun_report_column(&v->r, "growth", "growth.m.growth", "ratio");
  qun_report_column(&v->r, "driver", "growth.col.driver", "text");
  qun_report_column(&v->r, "driver_joins", "growth.col.driver_joins", "int");
  qun_report_rows(&v->r);
  for (int32_t i = 0; rc >= 0 && i < MONTHS; i++) {
    qun_report_row(&v->r, 7);
    qun_pack_int(p, first + i);
    qun_pack_int(p, m[i].members);
    qun_pack_int(p, m[i].fresh);
    qun_pack_int(p, m[i].left);
    if (before > 0)
      qun_pack_int(p, (m[i].members - before) * 1000000 / before);
    else
      qun_pack_nil(p);
    if (m[i].driver_joins > 0)
      rc = growth_pack_channel(p, v->c, m[i].driver);
    else
      qun_pack_nil(p);
    qun_pack_int(p, m[i].driver_joins);
    before = m[i].members;
  }
  qun_report_list_end(&v->r);
  return rc;
}

static void months_chart(struct growth_view *v, int32_t first, const struct month *m) {
  struct qun_pack *p = &v->r.pack;
  qun_report_chart(&v->r, "members_line", "growth.chart.members", "bar", "growth.col.month", "month", MONTHS);
  for (int32_t i = 0; i < MONTHS; i++) qun_pack_int(p, first + i);
  qun_report_chart_series(&v->r);
  qun_report_series(&v->r, "members", "growth.m.members", "int", MONTHS);
  for (int32_t i = 0; i < MONTHS; i++) qun_pack_int(p, m[i].members);
  qun_report_series(&v->r, "fresh", "growth.m.fresh", "int", MONTHS);
  for (int32_t i = 0; i < MONTHS; i++) qun_pack_int(p, m[i].fresh);
  qun_report_series(&v->r, "left", "growth.m.left", "int", MONTHS);
  for (int32_t i = 0; i < MONTHS; i++) qun_pack_int(p, m[i].left);
  qun_report_list_end(&v->r);
}

static int months(struct growth_view *v) {
  int32_t first = qun_month_of(v->to) - MONTHS + 1;
  struct month m[MONTHS] = {{0}};
  int64_t before = 0;
  int rc = read_months(v->c, first, v->to, m, &before);
  if (rc < 0) return rc;
  months_chart(v, first, m);
  return months_table(v, first, m, before);
}

/* ---------------------------------------------------------------- gates of the plan */

struct gate {
  const char *label, *metric;
  int32_t months;
  int64_t members, share;
  int32_t window; /* days of the share */
};

static int gate_row(struct growth_view *v, const struct gate *g, int32_t start) {
  struct qun_pack *p = &v->r.pack;
  int32_t due = qun_month_first(qun_month_of(start) + g->months) + (start - qun_month_first(qun_month_of(start))) - 1;
  int32_t at = due < v->to ? due : v->to;
  uint32_t active, topic;
  int64_t members;
  bool met;
  int rc = growth_members_at(v->c, at, &members);
  if (rc >= 0)
    rc = g->window == 1 ? growth_mean_daily(v->c, at, &active, &topic)
                        : growth_count_active(v->c, at - g->window + 1, at, &active);
  if (rc < 0) return rc;
  met = members >= g->members && members > 0 && growth_ratio(active, (uint64_t)members) >= g->share;
  qun_report_row(&v->r, 8);
  qun_report_text(p, g->label);
  qun_pack_int(p, due);
  qun_pack_int(p, members);
  qun_pack_int(p, g->members);
  qun_report_text(p, g->metric);
  growth_pack_ratio(p, active, members);
  qun_pack_int(p, g->share);
  qun_report_text(p, met ? "growth.gate.met" : (due > v->to ? "growth.gate.open" : "growth.gate.missed"));
  return QUN_OK;
}

static int gates(struct growth_view *v) {
  const struct growth_settings *s = &v->c->t->settings;
  const struct gate all[] = {{"growth.gate.m3", "growth.m.dau_share", 3, s->gate_m3_members, s->gate_m3_dau, 1},
                             {"growth.gate.m6", "growth.m.wau_share", 6, s->gate_m6_members, s->gate_m6_wau, 7},
                             {"growth.gate.m9", "growth.m.mau_share", 9, s->gate_m9_members, s->gate_m9_mau, 30}};
  int32_t start = s->plan_start != INT32_MIN ? s->plan_start : v->c->t->head.first_day;
  int rc = QUN_OK;
  qun_report_table(&v->r, "gates", "growth.section.gates");
  qun_report_column(&v->r, "gate", "growth.col.gate", "text");
  qun_report_column(&v->r, "due", "growth.col.due", "day");
  qun_report_column(&v->r, "members", "growth.m.members", "int");
  qun_report_column(&v->r, "members_target", "growth.col.members_target", "int");
  qun_report_column(&v->r, "metric", "growth.col.metric", "text");
  qun_report_column(&v->r, "share", "growth.col.share", "ratio");
  qun_report_column(&v->r, "share_target", "growth.col.share_target", "ratio");
  qun_report_column(&v->r, "result", "growth.col.result", "text");
  qun_report_rows(&v->r);
  for (unsigned i = 0; rc >= 0 && start != 0 && i < sizeof all / sizeof all[0]; i++) rc = gate_row(v, &all[i], start);
  qun_report_list_end(&v->r);
  return rc;
}

/* ---------------------------------------------------------------- alerts */

enum { ALERTS = 20 };

static void alert_row(struct growth_view *v, const struct growth_alert *a) {
  static const char *const texts[GROWTH_ALERT_KINDS] = {"",
                                                        "growth.alert.optimise",
                                                        "growth.alert.retire",
                                                        "growth.alert.focus",
                                                        "growth.alert.recovered",
                                                        "growth.alert.cost",
                                                        "growth.alert.churn"};
  struct qun_pack *p = &v->r.pack;
  bool money = strcmp(a->unit, "minor") == 0;
  qun_report_row(&v->r, 7);
  qun_pack_int(p, a->ms);
  qun_pack_cstr(p, growth_alert_name(a->kind));
  if (a->channel[0])
    qun_pack_cstr(p, a->channel);
  else
    qun_pack_nil(p);
  qun_pack_cstr(p, a->rule);
  qun_pack_array(p, 2);
  qun_pack_cstr(p, texts[a->kind]);
  qun_pack_map(p, 3);
  qun_pack_kv_cstr(p, "channel", a->channel);
  qun_pack_kv_int(p, "value", a->value);
  qun_pack_kv_int(p, "threshold", a->threshold);
  if (money)
    qun_pack_nil(p);
  else
    qun_pack_int(p, a->value);
  qun_pack_int(p, a->since_ms);
}

static int alerts(struct growth_view *v) {
  uint32_t last = v->c->t->head.alerts;
  int rc = QUN_OK;
  qun_report_table(&v->r, "alerts", "growth.section.alerts");
  qun_report_column(&v->r, "time", "growth.col.time", "time");
  qun_report_column(&v->r, "kind", "growth.col.kind", "str");
  qun_report_column(&v->r, "channel", "growth.col.channel", "str");
  qun_report_column(&v->r, "rule", "growth.col.rule", "str");
  qun_report_column(&v->r, "text", "growth.col.alert", "text");
  qun_report_column(&v->r, "value", "growth.col.value", "ratio");
  qun_report_column(&v->r, "since", "growth.col.since", "time");
  qun_report_rows(&v->r);
  for (uint32_t n = last; rc >= 0 && n > 0 && n + ALERTS > last; n--) {
    struct growth_alert a;
    rc = growth_alert_get(v->c, n, &a);
    if (rc >= 0) alert_row(v, &a);
  }
  qun_report_list_end(&v->r);
  return rc;
}

static void freshness(struct growth_view *v) {
  const struct growth_head *head = &v->c->t->head;
  if (head->last_day == 0) {
    qun_report_words(&v->r, "freshness", "growth.section.freshness");
    qun_report_text(&v->r.pack, "growth.fresh.none");
  } else if (v->c->ctx->clock_day - head->last_day > 1) {
    qun_report_words(&v->r, "freshness", "growth.section.freshness");
    qun_report_text_int(&v->r.pack, "growth.fresh.old", "day", head->last_day);
  }
}

int growth_view_overview(struct growth_view *v) {
  static const char *const used[] = {"members",   "known", "dau",  "wau",    "mau",   "dau_share", "wau_share",
                                     "mau_share", "topic", "task", "growth", "churn", "invited",   NULL};
  int rc = figures(v);
  freshness(v);
  if (rc >= 0) rc = growth_chart_lines(v);
  if (rc >= 0) rc = months(v);
  if (rc >= 0) rc = gates(v);
  if (rc >= 0) rc = alerts(v);
  growth_glossary(v, used);
  return rc;
}
