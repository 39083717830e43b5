/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/apply.h"

#include "tenants/deadletter.h"
#include "tenants/timers.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRINGS_MAX = 200000 };

/* ---------------------------------------------------------------- begin, end, commit */

int qun_apply_begin(struct qun_apply *a, const struct qun_apply_options *o, struct qun_slot *slot, int64_t now_ms,
                    struct qun_error *err) {
  memset(a, 0, sizeof *a);
  a->o = *o;
  a->slot = slot;
  a->now_ms = now_ms;
  qun_pack_init(&a->pack2);
  int rc = qun_rooms_begin(&o->rt->rooms, &a->batch, o->store, err);
  if (rc < 0) return rc;
  if (qun_head_read(&a->batch.view, &a->head) < 0)
    return qun_error_set(err, QUN_ECONFLICT, "tenant %s: the store's head is damaged", o->name);
  if (a->head.clock_ms == INT64_MIN) a->head.clock_ms = 0;
  a->clock_ms = a->head.clock_ms;
  a->log_first = a->head.seq + 1;
  if (o->dup && qun_dupguard_begin(o->dup, &a->batch.view) < 0)
    return qun_error_set(err, QUN_ECONFLICT, "tenant %s: the duplicate index is damaged", o->name);
  if (!o->audit) return 0;
  qun_hasher_begin(o->hasher, o->vault);
  a->hashing = true;
  if (!o->audit->known || o->audit->seq != a->head.seq)
    return qun_audit_tail_load(&a->tail, &a->batch.view, o->vault, &a->head, err);
  a->tail = o->audit->tail;
  return 0;
}

void qun_apply_end(struct qun_apply *a) {
  if (a->hashing) qun_hasher_wait(a->o.hasher); /* it reads the batch's memory */
  if (a->o.rt) qun_rooms_end(&a->o.rt->rooms, &a->batch);
  qun_pack_fini(&a->pack2);
  free(a->emits.items);
  free(a->log);
  free(a->identified);
  free(a->marks);
  memset(a, 0, sizeof *a);
}

static int flush_log(struct qun_apply *a, struct qun_store *store, MDB_txn *txn) {
  MDB_cursor *cursor;
  int rc = a->log_count ? mdb_cursor_open(txn, store->dbi[QUN_TABLE_LOG], &cursor) : 0;
  if (rc || !a->log_count) return rc;
  for (uint32_t i = 0; i < a->log_count && !rc; i++) {
    unsigned char key[8];
    qun_be64(key, a->log_first + i);
    MDB_val k = {8, key};
    MDB_val v = {(size_t)a->log[i].len, (void *)(uintptr_t)a->log[i].ptr};
    rc = mdb_cursor_put(cursor, &k, &v, MDB_APPEND);
  }
  mdb_cursor_close(cursor);
  return rc;
}

static int flush(void *arg, struct qun_store *store, MDB_txn *txn) {
  struct qun_apply *a = arg;
  int rc = flush_log(a, store, txn);
  if (rc || !a->o.dup) return rc;
  return qun_dupguard_flush(a->o.dup, txn, a->head.seq + 1, store->dbi[QUN_TABLE_DUP], store->dbi[QUN_TABLE_META]);
}

/* The batch's records go into the audit tree, in order. */
static int grow_tree(struct qun_apply *a, struct qun_error *err) {
  const unsigned char(*hashes)[QUN_HASH_SIZE] = qun_hasher_wait(a->o.hasher);
  int rc = qun_audit_append_each(&a->tail, &a->batch, a->log_first, hashes, a->marks, a->log_count,
                                 qun_hasher_lanes(a->o.hasher));
  return rc < 0 ? qun_error_set(err, QUN_EFAIL, "the audit tree cannot grow") : 0;
}

