/* SPDX-License-Identifier: Apache-2.0 */
/* compliance.report: overview, rules, findings, consent. */
#include "core.h"

#include <qun/report.h>

#include <stdio.h>
#include <stdlib.h>

enum { MONTHS = 36, ROWS = 500, PURPOSES = 48 };

struct tally {
  struct qun_work *w;
  const struct qun_rule *r;
  int32_t from, to; /* days */
  int64_t by_severity[4], facts, dismissed, resolved;
  int64_t months[MONTHS][4];       /* open findings by month, the last one being that of `to` */
  int32_t last_month, first_month; /* of the chart's end, of the log */
  struct qun_report *rows;         /* findings view: rows are written here */
  uint32_t count;
};

static int32_t month_of(int32_t day) {
  int y, m, d;
  qun__day_split(day, &y, &m, &d);
  return (y - 1970) * 12 + m - 1;
}

static int day_of(struct qun_work *w, int64_t ms, int32_t *day) {
  int32_t minute;
  return w->in->calendar->to_local(w->in->host, w->ctx->tenant, ms, day, &minute);
}

static void row(struct tally *t, const struct qun_finding *f, int32_t day) {
  static const char *const states[] = {"state.open", "state.dismissed", "state.resolved"};
  struct qun_pack *p = &t->rows->pack;
  char id[160], severity[8];
  qun__finding_id(t->r, f, id, sizeof id);
  snprintf(severity, sizeof severity, "S%u", (unsigned)t->r->severity);
  qun_report_row(t->rows, 9);
  qun_pack_cstr(p, id);
  qun_pack_cstr(p, t->r->id);
  qun_pack_cstr(p, qun__said(t->w, &t->r->title));
  qun_pack_cstr(p, severity);
  qun_report_text(p, f->fact ? "certainty.fact" : "certainty.candidate");
  qun_report_text(p, states[f->state]);
  qun_pack_int(p, day);
  qun_pack_str(p, f->group);
  qun_pack_str(p, f->note);
}

static int tally_one(void *arg, qun_slice key, qun_slice value) {
  struct tally *t = arg;
  struct qun_finding f;
  int32_t day;
  int error = qun__finding_read(key, value, t->r, &f);
  if (error == 0) error = day_of(t->w, f.time_ms, &day);
  if (error < 0) return error;
  if (day < t->from || day > t->to) return 0;
  if (t->rows && t->count < ROWS) {
    row(t, &f, day);
    t->count++;
  }
  t->dismissed += f.state == QUN_DISMISSED;
  t->resolved += f.state == QUN_RESOLVED;
  if (f.state != QUN_OPEN) return 0;
  t->by_severity[t->r->severity - 1]++;
  t->facts += f.fact;
  int32_t back = t->last_month - month_of(day);
  if (back >= 0 && back < MONTHS) t->months[MONTHS - 1 - back][t->r->severity - 1]++;
  return 0;
}

/* Worst first, so that a cut table keeps what matters. */
static int tally_all(struct tally *t) {
  const struct qun_rulebook *b = t->w->in->book;
  for (unsigned severity = 1; severity <= 4; severity++) {
    for (uint32_t i = 0; i < b->rules.count; i++) {
      struct qun_key prefix;
      if (!t->w->bound->rules[i] || b->rules.at[i].severity != severity) continue;
      t->r = &b->rules.at[i];
      qun__finding_prefix(t->r, &prefix);
      int error = qun__each(t->w, qun__key_slice(&prefix), tally_one, t);
      if (error < 0) return error;
    }
  }
  return 0;
}

static void column(struct qun_report *r, const char *id, const char *kind) {
  char label[48];
  snprintf(label, sizeof label, "column.%s", id);
  qun_report_column(r, id, label, kind);
}

static void figure(struct qun_report *r, const char *id, const char *kind, int64_t value, const char *status) {
  char label[48];
  snprintf(label, sizeof label, "figure.%s", id);
  qun_report_figure(r, id, label, kind, value, status);
}

static const char *good_if(bool good) {
  return good ? "good" : "bad";
}

