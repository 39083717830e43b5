/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/erase.h"

#include "host/engine/rebuild.h"
#include "tenants/erasures.h"
#include "tenants/members.h"
#include "tenants/remove_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SETTLE_MS = 60000 };

struct erase {
  struct qun_engine *engine;
  const struct qun_engine_erase_spec *spec;
  const char *tenant;
  char dir[4096];
  struct qun_erasure entry;
  uint64_t number, seq, redacted;
  struct qun_vault *vault;
  struct qun_store *store;
};

static int find_member(struct erase *x, struct qun_error *err) {
  struct qun_reading r;
  int rc = qun_engine_read_begin(x->engine, x->tenant, &r, err);
  if (rc < 0) return rc;
  x->number = x->spec->number;
  if (x->spec->member.len) {
    qun_vault_pseudonym(r.vault, x->spec->member, x->entry.pseudonym);
    rc = qun_member_find(&r.view, x->entry.pseudonym, &x->number);
  } else {
    rc = qun_member_pseudonym(&r.view, x->number, x->entry.pseudonym);
  }
  qun_engine_read_end(&r);
  return rc == 0               ? 0
         : rc == QUN_ENOTFOUND ? qun_error_set(err, rc, "tenant %s knows no such member", x->tenant)
                               : qun_error_set(err, rc, "tenant %s: the members cannot be read", x->tenant);
}

static int record(struct erase *x, struct qun_error *err) {
  struct qun_pack data;
  qun_pack_init(&data);
  qun_pack_map(&data, 2);
  qun_pack_kv_int(&data, "number", (int64_t)x->number);
  qun_pack_kv_cstr(&data, "by", x->spec->by ? x->spec->by : "host");
  int rc = data.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                       : qun_engine_control(x->engine, x->tenant, "qun.erased", (qun_slice){NULL, 0},
                                            (qun_slice){NULL, 0}, qun_pack_slice(&data), &x->seq, err);
  qun_pack_fini(&data);
  return rc;
}

/* Isolated plugins drop their rows when they come to the record. */
static int let_others_drop(struct erase *x, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  int rc = qun_tenant_get(x->engine->pool, x->tenant, &t, err);
  if (rc == 0) rc = qun__isolated_settle(x->engine->isolated, t, x->seq, SETTLE_MS, err);
  qun_tenant_put(t);
  return rc;
}

/* ---------------------------------------------------------------- the new store; with the tenant claimed */

static int open_store(struct erase *x, const char *name, struct qun_error *err) {
  const char *ids[QUN_PLUGINS_MAX];
  char path[4200];
  const struct qun_plugin_set *plugins = x->engine->plugins;
  for (uint32_t i = 0; i < plugins->count; i++) ids[i] = plugins->plugins[i].manifest->id;
  struct qun_store_options options = {.plugins = ids, .plugins_count = plugins->count};
  snprintf(path, sizeof path, "%s/%s", x->dir, name);
  return qun_store_open(&x->store, path, &options, err);
}

/* META says how far erasures have been carried out, and which derived records an erasure may explain. */
static int stamp(struct erase *x, struct qun_error *err) {
  unsigned char at[8], seq[8];
  struct qun_batch b = {0};
  int rc = qun_batch_begin(&b, x->store, err);
  if (rc < 0) return rc;
  qun_be64(at, (uint64_t)x->entry.at_ms);
  qun_be64(seq, x->seq);
  rc = qun_batch_put(&b, QUN_TABLE_META, qun_str("erased"), qun_slice_of(at, sizeof at));
  if (rc == 0) rc = qun_batch_put(&b, QUN_TABLE_META, qun_str("erased_seq"), qun_slice_of(seq, sizeof seq));
  rc = rc < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch") : qun_batch_commit(&b, NULL, NULL, err);
  qun_batch_end(&b);
  return rc;
}

