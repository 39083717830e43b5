/* SPDX-License-Identifier: Apache-2.0 */
#include "month.h"

#include "agreement.h"
#include "bridge.h"
#include "code.h"
#include "partner.h"

#include <stdio.h>
#include <stdlib.h>

static const struct cross_key *due_key(struct cross_key *k) {
  *k = cross_key_of('D');
  return k;
}

static int set_timer(const struct cross_call *c) {
  struct cross_key key;
  struct qun_pack p;
  int64_t due;
  int32_t next = qun_month_first(qun_month_of(c->ctx->clock_day) + 1);
  int rc = c->g->calendar->from_local(c->g->host, c->ctx->tenant, next, 0, &due);
  if (rc >= 0)
    rc = c->g->timer->set(c->g->host, c->ctx->tenant, qun_str(CROSS_TIMER_MONTH), due, qun_slice_of(NULL, 0));
  if (rc < 0) return rc;
  qun_pack_init(&p);
  qun_pack_int(&p, due);
  return cross_put(c, due_key(&key), &p, 0);
}

int cross_month_arm(const struct cross_call *c) {
  struct cross_key key;
  qun_slice row;
  int rc = cross_get(c, due_key(&key), &row);
  return rc == QUN_ENOTFOUND ? set_timer(c) : rc;
}

/* ---------------------------------------------------------------- counts to the partners */

/* Partners with an open agreement, each once. */
struct partners {
  const struct cross_call *c;
  int64_t from_ms, to_ms; /* accepted before to, not over before from */
  struct cross_standing *at;
  int64_t *since;
  uint32_t count, cap;
};

static void partners_fini(struct partners *p) {
  free(p->at);
  free(p->since);
}

static int grow(struct partners *p) {
  uint32_t cap = p->cap ? 2 * p->cap : 16;
  struct cross_standing *at = realloc(p->at, cap * sizeof *at);
  int64_t *since;
  if (at) p->at = at;
  since = at ? realloc(p->since, cap * sizeof *since) : NULL;
  if (since) p->since = since;
  if (!at || !since) return cross_fail(p->c, QUN_EFAIL, "crosspromo: out of memory for the partners");
  p->cap = cap;
  return QUN_OK;
}

static int keep_partner(void *arg, qun_slice key, qun_slice row) {
  struct partners *p = arg;
  struct cross_agreement a;
  uint32_t i = 0;
  int rc;
  cross_agreement_decode(&a, cross_key_first(key), row);
  if (a.accepted_ms == 0 || a.accepted_ms >= p->to_ms || (a.ended_ms != 0 && a.ended_ms < p->from_ms) ||
      (a.has_to && a.to_ms < p->from_ms))
    return QUN_OK;
  while (i < p->count && strcmp(p->at[i].partner.at, a.partner.at) != 0) i++;
  if (i == p->count) {
    rc = p->count == p->cap ? grow(p) : QUN_OK;
    if (rc < 0) return rc;
    p->at[p->count] = (struct cross_standing){.partner = a.partner};
    p->since[p->count++] = a.accepted_ms;
  } else if (a.accepted_ms < p->since[i]) {
    p->since[i] = a.accepted_ms;
  }
  return QUN_OK;
}

static int find_partners(struct partners *p) {
  struct cross_key prefix = cross_key_of('A');
  return cross_scan(p->c, &prefix, keep_partner, p);
}

static int send_counts(const struct cross_call *c, qun_slice partner, int32_t month) {
  struct cross_agreement a;
  struct cross_sums s;
  struct qun_pack body;
  char name[16];
  int rc = cross_agreement_with(c, partner, CROSS_COUNT, c->ctx->clock_ms, &a);
  if (rc < 0) return rc == QUN_ENOTFOUND ? QUN_OK : rc;
  rc = cross_code_partner_sum(c, partner, true, month, month + 1, &s);
  if (rc < 0 || s.clicks + s.joins + s.purchases == 0) return rc;
  (void)snprintf(name, sizeof name, "%d", month);
  cross_bridge_begin(&body, &a, "count", a.share > 0 ? 6 : 5);
  qun_pack_kv_cstr(&body, "what", "counts");
  qun_pack_kv_int(&body, "month", month);
  qun_pack_kv_int(&body, "clicks", s.clicks);
  qun_pack_kv_int(&body, "joins", s.joins);
  qun_pack_kv_int(&body, "purchases", s.purchases);
  if (a.share > 0)
    qun_pack_kv_int(&body, "spend", s.spend); /* revenue is the partner's business only when it is shared */
  return cross_bridge_send(c, &a, "counts", qun_str(name), &body);
}