/* part / whole against its limit; not known while there is nothing to divide by. */
static void ratio(struct qun_report *r, const char *id, int64_t part, int64_t whole, int64_t limit, bool at_least) {
  char label[48];
  if (whole > 0) {
    int64_t ppm = part * 1000000 / whole;
    figure(r, id, "ratio", ppm, good_if(at_least ? ppm >= limit : ppm < limit));
    return;
  }
  snprintf(label, sizeof label, "figure.%s", id);
  r->list++;
  qun_pack_map(&r->pack, 5);
  qun_pack_kv_cstr(&r->pack, "id", id);
  qun_pack_cstr(&r->pack, "label");
  qun_report_text(&r->pack, label);
  qun_pack_kv_cstr(&r->pack, "kind", "ratio");
  qun_pack_cstr(&r->pack, "value");
  qun_pack_nil(&r->pack);
  qun_pack_kv_cstr(&r->pack, "status", "none");
}

/* From the first month that has a finding, but the last twelve at the least, as far as there is a log. */
static int first_shown(const struct tally *t) {
  int log = MONTHS - 1 - (t->last_month - t->first_month);
  int from = MONTHS - 12;
  for (int i = 0; i < from; i++)
    for (int s = 0; s < 4; s++)
      if (t->months[i][s]) from = i;
  return from > log ? from : log;
}

static void month_chart(struct qun_report *r, const struct tally *t) {
  static const char *const ids[] = {"s1", "s2", "s3", "s4"};
  static const char *const labels[] = {"severity.s1", "severity.s2", "severity.s3", "severity.s4"};
  int from = first_shown(t);
  if (from > MONTHS - 1) from = MONTHS - 1;
  uint32_t n = (uint32_t)(MONTHS - from);
  qun_report_chart(r, "by_month", "section.by_month", "stacked", "axis.month", "month", n);
  for (int i = from; i < MONTHS; i++) qun_pack_int(&r->pack, t->last_month - (MONTHS - 1 - i));
  qun_report_chart_series(r);
  for (int s = 0; s < 4; s++) {
    qun_report_series(r, ids[s], labels[s], "int", n);
    for (int i = from; i < MONTHS; i++) qun_pack_int(&r->pack, t->months[i][s]);
  }
  qun_report_list_end(r);
}

static void status_chart(struct qun_report *r, const int64_t *by_status) {
  static const char *const labels[] = {"status.satisfied", "status.not_satisfied", "status.not_applicable"};
  qun_report_chart(r, "statuses", "section.statuses", "doughnut", "axis.status", "text", 3);
  for (int i = 0; i < 3; i++) qun_report_text(&r->pack, labels[i]);
  qun_report_chart_series(r);
  qun_report_series(r, "rules", "figure.rules", "int", 3);
  for (int i = 0; i < 3; i++) qun_pack_int(&r->pack, by_status[i]);
  qun_report_list_end(r);
}

static int judge_all(struct qun_work *w, struct qun_verdict_of *all, int64_t *by_status) {
  const struct qun_rulebook *b = w->in->book;
  for (uint32_t i = 0; i < b->rules.count; i++) {
    if (!w->bound->rules[i]) continue;
    int error = qun__audit_rule(w, &b->rules.at[i], &all[i]);
    if (error < 0) return error;
    by_status[all[i].status]++;
  }
  return 0;
}

/* The rules that are not satisfied, worst first. */
static void act_table(struct qun_work *w, struct qun_report *r, const struct qun_verdict_of *all) {
  static const struct {
    const char *id, *kind;
  } columns[] = {{"rule", "str"}, {"law", "str"},    {"article", "str"}, {"title", "str"},   {"severity", "str"},
                 {"open", "int"}, {"reason", "str"}, {"remedy", "str"},  {"deadline", "str"}};
  const struct qun_rulebook *b = w->in->book;
  qun_report_table(r, "act", "section.act");
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) column(r, columns[i].id, columns[i].kind);
  qun_report_rows(r);
  for (unsigned severity = 1; severity <= 4; severity++) {
    for (uint32_t i = 0; i < b->rules.count; i++) {
      const struct qun_rule *rule = &b->rules.at[i];
      char name[8];
      if (!w->bound->rules[i] || rule->severity != severity || all[i].status != QUN_NOT_SATISFIED) continue;
      snprintf(name, sizeof name, "S%u", severity);
      qun_report_row(r, 9);
      qun_pack_cstr(&r->pack, rule->id);
      qun_pack_cstr(&r->pack, rule->law ? rule->law : qun__said(w, &rule->pack->law));
      qun_pack_cstr(&r->pack, rule->article);
      qun_pack_cstr(&r->pack, qun__said(w, &rule->title));
      qun_pack_cstr(&r->pack, name);
      qun_pack_int(&r->pack, all[i].open);
      qun_pack_cstr(&r->pack, all[i].reason);
      qun_pack_cstr(&r->pack, qun__said(w, &rule->remedy));
      qun_pack_cstr(&r->pack, rule->deadline ? rule->deadline : "");
    }
  }
  qun_report_list_end(r);
}

