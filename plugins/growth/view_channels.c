/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: funnel, retention, cost, state and why (catalogue G28-G38). */
#include "channel.h"
#include "cohort.h"
#include "report.h"
#include "sets.h"

#include <stdlib.h>

enum { HISTORY = 50, CODES = 50, WEEKS = 26, WEEK_CHANNELS = 6 };

struct funnel {
  uint32_t count; /* channels + 1 */
  struct growth_channel_month *sum;
  struct growth_retention *d7, *d30, *effective;
};

static void funnel_fini(struct funnel *f) {
  free(f->sum);
  free(f->d7);
  free(f->d30);
  free(f->effective);
}

static int funnel_init(struct funnel *f, const struct growth_call *c) {
  f->count = c->t->head.channels + 1;
  f->sum = calloc(f->count, sizeof *f->sum);
  f->d7 = calloc(f->count, sizeof *f->d7);
  f->d30 = calloc(f->count, sizeof *f->d30);
  f->effective = calloc(f->count, sizeof *f->effective);
  return f->sum && f->d7 && f->d30 && f->effective ? QUN_OK : growth_fail(c, QUN_EFAIL, "growth: out of memory");
}

/* Sums are kept by month, so the funnel covers the months that the range touches. */
static int funnel_read(struct funnel *f, struct growth_view *v) {
  const struct growth_call *c = v->c;
  int32_t first = qun_month_of(v->from), end = qun_month_of(v->to) + 1;
  int32_t from = qun_month_first(first), before = v->to + 1;
  roaring_bitmap_t *active = roaring_bitmap_create();
  int rc = active ? QUN_OK : growth_fail(c, QUN_EFAIL, "growth: out of memory");
  for (uint32_t id = 0; rc >= 0 && id < f->count; id++) rc = growth_channel_sum(c, id, first, end, &f->sum[id]);
  if (rc >= 0) rc = growth_retention_day_n(c, from, before, 7, before, f->d7);
  if (rc >= 0) rc = growth_retention_day_n(c, from, before, 30, before, f->d30);
  if (rc >= 0) rc = growth_set_active(c, before - (int32_t)c->t->settings.active_days, before, active);
  if (rc >= 0) rc = growth_retention_by_channel(c, from, before, active, f->effective);
  growth_set_free(active);
  return rc;
}

static void pack_reason(struct qun_pack *p, const struct growth_channel *ch) {
  static const char *const texts[GROWTH_RULES] = {"growth.rule.none",       "growth.rule.low_weeks",
                                                  "growth.rule.good_weeks", "growth.rule.retire",
                                                  "growth.rule.focus",      "growth.rule.low_month",
                                                  "growth.rule.neutral"};
  qun_pack_array(p, 2);
  qun_pack_cstr(p, texts[ch->rule]);
  qun_pack_map(p, 3);
  qun_pack_kv_int(p, "value", ch->value);
  qun_pack_kv_int(p, "threshold", ch->threshold);
  qun_pack_kv_int(p, "cohort", ch->last.cohort);
}

static void pack_state(struct qun_pack *p, enum growth_channel_state state) {
  static const char *const texts[GROWTH_CHANNEL_STATES] = {"growth.state.hold", "growth.state.optimise",
                                                           "growth.state.retire", "growth.state.focus"};
  qun_report_text(p, texts[state]);
}

static void pack_state_of(struct qun_pack *p, const struct growth_channel *ch) {
  if (ch->id == 0) { /* members of no known channel: there is nothing to close or to pay */
    for (unsigned i = 0; i < 5; i++) qun_pack_nil(p);
    return;
  }
  qun_pack_cstr(p, growth_state_name(ch->memory.state));
  pack_state(p, ch->memory.state);
  qun_pack_int(p, ch->since_ms);
  if (ch->rule == GROWTH_RULE_NONE)
    qun_pack_nil(p);
  else
    qun_pack_cstr(p, growth_rule_source(ch->rule));
  pack_reason(p, ch);
}

