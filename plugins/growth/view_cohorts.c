/* SPDX-License-Identifier: Apache-2.0 */
/* Retention of the members who came in the same month or week, and by channel (catalogue G58, R20). */
#include "cohort.h"
#include "report.h"
#include "sets.h"

#include <stdio.h>
#include <stdlib.h>

enum { PERIODS_MOST = 36 };

/* Months or weeks, by the setting. */
struct periods {
  bool weeks;
  uint32_t count;
  int32_t last; /* the period that `to` is in */
};

static int32_t period_first(const struct periods *p, int32_t n) {
  return p->weeks ? qun_week_first(n) : qun_month_first(n);
}

struct table {
  struct periods p;
  roaring_bitmap_t *joined[PERIODS_MOST]; /* by period, oldest first */
  roaring_bitmap_t *active[PERIODS_MOST];
  struct growth_retention d7[PERIODS_MOST], d30[PERIODS_MOST];
  struct growth_retention *by_channel; /* three for each channel: size and D7, D30 */
  uint32_t channels;                   /* + 1 */
};

static void table_fini(struct table *t) {
  for (unsigned i = 0; i < PERIODS_MOST; i++) {
    growth_set_free(t->joined[i]);
    growth_set_free(t->active[i]);
  }
  free(t->by_channel);
}

static int day_n(const struct growth_call *c, const struct table *t, int32_t from, int32_t to, int32_t n,
                 int32_t before, struct growth_retention *sum, struct growth_retention *by_channel) {
  struct growth_retention *one = calloc(t->channels, sizeof *one);
  int rc =
      one ? growth_retention_day_n(c, from, to, n, before, one) : growth_fail(c, QUN_EFAIL, "growth: out of memory");
  for (uint32_t i = 0; rc >= 0 && i < t->channels; i++) {
    sum->cohort += one[i].cohort;
    sum->retained += one[i].retained;
    by_channel[i].cohort += one[i].cohort;
    by_channel[i].retained += one[i].retained;
  }
  free(one);
  return rc;
}

static int read_period(struct table *t, const struct growth_view *v, uint32_t i) {
  const struct growth_call *c = v->c;
  int32_t n = t->p.last - (int32_t)(t->p.count - 1 - i);
  int32_t from = period_first(&t->p, n), to = period_first(&t->p, n + 1), before = v->to + 1;
  int rc;
  t->joined[i] = roaring_bitmap_create();
  t->active[i] = roaring_bitmap_create();
  if (!t->joined[i] || !t->active[i]) return growth_fail(c, QUN_EFAIL, "growth: out of memory");
  if (to > before) to = before;
  rc = growth_set_union(c, GROWTH_SET_JOINED, from, to, t->joined[i]);
  if (rc >= 0) rc = growth_set_active(c, from, to, t->active[i]);
  if (rc >= 0) rc = day_n(c, t, from, to, 7, before, &t->d7[i], t->by_channel);
  if (rc >= 0) rc = day_n(c, t, from, to, 30, before, &t->d30[i], t->by_channel + t->channels);
  return rc;
}

static int table_read(struct table *t, const struct growth_view *v) {
  const struct growth_settings *s = &v->c->t->settings;
  int64_t count = s->cohort_periods < 1 ? 1 : (s->cohort_periods > PERIODS_MOST ? PERIODS_MOST : s->cohort_periods);
  int rc = QUN_OK;
  t->p = (struct periods){s->cohort_by_week != 0, (uint32_t)count,
                          s->cohort_by_week ? qun_week_of(v->to) : qun_month_of(v->to)};
  t->channels = v->c->t->head.channels + 1;
  t->by_channel = calloc(2 * (size_t)t->channels, sizeof *t->by_channel);
  if (!t->by_channel) return growth_fail(v->c, QUN_EFAIL, "growth: out of memory");
  for (uint32_t i = 0; rc >= 0 && i < t->p.count; i++) rc = read_period(t, v, i);
  return rc;
}

/* Retention in a period that is over; nil for one that is not. */
static void pack_cell(struct qun_pack *p, const struct table *t, uint32_t i, uint32_t k, int32_t to) {
  if (i + k >= t->p.count || period_first(&t->p, t->p.last - (int32_t)(t->p.count - 1 - i - k) + 1) > to + 1)
    qun_pack_nil(p);
  else
    growth_pack_ratio(p, (int64_t)roaring_bitmap_and_cardinality(t->joined[i], t->active[i + k]),
                      (int64_t)roaring_bitmap_get_cardinality(t->joined[i]));
}

static void period_column(struct growth_view *v, bool weeks, uint32_t k) {
  struct qun_pack *p = &v->r.pack;
  char id[16];
  (void)snprintf(id, sizeof id, "%c%u", weeks ? 'w' : 'm', k);
  v->r.list++;
  qun_pack_map(p, 3);
  qun_pack_kv_cstr(p, "id", id);
  qun_pack_cstr(p, "label");
  qun_report_text_int(p, weeks ? "growth.col.week_n" : "growth.col.month_n", "k", k);
  qun_pack_kv_cstr(p, "kind", "ratio");
}

