/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include "sets.h"

#include <stdlib.h>

enum { WEEK = 7, MONTH = 30, CHART_POINTS = 370 };

/*
 * Distinct members of the last `length` days, day by day. Days come in blocks of that length: a window is the end of one
 * block (`tails`, unions from each day to the block's end) and the beginning of the next (`head`), so that a day costs
 * a few unions however long the window is.
 */
struct window {
  uint32_t length, filled;  /* days, and those of the block that has begun */
  roaring_bitmap_t **days;  /* of the block that has begun */
  roaring_bitmap_t **tails; /* of the block before; NULL: there was none */
  roaring_bitmap_t *head;
};

static void drop_all(roaring_bitmap_t **sets, uint32_t n) {
  for (uint32_t i = 0; sets && i < n; i++) growth_set_free(sets[i]);
  free(sets);
}

static void window_fini(struct window *w) {
  drop_all(w->days, w->length);
  drop_all(w->tails, w->length);
  growth_set_free(w->head);
}

static bool window_init(struct window *w, uint32_t length) {
  *w = (struct window){.length = length};
  w->days = calloc(length, sizeof(roaring_bitmap_t *));
  w->head = roaring_bitmap_create();
  return w->days && w->head;
}

/* The block is whole: its days become unions to its end. */
static bool window_turn(struct window *w) {
  for (uint32_t i = w->length - 1; i-- > 0;) roaring_bitmap_or_inplace(w->days[i], w->days[i + 1]);
  drop_all(w->tails, w->length);
  w->tails = w->days;
  w->days = calloc(w->length, sizeof(roaring_bitmap_t *));
  roaring_bitmap_clear(w->head);
  w->filled = 0;
  return w->days != NULL;
}

static bool window_add(struct window *w, const roaring_bitmap_t *day) {
  if (w->filled == w->length && !window_turn(w)) return false;
  w->days[w->filled] = roaring_bitmap_copy(day);
  if (!w->days[w->filled]) return false;
  roaring_bitmap_or_inplace(w->head, day);
  w->filled++;
  return true;
}

static uint32_t window_distinct(const struct window *w) {
  bool inside = w->filled < w->length && w->tails;
  return (uint32_t)(inside ? roaring_bitmap_or_cardinality(w->tails[w->filled], w->head)
                           : roaring_bitmap_get_cardinality(w->head));
}

struct windows {
  roaring_bitmap_t *day;
  struct window week, month;
};

/* Takes in one day's members; days come in order. */
static int take_day(struct windows *w, const struct growth_call *c, int32_t day) {
  roaring_bitmap_clear(w->day);
  int rc = growth_set_active(c, day, day + 1, w->day);
  if (rc >= 0 && !(window_add(&w->week, w->day) && window_add(&w->month, w->day)))
    rc = growth_fail(c, QUN_EFAIL, "growth: out of memory");
  return rc;
}

/* Points every `step` days, the last one at `to`. */
static int draw_points(const struct growth_call *c, int32_t from, int32_t to, uint32_t step, struct growth_point *out,
                       uint32_t n, struct windows *w) {
  int rc = QUN_OK;
  for (int32_t day = from - MONTH + 1; rc >= 0 && day <= to; day++) {
    uint32_t back = (uint32_t)(to - day);
    rc = take_day(w, c, day);
    if (rc < 0 || back % step != 0 || back / step >= n) continue;
    out[n - 1 - back / step] = (struct growth_point){day, (uint32_t)roaring_bitmap_get_cardinality(w->day),
                                                     window_distinct(&w->week), window_distinct(&w->month)};
  }
  return rc;
}

int growth_lines(const struct growth_call *c, int32_t from, int32_t to, uint32_t cap, struct growth_point **points,
                 uint32_t *count) {
  uint32_t days = (uint32_t)(to - from + 1), step = (days + cap - 1) / cap, n = (days + step - 1) / step;
  struct growth_point *out = calloc(n, sizeof *out);
  struct windows w = {.day = roaring_bitmap_create()};
  bool week = window_init(&w.week, WEEK), room = window_init(&w.month, MONTH) && week;
  int rc = out && w.day && room ? draw_points(c, from, to, step, out, n, &w)
                                : growth_fail(c, QUN_EFAIL, "growth: out of memory");
  growth_set_free(w.day);
  window_fini(&w.week);
  window_fini(&w.month);
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
