/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include "sets.h"

#include <stdlib.h>

enum { WEEK = 7, MONTH = 30, CHART_POINTS = 370 };

/* Everybody by the latest day of activity, so that a window's distinct members are those whose latest day is in it: one
   look at each member and day, however many windows. */
struct latest {
  int32_t first;    /* day that `on` begins with */
  uint32_t *on;     /* by day from `first`: members whose latest day it is */
  uint32_t *day_of; /* by member: days since `first` plus 1 of the latest; 0: none */
  uint32_t members;
  uint32_t *numbers; /* of one day */
  uint32_t cap;
};

static void latest_fini(struct latest *l) {
  free(l->on);
  free(l->day_of);
  free(l->numbers);
}

static int latest_room(struct latest *l, const struct growth_call *c, const roaring_bitmap_t *set) {
  uint32_t n = (uint32_t)roaring_bitmap_get_cardinality(set), most = n ? roaring_bitmap_maximum(set) + 1 : 0;
  if (n > l->cap) {
    uint32_t *numbers = realloc(l->numbers, 2 * (size_t)n * sizeof *numbers);
    if (!numbers) return growth_fail(c, QUN_EFAIL, "growth: out of memory");
    l->numbers = numbers;
    l->cap = 2 * n;
  }
  if (most > l->members) {
    uint32_t *day_of = realloc(l->day_of, most * sizeof *day_of);
    if (!day_of) return growth_fail(c, QUN_EFAIL, "growth: out of memory");
    memset(day_of + l->members, 0, (most - l->members) * sizeof *day_of);
    l->day_of = day_of;
    l->members = most;
  }
  return QUN_OK;
}

/* Takes in one day's members; days come in order. */
static int latest_add(struct latest *l, const struct growth_call *c, int32_t day, roaring_bitmap_t *set,
                      uint32_t *count) {
  uint32_t at = (uint32_t)(day - l->first);
  roaring_bitmap_clear(set);
  int rc = growth_set_active(c, day, day + 1, set);
  if (rc >= 0) rc = latest_room(l, c, set);
  if (rc < 0) return rc;
  *count = (uint32_t)roaring_bitmap_get_cardinality(set);
  roaring_bitmap_to_uint32_array(set, l->numbers);
  for (uint32_t i = 0; i < *count; i++) {
    uint32_t *day_of = &l->day_of[l->numbers[i]];
    if (*day_of) l->on[*day_of - 1]--;
    *day_of = at + 1;
  }
  l->on[at] += *count;
  return QUN_OK;
}

/* Distinct members of the `length` days that end with day number `last`. */
static uint32_t distinct(const struct latest *l, uint32_t last, uint32_t length) {
  uint32_t n = 0;
  for (uint32_t i = last + 1 - length; i <= last; i++) n += l->on[i];
  return n;
}

/* Points every `step` days, the last one at `to`. */
static int draw_points(const struct growth_call *c, int32_t to, uint32_t step, struct growth_point *out, uint32_t n,
                       struct latest *l, roaring_bitmap_t *set) {
  uint32_t days = (uint32_t)(to - l->first) + 1, active;
  int rc = QUN_OK;
  for (uint32_t i = 0; rc >= 0 && i < days; i++) {
    uint32_t back = days - 1 - i;
    rc = latest_add(l, c, l->first + (int32_t)i, set, &active);
    if (rc < 0 || back % step != 0 || back / step >= n) continue;
    out[n - 1 - back / step] =
        (struct growth_point){l->first + (int32_t)i, active, distinct(l, i, WEEK), distinct(l, i, MONTH)};
  }
  return rc;
}

int growth_lines(const struct growth_call *c, int32_t from, int32_t to, uint32_t cap, struct growth_point **points,
                 uint32_t *count) {
  uint32_t days = (uint32_t)(to - from + 1), step = (days + cap - 1) / cap, n = (days + step - 1) / step;
  struct growth_point *out = calloc(n, sizeof *out);
  struct latest l = {.first = from - MONTH + 1};
  roaring_bitmap_t *set = roaring_bitmap_create();
  l.on = calloc(days + MONTH - 1, sizeof *l.on);
  int rc = out && set && l.on ? draw_points(c, to, step, out, n, &l, set)
                              : growth_fail(c, QUN_EFAIL, "growth: out of memory");
  growth_set_free(set);
  latest_fini(&l);
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
