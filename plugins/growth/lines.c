/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include "sets.h"

#include <stdlib.h>

enum { WEEK = 7, MONTH = 30, CHART_POINTS = 370 };

struct window {
  roaring_bitmap_t **day; /* from `first` on */
  int32_t first;
  uint32_t count;
};

static void window_fini(struct window *w) {
  for (uint32_t i = 0; w->day && i < w->count; i++) growth_set_free(w->day[i]);
  free(w->day);
}

static int window_read(struct window *w, const struct growth_call *c, int32_t from, int32_t to) {
  int rc = QUN_OK;
  w->first = from - MONTH + 1;
  w->count = (uint32_t)(to - w->first + 1);
  w->day = calloc(w->count, sizeof(roaring_bitmap_t *));
  if (!w->day) return growth_fail(c, QUN_EFAIL, "growth: out of memory");
  for (uint32_t i = 0; rc >= 0 && i < w->count; i++) {
    w->day[i] = roaring_bitmap_create();
    if (!w->day[i]) return growth_fail(c, QUN_EFAIL, "growth: out of memory");
    rc = growth_set_active(c, w->first + (int32_t)i, w->first + (int32_t)i + 1, w->day[i]);
  }
  return rc;
}

/* Distinct members of the `length` days that end with the one at `last`. */
static uint32_t distinct(const struct window *w, uint32_t last, uint32_t length) {
  const roaring_bitmap_t *days[MONTH];
  roaring_bitmap_t *all;
  uint32_t n = 0, count;
  for (uint32_t i = last + 1 - length; i <= last; i++)
    if (!roaring_bitmap_is_empty(w->day[i])) days[n++] = w->day[i];
  if (n == 0) return 0;
  if (n == 1) return (uint32_t)roaring_bitmap_get_cardinality(days[0]);
  all = roaring_bitmap_or_many(n, days);
  if (!all) return 0;
  count = (uint32_t)roaring_bitmap_get_cardinality(all);
  growth_set_free(all);
  return count;
}

int growth_lines(const struct growth_call *c, int32_t from, int32_t to, uint32_t cap, struct growth_point **points,
                 uint32_t *count) {
  uint32_t days = (uint32_t)(to - from + 1), step = (days + cap - 1) / cap, n = (days + step - 1) / step;
  struct growth_point *out = calloc(n, sizeof *out);
  struct window w = {NULL, 0, 0};
  int rc = out ? window_read(&w, c, from, to) : growth_fail(c, QUN_EFAIL, "growth: out of memory");
  for (uint32_t i = 0; rc >= 0 && i < n; i++) {
    uint32_t at = w.count - 1 - (n - 1 - i) * step;
    out[i] = (struct growth_point){w.first + (int32_t)at, distinct(&w, at, 1), distinct(&w, at, WEEK),
                                   distinct(&w, at, MONTH)};
  }
  window_fini(&w);
  if (rc < 0) {
    free(out);
    return rc;
  }
  *points = out;
  *count = n;
  return QUN_OK;
}

int growth_chart_lines(struct growth_view *v) {
  struct growth_point *pt;
  uint32_t n;
  struct qun_pack *p = &v->r.pack;
  int rc = growth_lines(v->c, v->from, v->to, CHART_POINTS, &pt, &n);
  if (rc < 0) return rc;
  qun_report_chart(&v->r, "activity_line", "growth.chart.activity", "line", "growth.col.day", "day", n);
  for (uint32_t i = 0; i < n; i++) qun_pack_int(p, pt[i].day);
  qun_report_chart_series(&v->r);
  qun_report_series(&v->r, "dau", "growth.m.dau", "int", n);
  for (uint32_t i = 0; i < n; i++) qun_pack_uint(p, pt[i].dau);
  qun_report_series(&v->r, "wau", "growth.m.wau", "int", n);
  for (uint32_t i = 0; i < n; i++) qun_pack_uint(p, pt[i].wau);
  qun_report_series(&v->r, "mau", "growth.m.mau", "int", n);
  for (uint32_t i = 0; i < n; i++) qun_pack_uint(p, pt[i].mau);
  qun_report_list_end(&v->r);
  free(pt);
  return QUN_OK;
}

int growth_mean_daily(const struct growth_call *c, int32_t to, uint32_t *active, uint32_t *topic) {
  roaring_bitmap_t *set = roaring_bitmap_create();
  uint64_t all = 0, topics = 0;
  int rc = set ? QUN_OK : growth_fail(c, QUN_EFAIL, "growth: out of memory");
  for (int32_t day = to - WEEK + 1; rc >= 0 && day <= to; day++) {
    roaring_bitmap_clear(set);
    rc = growth_set_union(c, GROWTH_SET_TOPIC, day, day + 1, set);
    if (rc >= 0) rc = growth_set_fold_merged(c, set);
    topics += roaring_bitmap_get_cardinality(set);
    if (rc >= 0) rc = growth_set_active(c, day, day + 1, set);
    all += roaring_bitmap_get_cardinality(set);
  }
  growth_set_free(set);
  *active = (uint32_t)((all + WEEK / 2) / WEEK);
  *topic = (uint32_t)((topics + WEEK / 2) / WEEK);
  return rc;
}
