/* SPDX-License-Identifier: Apache-2.0 */
/* A replay's source: the log in chunks. A chunk pins its snapshot only while it is on its way through the strands. */
#include "host/engine/replay_internal.h"

#include <stdlib.h>

void qun__chunk_clear(struct qun__replay_chunk *c) {
  qun_view_end(&c->view);
  qun_arena_clear(&c->arena);
  c->count = 0;
  c->done = 0;
}

void qun__chunk_fini(struct qun__replay_chunk *c) {
  qun_view_end(&c->view);
  qun_arena_fini(&c->arena);
  free(c->items);
}

static struct qun__replay_item *add(struct qun__replay_chunk *c) {
  if (c->count == c->cap) {
    uint32_t cap = c->cap ? c->cap * 2 : QUN__REPLAY_CHUNK;
    struct qun__replay_item *items = realloc(c->items, cap * sizeof *items);
    if (!items) return NULL;
    c->items = items;
    c->cap = cap;
  }
  return &c->items[c->count++];
}

static int32_t plugin_number(const struct qun_plugin_set *set, qun_slice id) {
  for (uint32_t i = 0; i < set->count; i++) {
    if (qun_slice_is(id, set->plugins[i].manifest->id)) return (int32_t)i;
  }
  return -1;
}

/* What the host derives (a blocked send) belongs to the plugin it is about. */
int32_t qun__replay_owner(const struct qun__replay *r, const struct qun_record *record) {
  if (!qun_slice_is(record->origin, "qun")) return plugin_number(r->plugins, record->origin);
  return plugin_number(r->plugins, qun_mp_str(record->data, "plugin"));
}

/* Types come in runs: look at the item before first. */
static const struct qun_hearers *hearers_of(const struct qun__replay *r, const struct qun__replay_chunk *c,
                                            qun_slice type) {
  for (uint32_t i = 2; i <= 5 && i <= c->count; i++) {
    const struct qun__replay_item *before = &c->items[c->count - i];
    if (qun_slice_eq(before->record.type, type)) return before->hearers;
  }
  return qun_subscriptions_find(r->engine->subscriptions, type);
}

/* Where a chunk may end: nothing that follows from the input before comes after it, and timers stay with the input
   that fired them. What a plugin derives that was switched on follows the record that says so. */
struct cutter {
  uint32_t at;
  bool timers;   /* since the last input */
  bool catch_up; /* the last input switched a plugin on or off */
};

static void cut(struct cutter *k, uint32_t index, const struct qun__replay_item *item) {
  if (!item->derived) {
    if (!k->timers) k->at = index;
    k->timers = false;
    k->catch_up = qun_slice_is(item->record.type, "qun.plugin");
  } else if (item->timer && !k->timers) {
    if (!k->catch_up) k->at = index;
    k->timers = true;
  }
}

/* As qun__apply_host looks at types; a type that is named here in vain only costs time. */
static bool host_acts(qun_slice type) {
  static const char *const families[] = {"qun.",  "outbox.", "agreement.", "compliance.verdict",
                                         "http.", "work.",   "intercept."};
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
    size_t n = strlen(families[i]);
    if (type.len >= n && memcmp(type.ptr, families[i], n) == 0) return true;
  }
  return false;
}

static int damaged(const struct qun__replay *r, uint64_t seq, struct qun_error *err) {
  return qun_error_set(err, QUN_ECONFLICT, "tenant %s: record %llu cannot be read", r->name, (unsigned long long)seq);
}

/* Reads record `seq` at the cursor into a new item. */
static int take(struct qun__replay *r, struct qun__replay_chunk *c, MDB_cursor *cursor, uint64_t seq, bool first,
                struct qun_error *err) {
  unsigned char key[8];
  MDB_val k = {sizeof key, key}, v;
  struct qun__replay_item *item = add(c);
  if (!item) return qun_error_set(err, QUN_EFAIL, "out of memory for a replay");
  qun_be64(key, seq);
  int rc = mdb_cursor_get(cursor, &k, &v, first ? MDB_SET_KEY : MDB_NEXT);
  if (rc || k.mv_size != 8 || qun_be64_read(k.mv_data) != seq) return damaged(r, seq, err);
  if (qun_record_read(&item->record, seq, qun_slice_of(v.mv_data, v.mv_size)) < 0) return damaged(r, seq, err);
  item->derived = (item->record.flags & QUN_EVENT_DERIVED) != 0;
  item->timer = item->derived && qun_slice_is(item->record.type, "qun.timer");
  item->hearers = hearers_of(r, c, item->record.type);
  item->open = item->record.data;
  item->host = host_acts(item->record.type);
  item->owner = item->derived ? qun__replay_owner(r, &item->record) : -1;
  return 0;
}

static int fill(struct qun__replay *r, struct qun__replay_chunk *c, MDB_cursor *cursor, struct qun_error *err) {
  struct cutter k = {0};
  uint64_t first = r->seq + 1;
  while (r->seq + c->count < r->head.seq) {
    int rc = take(r, c, cursor, r->seq + c->count + 1, c->count == 0, err);
    if (rc < 0) return rc;
    const struct qun__replay_item *item = &c->items[c->count - 1];
    cut(&k, c->count - 1, item);
    if (item->record.clock_ms > r->spec->until_ms) {
      c->count = k.timers || !item->derived ? k.at : c->count - 1;
      r->end = true;
      return 0;
    }
    if (c->count > QUN__REPLAY_CHUNK && k.at > 0) {
      c->count = k.at;
      r->seq = first + k.at - 1;
      return 0;
    }
  }
  r->end = true;
  return 0;
}

int qun__chunk_read(struct qun__replay *r, struct qun__replay_chunk *c, struct qun_error *err) {
  MDB_cursor *cursor = NULL;
  int rc = qun_view_begin(&c->view, r->live.tenant->store, err);
  if (rc < 0) return rc;
  if (mdb_cursor_open(c->view.txn, c->view.store->dbi[QUN_TABLE_LOG], &cursor))
    return qun_error_set(err, QUN_EFAIL, "tenant %s: the log cannot be read", r->name);
  rc = fill(r, c, cursor, err);
  mdb_cursor_close(cursor);
  return rc;
}

static bool has_ident(const struct qun_type_view *type) {
  for (uint32_t i = 0; i < type->fields_count; i++) {
    if (type->fields[i].flags & QUN_FIELD_IDENT) return true;
  }
  return false;
}

int qun__chunk_open(struct qun__replay *r, struct qun__replay_chunk *c, struct qun_error *err) {
  const struct qun_hearers *last = NULL;
  bool ident = false;
  (void)err;
  for (uint32_t i = 0; i < c->count; i++) {
    struct qun__replay_item *item = &c->items[i];
    const struct qun_hearers *h = item->hearers;
    if (!h) continue;
    if (h != last) ident = has_ident(h->type);
    last = h;
    /* plugins that do not see texts get the data without them, sealed or not */
    if (!item->derived && !ident && !(h->texts_count && (h->plugins & r->text_plugins))) continue;
    item->open = qun_apply_open(r->live.vault, &c->view, h->type, &item->record, &c->arena);
  }
  return 0;
}
