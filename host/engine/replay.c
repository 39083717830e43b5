/* SPDX-License-Identifier: Apache-2.0 */
/* Replays a tenant's log into a scratch store (DECISIONS 6): verify feeds the recorded derived records and compares;
   rebuild and what-if drop them and derive them again. Nothing is delivered: a scratch store's outbox has no reader. */
#include "host/engine/internal.h"

#include "tenants/remove_tree.h"
#include "tenants/state_hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DIFFERENCES_MAX = 20, DEFAULT_BATCH = 1000 };

struct difference {
  uint64_t seq;
  char type[64];
  char was[120], is[120];
};

struct replay {
  const struct qun_replay_spec *spec;
  struct qun_reading live;
  struct qun_head head; /* of the snapshot */
  struct qun_store *store;
  struct qun_runtime *rt;
  struct qun_slot *slot;
  struct qun_apply_options options;
  struct qun_arena arena; /* opened data of one batch */
  uint64_t records;
  uint64_t differ;
  uint64_t erased_seq; /* of META */
  struct difference differences[DIFFERENCES_MAX];
  char dir[4096];
};

/* ---------------------------------------------------------------- verify */

static int read_live(const struct replay *r, uint64_t seq, struct qun_record *out) {
  unsigned char key[8];
  qun_slice bytes;
  qun_be64(key, seq);
  if (seq > r->head.seq || qun_view_get(&r->live.view, QUN_TABLE_LOG, qun_slice_of(key, 8), &bytes) < 0)
    return QUN_ENOTFOUND;
  return qun_record_read(out, seq, bytes);
}

static void brief(char out[120], const struct qun_record *r) {
  if (!r)
    snprintf(out, 120, "nothing");
  else
    snprintf(out, 120, "%.*s %.*s by %.*s, %llu bytes of data", (int)r->type.len, (const char *)r->type.ptr,
             (int)(r->subject.len > 30 ? 30 : r->subject.len), (const char *)r->subject.ptr, (int)r->origin.len,
             (const char *)r->origin.ptr, (unsigned long long)r->data.len);
}

static void differs(struct replay *r, uint64_t seq, const struct qun_record *was, const struct qun_record *is) {
  const struct qun_record *any = was ? was : is;
  if (seq <= r->erased_seq) return; /* it may follow from what was erased since */
  if (r->differ < DIFFERENCES_MAX) {
    struct difference *d = &r->differences[r->differ];
    d->seq = seq;
    snprintf(d->type, sizeof d->type, "%.*s", (int)any->type.len, (const char *)any->type.ptr);
    brief(d->was, was);
    brief(d->is, is);
  }
  r->differ++;
}

static qun_slice open_of(struct replay *r, const struct qun_record *record) {
  const struct qun_hearers *h = qun_subscriptions_find(r->rt->subscriptions, record->type);
  return qun_apply_open(r->live.vault, &r->live.view, h ? h->type : NULL, record, &r->arena);
}

static bool same(const struct qun_record *a, qun_slice a_open, const struct qun_record *b, qun_slice b_open) {
  return qun_slice_eq(a->type, b->type) && qun_slice_eq(a->subject, b->subject) && qun_slice_eq(a->group, b->group) &&
         qun_slice_eq(a->channel, b->channel) && qun_slice_eq(a->lang, b->lang) && a->member == b->member &&
         a->hops == b->hops && qun_slice_eq(a_open, b_open);
}

/* Stands before each derived record of the scratch log: the recorded one takes its place, so that both logs stay in
 * step. */
static bool expect(void *arg, uint64_t next_seq, struct qun_record *record, qun_slice *open) {
  struct replay *r = arg;
  struct qun_record was;
  bool there = read_live(r, next_seq, &was) == 0 && (was.flags & QUN_EVENT_DERIVED) && was.cause == record->cause &&
               qun_slice_eq(was.origin, record->origin) && qun_slice_eq(was.id, record->id);
  if (!there) {
    differs(r, next_seq, NULL, record);
    return false;
  }
  qun_slice was_open = open_of(r, &was);
  if (!same(&was, was_open, record, *open)) differs(r, next_seq, &was, record);
  *record = was;
  *open = was_open;
  return true;
}