static int view_overview(struct qun_work *w, struct qun_report *r, struct tally *t) {
  const struct qun_stats *s = w->stats;
  int64_t by_status[3] = {0}, members = s->at[ST_MEMBERS], joins = s->at[ST_JOINS];
  struct qun_verdict_of *all = calloc(w->in->book->rules.count + 1, sizeof *all);
  int error = all ? tally_all(t) : QUN_EFAIL;
  if (error == 0) error = judge_all(w, all, by_status);
  if (error < 0) {
    free(all);
    return error;
  }
  qun_report_figures(r, "rules", "section.rules");
  figure(r, "rules", "int", by_status[0] + by_status[1] + by_status[2], "none");
  figure(r, "satisfied", "int", by_status[QUN_SATISFIED], "none");
  figure(r, "not_satisfied", "int", by_status[QUN_NOT_SATISFIED], good_if(by_status[QUN_NOT_SATISFIED] == 0));
  figure(r, "not_applicable", "int", by_status[QUN_NOT_APPLICABLE], "none");
  qun_report_list_end(r);
  qun_report_figures(r, "findings", "section.findings");
  figure(r, "open_s1", "int", t->by_severity[0], good_if(t->by_severity[0] == 0));
  figure(r, "open_s2", "int", t->by_severity[1], t->by_severity[1] ? "warn" : "good");
  figure(r, "open_s3", "int", t->by_severity[2], "none");
  figure(r, "open_s4", "int", t->by_severity[3], "none");
  figure(r, "facts", "int", t->facts, good_if(t->facts == 0));
  figure(r, "dismissed", "int", t->dismissed, "none");
  figure(r, "resolved", "int", t->resolved, "none");
  qun_report_list_end(r);
  qun_report_figures(r, "community", "section.community");
  figure(r, "texts", "int", s->at[ST_TEXTS], "none");
  figure(r, "advertisements", "int", s->at[ST_ADS], "none");
  figure(r, "members", "int", members, "none");
  figure(r, "complaints", "int", s->at[ST_COMPLAINTS], "none");
  ratio(r, "complaint_rate", s->at[ST_COMPLAINTS], members, w->bound->complaint_ppm, false);
  ratio(r, "consent_rate", s->at[ST_JOINS_CONSENTED], joins, w->bound->consent_ppm, true);
  qun_report_list_end(r);
  status_chart(r, by_status);
  month_chart(r, t);
  act_table(w, r, all);
  free(all);
  return 0;
}

static int view_rules(struct qun_work *w, struct qun_report *r, struct tally *t) {
  static const char *const labels[] = {"status.satisfied", "status.not_satisfied", "status.not_applicable"};
  static const struct {
    const char *id, *kind;
  } columns[] = {{"rule", "str"},    {"law", "str"},  {"article", "str"}, {"title", "str"},  {"severity", "str"},
                 {"status", "text"}, {"open", "int"}, {"reason", "str"},  {"remedy", "str"}, {"deadline", "str"}};
  const struct qun_rulebook *b = w->in->book;
  (void)t;
  qun_report_table(r, "rules", "section.rules");
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) column(r, columns[i].id, columns[i].kind);
  qun_report_rows(r);
  for (uint32_t i = 0; i < b->rules.count; i++) {
    const struct qun_rule *rule = &b->rules.at[i];
    struct qun_verdict_of v;
    char severity[8];
    if (!w->bound->rules[i]) continue;
    int error = qun__audit_rule(w, rule, &v);
    if (error < 0) return error;
    snprintf(severity, sizeof severity, "S%u", (unsigned)rule->severity);
    qun_report_row(r, 10);
    qun_pack_cstr(&r->pack, rule->id);
    qun_pack_cstr(&r->pack, rule->law ? rule->law : qun__said(w, &rule->pack->law));
    qun_pack_cstr(&r->pack, rule->article);
    qun_pack_cstr(&r->pack, qun__said(w, &rule->title));
    qun_pack_cstr(&r->pack, severity);
    qun_report_text(&r->pack, labels[v.status]);
    qun_pack_int(&r->pack, v.open);
    qun_pack_cstr(&r->pack, v.reason);
    qun_pack_cstr(&r->pack, qun__said(w, &rule->remedy));
    qun_pack_cstr(&r->pack, rule->deadline ? rule->deadline : "");
  }
  qun_report_list_end(r);
  return 0;
}

