/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/lag.h"

#include "host/engine/internal.h"
#include "tenants/timers.h"

#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- memory */

struct qun_lag *qun__lag_create(uint32_t plugin, uint64_t from) {
  struct qun_lag *lag = calloc(1, sizeof *lag);
  if (!lag) return NULL;
  lag->plugin = plugin;
  lag->from = from;
  qun_arena_init(&lag->arena);
  return lag;
}

void qun__lag_destroy(struct qun_lag *lag) {
  if (!lag) return;
  qun_arena_fini(&lag->arena);
  free(lag->rows);
  free(lag->doings);
  free(lag->outbox);
  free(lag->letters);
  free(lag->skips);
  free(lag);
}

/* Room for one more of `size` bytes. NULL: out of memory. */
static void *more(void **items, uint32_t *count, uint32_t *cap, size_t size) {
  if (*count == *cap) {
    uint32_t n = *cap ? *cap * 2 : 32;
    void *grown = realloc(*items, n * size);
    if (!grown) return NULL;
    *items = grown;
    *cap = n;
  }
  void *at = (char *)*items + (*count)++ * size;
  memset(at, 0, size);
  return at;
}

#define MORE(lag, what) more((void **)&(lag)->what, &(lag)->what##_count, &(lag)->what##_cap, sizeof *(lag)->what)

/* ---------------------------------------------------------------- on the follower: what was done */

int qun__lag_derived(void *arg, struct qun_record *record, const struct qun_emitted *emitted) {
  struct qun_lag *lag = arg;
  struct qun_lag_doing *d = MORE(lag, doings);
  if (!d) return QUN_EFAIL;
  d->timer = !emitted;
  d->number = (1ull << QUN_LAG_TIMER_BIT) + lag->doings_count;
  if (d->timer) record->seq = d->number;
  d->hearers = emitted ? emitted->hearers : NULL;
  d->ordinal = emitted ? emitted->ordinal : 0;
  d->record = *record;
  d->record.type = qun_arena_copy(&lag->arena, record->type);
  d->record.subject = qun_arena_copy(&lag->arena, record->subject);
  d->record.group = qun_arena_copy(&lag->arena, record->group);
  d->record.channel = qun_arena_copy(&lag->arena, record->channel);
  d->record.lang = qun_arena_copy(&lag->arena, record->lang);
  d->record.data = qun_arena_copy(&lag->arena, record->data);
  d->record.id = d->record.source = (qun_slice){NULL, 0};
  return 0;
}

int qun__lag_skip(struct qun_lag *lag, const struct qun_record *record) {
  struct qun_record *r = MORE(lag, skips);
  if (!r) return QUN_EFAIL;
  *r = (struct qun_record){.seq = record->seq,
                           .hops = record->hops,
                           .member = record->member,
                           .type = qun_arena_copy(&lag->arena, record->type),
                           .id = qun_arena_copy(&lag->arena, record->id),
                           .source = qun_arena_copy(&lag->arena, record->source)};
  return 0;
}

struct collecting {
  struct qun_lag *lag;
  struct qun_apply *a;
  unsigned table;
};

static int collect_row(void *arg, const struct qun_overlay_row *row) {
  struct collecting *c = arg;
  struct qun_lag_row *r = MORE(c->lag, rows);
  if (!r) return QUN_EFAIL;
  *r = (struct qun_lag_row){.table = c->table,
                            .del = row->state == QUN_OVERLAY_DEL,
                            .key = qun_arena_copy(&c->lag->arena, row->key),
                            .value = qun_arena_copy(&c->lag->arena, row->value)};
  return r->key.ptr ? 0 : QUN_EFAIL;
}

