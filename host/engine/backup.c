/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/backup.h"

#include "host/engine/internal.h"
#include "tenants/state_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROFILE_MAX = 1 << 20 };

/* ---------------------------------------------------------------- the copy */

/* A file without a name on the disk where the backup goes: that there is room for it shows before anything is named. */
static int unnamed_file(int *fd, const char *path, struct qun_error *err) {
  char name[PATH_MAX + 16];
  if (strlen(path) >= PATH_MAX) return qun_error_set(err, QUN_EINVAL, "backup %.80s...: the path is too long", path);
  snprintf(name, sizeof name, "%s.XXXXXX", path);
  *fd = mkostemp(name, O_CLOEXEC);
  if (*fd < 0) return qun_error_set(err, QUN_EFAIL, "backup %s: cannot make a file there: %m", path);
  unlink(name);
  return 0;
}

static int copy_store(struct qun_engine *e, const char *tenant, int fd, struct qun_error *err) {
  struct qun_reading r;
  int rc = qun_engine_read_begin(e, tenant, &r, err);
  if (rc < 0) return rc;
  qun_view_end(&r.view); /* what was acknowledged is in; the copy takes a snapshot of its own */
  rc = qun_store_copy(r.tenant->store, fd, err);
  qun_engine_read_end(&r);
  return rc;
}

static int open_copy(struct qun_store **out, struct qun_engine *e, int fd, struct qun_error *err) {
  const char *ids[QUN_PLUGINS_MAX];
  for (uint32_t i = 0; i < e->plugins->count; i++) ids[i] = e->plugins->plugins[i].manifest->id;
  struct qun_store_options options = {.plugins = ids, .plugins_count = e->plugins->count};
  return qun_store_open_copy(out, fd, &options, err);
}

/* ---------------------------------------------------------------- the manifest, all from the copy */

static int pack_plugins(struct qun_pack *out, const struct qun_view *v, const struct qun_engine *e,
                        const struct qun_config *c, char state[2 * QUN_STATE_HASH + 1]) {
  struct qun_state_part parts[QUN_PLUGINS_MAX];
  unsigned char all[QUN_STATE_HASH];
  char hex[2 * QUN_STATE_HASH + 1];
  uint32_t n = 0;
  qun_pack_cstr(out, "plugins");
  qun_pack_map(out, e->plugins->count);
  for (uint32_t i = 0; i < e->plugins->count; i++) {
    const struct qun_manifest *m = e->plugins->plugins[i].manifest;
    bool live = (c->live >> i) & 1u;
    struct qun_state_part part = {.plugin = m->id, .version = m->version, .settings = qun_pack_slice(&c->settings[i])};
    if (qun_state_hash_table(v, QUN_TABLE_PLUGIN + i, part.hash) < 0) return QUN_EFAIL;
    qun_hex(part.hash, sizeof part.hash, hex);
    qun_pack_cstr(out, m->id);
    qun_pack_map(out, 3);
    qun_pack_kv_cstr(out, "version", m->version);
    qun_pack_kv_cstr(out, "status", live ? "live" : "off");
    qun_pack_kv_cstr(out, "state_hash", hex);
    if (live) parts[n++] = part;
  }
  qun_state_hash_tenant(parts, n, all);
  qun_hex(all, sizeof all, state);
  return 0;
}

static int pack_tree(struct qun_pack *out, const struct qun_view *v, const struct qun_head *head,
                     struct qun_error *err) {
  unsigned char root[QUN_HASH_SIZE];
  char hex[2 * QUN_HASH_SIZE + 1];
  int rc = qun_audit_root(v, head->tree_size, root, err);
  if (rc < 0) return rc;
  qun_hex(root, sizeof root, hex);
  qun_pack_cstr(out, "tree");
  qun_pack_map(out, 2);
  qun_pack_kv_int(out, "size", (int64_t)head->tree_size);
  qun_pack_kv_cstr(out, "root", hex);
  return 0;
}

static int pack_about(struct qun_pack *out, struct qun_engine *e, const char *tenant, const struct qun_view *v,
                      struct qun_error *err) {
  struct qun_config *c = NULL;
  struct qun_head head;
  qun_slice incarnation;
  char hex[2 * QUN_STATE_HASH + 1];
  if (qun_head_read(v, &head) < 0 || qun_view_get(v, QUN_TABLE_META, qun_str("incarnation"), &incarnation) < 0 ||
      incarnation.len != 16)
    return qun_error_set(err, QUN_ECONFLICT, "tenant %s: the store's head is damaged", tenant);
  int rc = qun_config_read(&c, tenant, v, e->plugins, (qun_slice){NULL, 0}, err);
  if (rc < 0) return rc;
  qun_pack_map(out, 12);
  qun_pack_kv_cstr(out, "format", "qun-backup/1");
  qun_pack_kv_cstr(out, "tenant", tenant);
  qun_hex(incarnation.ptr, 16, hex);
  qun_pack_kv_cstr(out, "incarnation", hex);
  qun_pack_kv_int(out, "epoch", (int64_t)qun_epoch_read(v));
  qun_pack_kv_int(out, "schema", QUN_STORE_SCHEMA);
  qun_pack_kv_int(out, "made", qun_engine_now(e));
  qun_pack_kv_int(out, "seq", (int64_t)head.seq);
  qun_pack_kv_int(out, "clock", head.clock_ms == INT64_MIN ? 0 : head.clock_ms);
  qun_pack_kv_int(out, "members", (int64_t)head.members);
  rc = pack_tree(out, v, &head, err);
  if (rc == 0 && pack_plugins(out, v, e, c, hex) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "tenant %s: a keyspace cannot be read", tenant);
  qun_pack_kv_cstr(out, "state_hash", hex);
  qun_config_unref(c);
  return rc;
}