int qun_apply_commit(struct qun_apply *a, struct qun_error *err) {
  int rc = a->o.audit ? grow_tree(a, err) : 0;
  if (rc < 0) return rc;
  if (a->o.audit) a->head.tree_size = a->tail.border.size;
  for (uint32_t i = 0; i < a->totals_count && rc == 0; i++)
    rc = qun_total_add(&a->batch, a->totals[i].class_letter, a->totals[i].type, a->totals[i].n);
  for (uint32_t i = 0; i < a->o.rt->plugins->count && rc == 0; i++) {
    uint32_t bit = 1u << i;
    if (qun__apply_mask(a) & ~a->o.apart & bit)
      rc = qun_cursor_write(&a->batch, a->o.rt->plugins->plugins[i].manifest->id, a->head.seq);
  }
  if (rc == 0) rc = qun_head_write(&a->batch, &a->head);
  if (rc < 0) rc = qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  if (rc == 0 && a->o.vault && a->o.seal) rc = qun_vault_sync(a->o.vault, err);
  if (rc == 0) rc = qun_batch_commit(&a->batch, flush, a, err);
  if (a->o.dup) qun_dupguard_settle(a->o.dup, rc == 0);
  for (uint32_t i = 0; i < a->identified_count && rc == 0; i++) qun_identified_add(a->o.identified, a->identified[i]);
  if (rc == 0 && a->o.audit) *a->o.audit = (struct qun_audit_cache){true, a->head.seq, a->tail};
  return rc;
}

/* ---------------------------------------------------------------- appending */

static void count_type(struct qun_apply *a, const struct qun_record *r) {
  char class_letter = r->flags & QUN_EVENT_CONTROL ? 'c' : r->origin.len ? 'd' : 'e';
  uint32_t i = 0;
  while (i < a->totals_count &&
         !(a->totals[i].class_letter == class_letter && qun_slice_eq(a->totals[i].type, r->type)))
    i++;
  if (i == a->totals_count) {
    if (i == sizeof a->totals / sizeof a->totals[0]) { /* full: write the first one out and take its place */
      qun_total_add(&a->batch, a->totals[0].class_letter, a->totals[0].type, a->totals[0].n);
      i = 0;
    } else {
      a->totals_count++;
    }
    a->totals[i] =
        (struct qun_apply_total){qun_arena_copy(qun_overlay_arena(a->batch.view.overlay), r->type), class_letter, 0};
  }
  a->totals[i].n++;
}

static int log_room(struct qun_apply *a) {
  if (a->log_count < a->log_cap) return 0;
  uint32_t cap = a->log_cap ? a->log_cap * 2 : 64;
  qun_slice *log = realloc(a->log, cap * sizeof *log);
  if (!log) return QUN_EFAIL;
  a->log = log;
  unsigned char *marks = realloc(a->marks, cap);
  if (!marks) return QUN_EFAIL;
  a->marks = marks;
  a->log_cap = cap;
  return 0;
}

/* The record's bytes in the batch's arena, with room in front for the hasher's salt. */
static qun_slice write_record(struct qun_apply *a, const struct qun_record *r) {
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  size_t room = qun_record_room(r);
  unsigned char *at = qun_arena_alloc(arena, QUN_HASH_SIZE + room);
  if (!at) return (qun_slice){NULL, 0};
  struct qun_pack p = {.buf = at + QUN_HASH_SIZE, .cap = room};
  qun_record_write(&p, r);
  qun_arena_shrink(arena, at, QUN_HASH_SIZE + room, QUN_HASH_SIZE + p.len);
  return qun_pack_slice(&p);
}

static unsigned char marks_of(const struct qun_record *r, const struct qun_hearers *hearers) {
  bool governs = hearers && (hearers->type->flags & QUN_TYPE_GOVERNS);
  return (unsigned char)((governs ? QUN_MARK_GOVERNS : 0) | (qun_slice_is(r->type, "qun.audit") ? QUN_MARK_AUDITS : 0));
}