static int channel_row(struct growth_view *v, const struct funnel *f, uint32_t id) {
  const struct growth_channel_month *s = &f->sum[id];
  struct qun_pack *p = &v->r.pack;
  struct growth_channel ch = {.id = 0};
  int rc = id == 0 ? QUN_OK : growth_channel_get(v->c, id, &ch);
  if (rc < 0) return rc;
  qun_report_row(&v->r, 18);
  if (id == 0)
    qun_report_text(p, "growth.channel.unknown");
  else
    qun_pack_cstr(p, ch.name);
  pack_state_of(p, &ch);
  if (s->reach > 0)
    qun_pack_int(p, s->reach);
  else
    qun_pack_nil(p);
  qun_pack_int(p, s->joins);
  growth_pack_ratio(p, s->joins, s->reach);
  growth_pack_ratio(p, f->d7[id].retained, f->d7[id].cohort);
  growth_pack_ratio(p, f->d30[id].retained, f->d30[id].cohort);
  qun_pack_uint(p, f->effective[id].retained);
  qun_pack_int(p, s->buyers);
  growth_pack_ratio(p, s->buyers, s->joins);
  qun_pack_int(p, s->spend);
  if (s->cost > 0)
    qun_pack_int(p, s->cost);
  else
    qun_pack_nil(p);
  growth_pack_quotient(p, s->cost, s->cost > 0 ? s->joins : 0);
  growth_pack_quotient(p, s->cost, s->cost > 0 ? f->effective[id].retained : 0);
  return QUN_OK;
}

static int channels_table(struct growth_view *v, const struct funnel *f) {
  static const struct {
    const char *id, *label, *kind;
  } columns[] = {{"channel", "growth.col.channel", "text"},
                 {"state", "growth.col.state_id", "str"},
                 {"state_text", "growth.m.state", "text"},
                 {"since", "growth.col.since", "time"},
                 {"rule", "growth.col.rule", "str"},
                 {"reason", "growth.col.reason", "text"},
                 {"reach", "growth.col.reach", "int"},
                 {"joins", "growth.m.fresh", "int"},
                 {"join_rate", "growth.m.join_rate", "ratio"},
                 {"d7", "growth.m.d7", "ratio"},
                 {"d30", "growth.m.d30", "ratio"},
                 {"effective", "growth.m.effective", "int"},
                 {"buyers", "growth.col.buyers", "int"},
                 {"conversion", "growth.col.conversion", "ratio"},
                 {"spend", "growth.col.spend", "money"},
                 {"cost", "growth.col.cost", "money"},
                 {"cac", "growth.m.cac", "money"},
                 {"true_cost", "growth.m.true_cost", "money"}};
  int rc = QUN_OK;
  qun_report_table(&v->r, "channels", "growth.section.channels");
  for (unsigned i = 0; i < sizeof columns / sizeof columns[0]; i++)
    qun_report_column(&v->r, columns[i].id, columns[i].label, columns[i].kind);
  qun_report_rows(&v->r);
  for (uint32_t id = 1; rc >= 0 && id < f->count; id++) rc = channel_row(v, f, id);
  if (rc >= 0) rc = channel_row(v, f, 0);
  qun_report_list_end(&v->r);
  return rc;
}

static int charts(struct growth_view *v, const struct funnel *f) {
  struct qun_pack *p = &v->r.pack;
  int rc = QUN_OK;
  for (unsigned chart = 0; rc >= 0 && chart < 2; chart++) {
    qun_report_chart(&v->r, chart ? "retention_bars" : "joins_bars",
                     chart ? "growth.chart.retention" : "growth.chart.joins", "bar", "growth.col.channel", "text",
                     f->count);
    for (uint32_t id = 0; rc >= 0 && id < f->count; id++) rc = growth_pack_channel(p, v->c, id);
    qun_report_chart_series(&v->r);
    qun_report_series(&v->r, chart ? "d30" : "joins", chart ? "growth.m.d30" : "growth.m.fresh",
                      chart ? "ratio" : "int", f->count);
    for (uint32_t id = 0; id < f->count; id++) {
      if (chart)
        growth_pack_ratio(p, f->d30[id].retained, f->d30[id].cohort);
      else
        qun_pack_int(p, f->sum[id].joins);
    }
    qun_report_list_end(&v->r);
  }
  return rc;
}

