/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/rebuild.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORDS_A_COMMIT = 2000, ROWS_A_COMMIT = 20000 };

struct rebuild {
  const struct qun__rebuild_spec *spec;
  struct qun_view from;
  struct qun_head head;            /* of the source */
  uint64_t until[QUN_PLUGINS_MAX]; /* where each plugin stands there */
  struct qun_store *store;
  struct qun_runtime *rt;
  struct qun_slot *slot;
  struct qun_apply_options options;
  struct qun_skips *skips;
  struct qun_arena arena; /* opened and redacted data of one batch */
  uint64_t members;       /* highest number that a kept record speaks of */
  uint64_t redacted;
  bool live;
};

/* ---------------------------------------------------------------- redaction */

static bool is_erased(const struct rebuild *r, uint64_t member) {
  for (uint32_t i = 0; i < r->spec->erased_count; i++)
    if (r->spec->erased[i] == member) return true;
  return false;
}

/* What a person wrote or is, sealed or (where the profile says so) in the open. */
static bool is_personal(const struct qun_hearers *h, qun_slice key, qun_slice value) {
  struct qun_unpack u;
  qun_slice bytes;
  int type = 0;
  qun_unpack_init(&u, value);
  if (qun_unpack_ext(&u, &type, &bytes)) return type == QUN_EXT_SEALED && bytes.len;
  for (uint32_t i = 0; h && i < h->type->fields_count; i++) {
    const struct qun_manifest_field *f = &h->type->fields[i];
    if (qun_slice_is(key, f->name))
      return (f->flags & (QUN_FIELD_TEXT | QUN_FIELD_IDENT)) && qun_unpack_str(&u, &bytes);
  }
  return false;
}

/* The map with empty sealed fields in place of personal ones. NULL: it has none. */
static qun_slice redact(struct rebuild *r, const struct qun_hearers *h, qun_slice data) {
  struct qun_unpack u;
  struct qun_pack p;
  uint32_t n;
  bool changed = false;
  qun_slice out = {NULL, 0};
  qun_unpack_init(&u, data);
  if (!qun_unpack_map(&u, &n)) return out;
  qun_pack_init(&p);
  qun_pack_map(&p, n);
  while (n-- > 0) {
    qun_slice key, value;
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value)) break;
    qun_pack_str(&p, key);
    if (is_personal(h, key, value)) {
      qun_pack_ext(&p, QUN_EXT_SEALED, qun_slice_of(NULL, 0));
      changed = true;
    } else {
      qun_pack_raw(&p, value);
    }
  }
  if (changed && !p.failed) out = qun_arena_copy(&r->arena, qun_pack_slice(&p));
  qun_pack_fini(&p);
  return out;
}

/* A record of the source as the new log has it. *was_redacted: it differs. */
static int read_record(struct rebuild *r, uint64_t seq, struct qun_record *out, bool *was_redacted) {
  unsigned char key[8];
  qun_slice bytes;
  *was_redacted = false;
  qun_be64(key, seq);
  if (seq > r->spec->upto || qun_view_get(&r->from, QUN_TABLE_LOG, qun_slice_of(key, 8), &bytes) < 0)
    return QUN_ENOTFOUND;
  int rc = qun_record_read(out, seq, bytes);
  if (rc < 0 || !is_erased(r, out->member)) return rc;
  qun_slice clean = redact(r, qun_subscriptions_find(r->rt->subscriptions, out->type), out->data);
  if (!clean.ptr) return 0;
  out->data = clean;
  *was_redacted = true;
  return 0;
}

/* ---------------------------------------------------------------- rows that are taken over */

/* Copies a table's rows that `keep` wants (NULL: all), in commits of a bounded size. */
static int copy_table(struct rebuild *r, unsigned table, bool (*keep)(const struct rebuild *r, const struct qun_pair *),
                      struct qun_error *err) {
  struct qun_pair pairs[256];
  qun_slice after = {NULL, 0};
  uint32_t n = 256;
  int rc = 0;
  while (n == 256 && rc == 0) {
    struct qun_batch b = {0};
    rc = qun_batch_begin(&b, r->store, err);
    for (uint32_t rows = 0; rc == 0 && n == 256 && rows < ROWS_A_COMMIT; rows += n) {
      rc = qun_view_scan(&r->from, table, (qun_slice){NULL, 0}, after, pairs, 256, &n);
      for (uint32_t i = 0; i < n && rc == 0; i++)
        if (!keep || keep(r, &pairs[i])) rc = qun_batch_put(&b, table, pairs[i].key, pairs[i].value);
      if (n) after = pairs[n - 1].key;
      if (rc < 0) rc = qun_error_set(err, QUN_EFAIL, "tenant %s: rows cannot be copied", r->spec->tenant);
    }
    if (rc == 0) rc = qun_batch_commit(&b, NULL, NULL, err);
    qun_batch_end(&b);
  }
  return rc;
}

