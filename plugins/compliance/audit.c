/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of one rule over the snapshot. In this order: a rule for a person's judgement or not yet in force is not
 * applicable; open findings on records of the time that the rule has been in force: not satisfied; the detector's own
 * view of the whole; no record that the rule looks at: not applicable; else satisfied. Nothing is sampled: handlers saw
 * every record.
 */
#include "detect_list.h"

#include <stdio.h>

static const char *const statuses[] = {"satisfied", "not_satisfied", "not_applicable"};

const char *qun__status_name(enum qun_status s) {
  return statuses[s];
}

/* ---- sentences. Arguments in both languages stand in one order. */
static void date_text(char *buf, size_t cap, int32_t day) {
  int y, m, d;
  qun__day_split(day, &y, &m, &d);
  snprintf(buf, cap, "%04d-%02d-%02d", y, m, d);
}

#define SAY(V, W, EN, ZH, ...)                                                                                         \
  do {                                                                                                                 \
    if (qun__chinese(W))                                                                                               \
      snprintf((V)->reason, sizeof(V)->reason, ZH, __VA_ARGS__);                                                       \
    else                                                                                                               \
      snprintf((V)->reason, sizeof(V)->reason, EN, __VA_ARGS__);                                                       \
  } while (0)

static void say_open(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v, int64_t facts) {
  (void)r;
  SAY(v, w, "%lld open findings: %lld facts, %lld candidates for a person to judge",
      "%lld 条未处理的发现：事实 %lld 条，待人工判断的疑似 %lld 条", (long long)v->open, (long long)facts,
      (long long)(v->open - facts));
}

static void say_satisfied(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  if (r->kind == QUN_RULE_TEXT)
    SAY(v, w, "%lld texts scanned; no open finding", "已扫描 %lld 条文本，无未处理的发现", (long long)v->population);
  else
    SAY(v, w, "%lld records checked; no open finding", "已检查 %lld 条记录，无未处理的发现", (long long)v->population);
}

static const char *subject_of(struct qun_work *w, const struct qun_rule *r) {
  bool zh = qun__chinese(w);
  if (r->kind == QUN_RULE_RECORD) return r->event ? r->event : "";
  if (r->gate.direct) return zh ? "发给个人的广告" : "advertisement sent to one person";
  if (r->gate.audience) return zh ? "面向未成年人群组的广告" : "advertisement in a group for minors";
  if (r->gate.category.count) return zh ? "该类别的广告" : "advertisement of this category";
  if (r->gate.is_ad) return zh ? "广告" : "advertisement";
  if (r->gate.kind.count) return zh ? "文章" : "article";
  if (r->gate.staff) return zh ? "运营人员发布的文本" : "text by staff";
  return zh ? "文本" : "text";
}

static void say_none(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  char date[16];
  date_text(date, sizeof date, r->since);
  if (v->population == 0) {
    SAY(v, w, "the log holds no such record: %s", "日志中没有此类记录：%s", subject_of(w, r));
  } else if (v->earlier > 0) {
    SAY(v, w, "no such record since the rule came into force on %s; %lld earlier ones would break it today",
        "规则自 %s 施行以来无此类记录；此前有 %lld 条按现行规则会违反", date, (long long)v->earlier);
  } else {
    SAY(v, w, "no such record since the rule came into force on %s: %s", "规则自 %s 施行以来无此类记录：%s", date,
        subject_of(w, r));
  }
}

/* ---- findings and population */

struct gather {
  struct qun_work *w;
  const struct qun_rule *r;
  struct qun_verdict_of *v;
  int64_t since_ms, facts;
};

static int gather_one(void *arg, qun_slice key, qun_slice value) {
  struct gather *g = arg;
  struct qun_finding f;
  int error = qun__finding_read(key, value, g->r, &f);
  if (error < 0) return error;
  if (f.state == QUN_DISMISSED)
    g->v->dismissed++;
  else if (f.state == QUN_RESOLVED)
    g->v->resolved++;
  else if (f.time_ms < g->since_ms)
    g->v->earlier++;
  else {
    uint32_t n = g->v->evidence_count;
    g->v->open++;
    g->facts += f.fact;
    if (n < QUN_EVIDENCE_MAX && (n == 0 || g->v->evidence[n - 1] != f.seq))
      g->v->evidence[g->v->evidence_count++] = f.seq;
  }
  return 0;
}