/* ---------------------------------------------------------------- weekly retention */

struct weeks {
  int32_t first;
  struct growth_retention at[WEEKS];
};

static int read_week(void *arg, qun_slice key, qun_slice value) {
  struct weeks *w = arg;
  int32_t week = (int32_t)(growth_key_read(key, 5) ^ 0x80000000u) - w->first;
  struct growth_reader r = growth_read(value);
  if (week >= WEEKS) return 1;
  if (week < 0) return QUN_OK;
  w->at[week].cohort = growth_read_u32(&r);
  w->at[week].retained = growth_read_u32(&r);
  return r.bad ? QUN_EFAIL : QUN_OK;
}

/* The channels that brought most, at most WEEK_CHANNELS, in order of id. */
static uint32_t largest(const struct funnel *f, uint32_t ids[WEEK_CHANNELS]) {
  uint32_t n = 0;
  for (uint32_t id = 1; id < f->count; id++) {
    uint32_t better = 0;
    for (uint32_t other = 1; other < f->count; other++)
      better += f->sum[other].joins > f->sum[id].joins || (f->sum[other].joins == f->sum[id].joins && other < id);
    if (f->sum[id].joins > 0 && better < WEEK_CHANNELS) ids[n++] = id;
  }
  return n;
}

static int week_series(struct growth_view *v, uint32_t id, int32_t first) {
  struct growth_key prefix = growth_key_number('w', id);
  struct weeks w = {.first = first};
  struct growth_channel ch;
  struct qun_pack *p = &v->r.pack;
  int rc = growth_channel_get(v->c, id, &ch);
  if (rc >= 0) rc = growth_scan(v->c, &prefix, NULL, read_week, &w);
  if (rc < 0) return rc;
  v->r.list++;
  qun_pack_map(p, 4);
  qun_pack_kv_cstr(p, "id", ch.name);
  qun_pack_kv_cstr(p, "label", ch.name);
  qun_pack_kv_cstr(p, "kind", "ratio");
  qun_pack_cstr(p, "values");
  qun_pack_array(p, WEEKS);
  for (unsigned i = 0; i < WEEKS; i++) growth_pack_ratio(p, w.at[i].retained, w.at[i].cohort);
  return QUN_OK;
}

static int weeks_chart(struct growth_view *v, const struct funnel *f) {
  int32_t first = qun_week_of(v->to + 1) - WEEKS;
  uint32_t ids[WEEK_CHANNELS], n = largest(f, ids);
  int rc = QUN_OK;
  qun_report_chart(&v->r, "weekly_retention", "growth.chart.weekly", "line", "growth.col.week", "day", WEEKS);
  for (int32_t i = 0; i < WEEKS; i++) qun_pack_int(&v->r.pack, qun_week_first(first + i));
  qun_report_chart_series(&v->r);
  for (uint32_t i = 0; rc >= 0 && i < n; i++) rc = week_series(v, ids[i], first);
  qun_report_list_end(&v->r);
  return rc;
}

/* ---------------------------------------------------------------- history and codes */

