/* SPDX-License-Identifier: Apache-2.0 */
/* When the community is awake, and where: hours, weekdays, groups (catalogue G44, G61, R21). */
#include "channel_rule.h"
#include "groups.h"
#include "lines.h"
#include "members.h"
#include "report.h"
#include "sets.h"

#include <stdio.h>
#include <stdlib.h>

enum { WEEKDAYS = 7, GROUPS = 50 };

struct heat {
  uint64_t at[WEEKDAYS][GROWTH_HOURS];
  uint64_t hour[GROWTH_HOURS];
  uint64_t all;
  unsigned best;
};

static int heat_read(struct heat *h, struct growth_view *v) {
  struct growth_day *days;
  uint32_t n;
  int rc = growth_days_read(v->c, v->from, v->to, &days, &n);
  if (rc < 0) return rc;
  memset(h, 0, sizeof *h);
  for (uint32_t i = 0; i < n; i++)
    for (unsigned hour = 0; hour < GROWTH_HOURS; hour++) {
      h->at[qun_weekday(days[i].day)][hour] += days[i].hour[hour];
      h->hour[hour] += days[i].hour[hour];
      h->all += days[i].hour[hour];
    }
  free(days);
  for (unsigned hour = 1; hour < GROWTH_HOURS; hour++)
    if (h->hour[hour] > h->hour[h->best]) h->best = hour;
  return QUN_OK;
}

static int count_multi(void *arg, qun_slice key, qun_slice value) {
  uint64_t *counts = arg; /* members in a group; in two or more */
  struct growth_member m;
  if (key.len != 5 || growth_member_decode(&m, growth_key_read(key, 1), value) < 0) return QUN_EFAIL;
  if (m.kind != GROWTH_PERSON || (m.flags & GROWTH_MEMBER_LEFT) || m.groups == 0) return QUN_OK;
  counts[0]++;
  counts[1] += m.groups > 1;
  return QUN_OK;
}

/* All floors missed at once: nobody is at home (G61). */
static int is_zombie(struct growth_view *v, bool *zombie) {
  const struct growth_settings *s = &v->c->t->settings;
  uint32_t dau, topic, wau, mau;
  uint64_t base;
  int64_t members;
  int rc = growth_members_at(v->c, v->to, &members);
  if (rc >= 0) rc = growth_mean_daily(v->c, v->to, &dau, &topic);
  if (rc >= 0) rc = growth_count_active(v->c, v->to - 6, v->to, &wau);
  if (rc >= 0) rc = growth_count_active(v->c, v->to - 29, v->to, &mau);
  if (rc < 0) return rc;
  base = (uint64_t)members;
  *zombie = members >= s->alert_min_members && growth_ratio(dau, base) < s->plan_dau &&
            growth_ratio(wau, base) < s->plan_wau && growth_ratio(mau, base) < s->plan_mau &&
            growth_ratio(topic, base) < s->plan_topic;
  return QUN_OK;
}

static int figures(struct growth_view *v, const struct heat *h) {
  struct growth_key prefix = growth_key_of('m');
  uint64_t counts[2] = {0, 0};
  bool zombie = false;
  int rc = growth_scan(v->c, &prefix, NULL, count_multi, counts);
  if (rc >= 0) rc = is_zombie(v, &zombie);
  if (rc < 0) return rc;
  qun_report_figures(&v->r, "hours", "growth.section.hours");
  if (h->all == 0)
    growth_figure_unknown(v, "best_hour", "growth.m.best_hour", "int", "growth.reason.no_activity");
  else {
    qun_report_figure(&v->r, "best_hour", "growth.m.best_hour", "int", h->best, NULL);
    qun_report_figure(&v->r, "best_share", "growth.col.best_share", "ratio", growth_ratio(h->hour[h->best], h->all),
                      NULL);
  }
  qun_report_figure(&v->r, "interactions", "growth.col.interactions", "int", (int64_t)h->all, NULL);
  qun_report_figure(&v->r, "multi", "growth.m.multi", "ratio", growth_ratio(counts[1], counts[0]), NULL);
  qun_report_figure(&v->r, "zombie", "growth.m.zombie", "bool", zombie, zombie ? "bad" : "none");
  qun_report_list_end(&v->r);
  return QUN_OK;
}