static int rebuild(struct erase *x, const char *fresh, struct qun_error *err) {
  struct qun_view v;
  struct qun_head head;
  int rc = qun_view_begin(&v, x->store, err);
  if (rc < 0) return rc;
  if (qun_head_read(&v, &head) < 0) rc = qun_error_set(err, QUN_ECONFLICT, "the store's head is damaged");
  qun_view_end(&v);
  struct qun__rebuild_spec spec = {.tenant = x->tenant,
                                   .from = x->store,
                                   .vault = x->vault,
                                   .dir = fresh,
                                   .upto = head.seq,
                                   .whole = true,
                                   .erased = &x->number,
                                   .erased_count = 1,
                                   .progress = x->spec->progress,
                                   .progress_arg = x->spec->progress_arg};
  if (rc == 0) rc = qun__rebuild(x->engine, &spec, &x->redacted, err);
  qun_store_close(x->store);
  x->store = NULL;
  if (rc == 0) rc = open_store(x, QUN__STORE_ASIDE, err);
  if (rc == 0) rc = stamp(x, err);
  qun_store_close(x->store);
  x->store = NULL;
  return rc;
}

static int swap(struct erase *x, const char *fresh, struct qun_error *err) {
  char store[4200];
  snprintf(store, sizeof store, "%s/store", x->dir);
  if (renameat2(AT_FDCWD, fresh, AT_FDCWD, store, RENAME_EXCHANGE) < 0)
    return qun_error_set(err, QUN_EFAIL, "%s: %m", store);
  int fd = open(x->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int rc = fd < 0 || fsync(fd) < 0 ? qun_error_set(err, QUN_EFAIL, "%s: %m", x->dir) : 0;
  if (fd >= 0) close(fd);
  return rc;
}

static int carry_out(struct erase *x, struct qun_error *err) {
  char fresh[4200];
  qun_tenant_dir(x->engine->pool, x->tenant, x->dir);
  snprintf(fresh, sizeof fresh, "%s/" QUN__STORE_ASIDE, x->dir);
  qun_remove_tree(fresh);
  int rc = qun_vault_open(&x->vault, x->engine->keys_dir, x->tenant, err);
  if (rc == 0) rc = qun_vault_forget(x->vault, x->entry.pseudonym, err);
  if (rc == 0) rc = open_store(x, "store", err);
  if (rc == 0) rc = rebuild(x, fresh, err);
  if (rc == 0) rc = swap(x, fresh, err);
  qun_store_close(x->store);
  qun_vault_close(x->vault);
  /* the new one that failed, or the old one that has been replaced */
  if (qun_remove_tree(fresh) < 0 && errno != ENOENT && rc == 0) rc = qun_error_set(err, QUN_EFAIL, "%s: %m", fresh);
  return rc;
}

static int answer(struct erase *x, struct qun_pack *out, struct qun_error *err) {
  struct qun_pack show;
  qun_pack_init(&show);
  int rc = qun_engine_tenant_show(x->engine, x->tenant, &show, err);
  if (rc == 0) {
    qun_pack_map(out, 4);
    qun_pack_kv_int(out, "number", (int64_t)x->number);
    qun_pack_kv_int(out, "seq", (int64_t)x->seq);
    qun_pack_kv_int(out, "redacted", (int64_t)x->redacted);
    qun_pack_kv_str(out, "state_hash", qun_mp_str(qun_pack_slice(&show), "state_hash"));
  }
  qun_pack_fini(&show);
  return rc;
}

int qun_engine_erase(struct qun_engine *e, const char *tenant, const struct qun_engine_erase_spec *spec,
                     struct qun_pack *out, struct qun_error *err) {
  struct erase *x = calloc(1, sizeof *x);
  if (!x) return qun_error_set(err, QUN_EFAIL, "out of memory");
  x->engine = e;
  x->spec = spec;
  x->tenant = tenant;
  x->entry.at_ms = qun_engine_now(e);
  int rc = find_member(x, err);
  if (rc == 0) rc = record(x, err);
  if (rc == 0) rc = let_others_drop(x, err);
  if (rc == 0) rc = qun_erasures_add(e->keys_dir, tenant, &x->entry, 1, err);
  if (rc == 0) rc = qun_tenant_claim(e->pool, tenant, QUN_EAGAIN, err);
  if (rc == 0) {
    rc = carry_out(x, err);
    qun_tenant_release(e->pool, tenant);
  }
  if (rc == 0) rc = qun_engine_journal_scrub(e, err); /* entries of the member that were applied before */
  if (rc == 0) rc = answer(x, out, err);
  free(x);
  return rc;
}