static void text_population(const struct qun_stats *s, const struct qun_rule *r, struct qun_verdict_of *v) {
  int count = ST_TEXTS, last = ST_LAST_TEXT;
  if (r->gate.category.count) {
    for (uint32_t i = 0; i < r->gate.category.count; i++) {
      int c = qun__category(qun_str(r->gate.category.at[i]));
      v->population += s->at[ST_CATEGORY + c];
      if (s->at[ST_CATEGORY_LAST + c] > v->last_ms) v->last_ms = s->at[ST_CATEGORY_LAST + c];
    }
    return;
  }
  if (r->gate.direct)
    count = ST_DIRECT_ADS, last = ST_LAST_DIRECT_AD;
  else if (r->gate.audience)
    count = ST_MINOR_ADS, last = ST_LAST_MINOR_AD;
  else if (r->gate.is_ad)
    count = ST_ADS, last = ST_LAST_AD;
  else if (r->gate.kind.count)
    count = ST_ARTICLES, last = ST_LAST_ARTICLE;
  else if (r->gate.staff)
    count = ST_STAFF, last = ST_LAST_STAFF;
  v->population = s->at[count];
  v->last_ms = s->at[last];
}

static int population(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  struct qun_key k;
  int64_t p[2];
  if (r->kind == QUN_RULE_TEXT) {
    text_population(w->stats, r, v);
    return 0;
  }
  qun__key_begin(&k, "p/");
  qun__key_text(&k, qun_str(r->id));
  int error = qun__get_ints(w, &k, p, 2);
  v->population = p[0];
  v->last_ms = p[1];
  return error < 0 ? error : 0;
}

int qun__audit_rule(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  struct gather g = {.w = w, .r = r, .v = v};
  struct qun_key prefix;
  memset(v, 0, sizeof *v);
  v->status = QUN_NOT_APPLICABLE;
  if (r->kind == QUN_RULE_MANUAL) {
    snprintf(v->reason, sizeof v->reason, "%s", qun__said(w, &r->reason));
    return 0;
  }
  int error = w->in->calendar->from_local(w->in->host, w->ctx->tenant, r->since, 0, &g.since_ms);
  if (error < 0) return error;
  qun__finding_prefix(r, &prefix);
  error = qun__each(w, qun__key_slice(&prefix), gather_one, &g);
  if (error == 0) error = population(w, r, v);
  if (error < 0) return error;
  if (v->open > 0) {
    v->status = QUN_NOT_SATISFIED;
    say_open(w, r, v, g.facts);
    return 0;
  }
  if (w->ctx->clock_day < r->since) {
    say_none(w, r, v);
    return 0;
  }
  if (r->detector->audit) return r->detector->audit(w, r, v);
  if (v->population == 0 || v->last_ms < g.since_ms) {
    say_none(w, r, v);
    return 0;
  }
  v->status = QUN_SATISFIED;
  say_satisfied(w, r, v);
  return 0;
}

/* ---- detectors that look at the whole */

static int64_t age_days(const struct qun_work *w, int64_t from_ms) {
  return from_ms > 0 && w->ctx->clock_ms > from_ms ? (w->ctx->clock_ms - from_ms) / QUN_DAY_MS : 0;
}

/* A record of the event (and subject) within the last `days`, or at all. */
int qun__audit_present(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  struct qun_key k;
  int64_t last[3];
  const char *subject =
      r->where.count && strcmp(r->where.at[0].field, "subject") == 0 ? r->where.at[0].values.at[0] : "";
  if (w->stats->at[ST_EVENTS] == 0 || (r->minors && w->stats->at[ST_MINORS] == 0) ||
      w->stats->at[ST_MEMBERS] < r->min) {
    SAY(v, w, "not asked for here: %lld members, %lld known minors", "此处不适用：成员 %lld 人，已知未成年人 %lld 人",
        (long long)w->stats->at[ST_MEMBERS], (long long)w->stats->at[ST_MINORS]);
    return 0;
  }
  qun__key_begin(&k, "r/");
  qun__key_text(&k, qun_str(r->event));
  if (*subject) {
    qun__key_text(&k, qun_str("/"));
    qun__key_text(&k, qun_str(subject));
  }
  int error = qun__get_ints(w, &k, last, 3);
  if (error < 0) return error;
  v->population = last[2];
  int64_t age = age_days(w, last[0]), here = age_days(w, w->stats->at[ST_FIRST_MS]);
  if (last[2] > 0) v->evidence[v->evidence_count++] = (uint64_t)last[1];
  if (last[2] > 0 && (r->days == 0 || age <= r->days)) {
    v->status = QUN_SATISFIED;
    SAY(v, w, "there is a record of %s %s, %lld days old", "有 %s %s 记录，距今 %lld 天", r->event, subject,
        (long long)age);
  } else if (last[2] > 0) {
    v->status = QUN_NOT_SATISFIED;
    SAY(v, w, "the last record of %s %s is %lld days old; %lld days are allowed",
        "最近的 %s %s 记录距今 %lld 天，上限 %lld 天", r->event, subject, (long long)age, (long long)r->days);
  } else if (r->days > 0 && here <= r->days) {
    SAY(v, w, "no record of %s %s yet; the first is due within %lld days of the start",
        "尚无 %s %s 记录；应在开始后 %lld 天内完成首次", r->event, subject, (long long)r->days);
  } else {
    v->status = QUN_NOT_SATISFIED;
    SAY(v, w, "the log holds no record of %s %s", "日志中没有 %s %s 记录", r->event, subject);
  }
  return 0;
}