static int view_findings(struct qun_work *w, struct qun_report *r, struct tally *t) {
  static const struct {
    const char *id, *kind;
  } columns[] = {{"finding", "str"}, {"rule", "str"}, {"title", "str"}, {"severity", "str"}, {"certainty", "text"},
                 {"state", "text"},  {"day", "day"},  {"group", "str"}, {"note", "str"}};
  (void)w;
  qun_report_table(r, "findings", "section.findings");
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) column(r, columns[i].id, columns[i].kind);
  qun_report_rows(r);
  t->rows = r;
  int error = tally_all(t);
  qun_report_list_end(r);
  if (error < 0) return error;
  month_chart(r, t);
  return 0;
}

struct purpose {
  char name[64];
  int64_t live, separate, withdrawn, refused, expired;
};

struct purposes {
  struct qun_work *w;
  struct purpose at[PURPOSES];
  uint32_t count;
};

static struct purpose *purpose_of(struct purposes *all, qun_slice name) {
  char text[64];
  snprintf(text, sizeof text, "%.*s", (int)(name.len < 63 ? name.len : 63), name.len ? (const char *)name.ptr : "");
  for (uint32_t i = 0; i < all->count; i++)
    if (strcmp(all->at[i].name, text) == 0) return &all->at[i];
  if (all->count == PURPOSES) return NULL;
  memcpy(all->at[all->count].name, text, sizeof text);
  return &all->at[all->count++];
}

static int purpose_one(void *arg, qun_slice key, qun_slice value) {
  struct purposes *all = arg;
  struct qun_unpack u;
  uint32_t n;
  int64_t v[7];
  if (key.len < 10) return QUN_EFAIL;
  struct purpose *p = purpose_of(all, qun_slice_of((const char *)key.ptr + 10, (size_t)key.len - 10));
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &n)) return QUN_EFAIL;
  for (int i = 0; i < 7; i++)
    if (!qun_unpack_int(&u, &v[i])) return QUN_EFAIL;
  if (!p) return 0;
  bool given = v[0] > 0 && v[1] < v[0], expired = given && v[2] > 0 && v[2] <= all->w->ctx->clock_ms;
  p->live += given && !expired;
  p->separate += given && !expired && v[5];
  p->expired += expired;
  p->withdrawn += v[1] > 0 && v[1] >= v[0];
  p->refused += v[3] > v[0];
  return 0;
}

struct sends {
  int64_t all, with_consent;
};

static int send_one(void *arg, qun_slice key, qun_slice value) {
  struct sends *s = arg;
  struct qun_unpack u;
  uint32_t n;
  int64_t seq;
  (void)key;
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &n) || !qun_unpack_int(&u, &seq)) return QUN_EFAIL;
  s->all++;
  s->with_consent += seq > 0;
  return 0;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct purpose *)a)->name, ((const struct purpose *)b)->name);
}

