/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that is behind goes over the log's past: switched on late, or left behind by a crash. */
#include "host/engine/apply.h"

enum { RECORDS_A_COMMIT = 2000 };

int qun__apply_read(struct qun_record *r, const struct qun_view *view, uint64_t seq, struct qun_error *err) {
  unsigned char key[8];
  qun_slice bytes;
  qun_be64(key, seq);
  if (qun_view_get(view, QUN_TABLE_LOG, qun_slice_of(key, 8), &bytes) < 0 || qun_record_read(r, seq, bytes) < 0)
    return qun_error_set(err, QUN_ECONFLICT, "record %llu cannot be read", (unsigned long long)seq);
  return 0;
}

int qun__apply_go_back(struct qun_apply *a, const struct qun_view *view, uint64_t seq, struct qun_error *err) {
  struct qun_record r = {.clock_ms = 0};
  int rc = seq ? qun__apply_read(&r, view, seq, err) : 0;
  a->clock_ms = r.clock_ms;
  a->due_known = false;
  return rc;
}

int qun_apply_past(struct qun_apply *a, uint32_t n, const struct qun_view *view, uint64_t from, uint64_t to,
                   struct qun_error *err) {
  uint32_t bit = 1u << n;
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  int rc = qun__apply_go_back(a, view, from, err);
  if (rc < 0) return rc;
  for (uint64_t seq = from + 1; seq <= to; seq++) {
    struct qun_record r;
    rc = qun__apply_read(&r, view, seq, err);
    /* as it comes: what follows from a record follows at once, and no timer between */
    if (rc == 0 && !(r.flags & QUN_EVENT_DERIVED)) rc = qun__apply_fire(a, r.clock_ms, bit, err);
    if (rc < 0) return rc;
    if (r.clock_ms > a->clock_ms) a->clock_ms = r.clock_ms;
    const struct qun_hearers *hearers = qun_subscriptions_find(a->o.rt->subscriptions, r.type);
    if (!hearers || !(hearers->plugins & bit)) continue;
    uint32_t emits = a->emits.count;
    rc = qun__apply_project(a, &r, hearers,
                            qun_apply_open(a->o.vault, a->o.people ? a->o.people : view, hearers->type, &r, arena), bit,
                            err);
    if (rc == 0) rc = qun__apply_follow(a, emits, err);
    if (rc < 0) return rc;
  }
  return 0;
}

/* One commit of a plugin's way. *more: it is not at the end yet. */
static int some(const struct qun_apply_options *o, struct qun_slot *slot, int64_t now_ms, uint32_t n, uint32_t behind,
                bool *more, struct qun_error *err) {
  struct qun_apply a;
  const char *id = o->rt->plugins->plugins[n].manifest->id;
  int rc = qun_apply_begin(&a, o, slot, now_ms, err);
  if (rc == 0) {
    uint64_t from = qun_cursor_read(&a.batch.view, id);
    uint64_t to = a.head.seq - from > RECORDS_A_COMMIT ? from + RECORDS_A_COMMIT : a.head.seq;
    a.catch_up = behind;
    rc = qun_apply_past(&a, n, &a.batch.view, from, to, err);
    if (rc == 0 && qun_cursor_write(&a.batch, id, to) < 0)
      rc = qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
    *more = to < a.head.seq; /* what it emitted is ahead of it now */
    if (rc == 0) rc = qun_apply_commit(&a, err);
  }
  qun_apply_end(&a);
  return rc;
}

int qun_apply_catch_up(const struct qun_apply_options *o, struct qun_slot *slot, int64_t now_ms,
                       struct qun_error *err) {
  struct qun_view v;
  struct qun_head head;
  uint32_t behind = 0;
  int rc = qun_view_begin(&v, o->store, err);
  if (rc < 0) return rc;
  if (qun_head_read(&v, &head) < 0) rc = qun_error_set(err, QUN_ECONFLICT, "the store's head is damaged");
  for (uint32_t i = 0; i < o->rt->plugins->count && rc == 0; i++) {
    if (!(slot->config->live & o->rt->here & (1u << i))) continue;
    if (qun_cursor_read(&v, o->rt->plugins->plugins[i].manifest->id) < head.seq) behind |= 1u << i;
  }
  qun_view_end(&v);
  for (uint32_t i = 0; behind >> i && rc == 0; i++) {
    bool more = (behind & (1u << i)) != 0;
    while (more && rc == 0) rc = some(o, slot, now_ms, i, behind, &more, err);
    behind &= ~(1u << i);
  }
  return rc;
}