int qun__apply_append(struct qun_apply *a, struct qun_record *r, const struct qun_hearers *hearers,
                      struct qun_error *err) {
  if (a->o.no_log) {
    if (!r->seq) r->seq = a->head.seq + 1;
    a->head.seq = r->seq;
    if (r->clock_ms > a->head.clock_ms) a->head.clock_ms = r->clock_ms;
    return 0;
  }
  r->seq = a->head.seq + 1;
  qun_slice bytes = write_record(a, r);
  if (!bytes.ptr || log_room(a) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  a->log[a->log_count++] = bytes;
  a->head.seq = r->seq;
  if (r->clock_ms > a->head.clock_ms) a->head.clock_ms = r->clock_ms;
  count_type(a, r);
  if (!a->o.audit) return 0;
  a->marks[a->log_count - 1] = marks_of(r, hearers);
  unsigned char *salted = (unsigned char *)(uintptr_t)bytes.ptr - QUN_HASH_SIZE;
  return qun_hasher_add(a->o.hasher, r->seq, salted, bytes.len) < 0
             ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch")
             : 0;
}

qun_slice qun__apply_bytes(struct qun_apply *a, uint64_t seq) {
  qun_slice bytes = {NULL, 0};
  unsigned char key[8];
  if (seq >= a->log_first && seq - a->log_first < a->log_count) return a->log[seq - a->log_first];
  qun_be64(key, seq);
  if (qun_view_get(&a->batch.view, QUN_TABLE_LOG, qun_slice_of(key, 8), &bytes) < 0) return (qun_slice){NULL, 0};
  return bytes;
}

/* ---------------------------------------------------------------- projecting */

static uint64_t seed_of(uint64_t seq, const char *plugin) {
  uint64_t h =
      14695981039346656037ull ^ seq; /* FNV-1a over the plugin's id, then mixed: only has to differ and stay the same */
  for (; *plugin; plugin++) h = (h ^ (unsigned char)*plugin) * 1099511628211ull;
  h ^= h >> 31;
  h *= 0x9e3779b97f4a7c15ull;
  return h ^ (h >> 29);
}

/* A timer's place in the log depends on when its plugin comes to it; its name and time do not. */
static uint64_t timer_seed(int64_t due_ms, qun_slice name, const char *plugin) {
  const unsigned char *at = name.ptr;
  uint64_t h = (uint64_t)due_ms * 0x9e3779b97f4a7c15ull;
  for (uint64_t i = 0; i < name.len; i++) h = (h ^ at[i]) * 1099511628211ull;
  return seed_of(h, plugin);
}

/* For all plugins that hear of a record; each has its own seed. */
static struct qun_scope scope_for(struct qun_apply *a, uint32_t mode, const struct qun_record *r) {
  struct qun_scope s = {.mode = mode,
                        .slot = a->slot,
                        .view = &a->batch.view,
                        .batch = &a->batch,
                        .arena = qun_overlay_arena(a->batch.view.overlay),
                        .emits = &a->emits,
                        .clock_ms = a->clock_ms,
                        .seq = r->seq,
                        .cause = r->seq,
                        .hops = r->hops};
  qun_calendar_to_local(a->slot->calendar, a->clock_ms, &s.clock_day, &s.clock_minute);
  return s;
}

/* After a callback: keep what it did, or take it back and write a dead letter. */
static int settle(struct qun_apply *a, struct qun_scope *s, uint32_t plugin, const struct qun_record *r, int answer,
                  uint32_t mark, uint32_t emits, struct qun_error *err) {
  if (s->timers_changed || answer < 0) a->due_known = false;
  if (answer >= 0) {
    a->outbox_changed |= s->outbox_changed;
    return 0;
  }
  const struct qun_manifest *m = a->o.rt->plugins->plugins[plugin].manifest;
  qun_overlay_undo(a->batch.view.overlay, mark);
  a->emits.count = emits;
  a->failures++;
  qun_plugin_metrics_add(a->o.rt->metrics, m->id, "failures", 1);
  struct qun_dead_letter letter = {.seq = r->seq,
                                   .plugin = qun_str(m->id),
                                   .reason =
                                       qun_str(s->message && s->message[0] ? s->message
                                                                           : "the handler failed and gave no reason"),
                                   .type = r->type,
                                   .id = r->id,
                                   .source = r->source};
  if (qun_dead_letter_add(&a->batch, &a->head, &letter) < 0)
    return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  return 0;
}

/* The data without what people wrote, for plugins that do not ask for it. */
static qun_slice without_text(struct qun_apply *a, const struct qun_hearers *hearers, qun_slice open) {
  struct qun_unpack u;
  uint32_t n, kept = 0;
  qun_unpack_init(&u, open);
  if (!qun_unpack_map(&u, &n)) return open;
  qun_pack_clear(&a->pack2);
  size_t at = qun_pack_open_map(&a->pack2);
  while (n-- > 0) {
    qun_slice key, value;
    bool text = false;
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value)) break;
    for (uint32_t i = 0; i < hearers->texts_count && !text; i++) text = qun_slice_eq(key, hearers->texts[i]);
    if (text) continue;
    qun_pack_str(&a->pack2, key);
    qun_pack_raw(&a->pack2, value);
    kept++;
  }
  qun_pack_close(&a->pack2, at, kept);
  return qun_arena_copy(qun_overlay_arena(a->batch.view.overlay), qun_pack_slice(&a->pack2));
}