/* Rows "r" of the outbox: states move on the shard meanwhile, so it is told what was done, not what is. */
static int collect_outbox(void *arg, const struct qun_overlay_row *row) {
  struct collecting *c = arg;
  struct qun_arena *arena = &c->lag->arena;
  const unsigned char *key = row->key.ptr;
  const char *id = c->a->o.rt->plugins->plugins[c->lag->plugin].manifest->id;
  size_t n = strlen(id) + 2;
  if (row->state != QUN_OVERLAY_PUT || row->key.len <= n || key[0] != 'r') return 0;
  struct qun_outbox_entry *e = MORE(c->lag, outbox);
  if (!e || qun_outbox_get(&c->a->batch.view, qun_str(id), qun_slice_of(key + n, (size_t)row->key.len - n), e) < 0)
    return QUN_EFAIL;
  e->plugin = qun_str(id);
  if (e->seq >> QUN_LAG_TIMER_BIT) e->seq = c->lag->to;
  e->key = qun_arena_copy(arena, e->key.len ? e->key : qun_slice_of(key + n, (size_t)row->key.len - n));
  e->via = qun_arena_copy(arena, e->via);
  e->target = qun_arena_copy(arena, e->target);
  e->body = qun_arena_copy(arena, e->body);
  e->by = qun_arena_copy(arena, e->by);
  return 0;
}

static int collect_letter(void *arg, const struct qun_dead_letter *letter) {
  struct collecting *c = arg;
  struct qun_dead_letter *l = MORE(c->lag, letters);
  if (!l) return QUN_EFAIL;
  *l = *letter;
  if (l->seq >> QUN_LAG_TIMER_BIT) l->seq = 0; /* a timer's record has no number yet */
  l->plugin = qun_arena_copy(&c->lag->arena, letter->plugin);
  l->reason = qun_arena_copy(&c->lag->arena, letter->reason);
  l->type = qun_arena_copy(&c->lag->arena, letter->type);
  l->id = qun_arena_copy(&c->lag->arena, letter->id);
  l->source = qun_arena_copy(&c->lag->arena, letter->source);
  return 0;
}

static int collect(struct collecting *c, unsigned table, int (*each)(void *, const struct qun_overlay_row *)) {
  c->table = table;
  return qun_overlay_each(c->a->batch.view.overlay, table, each, c);
}

int qun__lag_collect(struct qun_lag *lag, struct qun_apply *a, uint64_t to, struct qun_error *err) {
  struct collecting c = {.lag = lag, .a = a};
  struct qun_head head;
  lag->to = to;
  int rc = collect(&c, QUN_TABLE_PLUGIN + lag->plugin, collect_row);
  if (rc == 0) rc = collect(&c, QUN_TABLE_TIMERS, collect_row);
  if (rc == 0) rc = collect(&c, QUN_TABLE_OUTBOX, collect_outbox);
  if (rc == 0) rc = qun_head_read(&a->batch.view, &head); /* as the snapshot has it */
  if (rc == 0 && a->head.dead > head.dead) rc = qun_dead_letter_each(&a->batch.view, head.dead, collect_letter, &c);
  return rc < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch") : 0;
}

/* ---------------------------------------------------------------- on the shard */

static int write_rows(struct qun_apply *a, const struct qun_lag *lag) {
  int rc = 0;
  for (uint32_t i = 0; i < lag->rows_count && rc == 0; i++) {
    const struct qun_lag_row *r = &lag->rows[i];
    rc = r->del ? qun_batch_del(&a->batch, r->table, r->key) : qun_batch_put(&a->batch, r->table, r->key, r->value);
  }
  for (uint32_t i = 0; i < lag->letters_count && rc == 0; i++)
    rc = qun_dead_letter_add(&a->batch, &a->head, &lag->letters[i]);
  return rc;
}

/* What was sent meanwhile stays sent. */
static int write_outbox(struct qun_apply *a, const struct qun_lag *lag) {
  int rc = 0;
  for (uint32_t i = 0; i < lag->outbox_count && rc == 0; i++) {
    const struct qun_outbox_entry *e = &lag->outbox[i];
    struct qun_outbox_entry now;
    bool there = qun_outbox_get(&a->batch.view, e->plugin, e->key, &now) == 0;
    if (!there) rc = qun_outbox_add(&a->batch, e);
    if (there && e->state == QUN_OUTBOX_CANCELLED)
      rc = qun_outbox_move(&a->batch, e->plugin, e->key, QUN_OUTBOX_CANCELLED);
    if (rc == QUN_ECONFLICT) rc = 0;
    a->outbox_changed = true;
  }
  return rc;
}

