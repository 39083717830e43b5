/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks of cases: requests, complaints, incidents, content that must go. A case k/RULE/CASE is an array: opened_ms,
 * due_ms, seq, member, uncertain (year without a holiday table, or 0). q/DUE RULE/CASE is the queue of deadlines; one
 * timer, "due", stands at its head.
 *
 * Working days: the deadline is the end of the nth working day after the tenant-local day of the opening. Without a
 * table for a year that it touches the deadline is n calendar days, which is never later, and a lapse is a candidate
 * that says which table is missing.
 */
#include "core.h"

#include <stdio.h>

static void case_key(struct qun_key *k, const struct qun_rule *r, qun_slice id) {
  qun__key_begin(k, "k/");
  qun__key_text(k, qun_str(r->id));
  qun__key_text(k, qun_str("/"));
  qun__key_text(k, id);
}

/* The queue's row names the case by its key, so that a long id needs no second place. */
static void queue_key(struct qun_key *k, int64_t due, const struct qun_key *of) {
  qun__key_begin(k, "q/");
  qun__key_u64(k, (uint64_t)due);
  memcpy(k->at + k->len, of->at + 2, of->len - 2);
  k->len += of->len - 2;
}

/* Moves the timer to the head of the queue. */
static int set_timer(struct qun_work *w) {
  struct qun_pair pair;
  uint32_t n = 0;
  int error = w->in->store->scan(w->in->host, w->ctx->tenant, qun_str("q/"), qun_slice_of(NULL, 0), &pair, 1, &n);
  if (error < 0) return error;
  if (n == 0) return w->in->timer->cancel(w->in->host, w->ctx->tenant, qun_str("due"));
  int64_t due = (int64_t)qun__get_be((const unsigned char *)pair.key.ptr + 2, 8);
  return w->in->timer->set(w->in->host, w->ctx->tenant, qun_str("due"), due, qun_slice_of(NULL, 0));
}

static int due_of(struct qun_work *w, const struct qun_rule *r, int64_t from_ms, int64_t *due, int *missing) {
  int32_t day, minute, last = 0;
  *missing = 0;
  if (r->hours > 0) {
    *due = from_ms + r->hours * QUN_HOUR_MS;
    return 0;
  }
  int error = w->in->calendar->to_local(w->in->host, w->ctx->tenant, from_ms, &day, &minute);
  if (error < 0) return error;
  if (r->working_days > 0) {
    if (qun__holidays_add(&w->in->book->holidays, day, r->working_days, &last, missing) < 0)
      last = day + (int32_t)r->working_days;
  } else {
    last = r->months > 0 ? qun__day_add_months(day, (int)r->months) : day + (int32_t)r->days;
  }
  return w->in->calendar->from_local(w->in->host, w->ctx->tenant, last + 1, 0, due);
}

int qun__clock_open(struct qun_work *w, const struct qun_rule *r, qun_slice id, int64_t from_ms) {
  struct qun_key k, q;
  int64_t v[5];
  int missing;
  case_key(&k, r, id);
  int error = qun__get_ints(w, &k, v, 5);
  if (error != 0) return error < 0 ? error : 0;
  v[0] = from_ms;
  v[2] = (int64_t)w->event->seq;
  v[3] = (int64_t)w->member;
  error = due_of(w, r, from_ms, &v[1], &missing);
  if (error < 0) return error;
  v[4] = missing;
  queue_key(&q, v[1], &k);
  error = qun__put_ints(w, &k, v, 5, w->member);
  if (error == 0) error = qun__put_ints(w, &q, v, 1, w->member);
  return error < 0 ? error : set_timer(w);
}