static struct qun_event event_of(struct qun_apply *a, const struct qun_record *r) {
  struct qun_event e = {.struct_size = sizeof e,
                        .flags = r->flags & ~(uint32_t)QUN_RECORD_LAGGED,
                        .seq = r->seq,
                        .time_ms = r->time_ms,
                        .member = r->member,
                        .cause = r->cause,
                        .hops = r->hops,
                        .type = r->type,
                        .id = r->id,
                        .source = r->source,
                        .subject = r->subject,
                        .group = r->group,
                        .channel = r->channel,
                        .lang = r->lang};
  qun_calendar_to_local(a->slot->calendar, r->time_ms, &e.day, &e.minute);
  return e;
}

/* What concerns one plugin alone: what its fetch or work came to, or what it is asked to decide. Answers the member of the data that names it; NULL: no such
 * record. */
static const char *addressee(qun_slice type) {
  const char *t = type.ptr;
  if (type.len == 11 && (t[0] == 'h' || t[0] == 'w') &&
      (qun_slice_is(type, "http.answer") || qun_slice_is(type, "work.answer")))
    return "plugin";
  return type.len == 15 && t[0] == 'i' && qun_slice_is(type, "intercept.asked") ? "by" : NULL;
}

static uint32_t bit_of(const struct qun_apply *a, qun_slice id) {
  for (uint32_t i = 0; i < a->o.rt->plugins->count; i++) {
    if (qun_slice_is(id, a->o.rt->plugins->plugins[i].manifest->id)) return 1u << i;
  }
  return 0;
}

bool qun__apply_hears(const struct qun_apply *a, const struct qun_record *r, const struct qun_hearers *hearers,
                      uint32_t plugin) {
  uint32_t bit = 1u << plugin;
  if (!hearers || !(hearers->plugins & bit)) return false;
  const char *member = addressee(r->type);
  return !member || (bit_of(a, qun_mp_str(r->data, member)) & bit);
}

struct qun_scope qun__apply_scope(struct qun_apply *a, uint32_t mode, const struct qun_record *r, uint32_t plugin) {
  struct qun_scope s = scope_for(a, mode, r);
  s.seed = seed_of(r->seq, a->o.rt->plugins->plugins[plugin].manifest->id);
  return s;
}