static int clear_table(struct rebuild *r, unsigned table, struct qun_error *err) {
  MDB_txn *txn;
  int rc = mdb_txn_begin(r->store->env, NULL, 0, &txn);
  if (rc) return qun_store_error(err, rc, "clear a table");
  rc = mdb_drop(txn, r->store->dbi[table], 0);
  if (rc)
    mdb_txn_abort(txn);
  else
    rc = mdb_txn_commit(txn);
  return rc ? qun_store_error(err, rc, "clear a table") : 0;
}

/* Both rows of a member: "m" number, and "p" pseudonym -> number. Those of members that no kept record knows go, too. */
static bool keep_member(const struct rebuild *r, const struct qun_pair *row) {
  const unsigned char *key = row->key.ptr;
  uint64_t number = key[0] == 'm' && row->key.len == 9     ? qun_be64_read(key + 1)
                    : key[0] == 'p' && row->value.len == 8 ? qun_be64_read(row->value.ptr)
                                                           : 0;
  return number && number <= r->members && !is_erased(r, number);
}

/* ---------------------------------------------------------------- the records again */

static qun_slice open_of(struct rebuild *r, const struct qun_record *record) {
  const struct qun_hearers *h = qun_subscriptions_find(r->rt->subscriptions, record->type);
  return qun_apply_open(r->spec->vault, &r->from, h ? h->type : NULL, record, &r->arena);
}

/* Numbers of members in a record: the envelope's, and references in its data. */
static void note_members(struct rebuild *r, const struct qun_record *record) {
  const struct qun_hearers *h = qun_subscriptions_find(r->rt->subscriptions, record->type);
  if (record->member > r->members) r->members = record->member;
  for (uint32_t i = 0; h && i < h->type->fields_count; i++) {
    if (h->type->fields[i].kind != QUN_FIELD_MEMBER) continue;
    int64_t n = qun_mp_int(record->data, h->type->fields[i].name, 0);
    if (n > 0 && (uint64_t)n > r->members) r->members = (uint64_t)n;
  }
}

/* The recorded derived record takes the place of the one that was derived now, if it is the same one. */
static bool expect(void *arg, uint64_t next_seq, struct qun_record *record, qun_slice *open) {
  struct rebuild *r = arg;
  struct qun_record was;
  bool redacted;
  if (read_record(r, next_seq, &was, &redacted) < 0 || !(was.flags & QUN_EVENT_DERIVED) || was.cause != record->cause ||
      !qun_slice_eq(was.origin, record->origin) || !qun_slice_eq(was.id, record->id))
    return false;
  note_members(r, &was);
  *open = open_of(r, &was);
  *record = was;
  return true;
}

/* Recorded derived ones before `upto` that were not derived now: other versions, or what they followed from was erased. */
static int feed_missing(struct rebuild *r, struct qun_apply *a, uint64_t upto, bool timers_too, struct qun_error *err) {
  struct qun_record record;
  bool redacted;
  while (a->head.seq + 1 < upto && read_record(r, a->head.seq + 1, &record, &redacted) == 0) {
    if (!timers_too && qun_slice_is(record.type, "qun.timer")) return 0;
    note_members(r, &record);
    int rc = qun_apply_record(a, &record, open_of(r, &record), err);
    if (rc < 0) return rc;
  }
  return 0;
}

static int feed_one(struct rebuild *r, struct qun_apply *a, const struct qun_record *record, struct qun_error *err) {
  int rc = feed_missing(r, a, record->seq, false, err);
  if (rc == 0) rc = qun__apply_fire(a, record->clock_ms, qun__apply_mask(a), err);
  if (rc == 0) rc = feed_missing(r, a, record->seq, true, err);
  note_members(r, record);
  if (!(record->flags & (QUN_EVENT_CONTROL | QUN_EVENT_IMPORTED)) && !record->origin.len) r->live = true;
  return rc < 0 ? rc : qun_apply_record(a, record, open_of(r, record), err);
}