/* ---------------------------------------------------------------- the run */

static int open_scratch(struct replay *r, struct qun_engine *e, const char *tenant, struct qun_error *err) {
  const char *ids[QUN_PLUGINS_MAX];
  struct qun_config *config = NULL;
  struct qun_view v;
  snprintf(r->dir, sizeof r->dir, "%s/.replay-XXXXXX", e->data_dir);
  if (!mkdtemp(r->dir)) {
    r->dir[0] = '\0';
    return qun_error_set(err, QUN_EFAIL, "%s: a scratch folder cannot be made: %m", e->data_dir);
  }
  for (uint32_t i = 0; i < e->plugins->count; i++) ids[i] = e->plugins->plugins[i].manifest->id;
  struct qun_store_options so = {.quota_bytes = r->live.tenant->store->quota_bytes * 2,
                                 .plugins = ids,
                                 .plugins_count = e->plugins->count,
                                 .scratch = true};
  int rc = qun_store_open(&r->store, r->dir, &so, err);
  if (rc == 0) rc = qun_runtime_create(&r->rt, e->plugins, e->subscriptions, NULL, err);
  if (rc == 0) rc = qun_view_begin(&v, r->store, err);
  if (rc < 0) return rc;
  rc = qun_config_read(&config, tenant, &v, e->plugins, r->spec->changes, err);
  if (rc == 0) rc = qun_runtime_scratch_slot(r->rt, r->live.vault, config, &r->slot, err);
  qun_view_end(&v);
  r->options = (struct qun_apply_options){.rt = r->rt,
                                          .store = r->store,
                                          .vault = r->live.vault,
                                          .name = tenant,
                                          .overrides = r->spec->changes,
                                          .people = &r->live.view};
  if (r->spec->mode == QUN_REPLAY_VERIFY) {
    r->options.expect = expect;
    r->options.expect_arg = r;
  }
  return rc;
}

/* Derived records before sequence `upto` that the replay did not derive: told of, and fed as they are recorded. Timers
   are left alone while they may still fire. */
static int feed_missing(struct replay *r, struct qun_apply *a, uint64_t upto, bool timers_too, struct qun_error *err) {
  struct qun_record record;
  while (a->head.seq + 1 < upto && read_live(r, a->head.seq + 1, &record) == 0) {
    if (!timers_too && qun_slice_is(record.type, "qun.timer")) return 0;
    differs(r, record.seq, &record, NULL);
    int rc = qun_apply_record(a, &record, open_of(r, &record), err);
    if (rc < 0) return rc;
  }
  return 0;
}

static int verify_one(struct replay *r, struct qun_apply *a, const struct qun_record *record, struct qun_error *err) {
  int rc = feed_missing(r, a, record->seq, false, err);
  if (rc == 0) rc = qun__apply_fire(a, record->clock_ms, a->slot->config->live & ~a->catch_up, err);
  if (rc == 0) rc = feed_missing(r, a, record->seq, true, err);
  return rc < 0 ? rc : qun_apply_record(a, record, open_of(r, record), err);
}

/* Applies up to `n` inputs after *seq. */
static int run_batch(struct replay *r, struct qun_apply *a, uint64_t *seq, uint32_t n, struct qun_error *err) {
  bool verify = r->spec->mode == QUN_REPLAY_VERIFY;
  for (uint32_t i = 0; i < n && *seq < r->head.seq; i++) {
    struct qun_record record;
    if (read_live(r, *seq + 1, &record) < 0)
      return qun_error_set(err, QUN_ECONFLICT, "record %llu cannot be read", (unsigned long long)*seq + 1);
    ++*seq;
    if (record.clock_ms > r->spec->until_ms) {
      *seq = r->head.seq;
      return 0;
    }
    if (record.flags & QUN_EVENT_DERIVED) continue;
    int rc = verify ? verify_one(r, a, &record, err) : qun_apply_record(a, &record, open_of(r, &record), err);
    if (rc < 0) return rc;
    r->records++;
    if (a->catch_up) return 0; /* the rest comes after that plugin's past */
  }
  return verify && *seq == r->head.seq && r->spec->until_ms == INT64_MAX
             ? feed_missing(r, a, r->head.seq + 1, true, err)
             : 0;
}

