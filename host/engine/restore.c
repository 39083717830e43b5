/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/backup.h"
#include "host/engine/rebuild.h"
#include "host/engine/restore_outbox.h"
#include "tenants/audit_epoch.h"
#include "tenants/erasures.h"
#include "tenants/members.h"
#include "tenants/note.h"
#include "tenants/remove_tree.h"
#include "tenants/state_hash.h"
#include "tenants/strict_json.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct restore {
  struct qun_engine *engine;
  const struct qun_engine_restore_spec *spec;
  char from[64], name[64]; /* tenant in the backup, tenant here */
  char incarnation[33];    /* of the backup */
  int64_t made_ms;
  char dir[4096];      /* where it is prepared */
  char replaced[4096]; /* where the tenant is that made room; empty: there was none */
  struct qun_vault *vault;
  bool staged; /* the keys are not in their place yet */
  struct qun_store *store;
  struct qun_head head; /* of the backup */
  unsigned char root[QUN_HASH_SIZE];
  uint64_t epoch, kept, redacted;
  uint64_t *numbers; /* members that are erased from it */
  uint32_t erased;
  struct qun_pack checkpoint; /* last known one of the epoch before */
};

/* ---------------------------------------------------------------- the manifest */

static int copy_text(char *out, size_t size, const cJSON *json, const char *key, struct qun_error *err) {
  const char *text = NULL;
  int rc = qun__json_text(&text, json, key, err);
  if (rc) return rc;
  if (strlen(text) >= size) return qun_error_set(err, QUN_EINVAL, "%s: too long", key);
  strcpy(out, text);
  return 0;
}

/* A file's format and tenant, and when it was made. */
static int read_manifest(const char *path, const char *format, char tenant[64], char *incarnation, int64_t *made_ms,
                         struct qun_error *err) {
  struct qun_pack text;
  char found[40];
  uint64_t made = 0;
  qun_pack_init(&text);
  int rc = qun_backup_manifest(&text, path, err);
  cJSON *json = rc ? NULL : qun__json_read(qun_pack_slice(&text), err);
  if (!rc && !json) rc = QUN_EINVAL;
  if (!rc) rc = copy_text(found, sizeof found, json, "format", err);
  if (!rc && strcmp(found, format) != 0) rc = qun_error_set(err, QUN_EINVAL, "this is %s, not %s", found, format);
  if (!rc) rc = copy_text(tenant, 64, json, "tenant", err);
  if (!rc && incarnation) rc = copy_text(incarnation, 33, json, "incarnation", err);
  if (!rc) rc = qun__json_number(&made, json, "made", err);
  *made_ms = (int64_t)made;
  cJSON_Delete(json);
  qun_pack_fini(&text);
  if (rc) qun_error_prefix(err, "%s", path);
  return rc;
}

/* ---------------------------------------------------------------- keys */

static int stage_file(void *arg, const char *name, qun_slice bytes, struct qun_error *err) {
  char path[600];
  if (strcmp(name, "tokens.yaml") == 0) return 0; /* a token is good for one tenant */
  snprintf(path, sizeof path, "%s/%s", (const char *)arg, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "%s: %m", path);
  bool bad = write(fd, bytes.ptr, (size_t)bytes.len) != (ssize_t)bytes.len || fsync(fd) < 0;
  close(fd);
  return bad ? qun_error_set(err, QUN_EFAIL, "%s: %m", path) : 0;
}

static int stage_from_file(struct restore *r, struct qun_error *err) {
  char path[480], tenant[64];
  int64_t made;
  int rc = read_manifest(r->spec->keys_path, "qun-keys/1", tenant, NULL, &made, err);
  if (rc == 0 && strcmp(tenant, r->from) != 0)
    rc = qun_error_set(err, QUN_EINVAL, "%s: the keys of tenant %s do not belong to a backup of %s", r->spec->keys_path,
                       tenant, r->from);
  if (rc == 0) rc = qun_vault_stage(path, r->engine->keys_dir, r->name, err);
  if (rc == 0) r->staged = true;
  if (rc == 0) rc = qun_backup_unpack(r->spec->keys_path, path, NULL, NULL, err);
  return rc;
}