static int view_consent(struct qun_work *w, struct qun_report *r, struct tally *t) {
  static const char *const columns[] = {"live", "separate", "withdrawn", "refused", "expired"};
  struct purposes all = {.w = w};
  struct sends sends = {0};
  (void)t;
  int error = qun__each(w, qun_str("c/"), purpose_one, &all);
  if (error == 0) error = qun__each(w, qun_str("l/"), send_one, &sends);
  if (error < 0) return error;
  qsort(all.at, all.count, sizeof *all.at, by_name);
  qun_report_figures(r, "sends", "section.sends");
  figure(r, "sends", "int", sends.all, "none");
  figure(r, "sends_with_consent", "int", sends.with_consent,
         sends.all ? good_if(sends.with_consent == sends.all) : "none");
  qun_report_list_end(r);
  qun_report_table(r, "purposes", "section.purposes");
  column(r, "purpose", "str");
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) column(r, columns[i], "int");
  qun_report_rows(r);
  for (uint32_t i = 0; i < all.count; i++) {
    const struct purpose *p = &all.at[i];
    const int64_t values[] = {p->live, p->separate, p->withdrawn, p->refused, p->expired};
    qun_report_row(r, 6);
    qun_pack_cstr(&r->pack, p->name);
    for (size_t k = 0; k < 5; k++) qun_pack_int(&r->pack, values[k]);
  }
  qun_report_list_end(r);
  qun_report_chart(r, "purposes_chart", "section.purposes", "bar", "column.purpose", "str", all.count);
  for (uint32_t i = 0; i < all.count; i++) qun_pack_cstr(&r->pack, all.at[i].name);
  qun_report_chart_series(r);
  qun_report_series(r, "live", "column.live", "int", all.count);
  for (uint32_t i = 0; i < all.count; i++) qun_pack_int(&r->pack, all.at[i].live);
  qun_report_series(r, "withdrawn", "column.withdrawn", "int", all.count);
  for (uint32_t i = 0; i < all.count; i++) qun_pack_int(&r->pack, all.at[i].withdrawn);
  qun_report_list_end(r);
  return 0;
}

static const struct {
  const char *name, *title;
  int (*write)(struct qun_work *w, struct qun_report *r, struct tally *t);
} views[] = {{"overview", "title.overview", view_overview},
             {"rules", "title.rules", view_rules},
             {"findings", "title.findings", view_findings},
             {"consent", "title.consent", view_consent}};

static void glossary(struct qun_report *r) {
  qun_report_glossary(r);
  qun_report_term(r, "complaint_rate", "figure.complaint_rate", "formula.complaint_rate", "A03");
  qun_report_term(r, "consent_rate", "figure.consent_rate", "formula.consent_rate", "A02");
  qun_report_term(r, "candidate", "certainty.candidate", "formula.candidate", "README");
  qun_report_term(r, "fact", "certainty.fact", "formula.fact", "README");
  qun_report_term(r, "not_applicable", "status.not_applicable", "formula.not_applicable", "README");
}

int qun__report(struct qun_work *w, const struct qun_request *q) {
  qun_slice name = qun_mp_str(q->params, "view");
  struct tally t = {.w = w,
                    .from = (int32_t)qun_mp_int(q->params, "from", INT32_MIN),
                    .to = (int32_t)qun_mp_int(q->params, "to", INT32_MAX)};
  struct qun_report r;
  size_t i = 0;
  if (name.len == 0) name = qun_str("overview");
  while (i < sizeof views / sizeof *views && !qun_slice_is(name, views[i].name)) i++;
  if (i == sizeof views / sizeof *views)
    return w->in->host->fail(w->in->host, QUN_EINVAL, qun_str("view: overview, rules, findings or consent is needed"));
  int32_t first = w->ctx->clock_day;
  int error = w->stats->at[ST_FIRST_MS] ? day_of(w, w->stats->at[ST_FIRST_MS], &first) : 0;
  if (error < 0) return error;
  t.first_month = month_of(first);
  t.last_month = month_of(t.to < w->ctx->clock_day ? t.to : w->ctx->clock_day);
  qun_report_begin(&r, "compliance", views[i].name, views[i].title, w->ctx->clock_ms,
                   t.from == INT32_MIN ? first : t.from, t.to == INT32_MAX ? w->ctx->clock_day : t.to);
  error = views[i].write(w, &r, &t);
  glossary(&r);
  qun_slice model = qun_report_end(&r);
  if (error == 0) error = model.len ? w->in->reply->reply(w->in->host, q->id, model) : QUN_EFAIL;
  qun_report_fini(&r);
  return error;
}