static int run(struct replay *r, struct qun_error *err) {
  uint32_t batch = r->spec->batch ? r->spec->batch : DEFAULT_BATCH;
  uint64_t seq = 0;
  int rc = 0;
  while (seq < r->head.seq && rc == 0) {
    struct qun_apply a;
    bool behind = false;
    rc = qun_apply_begin(&a, &r->options, r->slot, 0, err);
    if (rc == 0) rc = run_batch(r, &a, &seq, batch, err);
    if (rc == 0) rc = qun_apply_commit(&a, err);
    behind = rc == 0 && a.catch_up;
    qun_apply_end(&a);
    if (behind) rc = qun_apply_catch_up(&r->options, r->slot, 0, err);
    qun_arena_clear(&r->arena);
    if (r->spec->progress) r->spec->progress(r->spec->progress_arg, seq, r->head.seq);
  }
  return rc;
}

/* ---------------------------------------------------------------- the answer */

static int hashes(const struct qun_view *v, const struct qun_config *c, const struct qun_plugin_set *plugins,
                  unsigned char each[][QUN_STATE_HASH], unsigned char all[QUN_STATE_HASH]) {
  struct qun_state_part parts[QUN_PLUGINS_MAX];
  uint32_t n = 0;
  for (uint32_t i = 0; i < plugins->count; i++) {
    const struct qun_manifest *m = plugins->plugins[i].manifest;
    if (qun_state_hash_table(v, QUN_TABLE_PLUGIN + i, each[i]) < 0) return QUN_EFAIL;
    if (!((c->live >> i) & 1u)) continue;
    parts[n] =
        (struct qun_state_part){.plugin = m->id, .version = m->version, .settings = qun_pack_slice(&c->settings[i])};
    memcpy(parts[n++].hash, each[i], QUN_STATE_HASH);
  }
  qun_state_hash_tenant(parts, n, all);
  return 0;
}

static void pack_hash(struct qun_pack *out, const char *key, const unsigned char *hash) {
  char hex[2 * QUN_STATE_HASH + 1];
  qun_hex(hash, QUN_STATE_HASH, hex);
  qun_pack_kv_cstr(out, key, hex);
}

static void pack_answer(struct qun_pack *out, const struct replay *r, const struct qun_plugin_set *plugins,
                        unsigned char was[][QUN_STATE_HASH], unsigned char is[][QUN_STATE_HASH],
                        const unsigned char *was_all, const unsigned char *is_all) {
  static const char *const modes[] = {"", "verify", "rebuild", "whatif"};
  uint32_t shown = r->differ < DIFFERENCES_MAX ? (uint32_t)r->differ : DIFFERENCES_MAX;
  qun_pack_map(out, 8);
  qun_pack_kv_cstr(out, "mode", modes[r->spec->mode]);
  qun_pack_kv_int(out, "records", (int64_t)r->records);
  qun_pack_kv_bool(out, "match", memcmp(was_all, is_all, QUN_STATE_HASH) == 0 && r->differ == 0);
  pack_hash(out, "state_hash", is_all);
  pack_hash(out, "live_hash", was_all);
  qun_pack_cstr(out, "plugins");
  qun_pack_map(out, plugins->count);
  for (uint32_t i = 0; i < plugins->count; i++) {
    qun_pack_cstr(out, plugins->plugins[i].manifest->id);
    qun_pack_map(out, 3);
    pack_hash(out, "state_hash", is[i]);
    pack_hash(out, "live_hash", was[i]);
    qun_pack_kv_bool(out, "differs", memcmp(was[i], is[i], QUN_STATE_HASH) != 0);
  }
  qun_pack_kv_int(out, "derived_differ", (int64_t)r->differ);
  qun_pack_cstr(out, "emits_differ");
  qun_pack_array(out, shown);
  for (uint32_t i = 0; i < shown; i++) {
    qun_pack_map(out, 4);
    qun_pack_kv_int(out, "seq", (int64_t)r->differences[i].seq);
    qun_pack_kv_cstr(out, "type", r->differences[i].type);
    qun_pack_kv_cstr(out, "was", r->differences[i].was);
    qun_pack_kv_cstr(out, "is", r->differences[i].is);
  }
}