/* Under another name: the keys that the tenant has here, without its tokens. */
static int stage_from_tenant(struct restore *r, struct qun_error *err) {
  struct qun_vault *other = NULL;
  char path[480];
  int rc = qun_vault_open(&other, r->engine->keys_dir, r->from, err);
  if (rc == 0) rc = qun_vault_stage(path, r->engine->keys_dir, r->name, err);
  if (rc == 0) r->staged = true;
  if (rc == 0) rc = qun_vault_export(other, stage_file, path, err);
  qun_vault_close(other);
  return rc;
}

static int find_keys(struct restore *r, struct qun_error *err) {
  const char *keys = r->engine->keys_dir;
  bool here = qun_vault_exists(keys, r->name);
  int rc = 0;
  if (r->spec->keys_path)
    rc = stage_from_file(r, err);
  else if (!here && strcmp(r->name, r->from) != 0 && qun_vault_exists(keys, r->from))
    rc = stage_from_tenant(r, err);
  else if (!here)
    return qun_error_set(err, QUN_ENOTFOUND,
                         "there are no keys of %s in %s; a backup never holds them: give the file that --keys-out made",
                         r->name, keys);
  if (rc < 0) return rc;
  return r->staged ? qun_vault_open_staged(&r->vault, keys, r->name, err)
                   : qun_vault_open(&r->vault, keys, r->name, err);
}

/* The first record's leaf is salted with the tenant's key: it fits the tree only under the right one. */
static int check_keys(struct restore *r, const struct qun_view *v, struct qun_error *err) {
  struct qun_bound bound;
  int rc = qun_audit_root(v, r->head.tree_size, r->root, err);
  if (rc == 0) rc = qun_audit_prove(&bound, v, r->vault, 1, r->head.tree_size, err);
  if (rc == 0) rc = qun_bound_verify(&bound, r->head.tree_size, r->root, err);
  if (rc < 0)
    return qun_error_set(err, QUN_EINVAL, "the keys are not those of this backup of tenant %s, or its log is damaged",
                         r->from);
  return 0;
}

/* ---------------------------------------------------------------- the store */

static int open_store(struct restore *r, const char *sub, struct qun_error *err) {
  const char *ids[QUN_PLUGINS_MAX];
  char path[4200];
  const struct qun_plugin_set *plugins = r->engine->plugins;
  for (uint32_t i = 0; i < plugins->count; i++) ids[i] = plugins->plugins[i].manifest->id;
  struct qun_store_options options = {.plugins = ids, .plugins_count = plugins->count};
  snprintf(path, sizeof path, "%s/%s", r->dir, sub);
  return qun_store_open(&r->store, path, &options, err);
}

/* The last record at or before a time. The clock never runs back, so halving finds it. */
static uint64_t last_until(const struct qun_view *v, uint64_t last, int64_t until_ms) {
  uint64_t low = 0, high = last;
  while (low < high) {
    uint64_t middle = low + (high - low + 1) / 2;
    unsigned char key[8];
    struct qun_record record;
    qun_slice bytes;
    qun_be64(key, middle);
    bool after = qun_view_get(v, QUN_TABLE_LOG, qun_slice_of(key, 8), &bytes) < 0 ||
                 qun_record_read(&record, middle, bytes) < 0 || record.clock_ms > until_ms;
    if (after)
      high = middle - 1;
    else
      low = middle;
  }
  return low;
}

static int erase_listed(struct restore *r, const struct qun_view *v, const struct qun_erasures *list, uint64_t *found,
                        struct qun_error *err) {
  int rc = 0;
  for (uint32_t i = 0; i < list->count && rc == 0; i++) {
    const struct qun_erasure *e = &list->items[i];
    uint64_t number = 0;
    if (e->at_ms < r->made_ms || qun_member_find(v, e->pseudonym, &number) < 0) continue;
    bool twice = false;
    for (uint32_t k = 0; k < r->erased; k++) twice |= found[k] == number;
    if (!twice) found[r->erased++] = number;
    if (r->staged) rc = qun_vault_forget(r->vault, e->pseudonym, err);
  }
  return rc;
}

