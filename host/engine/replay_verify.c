/* SPDX-License-Identifier: Apache-2.0 */
/* Verify (DECISIONS 6): the log leads. Recorded derived records are fed where they stand; those that this strand's
   plugins are to derive must be derived there, with the same content. */
#include "host/engine/replay_internal.h"

#include <stdlib.h>

static bool mine(const struct qun__strand *s, const struct qun__replay_item *item) {
  return item->owner >= 0 && (s->mask & s->rt->here & (1u << item->owner));
}

/* Feeds the derived record at the strand's place as it was recorded. Its plugin lived at the time that it stated, which
   is another only while it went over its past. */
static int feed(struct qun__strand *s, struct qun_error *err) {
  const struct qun__replay_item *item = &s->items[s->at++];
  struct qun_apply *a = &s->apply;
  struct qun_record r = item->record;
  int64_t clock = a->clock_ms;
  if (item->timer) {
    if (r.clock_ms > clock) a->clock_ms = r.clock_ms;
    return qun__apply_append(a, &r, item->hearers, err);
  }
  a->clock_ms = r.flags & QUN_RECORD_LAGGED ? r.clock_ms : r.time_ms;
  uint32_t emits = a->emits.count;
  int rc = qun__apply_append(a, &r, item->hearers, err);
  qun_overlay_step(a->batch.view.overlay);
  if (rc == 0) rc = qun__apply_host(a, &r, err);
  a->catch_up |= ~s->mask;
  if (rc == 0) rc = qun__apply_project(a, &r, item->hearers, item->open, qun__apply_mask(a), err);
  if (rc == 0) rc = qun__apply_follow(a, emits, err);
  a->clock_ms = clock;
  return rc;
}

/* What an isolated plugin derives stands behind its cause, in the order in which it was derived. */
int qun__strand_apart(void *arg, struct qun_record *record, const struct qun_emitted *emitted) {
  struct qun__strand *s = arg;
  if (!emitted) record->seq = (1ull << QUN_LAG_TIMER_BIT) + ++s->apart.timers;
  if (s->apart.first == s->apart.count) {
    s->apart.first = s->apart.count = 0;
    qun_arena_clear(&s->apart.arena);
  }
  if (s->apart.count == s->apart.cap) {
    uint32_t cap = s->apart.cap ? s->apart.cap * 2 : 64;
    struct qun_record *items = realloc(s->apart.items, cap * sizeof *items);
    if (!items) return QUN_EFAIL;
    s->apart.items = items;
    s->apart.cap = cap;
  }
  struct qun_record *r = &s->apart.items[s->apart.count++];
  *r = *record;
  r->type = qun_arena_copy(&s->apart.arena, record->type);
  r->subject = qun_arena_copy(&s->apart.arena, record->subject);
  r->group = qun_arena_copy(&s->apart.arena, record->group);
  r->channel = qun_arena_copy(&s->apart.arena, record->channel);
  r->lang = qun_arena_copy(&s->apart.arena, record->lang);
  r->data = qun_arena_copy(&s->apart.arena, record->data);
  return 0;
}

/* The log comes to it: it must be what is next. */
static int take_apart(struct qun__strand *s, struct qun_error *err) {
  const struct qun__replay_item *item = &s->items[s->at];
  bool any = s->apart.first < s->apart.count;
  const struct qun_record *r = any ? &s->apart.items[s->apart.first++] : NULL;
  if (!r || !qun__replay_same(item, r, r->data)) qun__strand_differs(s, item, r, r ? r->data : (qun_slice){NULL, 0});
  return feed(s, err);
}

/* A record that was derived then and not now. */
static int missing(struct qun__strand *s, struct qun_error *err) {
  qun__strand_differs(s, &s->items[s->at], NULL, s->items[s->at].open);
  return feed(s, err);
}

/* Stands before each derived record of this strand: the recorded one takes its place. What stands before it in the log
   is fed first. */
bool qun__strand_expect(void *arg, uint64_t next_seq, struct qun_record *record, qun_slice *open) {
  struct qun__strand *s = arg;
  uint32_t i = s->at;
  while (i < s->count && s->items[i].derived && !(mine(s, &s->items[i]) && qun__replay_is(&s->items[i], record))) i++;
  bool found = i < s->count && s->items[i].derived;
  while (found && s->at < i && s->rc == 0) s->rc = mine(s, &s->items[s->at]) ? missing(s, &s->err) : feed(s, &s->err);
  if (s->rc < 0) return false;
  if (!found || s->at != i) {
    record->seq = next_seq;
    qun__strand_differs(s, NULL, record, *open);
    return false;
  }
  const struct qun__replay_item *item = &s->items[s->at++];
  if (!qun__replay_same(item, record, *open)) qun__strand_differs(s, item, record, *open);
  *record = item->record;
  *open = item->open;
  return true;
}

/* A timer of this strand's fired here then: it must be the first that is due. */
static int take_timer(struct qun__strand *s, struct qun_error *err) {
  uint32_t at = s->at;
  bool fired;
  struct qun_apply *a = &s->apply;
  int rc = qun__apply_fire_one(a, s->items[at].record.clock_ms, qun__apply_mask(a), &fired, err);
  return rc == 0 && s->rc == 0 && s->at == at ? missing(s, err) : rc;
}

static int take_input(struct qun__strand *s, struct qun_error *err) {
  const struct qun__replay_item *item = &s->items[s->at];
  const struct qun_record *r = &item->record;
  int rc = qun__strand_breathe(s, err);
  struct qun_apply *a = &s->apply;
  /* whatever is due now fired too early or was not recorded: it finds no place here */
  if (rc == 0) rc = qun__apply_fire(a, r->clock_ms, qun__apply_mask(a), err);
  s->at++;
  s->inputs++;
  s->waiting++;
  if (rc < 0 || s->rc < 0) return rc;
  if (!item->host && !(item->hearers && item->hearers->plugins & s->mask)) { /* nobody here hears it */
    a->head.seq = r->seq;
    if (r->clock_ms > a->head.clock_ms) a->head.clock_ms = r->clock_ms;
    if (r->clock_ms > a->clock_ms) a->clock_ms = r->clock_ms;
    return 0;
  }
  struct qun_record copy = *r;
  rc = qun__apply_stage(a, &copy, item->hearers, item->open, err);
  return rc == 0 && s->rc == 0 && a->catch_up != ~s->mask ? qun__strand_past(s, err) : rc;
}

int qun__strand_verify(struct qun__strand *s, const struct qun__replay_chunk *c, struct qun_error *err) {
  s->items = c->items;
  s->count = c->count;
  s->at = 0;
  int rc = qun__strand_begin(s, err);
  while (s->at < s->count && rc == 0) {
    const struct qun__replay_item *item = &s->items[s->at];
    if (!item->derived)
      rc = take_input(s, err);
    else if (!mine(s, item))
      rc = feed(s, err);
    else if (s->options.apart)
      rc = qun_slice_is(item->record.type, "qun.skipped") ? feed(s, err) : take_apart(s, err);
    else
      rc = item->timer ? take_timer(s, err) : missing(s, err);
    if (rc == 0 && s->rc < 0) rc = qun_error_set(err, s->rc, "%s", s->err.message);
  }
  return rc;
}
