/* SPDX-License-Identifier: Apache-2.0 */
/* Lifecycle groups new, active, silent, lost: counts now, movements month by month (catalogue G49-G51, G55, G57). */
#include "channel_rule.h"
#include "lifecycle.h"
#include "report.h"

enum { MONTHS = 12 };

struct months {
  struct growth_life_month at[MONTHS];
  uint32_t count;
  int32_t last;
};

static int keep_month(void *arg, qun_slice key, qun_slice value) {
  struct months *m = arg;
  struct growth_life_month one;
  if (key.len != 5 || growth_life_month_decode(&one, key, value) < 0) return QUN_EFAIL;
  if (one.month > m->last) return 1;
  if (m->count == MONTHS)
    memmove(&m->at[0], &m->at[1], (MONTHS - 1) * sizeof m->at[0]);
  else
    m->count++;
  m->at[m->count - 1] = one;
  return QUN_OK;
}

static const char *const labels[GROWTH_LIVES] = {"growth.m.new", "growth.m.active", "growth.m.silent", "growth.m.lost"};

/* The groups as they stand after day `to`; for a day of the past, as the last month before it recorded them. */
static int counts_at(struct growth_view *v, const struct months *m, uint32_t count[GROWTH_LIVES]) {
  struct growth_life_sets now = {.count = {0}};
  int rc = QUN_OK;
  memset(count, 0, GROWTH_LIVES * sizeof count[0]);
  if (v->to < v->c->t->head.last_day) {
    if (m->count > 0) memcpy(count, m->at[m->count - 1].count, sizeof m->at[0].count);
    return QUN_OK;
  }
  rc = growth_life_compute(v->c, v->to + 1, &now);
  if (rc >= 0) memcpy(count, now.count, sizeof now.count);
  growth_life_fini(&now);
  return rc;
}

static int figures(struct growth_view *v, const struct months *m) {
  uint32_t count[GROWTH_LIVES];
  int rc = counts_at(v, m, count);
  struct qun_pack *p = &v->r.pack;
  if (rc < 0) return rc;
  qun_report_figures(&v->r, "lifecycle", "growth.section.lifecycle");
  for (unsigned i = 0; i < GROWTH_LIVES; i++)
    qun_report_figure(&v->r, growth_life_name((enum growth_life)i), labels[i], "int", count[i], NULL);
  qun_report_list_end(&v->r);
  qun_report_chart(&v->r, "shares", "growth.chart.lifecycle", "doughnut", "growth.col.group_of_life", "text",
                   GROWTH_LIVES);
  for (unsigned i = 0; i < GROWTH_LIVES; i++) qun_report_text(p, labels[i]);
  qun_report_chart_series(&v->r);
  qun_report_series(&v->r, "members", "growth.m.known", "int", GROWTH_LIVES);
  for (unsigned i = 0; i < GROWTH_LIVES; i++) qun_pack_uint(p, count[i]);
  qun_report_list_end(&v->r);
  return QUN_OK;
}

static void movements(struct growth_view *v, const struct growth_life_month *m) {
  struct qun_pack *p = &v->r.pack;
  qun_report_table(&v->r, "moved", "growth.section.life_moved");
  qun_report_column(&v->r, "before", "growth.col.before", "text");
  for (unsigned i = 0; i < GROWTH_LIVES; i++)
    qun_report_column(&v->r, growth_life_name((enum growth_life)i), labels[i], "int");
  qun_report_rows(&v->r);
  for (unsigned i = 0; m && i < GROWTH_LIVES; i++) {
    qun_report_row(&v->r, 1 + GROWTH_LIVES);
    qun_report_text(p, labels[i]);
    for (unsigned j = 0; j < GROWTH_LIVES; j++) {
      if (i == GROWTH_LOST && j == GROWTH_LOST)
        qun_pack_nil(p); /* the lost have no set to count in */
      else
        qun_pack_uint(p, m->moved[i][j]);
    }
  }
  qun_report_list_end(&v->r);
}

static void history(struct growth_view *v, const struct months *m) {
  struct qun_pack *p = &v->r.pack;
  qun_report_chart(&v->r, "history", "growth.chart.life_history", "stacked", "growth.col.month", "month", m->count);
  for (uint32_t i = 0; i < m->count; i++) qun_pack_int(p, m->at[i].month);
  qun_report_chart_series(&v->r);
  for (unsigned g = 0; g < GROWTH_LIVES; g++) {
    qun_report_series(&v->r, growth_life_name((enum growth_life)g), labels[g], "int", m->count);
    for (uint32_t i = 0; i < m->count; i++) qun_pack_uint(p, m->at[i].count[g]);
  }
  qun_report_list_end(&v->r);
}

static void months_table(struct growth_view *v, const struct months *m) {
  struct qun_pack *p = &v->r.pack;
  qun_report_table(&v->r, "months", "growth.section.life_months");
  qun_report_column(&v->r, "month", "growth.col.month", "month");
  qun_report_column(&v->r, "arrived", "growth.col.arrived", "int");
  qun_report_column(&v->r, "woken", "growth.col.woken", "int");
  qun_report_column(&v->r, "won_back", "growth.col.won_back", "int");
  qun_report_column(&v->r, "fell_silent", "growth.col.fell_silent", "int");
  qun_report_column(&v->r, "lost", "growth.col.lost", "int");
  qun_report_column(&v->r, "churn", "growth.m.churn", "ratio");
  qun_report_rows(&v->r);
  for (uint32_t i = 0; i < m->count; i++) {
    const struct growth_life_month *one = &m->at[i];
    uint32_t lost, members;
    growth_life_churn(one, &lost, &members);
    qun_report_row(&v->r, 7);
    qun_pack_int(p, one->month);
    qun_pack_uint(p, one->arrived);
    qun_pack_uint(p, one->moved[GROWTH_SILENT][GROWTH_ACTIVE]);
    qun_pack_uint(p, (uint64_t)one->moved[GROWTH_LOST][GROWTH_ACTIVE] + one->moved[GROWTH_LOST][GROWTH_NEW]);
    qun_pack_uint(p, (uint64_t)one->moved[GROWTH_ACTIVE][GROWTH_SILENT] + one->moved[GROWTH_NEW][GROWTH_SILENT]);
    qun_pack_uint(p, lost);
    growth_pack_ratio(p, lost, members);
  }
  qun_report_list_end(&v->r);
}

int growth_view_lifecycle(struct growth_view *v) {
  static const char *const used[] = {"new", "active", "silent", "lost", "churn", NULL};
  struct growth_key prefix = growth_key_of('l');
  struct months m = {.last = qun_month_of(v->to)};
  int rc = growth_scan(v->c, &prefix, NULL, keep_month, &m);
  if (rc < 0) return growth_fail(v->c, QUN_EFAIL, "growth: a month's lifecycle groups are not whole");
  rc = figures(v, &m);
  movements(v, m.count ? &m.at[m.count - 1] : NULL);
  history(v, &m);
  months_table(v, &m);
  growth_glossary(v, used);
  return rc;
}