/* Numbers that members had in the backup who were erased after it was made. Lists: of the keys that come with it, of the
   name it gets, of the tenant it was. */
static int erased_since(struct restore *r, const struct qun_view *v, struct qun_error *err) {
  struct qun_erasures list[3] = {0};
  const char *keys = r->engine->keys_dir;
  int rc = r->staged ? qun_erasures_load_staged(&list[0], keys, r->name, err) : 0;
  if (rc == 0 && qun_vault_exists(keys, r->name)) rc = qun_erasures_load(&list[1], keys, r->name, err);
  if (rc == 0 && qun_vault_exists(keys, r->from)) rc = qun_erasures_load(&list[2], keys, r->from, err);
  r->numbers = calloc((size_t)list[0].count + list[1].count + list[2].count + 1, sizeof *r->numbers);
  if (rc == 0 && !r->numbers) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  for (int k = 0; k < 3 && rc == 0; k++) rc = erase_listed(r, v, &list[k], r->numbers, err);
  for (int k = 0; k < 3; k++) qun_erasures_fini(&list[k]);
  return rc;
}

static int replace_store(struct restore *r, struct qun_error *err) {
  char old[4200], fresh[4200];
  qun_store_close(r->store);
  r->store = NULL;
  snprintf(old, sizeof old, "%s/store", r->dir);
  snprintf(fresh, sizeof fresh, "%s/rebuilt", r->dir);
  if (qun_remove_tree(old) < 0 || rename(fresh, old) < 0) return qun_error_set(err, QUN_EFAIL, "%s: %m", old);
  return open_store(r, "store", err);
}

/* A point in time, and erasures that the backup does not know: the store again from what the log may keep. */
static int rebuild(struct restore *r, struct qun_error *err) {
  char fresh[4200];
  struct qun_view v;
  int rc = qun_view_begin(&v, r->store, err);
  if (rc < 0) return rc;
  if (qun_head_read(&v, &r->head) < 0) rc = qun_error_set(err, QUN_ECONFLICT, "the backup's store is damaged");
  if (rc == 0) rc = check_keys(r, &v, err);
  r->kept = r->spec->until_ms == INT64_MAX ? r->head.seq : last_until(&v, r->head.seq, r->spec->until_ms);
  r->epoch = qun_epoch_read(&v);
  if (rc == 0) rc = erased_since(r, &v, err);
  qun_view_end(&v);
  if (rc == 0 && r->kept == 0) rc = qun_error_set(err, QUN_EINVAL, "the log begins later than that time");
  if (rc < 0 || (r->kept == r->head.seq && r->erased == 0)) return rc;
  snprintf(fresh, sizeof fresh, "%s/rebuilt", r->dir);
  struct qun__rebuild_spec spec = {.tenant = r->name,
                                   .from = r->store,
                                   .vault = r->vault,
                                   .dir = fresh,
                                   .upto = r->kept,
                                   .whole = r->kept == r->head.seq,
                                   .erased = r->numbers,
                                   .erased_count = r->erased,
                                   .progress = r->spec->progress,
                                   .progress_arg = r->spec->progress_arg};
  rc = qun__rebuild(r->engine, &spec, &r->redacted, err);
  return rc < 0 ? rc : replace_store(r, err);
}

/* ---------------------------------------------------------------- incarnation and epoch */

/* The newest checkpoint that anybody may hold: what was signed last, or what the backup's tree stands at. */
static void last_checkpoint(struct restore *r) {
  unsigned char signed_root[QUN_HASH_SIZE];
  char origin[96];
  uint64_t signed_epoch, signed_size;
  qun_vault_signed(r->vault, &signed_epoch, &signed_size, signed_root);
  bool newer = signed_epoch > r->epoch || (signed_epoch == r->epoch && signed_size > r->head.tree_size);
  uint64_t last = newer ? signed_epoch : r->epoch;
  qun_origin_of(origin, r->from, last);
  qun_checkpoint_write(&r->checkpoint, origin, newer ? signed_size : r->head.tree_size, newer ? signed_root : r->root);
  r->epoch = last + 1;
}