static int history_rows(struct growth_view *v, uint32_t id) {
  struct growth_channel_change h;
  struct growth_channel ch;
  struct qun_pack *p = &v->r.pack;
  int rc = growth_channel_get(v->c, id, &ch);
  if (rc < 0) return rc;
  for (uint32_t n = ch.history; n > 0 && n + HISTORY > ch.history; n--) {
    rc = growth_channel_history(v->c, id, n, &h);
    if (rc < 0) return rc;
    qun_report_row(&v->r, 9);
    qun_pack_cstr(p, ch.name);
    qun_pack_int(p, h.ms);
    pack_state(p, h.from);
    pack_state(p, h.to);
    qun_pack_cstr(p, growth_rule_source(h.rule));
    qun_pack_int(p, h.value);
    qun_pack_int(p, h.threshold);
    qun_pack_uint(p, h.retention.cohort);
    qun_pack_uint(p, h.retention.retained);
  }
  return QUN_OK;
}

static int history(struct growth_view *v) {
  int rc = QUN_OK;
  qun_report_table(&v->r, "history", "growth.section.history");
  qun_report_column(&v->r, "channel", "growth.col.channel", "str");
  qun_report_column(&v->r, "time", "growth.col.time", "time");
  qun_report_column(&v->r, "from", "growth.col.from", "text");
  qun_report_column(&v->r, "to", "growth.col.to", "text");
  qun_report_column(&v->r, "rule", "growth.col.rule", "str");
  qun_report_column(&v->r, "value", "growth.col.value", "ratio");
  qun_report_column(&v->r, "threshold", "growth.col.threshold", "ratio");
  qun_report_column(&v->r, "cohort", "growth.col.cohort_size", "int");
  qun_report_column(&v->r, "retained", "growth.col.retained", "int");
  qun_report_rows(&v->r);
  for (uint32_t id = 1; rc >= 0 && id <= v->c->t->head.channels; id++) rc = history_rows(v, id);
  qun_report_list_end(&v->r);
  return rc;
}

struct code {
  qun_slice name; /* borrowed for the request */
  uint32_t joins;
};

struct codes {
  struct code best[CODES]; /* most joins first; equal ones in order of the code */
  uint32_t count;
};

static int keep_best(void *arg, qun_slice key, qun_slice value) {
  struct codes *all = arg;
  struct growth_reader r = growth_read(value);
  struct code one = {qun_slice_of((const char *)key.ptr + 1, (size_t)key.len - 1), growth_read_u32(&r)};
  uint32_t at = all->count;
  while (at > 0 && all->best[at - 1].joins < one.joins) at--;
  if (at == CODES) return QUN_OK;
  if (all->count < CODES) all->count++;
  memmove(&all->best[at + 1], &all->best[at], (all->count - 1 - at) * sizeof one);
  all->best[at] = one;
  return QUN_OK;
}

static int codes(struct growth_view *v) {
  struct growth_key prefix = growth_key_of('o');
  struct codes all = {.count = 0};
  int rc = growth_scan(v->c, &prefix, NULL, keep_best, &all);
  qun_report_table(&v->r, "codes", "growth.section.codes");
  qun_report_column(&v->r, "code", "growth.col.code", "str");
  qun_report_column(&v->r, "joins", "growth.m.fresh", "int");
  qun_report_rows(&v->r);
  for (uint32_t i = 0; rc >= 0 && i < all.count; i++) {
    qun_report_row(&v->r, 2);
    qun_pack_str(&v->r.pack, all.best[i].name);
    qun_pack_uint(&v->r.pack, all.best[i].joins);
  }
  qun_report_list_end(&v->r);
  return rc;
}

int growth_view_channels(struct growth_view *v) {
  static const char *const used[] = {"state", "join_rate", "d7", "d30", "effective", "cac", "true_cost", NULL};
  struct funnel f = {.count = 0};
  int rc = funnel_init(&f, v->c);
  if (rc >= 0) rc = funnel_read(&f, v);
  if (rc >= 0) rc = channels_table(v, &f);
  if (rc >= 0) rc = charts(v, &f);
  if (rc >= 0) rc = weeks_chart(v, &f);
  if (rc >= 0) rc = history(v);
  if (rc >= 0) rc = codes(v);
  growth_glossary(v, used);
  funnel_fini(&f);
  return rc;
}