/* ---------------------------------------------------------------- evaluation */

static int better_first(const void *left, const void *right) {
  const struct cross_standing *a = left, *b = right;
  if (a->young != b->young) return a->young ? 1 : -1;
  if (a->points != b->points) return a->points > b->points ? -1 : 1;
  return strcmp(a->partner.at, b->partner.at);
}

void cross_rank(struct cross_standing *all, uint32_t count, int64_t share, uint32_t *judged) {
  uint32_t n = 0, retire;
  if (count > 0) qsort(all, count, sizeof *all, better_first);
  while (n < count && !all[n].young) n++;
  retire = (uint32_t)((int64_t)n * share / 1000000);
  for (uint32_t i = 0; i < count; i++) {
    all[i].rank = i < n ? i + 1 : 0;
    all[i].advice = i >= n ? "evaluate" : (i >= n - retire ? "retire" : "go_on");
  }
  *judged = n;
}

static int record(const struct cross_call *c, const struct cross_standing *s, int64_t quarter, uint32_t of) {
  struct cross_partner p;
  struct qun_pack data;
  int rc = cross_partner_get(c, cross_text_slice(&s->partner), &p, NULL);
  if (rc < 0) return rc;
  cross_text_set(&p.advice, qun_str(s->advice));
  p.quarter = quarter;
  p.points = s->points;
  p.rank = s->rank;
  p.of = of;
  rc = cross_partner_save(c, &p);
  if (rc < 0) return rc;
  qun_pack_init(&data);
  qun_pack_map(&data, 7);
  qun_pack_kv_cstr(&data, "partner", s->partner.at);
  qun_pack_kv_cstr(&data, "advice", s->advice);
  qun_pack_kv_cstr(&data, "rule", "X10");
  qun_pack_kv_int(&data, "quarter", quarter);
  qun_pack_kv_int(&data, "points", s->points);
  qun_pack_kv_int(&data, "rank", s->rank);
  qun_pack_kv_int(&data, "of", of);
  return cross_emit(c, "crosspromo.advice", cross_text_slice(&s->partner), &data);
}

/* Judges the three months before `end`. */
static int evaluate(const struct cross_call *c, int32_t end) {
  const struct cross_settings *s = &c->t->settings;
  struct partners p = {.c = c, .to_ms = c->ctx->clock_ms};
  uint32_t judged = 0;
  int rc = c->g->calendar->from_local(c->g->host, c->ctx->tenant, qun_month_first(end - 3), 0, &p.from_ms);
  if (rc >= 0) rc = find_partners(&p);
  for (uint32_t i = 0; rc >= 0 && i < p.count; i++) {
    struct cross_sums sums;
    p.at[i].young = c->ctx->clock_ms - p.since[i] < s->evaluate_days * 86400000;
    rc = cross_code_partner_sum(c, cross_text_slice(&p.at[i].partner), true, end - 3, end, &sums);
    if (rc >= 0) p.at[i].points = cross_points(s, &sums);
  }
  if (rc >= 0) cross_rank(p.at, p.count, s->retire_share, &judged);
  for (uint32_t i = 0; rc >= 0 && i < p.count; i++) rc = record(c, &p.at[i], end / 3 - 1, judged);
  partners_fini(&p);
  return rc;
}

int cross_month_run(const struct cross_call *c) {
  int32_t month = qun_month_of(c->ctx->clock_day);
  struct partners p = {.c = c, .to_ms = c->ctx->clock_ms};
  struct cross_key key;
  bool any = false;
  int rc = c->g->calendar->from_local(c->g->host, c->ctx->tenant, qun_month_first(month - 1), 0, &p.from_ms);
  if (rc >= 0) rc = find_partners(&p);
  for (uint32_t i = 0; rc >= 0 && i < p.count; i++) rc = send_counts(c, cross_text_slice(&p.at[i].partner), month - 1);
  partners_fini(&p);
  if (rc >= 0 && month % 3 == 0) rc = evaluate(c, month);
  if (rc >= 0) rc = cross_agreement_any(c, c->ctx->clock_ms, &any);
  if (rc < 0) return rc;
  return any ? set_timer(c) : cross_del(c, due_key(&key));
}