int qun__clock_close(struct qun_work *w, const struct qun_rule *r, qun_slice id) {
  struct qun_key k, q;
  int64_t v[5];
  case_key(&k, r, id);
  int found = qun__get_ints(w, &k, v, 5);
  if (found <= 0) return found;
  queue_key(&q, v[1], &k);
  int error = qun__del(w, &q);
  if (error == 0) error = qun__del(w, &k);
  /* an answer dated after the deadline, when the timer has not fired because both came in one import */
  if (error == 0 && w->event->time_ms >= v[1])
    error = qun__finding_add(w, r, v[4] == 0, (uint64_t)v[2], 0, 0, "answered late");
  return error < 0 ? error : set_timer(w);
}

static int emit_alert(struct qun_work *w, const struct qun_rule *r, const int64_t *v, qun_slice id) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 6);
  qun_pack_kv_cstr(&p, "rule", r->id);
  qun_pack_kv_str(&p, "case", id);
  qun_pack_kv_int(&p, "opened", v[0]);
  qun_pack_kv_int(&p, "due", v[1]);
  qun_pack_kv_int(&p, "evidence", v[2]);
  qun_pack_kv_int(&p, "severity", r->severity);
  struct qun_emit e = {.struct_size = sizeof e,
                       .member = (uint64_t)v[3],
                       .type = qun_str("compliance.alert"),
                       .subject = qun_str(r->id),
                       .data = qun_pack_slice(&p)};
  int error = p.failed ? QUN_EFAIL : w->in->events->emit(w->in->host, w->ctx->tenant, &e);
  qun_pack_fini(&p);
  return error;
}

/* One lapsed deadline. The case stays open, without a place in the queue, until it is answered. */
static int lapse(struct qun_work *w, qun_slice queue_row) {
  const char *rest = (const char *)queue_row.ptr + 10;
  size_t len = (size_t)queue_row.len - 10;
  const char *slash = memchr(rest, '/', len);
  struct qun_key q, k;
  int64_t v[5];
  char note[60] = "not answered in time";
  memcpy(q.at, queue_row.ptr, (size_t)queue_row.len);
  q.len = (size_t)queue_row.len;
  int error = qun__del(w, &q);
  if (error < 0 || !slash) return error;
  const struct qun_rule *r = qun__rulebook_find(w->in->book, qun_slice_of(rest, (size_t)(slash - rest)));
  qun__key_begin(&k, "k/");
  memcpy(k.at + 2, q.at + 10, q.len - 10);
  k.len = q.len - 8;
  int found = qun__get_ints(w, &k, v, 5);
  if (found <= 0 || !r || r->index >= w->bound->count || !w->bound->rules[r->index]) return found < 0 ? found : 0;
  if (v[4]) snprintf(note, sizeof note, "no holiday table for year %d", (int)v[4]);
  w->member = (uint64_t)v[3];
  error = qun__finding_add(w, r, v[4] == 0, (uint64_t)v[2], 0, 0, note);
  return error < 0 ? error : emit_alert(w, r, v, qun_slice_of(slash + 1, len - (size_t)(slash + 1 - rest)));
}

int qun__clock_timer(struct qun_work *w) {
  for (;;) {
    struct qun_pair pair;
    uint32_t n = 0;
    int error = w->in->store->scan(w->in->host, w->ctx->tenant, qun_str("q/"), qun_slice_of(NULL, 0), &pair, 1, &n);
    if (error < 0) return error;
    if (n == 0 || (int64_t)qun__get_be((const unsigned char *)pair.key.ptr + 2, 8) > w->ctx->clock_ms)
      return set_timer(w);
    error = lapse(w, pair.key);
    if (error < 0) return error;
  }
}

int qun__clock_apply(struct qun_work *w) {
  const struct qun_rulebook *b = w->in->book;
  const struct qun_route *route = qun__rulebook_route(b, w->event->type);
  for (uint32_t i = 0; i < route->close_count; i++) {
    const struct qun_rule *r = &b->rules.at[route->closes[i]];
    if (!w->bound->rules[r->index]) continue;
    if (!qun__matches(w, &r->close_where) || w->event->subject.len == 0) continue;
    int error = qun__clock_close(w, r, w->event->subject);
    if (error < 0) return error;
  }
  return 0;
}
