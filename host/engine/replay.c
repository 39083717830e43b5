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

static void views_end(struct qun__replay *r) {
  for (uint32_t i = 0; i < QUN_PLUGINS_MAX; i++) qun_view_end(&r->live_views[i]);
}

/* A view belongs to one thread: one for each plugin, all of the same commit. When a commit comes between, the newer
   state is taken. */
static int views_begin(struct qun__replay *r, struct qun_error *err) {
  struct qun_store *store = r->live.tenant->store;
  for (bool same = false; !same;) {
    views_end(r);
    qun_view_end(&r->live.view);
    int rc = qun_view_begin(&r->live.view, store, err);
    same = true;
    for (uint32_t i = 0; i < r->plugins->count && same && rc == 0; i++) {
      rc = qun_view_begin(&r->live_views[i], store, err);
      same = rc == 0 && mdb_txn_id(r->live_views[i].txn) == mdb_txn_id(r->live.view.txn);
    }
    if (rc < 0) return rc;
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
  if (qun_skips_read(&r->skips, &r->live.view, r->plugins) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; i < r->plugins->count; i++)
    r->until[i] = r->plugins->plugins[i].where == QUN_ISOLATED
                      ? qun_cursor_read(&r->live.view, r->plugins->plugins[i].manifest->id)
                      : UINT64_MAX;
  rc = qun_config_read(&r->config, r->name, &r->live.view, r->plugins, (qun_slice){NULL, 0}, err);
  if (rc < 0) return rc;
  if (qun__replay_each(r->threads, r->plugins->count, hash_live, r) < 0)
    return qun_error_set(err, QUN_EFAIL, "tenant %s: a keyspace cannot be read", r->name);
  hash_all(r, r->config, r->was, r->was_all);
  if (r->spec->mode == QUN_REPLAY_WHATIF && r->spec->until_ms == INT64_MAX) rc = qun__reports_take(&r->reports, r, err);
  views_end(r);
  qun_view_end(&r->live.view);
  return rc;
}

static int hash_strand(void *arg, uint32_t i) {
  struct qun__replay *r = arg;
  struct qun__strand *s = &r->strands[i];
  int rc = 0;
  for (uint32_t p = 0; p < r->plugins->count && rc == 0; p++) {
    if (!(s->mask & (1u << p))) continue;
    if (r->plugins->plugins[p].vtable)
      rc = qun_state_hash_table(&s->apply.batch.view, QUN_TABLE_PLUGIN + p, r->is[p]);
    else
      memcpy(r->is[p], r->was[p], sizeof r->is[p]); /* parked: its code runs nowhere, there is nothing to compare */
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
  views_end(r);
  if (r->dir[0]) qun_remove_tree(r->dir);
  qun__reports_destroy(r->reports);
  qun_config_unref(r->config);
  qun_skips_destroy(r->skips);
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
  if (rc == 0) rc = qun__replay_answer(r, out, err);
  replay_destroy(r);
  return rc;
}
