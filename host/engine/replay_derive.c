/* SPDX-License-Identifier: Apache-2.0 */
/* Rebuild and what-if (DECISIONS 6): recorded derived records are dropped and derived again. What is derived as before
   (same cause, plugin and ordinal) keeps its number, so that rows named after numbers stay comparable; what the log
   does not have is numbered behind the log's end. */
#include "host/engine/replay_internal.h"

#include <stdlib.h>

bool qun__strand_number(void *arg, uint64_t next_seq, struct qun_record *record, qun_slice *open) {
  struct qun__strand *s = arg;
  uint32_t i = s->at;
  (void)next_seq;
  if (!qun_slice_is(record->type, "qun.timer"))
    qun__strand_count(s, qun__replay_owner(s->replay, record), record->type, true);
  while (i < s->count && s->items[i].derived && (s->used[i] || !qun__replay_is(&s->items[i], record))) i++;
  if (i == s->count || !s->items[i].derived) {
    record->seq = ++s->extra_seq;
    qun__strand_differs(s, NULL, record, *open);
    return true;
  }
  const struct qun__replay_item *item = &s->items[i];
  s->used[i] = 1;
  record->seq = item->record.seq;
  if (record->seq > s->place) s->place = record->seq;
  if (!qun__replay_same(item, record, *open)) qun__strand_differs(s, item, record, *open);
  return true;
}

/* What was derived up to `end` and is not any more. */
static void close_window(struct qun__strand *s, uint32_t end) {
  for (; s->at < end; s->at++) {
    const struct qun__replay_item *item = &s->items[s->at];
    if (!s->used[s->at]) qun__strand_differs(s, item, NULL, item->open);
  }
}

static int take_input(struct qun__strand *s, uint32_t i, struct qun_error *err) {
  const struct qun__replay_item *item = &s->items[i];
  struct qun_apply *a = &s->apply;
  struct qun_record r = item->record;
  int rc = qun__strand_breathe(s, err);
  if (rc == 0) rc = qun__apply_fire(a, r.clock_ms, qun__apply_mask(a), err);
  if (rc < 0) return rc;
  close_window(s, i);
  s->at = i + 1;
  s->place = r.seq;
  s->inputs++;
  s->waiting++;
  rc = qun__apply_stage(a, &r, item->hearers, item->open, err);
  a->head.seq = s->place;
  return rc == 0 && a->catch_up != ~s->mask ? qun__strand_past(s, err) : rc;
}

int qun__strand_derive(struct qun__strand *s, const struct qun__replay_chunk *c, struct qun_error *err) {
  if (c->count > s->used_cap) {
    unsigned char *used = realloc(s->used, c->count);
    if (!used) return qun_error_set(err, QUN_EFAIL, "out of memory for a replay");
    s->used = used;
    s->used_cap = c->count;
  }
  if (c->count) memset(s->used, 0, c->count);
  s->items = c->items;
  s->count = c->count;
  s->at = 0;
  int rc = qun__strand_begin(s, err);
  for (uint32_t i = 0; i < c->count && rc == 0; i++) {
    const struct qun__replay_item *item = &c->items[i];
    if (!item->derived)
      rc = take_input(s, i, err);
    else if (!item->timer)
      qun__strand_count(s, item->owner, item->record.type, false);
  }
  if (rc == 0) close_window(s, c->count);
  return rc;
}
