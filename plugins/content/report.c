/* SPDX-License-Identifier: Apache-2.0 */
/* content.report: the frame of all views, and the overview's days and alarms. */
#include "content.h"

#include <qun/report.h>

#include <string.h>

enum { SCAN = 256, DAYS = 92 };

void qun__table(struct qun__view *v, const char *id, const char *title, const struct qun__column *columns,
                size_t count) {
  qun_report_table(v->report, id, title);
  for (size_t i = 0; i < count; i++) qun_report_column(v->report, columns[i].id, columns[i].label, columns[i].kind);
  qun_report_rows(v->report);
}

int qun__each(struct qun__content *self, const struct qun_context *ctx, qun_slice prefix, qun_slice after,
              int (*each)(void *arg, const struct qun_pair *row), void *arg) {
  struct qun_pair rows[SCAN];
  uint32_t n = SCAN;
  while (n == SCAN) {
    int error = self->store->scan(self->host, ctx->tenant, prefix, after, rows, SCAN, &n);
    for (uint32_t i = 0; error >= 0 && i < n; i++) {
      int stop = each(arg, &rows[i]);
      if (stop) return stop;
    }
    if (error < 0) return error;
    if (n) after = rows[n - 1].key;
  }
  return 0;
}

/* ---- days */

static void figures_mix(struct qun__view *v, const struct qun__day *sum, const struct qun__ads *ads,
                        int64_t week_quality) {
  const struct qun__settings *s = v->ctx->local;
  int64_t published = 0;
  bool over = ads->share > s->ad_limit;
  for (int i = 0; i < QUN_KINDS; i++) published += sum->published[i];
  qun_report_figures(v->report, "content", "content.figures");
  qun_report_figure(v->report, "published", "content.published", "int", published, NULL);
  qun_report_figure(v->report, "staff_posts", "content.staff_posts", "int", sum->posts, NULL);
  qun_report_figure(v->report, "ads", "content.ads", "int", sum->ads, NULL);
  if (ads->share >= 0)
    qun_report_figure(v->report, "ad_share", "content.ad_share", "ratio", ads->share,
                      over ? ads->limited ? "bad" : "warn" : "good");
  if (ads->feedback >= 0)
    qun_report_figure(v->report, "ad_feedback", "content.ad_feedback", "ratio", ads->feedback,
                      ads->limited ? "warn" : "good");
  qun_report_figure(v->report, "ad_answers", "content.ad_answers", "int", ads->answers, NULL);
  qun_report_figure(v->report, "quality_week", "content.quality_week", "int", week_quality,
                    sum->posts == 0                 ? NULL
                    : week_quality < s->quality_min ? "warn"
                                                    : "good");
  qun_report_list_end(v->report);
}

static int table_mix(struct qun__view *v, int32_t from) {
  static const struct qun__column columns[] = {{"day", "content.day", "day"},
                                               {"practical", "content.kind.practical", "int"},
                                               {"interactive", "content.kind.interactive", "int"},
                                               {"emotional", "content.kind.emotional", "int"},
                                               {"ad", "content.kind.ad", "int"},
                                               {"service", "content.kind.service", "int"},
                                               {"ugc", "content.kind.ugc", "int"},
                                               {"topics", "content.topics", "int"},
                                               {"met", "content.mix_met", "bool"}};
  const struct qun__settings *s = v->ctx->local;
  struct qun__day day;
  qun__table(v, "mix_days", "content.mix_days", columns, sizeof columns / sizeof *columns);
  for (int32_t d = from; d <= v->to; d++) {
    int64_t topics = 0;
    bool met = true;
    int error = qun__day_get(v->self, v->ctx->tenant, d, &day);
    if (error) return error;
    for (int i = 0; i < 3; i++) {
      topics += day.published[i];
      met = met && day.published[i] >= s->mix[i];
    }
    if (day.posts == 0) continue;
    qun_report_row(v->report, 9);
    qun_pack_int(&v->report->pack, d);
    for (int i = 0; i < QUN_KINDS; i++) qun_pack_int(&v->report->pack, day.published[i]);
    qun_pack_int(&v->report->pack, topics);
    qun_pack_bool(&v->report->pack, met && topics >= s->topics_min);
  }
  qun_report_list_end(v->report);
  return 0;
}

static int chart_mix(struct qun__view *v, int32_t from) {
  static const char *const labels[] = {"content.kind.practical", "content.kind.interactive", "content.kind.emotional",
                                       "content.kind.ad", "content.kind.service"};
  uint32_t n = (uint32_t)(v->to - from + 1);
  struct qun__day day;
  qun_report_chart(v->report, "mix", "content.mix", "stacked", "content.day", "day", n);
  for (int32_t d = from; d <= v->to; d++) qun_pack_int(&v->report->pack, d);
  qun_report_chart_series(v->report);
  for (int i = 0; i < QUN_KIND_UGC; i++) {
    qun_report_series(v->report, qun__kind_names[i], labels[i], "int", n);
    for (int32_t d = from; d <= v->to; d++) {
      int error = qun__day_get(v->self, v->ctx->tenant, d, &day);
      if (error) return error;
      qun_pack_int(&v->report->pack, day.published[i]);
    }
  }
  qun_report_list_end(v->report);
  return 0;
}