static int feed_batch(struct rebuild *r, struct qun_apply *a, uint64_t *seq, struct qun_error *err) {
  for (uint32_t i = 0; i < RECORDS_A_COMMIT && *seq < r->spec->upto; i++) {
    struct qun_record record;
    bool redacted;
    if (read_record(r, ++*seq, &record, &redacted) < 0)
      return qun_error_set(err, QUN_ECONFLICT, "record %llu cannot be read", (unsigned long long)*seq);
    if (record.flags & QUN_EVENT_DERIVED) continue;
    int rc = feed_one(r, a, &record, err);
    if (rc < 0) return rc;
    if (a->catch_up) return 0; /* the rest comes after that plugin's past */
  }
  return *seq == r->spec->upto ? feed_missing(r, a, r->spec->upto + 1, true, err) : 0;
}

static int feed(struct rebuild *r, struct qun_error *err) {
  uint64_t seq = 0;
  int rc = 0;
  while (seq < r->spec->upto && rc == 0) {
    struct qun_apply a = {0};
    bool behind = false;
    rc = qun_apply_begin(&a, &r->options, r->slot, 0, err);
    if (rc == 0) rc = feed_batch(r, &a, &seq, err);
    if (rc == 0) rc = qun_apply_commit(&a, err);
    behind = rc == 0 && a.catch_up;
    qun_apply_end(&a);
    if (behind) rc = qun_apply_catch_up(&r->options, r->slot, 0, err);
    qun_arena_clear(&r->arena);
    if (r->spec->progress) r->spec->progress(r->spec->progress_arg, seq, r->spec->upto);
  }
  return rc;
}

/* ---------------------------------------------------------------- the rest of the store */

/* The hash of each redacted record, as the tree has it, stays provable. */
static int keep_hashes(struct rebuild *r, struct qun_error *err) {
  int rc = 0;
  for (uint64_t seq = 1; seq <= r->spec->upto && rc == 0;) {
    struct qun_batch b = {0};
    rc = qun_batch_begin(&b, r->store, err);
    for (uint32_t i = 0; i < ROWS_A_COMMIT && seq <= r->spec->upto && rc == 0; i++, seq++) {
      struct qun_record record;
      unsigned char key[9] = {'h'}, hash[QUN_HASH_SIZE];
      bool redacted = false;
      rc = read_record(r, seq, &record, &redacted);
      if (rc < 0 || !redacted) continue;
      r->redacted++;
      qun_be64(key + 1, seq);
      rc = qun__audit_record_hash(&r->from, r->spec->vault, seq, hash);
      if (rc == 0) rc = qun_batch_put(&b, QUN_TABLE_AUDIT, qun_slice_of(key, 9), qun_slice_of(hash, sizeof hash));
    }
    if (rc < 0) rc = qun_error_set(err, QUN_ECONFLICT, "record %llu cannot be read", (unsigned long long)seq);
    if (rc == 0) rc = qun_batch_commit(&b, NULL, NULL, err);
    qun_batch_end(&b);
    qun_arena_clear(&r->arena);
  }
  return rc;
}

/* Hashes of records that earlier erasures redacted. */
static bool is_kept_hash(const struct rebuild *r, const struct qun_pair *row) {
  const unsigned char *key = row->key.ptr;
  return row->key.len == 9 && key[0] == 'h' && qun_be64_read(key + 1) <= r->spec->upto;
}

/* Up to where an erasure may explain a derived record; it goes along when only a part is kept. */
static int keep_erased_seq(struct rebuild *r, struct qun_batch *b) {
  qun_slice value;
  if (qun_view_get(&r->from, QUN_TABLE_META, qun_str("erased_seq"), &value) < 0) return 0;
  return qun_batch_put(b, QUN_TABLE_META, qun_str("erased_seq"), value);
}

/* A part of the log: what does not follow from the records alone. */
static int finish_part(struct rebuild *r, struct qun_error *err) {
  struct qun_batch b = {0};
  struct qun_head head;
  unsigned char incarnation[16];
  int rc = qun_meta_init(r->store, incarnation, err);
  if (rc == 0) rc = copy_table(r, QUN_TABLE_AUDIT, is_kept_hash, err);
  if (rc == 0) rc = qun_batch_begin(&b, r->store, err);
  if (rc < 0) return rc;
  if (qun_head_read(&b.view, &head) < 0) rc = QUN_EFAIL;
  head.members = r->members;
  head.live = r->live;
  if (rc == 0) rc = qun_head_write(&b, &head);
  if (rc == 0) rc = keep_erased_seq(r, &b);
  rc = rc < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch") : qun_batch_commit(&b, NULL, NULL, err);
  qun_batch_end(&b);
  return rc;
}