static void heat_table(struct growth_view *v, const struct heat *h) {
  static const char *const names[WEEKDAYS] = {"growth.weekday.mon", "growth.weekday.tue", "growth.weekday.wed",
                                              "growth.weekday.thu", "growth.weekday.fri", "growth.weekday.sat",
                                              "growth.weekday.sun"};
  struct qun_pack *p = &v->r.pack;
  qun_report_table(&v->r, "heat", "growth.section.heat");
  qun_report_column(&v->r, "weekday", "growth.col.weekday", "text");
  for (unsigned hour = 0; hour < GROWTH_HOURS; hour++) {
    char id[8];
    (void)snprintf(id, sizeof id, "h%02u", hour);
    v->r.list++;
    qun_pack_map(p, 3);
    qun_pack_kv_cstr(p, "id", id);
    qun_pack_kv_cstr(p, "label", id + 1);
    qun_pack_kv_cstr(p, "kind", "int");
  }
  qun_report_rows(&v->r);
  for (unsigned day = 0; day < WEEKDAYS; day++) {
    qun_report_row(&v->r, 1 + GROWTH_HOURS);
    qun_report_text(p, names[day]);
    for (unsigned hour = 0; hour < GROWTH_HOURS; hour++) qun_pack_uint(p, h->at[day][hour]);
  }
  qun_report_list_end(&v->r);
}

static void hours_chart(struct growth_view *v, const struct heat *h) {
  struct qun_pack *p = &v->r.pack;
  qun_report_chart(&v->r, "hours_bars", "growth.chart.hours", "bar", "growth.col.hour", "int", GROWTH_HOURS);
  for (unsigned hour = 0; hour < GROWTH_HOURS; hour++) qun_pack_uint(p, hour);
  qun_report_chart_series(&v->r);
  qun_report_series(&v->r, "interactions", "growth.col.interactions", "int", GROWTH_HOURS);
  for (unsigned hour = 0; hour < GROWTH_HOURS; hour++) qun_pack_uint(p, h->hour[hour]);
  qun_report_list_end(&v->r);
}

struct groups {
  struct growth_group best[GROUPS]; /* most members first */
  uint32_t count;
};

static int keep_best(void *arg, qun_slice key, qun_slice value) {
  struct groups *all = arg;
  struct growth_group g;
  uint32_t at = all->count;
  (void)key;
  if (growth_group_decode(&g, value) < 0) return QUN_EFAIL;
  while (at > 0 && all->best[at - 1].members < g.members) at--;
  if (at == GROUPS) return QUN_OK;
  if (all->count < GROUPS) all->count++;
  memmove(&all->best[at + 1], &all->best[at], (all->count - 1 - at) * sizeof g);
  all->best[at] = g;
  return QUN_OK;
}

static int groups(struct growth_view *v) {
  struct growth_key prefix = growth_key_of('i');
  struct groups all = {.count = 0};
  int rc = growth_scan(v->c, &prefix, NULL, keep_best, &all);
  if (rc < 0) return growth_fail(v->c, QUN_EFAIL, "growth: a group's row is not whole");
  qun_report_table(&v->r, "groups", "growth.section.groups");
  qun_report_column(&v->r, "group", "growth.col.group", "str");
  qun_report_column(&v->r, "members", "growth.m.members", "int");
  qun_report_rows(&v->r);
  for (uint32_t i = 0; i < all.count; i++) {
    qun_report_row(&v->r, 2);
    qun_pack_str(&v->r.pack, all.best[i].name);
    qun_pack_uint(&v->r.pack, all.best[i].members);
  }
  qun_report_list_end(&v->r);
  return QUN_OK;
}

int growth_view_activity(struct growth_view *v) {
  static const char *const used[] = {"dau", "wau", "mau", "best_hour", "multi", "zombie", NULL};
  struct heat h;
  int rc = heat_read(&h, v);
  if (rc >= 0) rc = figures(v, &h);
  if (rc >= 0) rc = growth_chart_lines(v);
  if (rc >= 0) {
    hours_chart(v, &h);
    heat_table(v, &h);
    rc = groups(v);
  }
  growth_glossary(v, used);
  return rc;
}