static int days_part(struct qun__view *v) {
  struct qun__day sum, week;
  struct qun__ads ads;
  int32_t from = v->to - v->from >= DAYS ? v->to - DAYS + 1 : v->from;
  int error = qun__day_sum(v->self, v->ctx->tenant, v->from, v->to, &sum);
  if (!error) error = qun__day_sum(v->self, v->ctx->tenant, qun__week_begin(v->to), v->to, &week);
  if (!error) error = qun__ads_meter(v->self, v->ctx, v->to, &ads);
  if (error) return error;
  figures_mix(v, &sum, &ads, week.quality);
  /* A community whose staff posts nothing has no mix to show. */
  if (sum.posts == 0) return 0;
  error = chart_mix(v, from);
  return error ? error : table_mix(v, from);
}

/* ---- alarms */

static void pack_bound(struct qun_pack *p, bool ratio, int64_t value) {
  if (ratio)
    qun_report_text_int(p, "content.as_ratio", "x", value);
  else
    qun_report_text_int(p, "content.as_count", "n", value);
}

static int alarm_row(void *arg, const struct qun_pair *row) {
  struct qun__view *v = arg;
  const char *rule = (const char *)row->key.ptr + 1, *end = (const char *)row->key.ptr + row->key.len;
  const char *nul = memchr(rule, 0, (size_t)(end - rule));
  struct qun_pack *p = &v->report->pack;
  char label[80] = "content.rule.";
  size_t n = strlen(label);
  if (!nul || nul - rule < 3 || (size_t)(nul - rule) + n >= sizeof label) return 0;
  memcpy(label + n, rule, (size_t)(nul - rule) + 1);
  qun_report_row(v->report, 5);
  qun_report_text(p, label);
  qun_pack_str(p, qun_slice_of(nul + 1, (size_t)(end - nul - 1)));
  qun_pack_int(p, qun_mp_int(row->value, "day", 0));
  pack_bound(p, memcmp(rule, "ad_", 3) == 0, qun_mp_int(row->value, "value", 0));
  pack_bound(p, memcmp(rule, "ad_", 3) == 0, qun_mp_int(row->value, "limit", 0));
  return 0;
}

static int alarms_part(struct qun__view *v) {
  static const struct qun__column columns[] = {{"rule", "content.rule", "text"},
                                               {"account", "content.account", "str"},
                                               {"since", "content.since", "day"},
                                               {"value", "content.value", "text"},
                                               {"limit", "content.limit", "text"}};
  int error;
  qun__table(v, "alarms", "content.alarms", columns, 5);
  error = qun__each(v->self, v->ctx, qun_str("a"), qun_slice_of(NULL, 0), alarm_row, v);
  qun_report_list_end(v->report);
  return error;
}

static int view_overview(struct qun__view *v) {
  int error = days_part(v);
  if (!error) error = qun__view_posts(v);
  return error ? error : alarms_part(v);
}

/* ---- the frame */

static const struct {
  const char *name, *title;
  int (*write)(struct qun__view *v);
} views[] = {{"overview", "content.title", view_overview},
             {"calendar", "content.title_calendar", qun__view_calendar},
             {"items", "content.title_items", qun__view_items},
             {"votes", "content.title_votes", qun__view_votes},
             {"quota", "content.title_quota", qun__view_quota}};

static const struct {
  const char *id, *label, *formula, *source;
} terms[] = {{"ad_share", "content.ad_share", "content.ad_share_formula", "C10"},
             {"ad_feedback", "content.ad_feedback", "content.ad_feedback_formula", "C10"},
             {"mix", "content.mix", "content.mix_formula", "C02"},
             {"topics", "content.topics", "content.topics_formula", "C03"},
             {"quality_week", "content.quality_week", "content.quality_formula", "C04"},
             {"quota", "content.title_quota", "content.quota_formula", "C11"},
             {"heat", "content.heat", "content.heat_formula", "C21"},
             {"votes", "content.votes", "content.votes_formula", "C20"}};

static int answer(struct qun__view *v, const struct qun_request *request, size_t view) {
  qun_slice model;
  int error;
  qun_report_begin(v->report, "content", views[view].name, views[view].title, v->ctx->clock_ms, v->from, v->to);
  error = views[view].write(v);
  if (error) return error < 0 ? error : QUN_EFAIL;
  qun_report_glossary(v->report);
  for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
    qun_report_term(v->report, terms[i].id, terms[i].label, terms[i].formula, terms[i].source);
  model = qun_report_end(v->report);
  if (model.len == 0) return qun__refuse(v->self, QUN_EFAIL, "memory ran out");
  return v->self->reply->reply(v->self->host, request->id, model);
}

static int32_t as_day(int64_t v) {
  return v > 3000000 ? 3000000 : v < -3000000 ? -3000000 : (int32_t)v;
}

int qun__report(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun_report report;
  qun_slice name = qun_mp_str(request->params, "view"), given;
  struct qun__view v = {.self = self, .ctx = ctx, .report = &report};
  size_t view = 0;
  int error;
  while (name.len && view < sizeof views / sizeof *views && !qun_slice_is(name, views[view].name)) view++;
  if (view == sizeof views / sizeof *views)
    return qun__refuse(self, QUN_ENOTFOUND, "view: overview, calendar, items, votes or quota");
  v.to = as_day(qun_mp_int(request->params, "to", ctx->clock_day));
  v.from = as_day(qun_mp_int(request->params, "from", (int64_t)v.to - 29));
  v.ranged = qun_mp_find(request->params, "from", &given) || qun_mp_find(request->params, "to", &given);
  if (v.from > v.to) return qun__refuse(self, QUN_EINVAL, "from: it is after to");
  error = answer(&v, request, view);
  qun_report_fini(&report);
  return error;
}
