/* SPDX-License-Identifier: Apache-2.0 */
/* Tiers core, potential, ordinary: shares against the plan, movements, the thresholds applied (catalogue G45-G48). */
#include "channel_rule.h"
#include "report.h"
#include "tier.h"

#include <stdlib.h>

enum { MONTHS = 12 };

struct months {
  struct growth_tier_month at[MONTHS]; /* the last ones up to the month of `to`, oldest first */
  uint32_t count;
  int32_t last;
};

static int keep_month(void *arg, qun_slice key, qun_slice value) {
  struct months *m = arg;
  struct growth_tier_month one;
  if (key.len != 5 || growth_tier_month_decode(&one, key, value) < 0) return QUN_EFAIL;
  if (one.month > m->last) return 1;
  if (m->count == MONTHS)
    memmove(&m->at[0], &m->at[1], (MONTHS - 1) * sizeof m->at[0]);
  else
    m->count++;
  m->at[m->count - 1] = one;
  return QUN_OK;
}

static const char *const labels[GROWTH_TIERS] = {"growth.m.ordinary", "growth.m.potential", "growth.m.core"};

static void figures(struct growth_view *v, const struct growth_tier_month *m) {
  const struct growth_settings *s = &v->c->t->settings;
  int64_t spend = 0;
  for (unsigned i = 0; i < GROWTH_TIERS; i++) spend += m->spend[i];
  qun_report_figures(&v->r, "tiers", "growth.section.tiers");
  qun_report_figure(&v->r, "month", "growth.col.month", "month", m->month, NULL);
  for (unsigned i = GROWTH_TIERS; i-- > 0;)
    qun_report_figure(&v->r, growth_tier_name((enum growth_tier)i), labels[i], "int", m->count[i], NULL);
  growth_figure_goal(v, "core_share", "growth.col.core_share", growth_ratio(m->count[GROWTH_CORE], m->members),
                     GROWTH_AT_LEAST, s->core_share);
  growth_figure_goal(v, "potential_share", "growth.col.potential_share",
                     growth_ratio(m->count[GROWTH_POTENTIAL], m->members), GROWTH_AT_LEAST, s->potential_share);
  growth_figure_goal(v, "ordinary_share", "growth.col.ordinary_share",
                     growth_ratio(m->count[GROWTH_ORDINARY], m->members), GROWTH_AT_MOST, s->ordinary_share);
  if (spend > 0 && m->spend[GROWTH_CORE] >= 0)
    qun_report_figure(&v->r, "core_spend", "growth.m.core_spend", "ratio",
                      growth_ratio((uint64_t)m->spend[GROWTH_CORE], (uint64_t)spend), NULL);
  else
    growth_figure_unknown(v, "core_spend", "growth.m.core_spend", "ratio", "growth.reason.no_purchases");
  qun_report_list_end(&v->r);
}

static void doughnut(struct growth_view *v, const struct growth_tier_month *m) {
  struct qun_pack *p = &v->r.pack;
  qun_report_chart(&v->r, "shares", "growth.chart.tiers", "doughnut", "growth.col.tier", "text", GROWTH_TIERS);
  for (unsigned i = GROWTH_TIERS; i-- > 0;) qun_report_text(p, labels[i]);
  qun_report_chart_series(&v->r);
  qun_report_series(&v->r, "members", "growth.m.members", "int", GROWTH_TIERS);
  for (unsigned i = GROWTH_TIERS; i-- > 0;) qun_pack_uint(p, m->count[i]);
  qun_report_list_end(&v->r);
}

/* The rule by name, with the thresholds of that month. */
static void rule(struct growth_view *v, const struct growth_tier_month *m) {
  struct qun_pack *p = &v->r.pack;
  bool money = m->rule.basis == GROWTH_BY_PURCHASES;
  qun_report_words(&v->r, "rule", "growth.section.rule");
  qun_pack_array(p, 2);
  qun_pack_cstr(p, money ? "growth.tier.by_purchases" : "growth.tier.by_activity");
  qun_pack_map(p, 6);
  qun_pack_kv_int(p, "purchases", m->rule.core_purchases);
  qun_pack_kv_int(p, "mean", m->rule.mean_spend);
  qun_pack_kv_int(p, "core", m->rule.core_spend);
  qun_pack_kv_int(p, "near", m->rule.near_spend);
  qun_pack_kv_int(p, "core_days", m->rule.core_days);
  qun_pack_kv_int(p, "potential_days", m->rule.potential_days);
}

static void movements(struct growth_view *v, const struct growth_tier_month *m) {
  struct qun_pack *p = &v->r.pack;
  qun_report_table(&v->r, "moved", "growth.section.moved");
  qun_report_column(&v->r, "before", "growth.col.before", "text");
  for (unsigned i = GROWTH_TIERS; i-- > 0;)
    qun_report_column(&v->r, growth_tier_name((enum growth_tier)i), labels[i], "int");
  qun_report_rows(&v->r);
  for (unsigned i = GROWTH_TIERS; i-- > 0;) {
    qun_report_row(&v->r, 1 + GROWTH_TIERS);
    qun_report_text(p, labels[i]);
    for (unsigned j = GROWTH_TIERS; j-- > 0;) qun_pack_uint(p, m->moved[i][j]);
  }
  qun_report_list_end(&v->r);
}

static void history(struct growth_view *v, const struct months *m) {
  struct qun_pack *p = &v->r.pack;
  qun_report_chart(&v->r, "history", "growth.chart.tier_history", "stacked", "growth.col.month", "month", m->count);
  for (uint32_t i = 0; i < m->count; i++) qun_pack_int(p, m->at[i].month);
  qun_report_chart_series(&v->r);
  for (unsigned t = GROWTH_TIERS; t-- > 0;) {
    qun_report_series(&v->r, growth_tier_name((enum growth_tier)t), labels[t], "int", m->count);
    for (uint32_t i = 0; i < m->count; i++) qun_pack_uint(p, m->at[i].count[t]);
  }
  qun_report_list_end(&v->r);
}

int growth_view_tiers(struct growth_view *v) {
  static const char *const used[] = {"core", "potential", "ordinary", "core_spend", NULL};
  struct growth_key prefix = growth_key_of('T');
  struct months m = {.last = qun_month_of(v->to)};
  const struct growth_tier_month *now;
  int rc = growth_scan(v->c, &prefix, NULL, keep_month, &m);
  if (rc < 0) return growth_fail(v->c, QUN_EFAIL, "growth: a month's tiers are not whole");
  if (m.count == 0) {
    qun_report_words(&v->r, "rule", "growth.section.rule");
    qun_report_text(&v->r.pack, "growth.tier.no_month");
  } else {
    now = &m.at[m.count - 1];
    figures(v, now);
    doughnut(v, now);
    rule(v, now);
    movements(v, now);
    history(v, &m);
  }
  growth_glossary(v, used);
  return QUN_OK;
}