struct qun_event qun__apply_event(struct qun_apply *a, const struct qun_record *r, const struct qun_hearers *hearers,
                                  qun_slice open, uint32_t plugin) {
  struct qun_event e = event_of(a, r);
  bool strip = hearers->texts_count && !a->o.rt->plugins->plugins[plugin].manifest->personal_text;
  e.data = strip ? without_text(a, hearers, open) : open;
  return e;
}

int qun__apply_give(struct qun_apply *a, uint32_t plugin, struct qun_scope *s, const struct qun_record *r,
                    const struct qun_event *e, struct qun_error *err) {
  qun_overlay_step(a->batch.view.overlay);
  uint32_t mark = qun_overlay_mark(a->batch.view.overlay);
  uint32_t emits = a->emits.count;
  int answer = qun_instance_event(&a->o.rt->instances[plugin], s, e);
  return settle(a, s, plugin, r, answer, mark, emits, err);
}

int qun__apply_project(struct qun_apply *a, const struct qun_record *r, const struct qun_hearers *hearers,
                       qun_slice open, uint32_t mask, struct qun_error *err) {
  uint32_t hear = hearers ? hearers->plugins & mask : 0;
  const char *member = hear ? addressee(r->type) : NULL;
  if (member) hear &= bit_of(a, qun_mp_str(open, member));
  if (!hear) return 0;
  struct qun_event e = event_of(a, r);
  const struct qun_scope scope = scope_for(a, QUN_MODE_EVENT, r);
  qun_slice stripped = {NULL, 0};
  for (uint32_t i = 0; hear >> i; i++) {
    if (!(hear & (1u << i)) || (a->o.until && r->seq > a->o.until[i])) continue;
    const struct qun_loaded_plugin *p = &a->o.rt->plugins->plugins[i];
    if (a->o.skips &&
        qun_skips_hit(a->o.skips, i, r->seq, qun_crumb_event_key(r->type, r->source, r->id, r->subject))) {
      int rc = qun__apply_skip(a, i, r, err);
      if (rc < 0) return rc;
      continue;
    }
    e.data = open;
    if (hearers->texts_count && !p->manifest->personal_text) {
      if (!stripped.ptr) stripped = without_text(a, hearers, open);
      e.data = stripped;
    }
    struct qun_scope s = scope;
    s.seed = seed_of(r->seq, p->manifest->id);
    int rc = qun__apply_give(a, i, &s, r, &e, err);
    if (rc < 0) return rc;
  }
  return 0;
}

/* ---------------------------------------------------------------- what follows */

int qun__apply_follow(struct qun_apply *a, uint32_t from, struct qun_error *err) {
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  int rc = 0;
  for (uint32_t i = from; i < a->emits.count && rc == 0; i++) {
    struct qun_emitted e = a->emits.items[i];
    uint32_t end = a->emits.count;
    bool host = e.plugin == QUN_PLUGINS_MAX;
    const char *origin = host ? "qun" : a->o.rt->plugins->plugins[e.plugin].manifest->id;
    char id[96], source[48];
    int id_len = snprintf(id, sizeof id, "%llu/%s/%u", (unsigned long long)e.cause, origin, e.ordinal);
    int source_len = snprintf(source, sizeof source, "qun:%s", origin);
    static const unsigned char empty = 0x80;
    qun_slice open = e.data.len ? e.data : qun_slice_of(&empty, 1);
    struct qun_record r = {.time_ms = e.lagged ? e.time_ms : a->clock_ms,
                           .clock_ms = a->head.clock_ms,
                           .flags =
                               QUN_EVENT_DERIVED | (host ? QUN_EVENT_CONTROL : 0) | (e.lagged ? QUN_RECORD_LAGGED : 0),
                           .hops = e.hops,
                           .member = e.member,
                           .cause = e.cause,
                           .type = e.type,
                           .id = qun_arena_copy(arena, qun_slice_of(id, (size_t)id_len)),
                           .source = qun_arena_copy(arena, qun_slice_of(source, (size_t)source_len)),
                           .origin = qun_str(origin),
                           .subject = e.subject,
                           .group = e.group,
                           .channel = e.channel,
                           .lang = e.lang,
                           .data = qun__apply_seal(a, &e, err)};
    if (!r.data.ptr) return QUN_EFAIL;
    if (!host && (a->o.apart & (1u << e.plugin))) {
      rc = a->o.derived ? a->o.derived(a->o.derived_arg, &r, &e) : 0;
      continue;
    }
    if (host && a->o.apart && qun_slice_is(e.type, "qun.skipped")) continue; /* that stands elsewhere too */
    if (a->o.expect && !a->o.expect(a->o.expect_arg, a->head.seq + 1, &r, &open)) continue;
    rc = qun__apply_append(a, &r, e.hearers, err);
    if (rc == 0) rc = qun__apply_host(a, &r, err);
    if (rc == 0) rc = qun__apply_project(a, &r, e.hearers, open, qun__apply_mask(a), err);
    if (rc == 0 && a->emits.count > end)
      rc = qun__apply_follow(a, end, err); /* its own emits come before its next sibling */
    a->emits.count = end;
  }
  a->emits.count = from;
  return rc;
}