static int judge_rate(struct qun_work *w, struct qun_verdict_of *v, int64_t part, int64_t whole, int64_t limit,
                      bool at_least) {
  if (whole <= 0) {
    SAY(v, w, "nothing to divide by: %lld", "无可计算的基数：%lld", (long long)whole);
    return 0;
  }
  int64_t ppm = part * 1000000 / whole;
  bool ok = at_least ? ppm >= limit : ppm < limit;
  v->population = whole;
  v->status = ok ? QUN_SATISFIED : QUN_NOT_SATISFIED;
  SAY(v, w, "%lld of %lld are %lld ppm; the limit is %lld ppm", "%lld / %lld，即百万分之 %lld；限值为百万分之 %lld",
      (long long)part, (long long)whole, (long long)ppm, (long long)limit);
  return 0;
}

int qun__audit_complaints(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  struct qun_key k;
  int64_t last[3];
  (void)r;
  qun__key_begin(&k, "r/complaint");
  int error = qun__get_ints(w, &k, last, 3);
  if (error < 0) return error;
  if (last[2] > 0) v->evidence[v->evidence_count++] = (uint64_t)last[1];
  return judge_rate(w, v, w->stats->at[ST_COMPLAINTS], w->stats->at[ST_MEMBERS], w->bound->complaint_ppm, false);
}

int qun__audit_joins(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  (void)r;
  return judge_rate(w, v, w->stats->at[ST_JOINS_CONSENTED], w->stats->at[ST_JOINS], w->bound->consent_ppm, true);
}

/* A period is set for the class, and the oldest text is within it. */
int qun__audit_retention(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  struct qun_key k;
  int64_t t[3], age = age_days(w, w->stats->at[ST_FIRST_TEXT]);
  if (w->stats->at[ST_TEXTS] == 0) {
    say_none(w, r, v);
    return 0;
  }
  qun__key_begin(&k, "t/");
  qun__key_text(&k, qun_str(r->class_));
  int found = qun__get_ints(w, &k, t, 3);
  if (found < 0) return found;
  v->population = w->stats->at[ST_TEXTS];
  v->status = QUN_NOT_SATISFIED;
  if (found == 0 || t[0] == 0) {
    SAY(v, w, "no retention period is set for %s; the oldest text is %lld days old",
        "未设定 %s 的保存期限；最早的文本距今 %lld 天", r->class_, (long long)age);
    return 0;
  }
  v->evidence[v->evidence_count++] = (uint64_t)t[2];
  if (age <= t[0]) v->status = QUN_SATISFIED;
  SAY(v, w, "the period for %s is %lld days; the oldest text is %lld days old",
      "%s 的保存期限为 %lld 天；最早的文本距今 %lld 天", r->class_, (long long)t[0], (long long)age);
  return 0;
}

/* The log keeps everything; only a shorter period that was set could cut it. */
int qun__audit_floor(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  if (w->stats->at[ST_EVENTS] == 0) {
    say_none(w, r, v);
    return 0;
  }
  v->status = QUN_SATISFIED;
  SAY(v, w, "the log is unbroken since its first record, %lld days ago; no period under %lld days is set",
      "日志自首条记录起完整，距今 %lld 天；未设定少于 %lld 天的期限", (long long)age_days(w, w->stats->at[ST_FIRST_MS]),
      (long long)r->min);
  return 0;
}

int qun__audit_officer(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v) {
  struct qun_key k;
  struct qun_unpack u;
  qun_slice row, skip;
  uint32_t n;
  int64_t seq = 0, officer = 0, members = w->stats->at[ST_MEMBERS];
  if (members < r->min) {
    SAY(v, w, "%lld members; asked for from %lld", "成员 %lld 人；达到 %lld 人时适用", (long long)members,
        (long long)r->min);
    return 0;
  }
  qun__key_begin(&k, "N/general");
  int found = qun__get(w, &k, &row);
  if (found < 0) return found;
  qun_unpack_init(&u, found ? row : qun_slice_of("\x90", 1));
  if (found && (!qun_unpack_array(&u, &n) || !qun_unpack_any(&u, &skip) || !qun_unpack_int(&u, &seq) ||
                !qun_unpack_any(&u, &skip) || !qun_unpack_any(&u, &skip) || !qun_unpack_int(&u, &officer)))
    return QUN_EFAIL;
  v->population = members;
  v->status = officer ? QUN_SATISFIED : QUN_NOT_SATISFIED;
  if (seq) v->evidence[v->evidence_count++] = (uint64_t)seq;
  SAY(v, w, "%lld members; the notice in force names an officer: %s", "成员 %lld 人；现行告知列明负责人：%s",
      (long long)members, officer ? "✓" : "✗");
  return 0;
}