static void cohort_table(struct growth_view *v, const struct table *t) {
  struct qun_pack *p = &v->r.pack;
  qun_report_table(&v->r, "cohorts", t->p.weeks ? "growth.section.cohorts_week" : "growth.section.cohorts_month");
  qun_report_column(&v->r, "cohort", "growth.col.cohort", t->p.weeks ? "day" : "month");
  qun_report_column(&v->r, "size", "growth.col.cohort_size", "int");
  qun_report_column(&v->r, "d7", "growth.m.d7", "ratio");
  qun_report_column(&v->r, "d30", "growth.m.d30", "ratio");
  for (uint32_t k = 1; k < t->p.count; k++) period_column(v, t->p.weeks, k);
  qun_report_rows(&v->r);
  for (uint32_t i = 0; i < t->p.count; i++) {
    int32_t n = t->p.last - (int32_t)(t->p.count - 1 - i);
    qun_report_row(&v->r, 3 + t->p.count);
    qun_pack_int(p, t->p.weeks ? qun_week_first(n) : n);
    qun_pack_int(p, (int64_t)roaring_bitmap_get_cardinality(t->joined[i]));
    growth_pack_ratio(p, t->d7[i].retained, t->d7[i].cohort);
    growth_pack_ratio(p, t->d30[i].retained, t->d30[i].cohort);
    for (uint32_t k = 1; k < t->p.count; k++) pack_cell(p, t, i, k, v->to);
  }
  qun_report_list_end(&v->r);
}

/* All cohorts together, by periods since the first. */
static void curve(struct growth_view *v, const struct table *t) {
  struct qun_pack *p = &v->r.pack;
  uint32_t n = t->p.count - 1;
  qun_report_chart(&v->r, "curve", "growth.chart.curve", "line", "growth.col.periods", "int", n);
  for (uint32_t k = 1; k <= n; k++) qun_pack_uint(p, k);
  qun_report_chart_series(&v->r);
  qun_report_series(&v->r, "retention", "growth.m.period", "ratio", n);
  for (uint32_t k = 1; k <= n; k++) {
    uint64_t cohort = 0, kept = 0;
    for (uint32_t i = 0; i + k < t->p.count; i++) {
      if (period_first(&t->p, t->p.last - (int32_t)(t->p.count - 1 - i - k) + 1) > v->to + 1) continue;
      cohort += roaring_bitmap_get_cardinality(t->joined[i]);
      kept += roaring_bitmap_and_cardinality(t->joined[i], t->active[i + k]);
    }
    growth_pack_ratio(p, (int64_t)kept, (int64_t)cohort);
  }
  qun_report_list_end(&v->r);
}

static int channel_table(struct growth_view *v, const struct table *t) {
  struct qun_pack *p = &v->r.pack;
  int rc = QUN_OK;
  qun_report_table(&v->r, "by_channel", "growth.section.cohorts_channel");
  qun_report_column(&v->r, "channel", "growth.col.channel", "text");
  qun_report_column(&v->r, "size", "growth.col.cohort_size", "int");
  qun_report_column(&v->r, "d7", "growth.m.d7", "ratio");
  qun_report_column(&v->r, "d30", "growth.m.d30", "ratio");
  qun_report_rows(&v->r);
  for (uint32_t id = 0; rc >= 0 && id < t->channels; id++) {
    const struct growth_retention *d7 = &t->by_channel[id], *d30 = &t->by_channel[t->channels + id];
    if (d7->cohort == 0) continue;
    qun_report_row(&v->r, 4);
    rc = growth_pack_channel(p, v->c, id);
    qun_pack_uint(p, d7->cohort);
    growth_pack_ratio(p, d7->retained, d7->cohort);
    growth_pack_ratio(p, d30->retained, d30->cohort);
  }
  qun_report_list_end(&v->r);
  return rc;
}

/* Of the members who came a year ago (365 to 394 days), who was active in the last 30 days (G05, G58). */
static int year_figure(struct growth_view *v) {
  roaring_bitmap_t *joined = roaring_bitmap_create(), *active = roaring_bitmap_create();
  int rc = joined && active ? growth_set_union(v->c, GROWTH_SET_JOINED, v->to - 394, v->to - 364, joined)
                            : growth_fail(v->c, QUN_EFAIL, "growth: out of memory");
  if (rc >= 0) rc = growth_set_active(v->c, v->to - 29, v->to + 1, active);
  qun_report_figures(&v->r, "year", "growth.section.year");
  if (rc >= 0 && roaring_bitmap_is_empty(joined))
    growth_figure_unknown(v, "year", "growth.m.year", "ratio", "growth.reason.no_year");
  else if (rc >= 0)
    growth_figure_goal(v, "year", "growth.m.year",
                       growth_ratio(roaring_bitmap_and_cardinality(joined, active),
                                    roaring_bitmap_get_cardinality(joined)),
                       GROWTH_AT_LEAST, v->c->t->settings.plan_year);
  qun_report_list_end(&v->r);
  growth_set_free(joined);
  growth_set_free(active);
  return rc;
}

int growth_view_cohorts(struct growth_view *v) {
  static const char *const used[] = {"d7", "d30", "period", "year", NULL};
  struct table *t = calloc(1, sizeof *t);
  int rc = t ? table_read(t, v) : growth_fail(v->c, QUN_EFAIL, "growth: out of memory");
  if (rc >= 0) {
    cohort_table(v, t);
    curve(v, t);
    rc = channel_table(v, t);
  }
  if (rc >= 0) rc = year_figure(v);
  growth_glossary(v, used);
  if (t) table_fini(t);
  free(t);
  return rc;
}