static int finish_whole(struct rebuild *r, struct qun_error *err) {
  static const unsigned tables[] = {QUN_TABLE_DUP, QUN_TABLE_AUDIT, QUN_TABLE_DEAD, QUN_TABLE_META};
  int rc = 0;
  for (size_t i = 0; i < sizeof tables / sizeof tables[0] && rc == 0; i++) {
    rc = clear_table(r, tables[i], err);
    if (rc == 0) rc = copy_table(r, tables[i], NULL, err);
  }
  return rc;
}

static int finish(struct rebuild *r, struct qun_error *err) {
  struct qun_view v;
  struct qun_head head;
  int rc = qun_view_begin(&v, r->store, err);
  if (rc < 0) return rc;
  if (qun_head_read(&v, &head) < 0 || head.seq != r->spec->upto)
    rc = qun_error_set(err, QUN_ECONFLICT, "tenant %s: the log gave %llu records again instead of %llu",
                       r->spec->tenant, (unsigned long long)head.seq, (unsigned long long)r->spec->upto);
  qun_view_end(&v);
  if (r->spec->whole && r->members < r->head.members) r->members = r->head.members;
  if (rc == 0) rc = copy_table(r, QUN_TABLE_MEMBERS, keep_member, err);
  if (rc == 0) rc = r->spec->whole ? finish_whole(r, err) : finish_part(r, err);
  if (rc == 0 && r->spec->erased_count) rc = keep_hashes(r, err);
  if (rc < 0) return rc;
  int status = mdb_env_sync(r->store->env, 1);
  return status ? qun_store_error(err, status, "sync the new store") : 0;
}

/* ---------------------------------------------------------------- begin */

static int open_new(struct rebuild *r, struct qun_engine *e, struct qun_error *err) {
  const char *ids[QUN_PLUGINS_MAX];
  struct qun_config *config = NULL;
  struct qun_view v;
  for (uint32_t i = 0; i < e->plugins->count; i++) ids[i] = e->plugins->plugins[i].manifest->id;
  struct qun_store_options so = {.quota_bytes = r->spec->from->quota_bytes,
                                 .plugins = ids,
                                 .plugins_count = e->plugins->count,
                                 .scratch = true}; /* synced once, at its end */
  int rc = qun_store_open(&r->store, r->spec->dir, &so, err);
  if (rc == 0) rc = qun_runtime_create_for(&r->rt, e->plugins, UINT32_MAX, e->subscriptions, NULL, err);
  if (rc == 0 && qun_skips_read(&r->skips, &r->from, e->plugins) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) rc = qun_view_begin(&v, r->store, err);
  if (rc < 0) return rc;
  rc = qun_config_read(&config, r->spec->tenant, &v, e->plugins, (qun_slice){NULL, 0}, err);
  if (rc == 0) rc = qun_runtime_scratch_slot(r->rt, r->spec->vault, config, &r->slot, err);
  qun_view_end(&v);
  r->options = (struct qun_apply_options){.rt = r->rt,
                                          .store = r->store,
                                          .vault = r->spec->vault,
                                          .name = r->spec->tenant,
                                          .people = &r->from,
                                          .skips = r->skips,
                                          .expect = expect,
                                          .expect_arg = r,
                                          .apart = ~qun_runtime_inside(e->plugins), /* its doings are fed as recorded */
                                          .until = r->until};
  return rc;
}

int qun__rebuild(struct qun_engine *e, const struct qun__rebuild_spec *spec, uint64_t *redacted,
                 struct qun_error *err) {
  struct rebuild r = {.spec = spec};
  qun_arena_init(&r.arena);
  int rc = qun_view_begin(&r.from, spec->from, err);
  if (rc == 0 && qun_head_read(&r.from, &r.head) < 0)
    rc = qun_error_set(err, QUN_ECONFLICT, "tenant %s: the store's head is damaged", spec->tenant);
  for (uint32_t i = 0; rc == 0 && i < e->plugins->count; i++)
    r.until[i] = e->plugins->plugins[i].where == QUN_ISOLATED
                     ? qun_cursor_read(&r.from, e->plugins->plugins[i].manifest->id)
                     : UINT64_MAX;
  if (rc == 0) rc = open_new(&r, e, err);
  if (rc == 0) rc = feed(&r, err);
  if (rc == 0) rc = finish(&r, err);
  if (r.rt) qun_runtime_slot_close(r.rt, r.slot);
  qun_runtime_destroy(r.rt);
  qun_skips_destroy(r.skips);
  qun_store_close(r.store);
  qun_view_end(&r.from);
  qun_arena_fini(&r.arena);
  if (rc == 0) *redacted = r.redacted;
  return rc;
}