static unsigned kind_of(void *arg, qun_slice bytes) {
  const struct qun_engine *e = arg;
  struct qun_record record;
  if (qun_record_read(&record, 0, bytes) < 0) return 0;
  const struct qun_hearers *h = qun_subscriptions_find(e->subscriptions, record.type);
  return (h && (h->type->flags & QUN_TYPE_GOVERNS) ? QUN_AUDIT_GOVERNS : 0u) |
         (qun_slice_is(record.type, "qun.audit") ? QUN_AUDIT_AUDITS : 0u);
}

static int new_incarnation(struct restore *r, struct qun_error *err) {
  unsigned char incarnation[16], now[8], seq[8];
  struct qun_batch b = {0};
  int rc = qun_batch_begin(&b, r->store, err);
  if (rc < 0) return rc;
  randombytes_buf(incarnation, sizeof incarnation);
  qun_be64(now, (uint64_t)qun_engine_now(r->engine));
  qun_be64(seq, r->kept);
  rc = qun_batch_put(&b, QUN_TABLE_META, qun_str("incarnation"), qun_slice_of(incarnation, sizeof incarnation));
  if (rc == 0 && r->erased)
    rc = qun_batch_put(&b, QUN_TABLE_META, qun_str("erased_seq"), qun_slice_of(seq, sizeof seq));
  if (rc == 0) rc = qun_batch_put(&b, QUN_TABLE_META, qun_str("erased"), qun_slice_of(now, sizeof now));
  rc = rc < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch") : qun_batch_commit(&b, NULL, NULL, err);
  qun_batch_end(&b);
  return rc;
}

/* ---------------------------------------------------------------- in place */

static int sync_folder(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  int rc = fsync(fd);
  close(fd);
  return rc;
}

/* With the name claimed. Keys first: a folder without keys is no tenant. */
static int install(struct restore *r, struct qun_error *err) {
  char dir[4096], all[4200];
  qun_tenant_dir(r->engine->pool, r->name, dir);
  snprintf(all, sizeof all, "%s/tenants", r->engine->data_dir);
  bool had_keys = qun_vault_exists(r->engine->keys_dir, r->name);
  /* a record of the old keys must not be written into the new ones after a crash: tenants/key_redo.h */
  int rc = r->staged ? qun_engine_journal_scrub(r->engine, err) : 0;
  if (rc == 0 && r->staged) rc = qun_vault_install(r->engine->keys_dir, r->name, err);
  if (rc < 0) return rc;
  bool exchange = qun_engine_tenant_exists(r->engine, r->name);
  if (renameat2(AT_FDCWD, r->dir, AT_FDCWD, dir, exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE) < 0 ||
      sync_folder(all) < 0) {
    rc = qun_error_set(err, QUN_EFAIL, "%s: %m", dir);
    if (r->staged && !had_keys) qun_vault_destroy(r->engine->keys_dir, r->name, NULL);
    return rc;
  }
  r->staged = false;
  if (exchange) snprintf(r->replaced, sizeof r->replaced, "%s", r->dir); /* what was there before stands here now */
  r->dir[0] = '\0';
  return 0;
}

/* A tenant of that name makes room only if it cannot be opened any more, and when that is wanted. */
static int check_room(const struct restore *r, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  struct qun_error why = {0};
  if (!qun_engine_tenant_exists(r->engine, r->name)) return 0;
  int rc = qun_tenant_get(r->engine->pool, r->name, &t, &why);
  if (rc == 0) {
    qun_tenant_put(t);
    return qun_error_set(err, QUN_ECONFLICT,
                         "tenant %s exists and works; restore under another name, or delete it first", r->name);
  }
  if (rc == QUN_EAGAIN) return qun_error_set(err, rc, "%s", why.message);
  if (r->spec->replace) return 0;
  return qun_error_set(err, QUN_ECONFLICT, "tenant %s exists and cannot be opened (%.200s); --replace takes its place",
                       r->name, why.message);
}