static int answer(struct replay *r, struct qun_engine *e, const char *tenant, struct qun_pack *out,
                  struct qun_error *err) {
  unsigned char was[QUN_PLUGINS_MAX][QUN_STATE_HASH], is[QUN_PLUGINS_MAX][QUN_STATE_HASH], was_all[QUN_STATE_HASH],
      is_all[QUN_STATE_HASH];
  struct qun_config *live = NULL;
  struct qun_view v;
  int rc = qun_config_read(&live, tenant, &r->live.view, e->plugins, (qun_slice){NULL, 0}, err);
  if (rc < 0) return rc;
  rc = qun_view_begin(&v, r->store, err);
  if (rc == 0) {
    if (hashes(&r->live.view, live, e->plugins, was, was_all) < 0 ||
        hashes(&v, r->slot->config, e->plugins, is, is_all) < 0)
      rc = qun_error_set(err, QUN_EFAIL, "a keyspace cannot be read");
    else
      pack_answer(out, r, e->plugins, was, is, was_all, is_all);
    qun_view_end(&v);
  }
  qun_config_unref(live);
  return rc;
}

/* A what-if that changes nothing because a key is misspelt would be a wrong answer. */
static int check_changes(const struct qun_engine *e, qun_slice changes, struct qun_error *err) {
  struct qun_unpack u;
  qun_slice key, value;
  uint32_t n = 0;
  int rc = 0;
  qun_unpack_init(&u, changes);
  if (!changes.len || !qun_unpack_map(&u, &n)) return 0;
  while (n-- > 0 && rc == 0 && qun_unpack_str(&u, &key) && qun_unpack_str(&u, &value)) {
    char name[256], text[4096];
    snprintf(name, sizeof name, "%.*s", (int)key.len, (const char *)key.ptr);
    snprintf(text, sizeof text, "%.*s", (int)value.len, (const char *)value.ptr);
    rc = qun_config_check(e->plugins, name, text, err);
  }
  return rc;
}

int qun_engine_replay(struct qun_engine *e, const char *tenant, const struct qun_replay_spec *spec,
                      struct qun_pack *out, struct qun_error *err) {
  int rc = check_changes(e, spec->changes, err);
  if (rc < 0) return rc;
  struct replay *r = calloc(1, sizeof *r);
  if (!r) return qun_error_set(err, QUN_EFAIL, "out of memory");
  r->spec = spec;
  qun_arena_init(&r->arena);
  rc = qun_engine_read_begin(e, tenant, &r->live, err);
  if (rc == 0 && qun_head_read(&r->live.view, &r->head) < 0)
    rc = qun_error_set(err, QUN_ECONFLICT, "the store's head is damaged");
  if (rc == 0) r->erased_seq = qun_erased_seq_read(&r->live.view);
  if (rc == 0) rc = open_scratch(r, e, tenant, err);
  if (rc == 0) rc = run(r, err);
  if (rc == 0) rc = answer(r, e, tenant, out, err);
  qun_runtime_slot_close(r->rt, r->slot);
  qun_runtime_destroy(r->rt);
  qun_store_close(r->store);
  if (r->dir[0]) qun_remove_tree(r->dir);
  qun_engine_read_end(&r->live);
  qun_arena_fini(&r->arena);
  free(r);
  return rc;
}
