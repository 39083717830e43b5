/* SPDX-License-Identifier: Apache-2.0 */
/* What opening and closing one tenant takes. A cold open stands between an event and its answer: nothing is read here
 * that may not be needed. */
#include "host/engine/apply.h"
#include "host/engine/tenant.h"
#include "tenants/remove_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
  BYTES_OPEN = 320 * 1024 /* LMDB with pages of its file, vault, config, without what is counted below; measured */
};

static int read_config(struct qun_tenant *t, const struct qun_plugin_set *plugins, struct qun_error *err) {
  struct qun_view v;
  int rc = qun_view_begin(&v, t->store, err);
  if (rc < 0) return rc;
  rc = qun_config_read(&t->config, t->name, &v, plugins, (qun_slice){NULL, 0}, err);
  qun_view_end(&v);
  return rc;
}

static int open_parts(struct qun_tenant *t, const struct qun_tenant_place *place, const char *store,
                      struct qun_error *err) {
  struct qun_store_options options = {.plugins = place->ids, .plugins_count = place->plugins->count, .there = true};
  t->audit = calloc(1, sizeof *t->audit);
  t->identified = calloc(1, sizeof *t->identified);
  t->quota = qun_quota_ref(place->quotas, t->name);
  int rc = t->audit && t->identified && t->quota ? 0 : qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) rc = qun_store_open(&t->store, store, &options, err);
  if (rc == 0) rc = qun_vault_open(&t->vault, place->keys_dir, t->name, err);
  if (rc == 0) rc = qun_meta_read(t->store, t->incarnation, err);
  if (rc == 0) rc = qun_dupguard_open(&t->dup, t->store, err);
  if (rc == 0) rc = read_config(t, place->plugins, err);
  if (rc == 0 && t->config->quota_bytes > t->store->quota_bytes) qun_store_grow(t->store, t->config->quota_bytes);
  return rc;
}

int qun__tenant_open(struct qun_tenant *t, const struct qun_tenant_place *place, struct qun_error *err) {
  char store[4096];
  struct stat st;
  int n = snprintf(store, sizeof store, "%s/tenants/%s/store", place->data_dir, t->name);
  if (n < 0 || (size_t)n >= sizeof store || stat(store, &st) < 0)
    return qun_error_set(err, QUN_ENOTFOUND, "no tenant \"%s\"", t->name);
  /* A crash may leave the store that an erasure replaced: what was erased must not stay in it. */
  char aside[4200];
  snprintf(aside, sizeof aside, "%s/tenants/%s/" QUN__STORE_ASIDE, place->data_dir, t->name);
  if (stat(aside, &st) == 0) qun_remove_tree(aside);
  int rc = open_parts(t, place, store, err);
  if (rc < 0) {
    qun_error_prefix(err, "tenant %s", t->name);
    qun__tenant_close(t);
  }
  return rc;
}

void qun__tenant_close(struct qun_tenant *t) {
  qun_config_unref(t->config);
  qun_dupguard_close(t->dup);
  qun_store_close(t->store);
  qun_vault_close(t->vault);
  free(t->audit);
  free(t->identified);
  qun_quota_unref(t->quota);
  t->quota = NULL;
  t->config = NULL;
  t->dup = NULL;
  t->store = NULL;
  t->vault = NULL;
  t->audit = NULL;
  t->identified = NULL;
  t->import_ms = 0;
}

size_t qun__tenant_bytes(const struct qun_tenant *t) {
  return BYTES_OPEN + sizeof *t->identified + qun_dupguard_bytes(t->dup) + qun_vault_bytes(t->vault);
}
