/* SPDX-License-Identifier: Apache-2.0 */
/* Replays a tenant's log into scratch stores (DECISIONS 6): verify feeds the recorded derived records and compares;
   rebuild and what-if drop them and derive them again. Nothing is delivered: a scratch store's outbox has no reader. */
#include "host/engine/replay_internal.h"

#include "tenants/remove_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---------------------------------------------------------------- strands */

static int add_strand(struct qun__replay *r, uint32_t mask, struct qun_error *err) {
  uint32_t nth = r->strands_count++;
  return qun__strand_open(&r->strands[nth], r, mask, nth, err);
}

/* Verify: a strand for each plugin. Else one for all. */
static int open_strands(struct qun__replay *r, struct qun_error *err) {
  uint32_t all = r->plugins->count == 32 ? UINT32_MAX : (1u << r->plugins->count) - 1;
  int rc = 0;
  snprintf(r->dir, sizeof r->dir, "%s/.replay-XXXXXX", r->engine->data_dir);
  if (!mkdtemp(r->dir)) {
    int reason = errno;
    r->dir[0] = '\0';
    return qun_error_set(err, QUN_EFAIL, "%s: a scratch folder cannot be made: %s", r->engine->data_dir,
                         strerror(reason));
  }
  if (r->spec->mode != QUN_REPLAY_VERIFY) return add_strand(r, all, err);
  for (uint32_t i = 0; i < r->plugins->count && rc == 0; i++) rc = add_strand(r, 1u << i, err);
  return rc;
}

struct qun__strand *qun__replay_strand(struct qun__replay *r, uint32_t plugin) {
  for (uint32_t i = 0; i < r->strands_count; i++) {
    if (r->strands[i].mask & (1u << plugin)) return &r->strands[i];
  }
  return NULL;
}

/* ---------------------------------------------------------------- hashes */

/* Plugins' hashes and the tenant's over those that are live. */
static void hash_all(const struct qun__replay *r, const struct qun_config *c, unsigned char each[][QUN_STATE_HASH],
                     unsigned char all[QUN_STATE_HASH]) {
  struct qun_state_part parts[QUN_PLUGINS_MAX];
  uint32_t n = 0;
  for (uint32_t i = 0; i < r->plugins->count; i++) {
    const struct qun_manifest *m = r->plugins->plugins[i].manifest;
    if (!((c->live >> i) & 1u)) continue;
    parts[n] =
        (struct qun_state_part){.plugin = m->id, .version = m->version, .settings = qun_pack_slice(&c->settings[i])};
    memcpy(parts[n++].hash, each[i], QUN_STATE_HASH);
  }
  qun_state_hash_tenant(parts, n, all);
}

static int hash_live(void *arg, uint32_t i) {
  struct qun__replay *r = arg;
  return qun_state_hash_table(&r->live_views[i], QUN_TABLE_PLUGIN + i, r->was[i]);
}

/* A view belongs to one thread: one for each plugin, all of the same commit. */
static int views_begin(struct qun__replay *r, struct qun_error *err) {
  size_t id = mdb_txn_id(r->live.view.txn);
  for (uint32_t i = 0; i < r->plugins->count; i++) {
    int rc = qun_view_begin(&r->live_views[i], r->live.view.store, err);
    if (rc < 0) return rc;
    if (mdb_txn_id(r->live_views[i].txn) == id) continue;
    for (uint32_t k = 0; k <= i; k++) qun_view_end(&r->live_views[k]); /* a commit came between: take the newer one */
    qun_view_end(&r->live.view);
    rc = qun_view_begin(&r->live.view, r->live.tenant->store, err);
    if (rc < 0) return rc;
    id = mdb_txn_id(r->live.view.txn);
    i = UINT32_MAX;
  }
  return 0;
}

/* The live state as it stands: head, settings, hashes. No snapshot is held longer than that takes. */
static int look_at_live(struct qun__replay *r, struct qun_error *err) {
  int rc = views_begin(r, err);
  if (rc < 0) return rc;
  if (qun_head_read(&r->live.view, &r->head) < 0)
    return qun_error_set(err, QUN_ECONFLICT, "tenant %s: the store's head is damaged", r->name);
  r->erased_seq = qun_erased_seq_read(&r->live.view);
  rc = qun_config_read(&r->config, r->name, &r->live.view, r->plugins, (qun_slice){NULL, 0}, err);
  if (rc < 0) return rc;
  if (qun__replay_each(r->threads, r->plugins->count, hash_live, r) < 0)
    return qun_error_set(err, QUN_EFAIL, "tenant %s: a keyspace cannot be read", r->name);
  hash_all(r, r->config, r->was, r->was_all);
  for (uint32_t i = 0; i < r->plugins->count; i++) qun_view_end(&r->live_views[i]);
  qun_view_end(&r->live.view);
  return 0;
}

static int hash_strand(void *arg, uint32_t i) {
  struct qun__replay *r = arg;
  struct qun__strand *s = &r->strands[i];
  int rc = 0;
  for (uint32_t p = 0; p < r->plugins->count && rc == 0; p++) {
    if (s->mask & (1u << p)) rc = qun_state_hash_table(&s->apply.batch.view, QUN_TABLE_PLUGIN + p, r->is[p]);
  }
  return rc;
}

static int look_at_scratch(struct qun__replay *r, struct qun_error *err) {
  for (uint32_t i = 0; i < r->strands_count; i++) {
    int rc = qun__strand_begin(&r->strands[i], err);
    if (rc < 0) return rc;
  }
  if (qun__replay_each(r->threads, r->strands_count, hash_strand, r) < 0)
    return qun_error_set(err, QUN_EFAIL, "a scratch keyspace cannot be read");
  hash_all(r, r->strands[0].slot->config, r->is, r->is_all);
  return 0;
}