/* ---------------------------------------------------------------- the whole way */

/* tenant.yaml under the name that it has here. */
static int rename_profile(struct restore *r, struct qun_error *err) {
  struct qun_profile *p = NULL;
  if (strcmp(r->name, r->from) == 0) return 0;
  int rc = qun_profile_load(&p, r->dir, err);
  if (rc < 0) return rc;
  free(p->name);
  p->name = strdup(r->name);
  rc = p->name ? qun_profile_save(p, r->dir, err) : qun_error_set(err, QUN_EFAIL, "out of memory");
  qun_profile_destroy(p);
  return rc;
}

static int prepare(struct restore *r, struct qun_error *err) {
  char all[4200];
  snprintf(all, sizeof all, "%s/tenants", r->engine->data_dir);
  if (mkdir(all, 0700) < 0 && errno != EEXIST) return qun_error_set(err, QUN_EFAIL, "%s: %m", all);
  snprintf(r->dir, sizeof r->dir, "%.3900s/tenants/.restore-XXXXXX", r->engine->data_dir);
  if (!mkdtemp(r->dir)) {
    r->dir[0] = '\0';
    return qun_error_set(err, QUN_EFAIL, "%s: a folder cannot be made: %m", all);
  }
  int rc = qun_backup_unpack(r->spec->path, r->dir, r->spec->progress, r->spec->progress_arg, err);
  if (rc == 0) rc = rename_profile(r, err);
  if (rc == 0) rc = find_keys(r, err);
  if (rc == 0) rc = open_store(r, "store", err);
  if (rc == 0) rc = rebuild(r, err);
  if (rc < 0) return rc;
  rc = qun__restore_hold(r->store, err);
  if (rc < 0) return rc;
  last_checkpoint(r);
  if (r->checkpoint.failed) return qun_error_set(err, QUN_EFAIL, "out of memory");
  rc = new_incarnation(r, err);
  if (rc == 0)
    rc = qun_audit_begin_epoch(r->store, r->vault, r->epoch, qun_pack_slice(&r->checkpoint), kind_of, r->engine, err);
  qun_store_close(r->store);
  r->store = NULL;
  qun_vault_close(r->vault);
  r->vault = NULL;
  return rc;
}

/* Events that were acknowledged and that the tenant's old store did not take (host/engine/park.c) come in now. Nothing
   waits for a tenant that was not parked. */
static int take_acknowledged(struct restore *r, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  qun__park_retry(r->engine);
  int rc = qun_tenant_get(r->engine->pool, r->name, &t, err);
  if (rc < 0) return rc;
  qun__tenant_settle(r->engine, t);
  qun_tenant_put(t);
  return 0;
}

/* ---------------------------------------------------------------- the record, the answer */

static int record(struct restore *r, struct qun_error *err) {
  struct qun_pack data;
  qun_pack_init(&data);
  qun_pack_map(&data, 6);
  qun_pack_kv_int(&data, "epoch", (int64_t)r->epoch);
  qun_pack_kv_cstr(&data, "from", r->incarnation);
  qun_pack_kv_str(&data, "checkpoint", qun_pack_slice(&r->checkpoint));
  qun_pack_kv_int(&data, "until", r->spec->until_ms == INT64_MAX ? 0 : r->spec->until_ms);
  qun_pack_kv_int(&data, "kept", (int64_t)r->kept);
  qun_pack_kv_int(&data, "dropped", (int64_t)(r->head.seq - r->kept));
  int rc = data.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                       : qun_engine_control(r->engine, r->name, "qun.restored", (qun_slice){NULL, 0},
                                            (qun_slice){NULL, 0}, qun_pack_slice(&data), NULL, err);
  qun_pack_fini(&data);
  return rc;
}