/* ---------------------------------------------------------------- timers */

/* The earliest timer of a plugin in `mask`. */
static int next_timer(struct qun_apply *a, uint32_t mask, struct qun_timer_row *row, uint32_t *plugin) {
  struct qun_timer_row best = {.due_ms = INT64_MAX};
  bool found = false;
  int rc = qun_timer_next(&a->batch.view, NULL, row);
  if (rc < 0) return rc;
  for (uint32_t i = 0; i < a->o.rt->plugins->count; i++) {
    const char *id = a->o.rt->plugins->plugins[i].manifest->id;
    if (!(mask & (1u << i))) continue;
    if (qun_slice_is(row->plugin, id)) { /* the first of all is one of ours */
      *plugin = i;
      return 0;
    }
  }
  for (uint32_t i = 0; i < a->o.rt->plugins->count; i++) {
    if (!(mask & (1u << i)) || qun_timer_next(&a->batch.view, a->o.rt->plugins->plugins[i].manifest->id, row) < 0)
      continue;
    if (found && row->due_ms >= best.due_ms) continue;
    best = *row;
    *plugin = i;
    found = true;
  }
  *row = best;
  return found ? 0 : QUN_ENOTFOUND;
}

static int fire(struct qun_apply *a, const struct qun_timer_row *row, uint32_t plugin, struct qun_error *err) {
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  const struct qun_loaded_plugin *p = &a->o.rt->plugins->plugins[plugin];
  struct qun_timer t = {.struct_size = sizeof t,
                        .due_ms = row->due_ms,
                        .name = qun_arena_copy(arena, row->name),
                        .data = qun_arena_copy(arena, row->data)};
  if (qun_timer_cancel(&a->batch, p->manifest->id, t.name) < 0)
    return qun_error_set(err, QUN_EFAIL, "timer %s cannot be taken down", p->manifest->id);
  a->due_known = false;
  bool past = (a->catch_up & (1u << plugin)) != 0;
  if (row->due_ms > a->clock_ms) a->clock_ms = row->due_ms;
  qun_pack_clear(&a->pack2);
  qun_pack_map(&a->pack2, 2);
  qun_pack_kv_cstr(&a->pack2, "plugin", p->manifest->id);
  qun_pack_kv_int(&a->pack2, "due", row->due_ms);
  struct qun_record r = {.time_ms = row->due_ms,
                         .clock_ms = past ? a->head.clock_ms : a->clock_ms,
                         .flags = QUN_EVENT_CONTROL | QUN_EVENT_DERIVED,
                         .type = qun_str("qun.timer"),
                         .source = qun_str("qun"),
                         .origin = qun_str(p->manifest->id),
                         .subject = t.name,
                         .data = qun_arena_copy(arena, qun_pack_slice(&a->pack2))};
  t.due_ms = a->clock_ms;
  qun_slice open = r.data;
  int rc = 0;
  if (a->o.apart & (1u << plugin)) {
    if (a->o.derived) rc = a->o.derived(a->o.derived_arg, &r, NULL);
  } else {
    if (a->o.expect && !a->o.expect(a->o.expect_arg, a->head.seq + 1, &r, &open)) return 0;
    rc = qun__apply_append(a, &r, qun_subscriptions_find(a->o.rt->subscriptions, r.type), err);
  }
  if (rc < 0) return rc;
  qun_overlay_step(a->batch.view.overlay);
  uint32_t mark = qun_overlay_mark(a->batch.view.overlay);
  uint32_t emits = a->emits.count;
  struct qun_scope s = scope_for(a, QUN_MODE_TIMER, &r);
  s.seed = timer_seed(row->due_ms, t.name, p->manifest->id);
  if (a->o.skips && qun_skips_hit(a->o.skips, plugin, r.seq, qun_crumb_timer_key(&t))) {
    rc = qun__apply_skip(a, plugin, &r, err);
  } else {
    int answer = qun_instance_timer(&a->o.rt->instances[plugin], &s, &t);
    rc = settle(a, &s, plugin, &r, answer, mark, emits, err);
  }
  return rc < 0 ? rc : qun__apply_follow(a, emits, err);
}