static int append_timer(struct qun_apply *a, const struct qun_lag_doing *d, uint64_t *seq, struct qun_error *err) {
  struct qun_record r = d->record;
  r.seq = 0;
  r.clock_ms = a->head.clock_ms;
  r.flags |= QUN_RECORD_LAGGED;
  r.source = qun_str("qun");
  int rc = qun__apply_append(a, &r, qun_subscriptions_find(a->o.rt->subscriptions, r.type), err);
  *seq = r.seq;
  return rc;
}

static int append_emitted(struct qun_apply *a, const struct qun_lag *lag, const struct qun_lag_doing *d, uint64_t cause,
                          struct qun_error *err) {
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  struct qun_emitted *e = qun_emit_list_add(&a->emits);
  if (!e) return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  *e = (struct qun_emitted){.plugin = lag->plugin,
                            .lagged = true,
                            .time_ms = d->record.time_ms,
                            .cause = cause,
                            .hops = d->record.hops,
                            .ordinal = d->ordinal,
                            .hearers = d->hearers,
                            .member = d->record.member,
                            .type = qun_arena_copy(arena, d->record.type),
                            .subject = qun_arena_copy(arena, d->record.subject),
                            .group = qun_arena_copy(arena, d->record.group),
                            .channel = qun_arena_copy(arena, d->record.channel),
                            .lang = qun_arena_copy(arena, d->record.lang),
                            .data = qun_arena_copy(arena, d->record.data)};
  return qun__apply_follow(a, a->emits.count - 1, err);
}

/* Timers get their numbers in the log now; what followed from one names it. */
static int append_doings(struct qun_apply *a, const struct qun_lag *lag, struct qun_error *err) {
  uint64_t timer = 0, number = 0;
  int rc = 0;
  for (uint32_t i = 0; i < lag->doings_count && rc == 0; i++) {
    const struct qun_lag_doing *d = &lag->doings[i];
    if (d->timer) {
      number = d->number;
      rc = append_timer(a, d, &timer, err);
    } else {
      rc = append_emitted(a, lag, d, d->record.cause == number ? timer : d->record.cause, err);
    }
  }
  return rc;
}

/* A dead letter, and a record that a replay passes it over by. */
static int append_skips(struct qun_apply *a, const struct qun_lag *lag, struct qun_error *err) {
  int rc = 0;
  for (uint32_t i = 0; i < lag->skips_count && rc == 0; i++) {
    rc = qun__apply_skip(a, lag->plugin, &lag->skips[i], err);
    if (rc == 0) rc = qun__apply_follow(a, a->emits.count - 1, err);
  }
  return rc;
}

int qun__lag_apply(struct qun_apply *a, const struct qun_lag *lag, struct qun_submit_result *result,
                   struct qun_error *err) {
  const char *id = a->o.rt->plugins->plugins[lag->plugin].manifest->id;
  bool live = (a->slot->config->live >> lag->plugin) & 1u;
  result->applied = true;
  result->position = a->head.seq;
  if (!live || qun_cursor_read(&a->batch.view, id) != lag->from || lag->to > a->head.seq) {
    result->code = QUN_ECONFLICT;
    snprintf(result->message, sizeof result->message, "plugin %s has moved on, or is off", id);
    return 0;
  }
  qun_overlay_step(a->batch.view.overlay);
  a->clock_ms = a->head.clock_ms;
  int rc = write_rows(a, lag);
  if (rc == 0) rc = write_outbox(a, lag);
  if (rc < 0) return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  rc = append_doings(a, lag, err);
  if (rc == 0) rc = append_skips(a, lag, err);
  if (rc == 0 && qun_cursor_write(&a->batch, id, lag->to) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  result->position = a->head.seq;
  return rc;
}