/* ---------------------------------------------------------------- the file */

static int read_profile(struct qun_pack *out, struct qun_engine *e, const char *tenant, struct qun_error *err) {
  char dir[4096], path[4200], block[4096];
  ssize_t n;
  qun_tenant_dir(e->pool, tenant, dir);
  snprintf(path, sizeof path, "%s/tenant.yaml", dir);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "%s: %m", path);
  while ((n = read(fd, block, sizeof block)) > 0 && out->len < PROFILE_MAX)
    qun_pack_raw(out, qun_slice_of(block, (size_t)n));
  close(fd);
  return n < 0 || out->failed ? qun_error_set(err, QUN_EFAIL, "%s: cannot be read", path) : 0;
}

static int write_file(struct qun_engine *e, const char *tenant, const struct qun_engine_backup_spec *spec, int copy,
                      qun_slice about, struct qun_error *err) {
  struct qun_backup_writer *w = NULL;
  struct qun_pack profile;
  struct stat st;
  if (fstat(copy, &st) < 0) return qun_error_set(err, QUN_EFAIL, "backup %s: %m", spec->path);
  qun_pack_init(&profile);
  int rc = read_profile(&profile, e, tenant, err);
  if (rc == 0) rc = qun_backup_begin(&w, spec->path, err);
  if (rc == 0) rc = qun_backup_add(w, "tenant.yaml", qun_pack_slice(&profile), err);
  if (rc == 0)
    rc = qun_backup_add_file(w, "store/data.mdb", copy, (uint64_t)st.st_size, spec->progress, spec->progress_arg, err);
  if (rc == 0)
    rc = qun_backup_finish(w, about, err);
  else
    qun_backup_abort(w);
  qun_pack_fini(&profile);
  return rc;
}

/* ---------------------------------------------------------------- the keys */

static int add_key(void *arg, const char *name, qun_slice bytes, struct qun_error *err) {
  return qun_backup_add(arg, name, bytes, err);
}

static int write_keys(struct qun_engine *e, const char *tenant, const char *path, struct qun_error *err) {
  struct qun_backup_writer *w = NULL;
  struct qun_tenant *t = NULL;
  struct qun_pack about;
  int rc = qun_tenant_get(e->pool, tenant, &t, err);
  if (rc < 0) return rc;
  qun_pack_init(&about);
  qun_pack_map(&about, 3);
  qun_pack_kv_cstr(&about, "format", "qun-keys/1");
  qun_pack_kv_cstr(&about, "tenant", tenant);
  qun_pack_kv_int(&about, "made", qun_engine_now(e));
  rc = qun_backup_begin(&w, path, err);
  if (rc == 0) rc = qun_vault_export(t->vault, add_key, w, err);
  if (rc == 0)
    rc = qun_backup_finish(w, qun_pack_slice(&about), err);
  else
    qun_backup_abort(w);
  qun_pack_fini(&about);
  qun_tenant_put(t);
  return rc;
}

int qun_engine_backup(struct qun_engine *e, const char *tenant, const struct qun_engine_backup_spec *spec,
                      struct qun_pack *out, struct qun_error *err) {
  struct qun_store *copy = NULL;
  struct qun_pack about;
  struct qun_view v;
  int fd = -1;
  qun_pack_init(&about);
  int rc = unnamed_file(&fd, spec->path, err);
  if (rc == 0) rc = copy_store(e, tenant, fd, err);
  if (rc == 0) rc = open_copy(&copy, e, fd, err);
  if (rc == 0) rc = qun_view_begin(&v, copy, err);
  if (rc == 0) {
    rc = pack_about(&about, e, tenant, &v, err);
    qun_view_end(&v);
  }
  /* The keys come behind the copy, so that there is one for all that it holds. */
  if (rc == 0 && spec->keys_path) rc = write_keys(e, tenant, spec->keys_path, err);
  if (rc == 0) rc = write_file(e, tenant, spec, fd, qun_pack_slice(&about), err);
  if (rc == 0) qun_pack_raw(out, qun_pack_slice(&about));
  qun_store_close(copy);
  if (fd >= 0) close(fd);
  qun_pack_fini(&about);
  return rc;
}