int qun__apply_fire_one(struct qun_apply *a, int64_t upto, uint32_t mask, bool *fired, struct qun_error *err) {
  struct qun_timer_row row;
  uint32_t plugin = 0;
  *fired = false;
  for (uint32_t i = 0; a->o.until && i < a->o.rt->plugins->count; i++)
    if (a->head.seq >= a->o.until[i]) mask &= ~(1u << i);
  if (a->due_known && a->next_due > upto) return 0;
  int rc = next_timer(a, mask, &row, &plugin);
  if (rc < 0 && rc != QUN_ENOTFOUND) return qun_error_set(err, QUN_EFAIL, "timers cannot be read");
  a->next_due = rc < 0 ? INT64_MAX : row.due_ms;
  a->due_known = true;
  if (a->next_due > upto) return 0;
  *fired = true;
  return fire(a, &row, plugin, err);
}

int qun__apply_fire(struct qun_apply *a, int64_t upto, uint32_t mask, struct qun_error *err) {
  bool fired = true;
  for (uint32_t n = 0; n < FIRINGS_MAX && fired; n++) {
    int rc = qun__apply_fire_one(a, upto, mask, &fired, err);
    if (rc < 0) return rc;
  }
  return fired ? qun_error_set(err, QUN_EFAIL, "a plugin's timers never end: %d fired before one record", FIRINGS_MAX)
               : 0;
}

/* ---------------------------------------------------------------- one record */

int qun__apply_stage(struct qun_apply *a, struct qun_record *r, const struct qun_hearers *hearers, qun_slice open,
                     struct qun_error *err) {
  uint32_t mask = qun__apply_mask(a);
  int rc = qun__apply_fire(a, r->clock_ms, mask, err);
  if (rc < 0) return rc;
  if (r->clock_ms > a->clock_ms) a->clock_ms = r->clock_ms;
  rc = qun__apply_append(a, r, hearers, err);
  uint32_t emits = a->emits.count;
  if (rc == 0) rc = qun__apply_host(a, r, err);
  if (rc == 0) rc = qun__apply_project(a, r, hearers, open, qun__apply_mask(a), err);
  return rc < 0 ? rc : qun__apply_follow(a, emits, err);
}

int qun_apply_record(struct qun_apply *a, const struct qun_record *record, qun_slice open, struct qun_error *err) {
  struct qun_record r = *record;
  return qun__apply_stage(a, &r, qun_subscriptions_find(a->o.rt->subscriptions, r.type), open, err);
}