/* ---------------------------------------------------------------- the answer */

static void pack_hash(struct qun_pack *out, const char *key, const unsigned char *hash) {
  char hex[2 * QUN_STATE_HASH + 1];
  qun_hex(hash, QUN_STATE_HASH, hex);
  qun_pack_kv_cstr(out, key, hex);
}

/* The first differences of all strands, in the log's order. */
static uint32_t first_differences(const struct qun__replay *r,
                                  const struct qun__difference *first[QUN__REPLAY_DIFFERENCES], uint64_t *total) {
  uint32_t n = 0, at[QUN_PLUGINS_MAX] = {0};
  *total = 0;
  for (uint32_t i = 0; i < r->strands_count; i++) *total += r->strands[i].differ;
  while (n < QUN__REPLAY_DIFFERENCES && n < *total) {
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < r->strands_count; i++) {
      if (at[i] == QUN__REPLAY_DIFFERENCES || at[i] == r->strands[i].differ) continue;
      if (best == UINT32_MAX || r->strands[i].differences[at[i]].seq < r->strands[best].differences[at[best]].seq)
        best = i;
    }
    first[n++] = &r->strands[best].differences[at[best]++];
  }
  return n;
}

static void pack_answer(const struct qun__replay *r, struct qun_pack *out) {
  static const char *const modes[] = {"", "verify", "rebuild", "whatif"};
  const struct qun__difference *first[QUN__REPLAY_DIFFERENCES];
  uint64_t differ;
  uint32_t shown = first_differences(r, first, &differ);
  qun_pack_map(out, 8);
  qun_pack_kv_cstr(out, "mode", modes[r->spec->mode]);
  qun_pack_kv_int(out, "records", (int64_t)r->strands[0].inputs);
  qun_pack_kv_bool(out, "match", memcmp(r->was_all, r->is_all, QUN_STATE_HASH) == 0 && differ == 0);
  pack_hash(out, "state_hash", r->is_all);
  pack_hash(out, "live_hash", r->was_all);
  qun_pack_cstr(out, "plugins");
  qun_pack_map(out, r->plugins->count);
  for (uint32_t i = 0; i < r->plugins->count; i++) {
    qun_pack_cstr(out, r->plugins->plugins[i].manifest->id);
    qun_pack_map(out, 3);
    pack_hash(out, "state_hash", r->is[i]);
    pack_hash(out, "live_hash", r->was[i]);
    qun_pack_kv_bool(out, "differs", memcmp(r->was[i], r->is[i], QUN_STATE_HASH) != 0);
  }
  qun_pack_kv_int(out, "derived_differ", (int64_t)differ);
  qun_pack_cstr(out, "emits_differ");
  qun_pack_array(out, shown);
  for (uint32_t i = 0; i < shown; i++) {
    qun_pack_map(out, 4);
    qun_pack_kv_int(out, "seq", (int64_t)first[i]->seq);
    qun_pack_kv_cstr(out, "type", first[i]->type);
    qun_pack_kv_cstr(out, "was", first[i]->was);
    qun_pack_kv_cstr(out, "is", first[i]->is);
  }
}

/* ---------------------------------------------------------------- the run */

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

static struct qun__replay *replay_create(struct qun_engine *e, const char *tenant, const struct qun_replay_spec *spec) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  struct qun__replay *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->engine = e;
  r->name = tenant;
  r->spec = spec;
  r->plugins = e->plugins;
  r->threads = spec->threads ? spec->threads : processors > 0 ? (uint32_t)processors : 1;
  if (r->threads > QUN__REPLAY_THREADS_MAX) r->threads = QUN__REPLAY_THREADS_MAX;
  for (uint32_t i = 0; i < e->plugins->count; i++) {
    if (e->plugins->plugins[i].manifest->personal_text) r->text_plugins |= 1u << i;
  }
  for (uint32_t i = 0; i < QUN__REPLAY_WINDOW; i++) qun_arena_init(&r->chunks[i].arena);
  return r;
}

static void replay_destroy(struct qun__replay *r) {
  for (uint32_t i = 0; i < r->strands_count; i++) qun__strand_close(&r->strands[i]);
  for (uint32_t i = 0; i < QUN__REPLAY_WINDOW; i++) qun__chunk_fini(&r->chunks[i]);
  for (uint32_t i = 0; i < QUN_PLUGINS_MAX; i++) qun_view_end(&r->live_views[i]);
  if (r->dir[0]) qun_remove_tree(r->dir);
  qun_config_unref(r->config);
  qun_engine_read_end(&r->live);
  free(r);
}

int qun_engine_replay(struct qun_engine *e, const char *tenant, const struct qun_replay_spec *spec,
                      struct qun_pack *out, struct qun_error *err) {
  int rc = check_changes(e, spec->changes, err);
  if (rc < 0) return rc;
  struct qun__replay *r = replay_create(e, tenant, spec);
  if (!r) return qun_error_set(err, QUN_EFAIL, "out of memory");
  rc = qun_engine_read_begin(e, tenant, &r->live, err);
  if (rc == 0) rc = look_at_live(r, err);
  if (rc == 0) rc = open_strands(r, err);
  if (rc == 0) rc = qun__replay_flow(r, err);
  if (rc == 0) rc = look_at_scratch(r, err);
  if (rc == 0) pack_answer(r, out);
  replay_destroy(r);
  return rc;
}