/* Rows that plugins keep for erased members go where the log says so, as in the tenant that this was. */
static int record_erasures(struct restore *r, struct qun_error *err) {
  int rc = 0;
  for (uint32_t i = 0; i < r->erased && rc == 0; i++) {
    struct qun_pack data;
    qun_pack_init(&data);
    qun_pack_map(&data, 2);
    qun_pack_kv_int(&data, "number", (int64_t)r->numbers[i]);
    qun_pack_kv_cstr(&data, "by", "restore");
    rc = data.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                     : qun_engine_control(r->engine, r->name, "qun.erased", (qun_slice){NULL, 0}, (qun_slice){NULL, 0},
                                          qun_pack_slice(&data), NULL, err);
    qun_pack_fini(&data);
  }
  return rc;
}

/* tenant.yaml says what the log says, which may be older than the file in the backup. */
static int mirror(struct restore *r, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  int rc = qun_tenant_get(r->engine->pool, r->name, &t, err);
  if (rc == 0) rc = qun__tenant_mirror(r->engine, t, err);
  qun_tenant_put(t);
  return rc;
}

static int answer(struct restore *r, struct qun_pack *out, struct qun_error *err) {
  struct qun_pack show;
  qun_pack_init(&show);
  int rc = qun_engine_tenant_show(r->engine, r->name, &show, err);
  qun_slice s = qun_pack_slice(&show);
  if (rc == 0) {
    qun_pack_map(out, 9);
    qun_pack_kv_cstr(out, "name", r->name);
    qun_pack_kv_cstr(out, "from", r->from);
    qun_pack_kv_cstr(out, "incarnation", r->incarnation);
    qun_pack_kv_int(out, "epoch", (int64_t)r->epoch);
    qun_pack_kv_int(out, "seq", qun_mp_int(s, "seq", 0));
    qun_pack_kv_int(out, "kept", (int64_t)r->kept);
    qun_pack_kv_int(out, "dropped", (int64_t)(r->head.seq - r->kept));
    qun_pack_kv_int(out, "erased", r->erased);
    qun_pack_kv_str(out, "state_hash", qun_mp_str(s, "state_hash"));
  }
  qun_pack_fini(&show);
  return rc;
}

static int restore(struct restore *r, struct qun_error *err) {
  int rc = read_manifest(r->spec->path, "qun-backup/1", r->from, r->incarnation, &r->made_ms, err);
  if (rc < 0) return rc;
  snprintf(r->name, sizeof r->name, "%s", r->spec->as ? r->spec->as : r->from);
  if (!qun_tenant_name_valid(r->name))
    return qun_error_set(err, QUN_EINVAL, "\"%.80s\" cannot be a tenant's name", r->spec->as ? r->spec->as : r->from);
  rc = check_room(r, err);
  if (rc == 0) rc = qun_tenant_claim(r->engine->pool, r->name, QUN_EAGAIN, err);
  if (rc < 0) return rc;
  rc = prepare(r, err);
  /* what a redo file holds for keys that are replaced must not come back into the new ones after a crash */
  if (rc == 0 && r->staged) rc = qun_engine_journal_scrub(r->engine, err);
  if (rc == 0) rc = install(r, err);
  qun_tenant_release(r->engine->pool, r->name);
  if (rc == 0) rc = take_acknowledged(r, err);
  if (rc == 0) rc = record(r, err);
  if (rc == 0) rc = record_erasures(r, err);
  if (rc == 0) rc = qun__restore_fail_pending(r->engine, r->name, err);
  if (rc == 0) rc = mirror(r, err);
  return rc;
}

int qun_engine_restore(struct qun_engine *e, const struct qun_engine_restore_spec *spec, struct qun_pack *out,
                       struct qun_error *err) {
  struct restore *r = calloc(1, sizeof *r);
  if (!r) return qun_error_set(err, QUN_EFAIL, "out of memory");
  r->engine = e;
  r->spec = spec;
  qun_pack_init(&r->checkpoint);
  int rc = restore(r, err);
  if (rc == 0) rc = answer(r, out, err);
  qun_store_close(r->store);
  qun_vault_close(r->vault);
  if (r->staged) qun_vault_unstage(e->keys_dir, r->name);
  if (r->dir[0]) qun_remove_tree(r->dir);
  if (r->replaced[0] && rc == 0) qun_remove_tree(r->replaced);
  qun_pack_fini(&r->checkpoint);
  free(r->numbers);
  free(r);
  return rc;
}
