/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open tenants: store, vault and what the shard keeps in memory, shared by reference. The pool opens on demand and
 * closes the least recently used when more than its bound are open and unused. Any thread.
 */
#ifndef QUN_HOST_ENGINE_TENANT_H
#define QUN_HOST_ENGINE_TENANT_H

#include "host/engine/config.h"
#include "host/intake/identified.h"
#include "tenants/dupguard.h"
#include "tenants/vault.h"

#include <pthread.h>

struct qun_audit_cache;

struct qun_tenant {
  char name[64];
  struct qun_tenant_pool *pool;
  uint32_t refs; /* guarded by the pool */
  uint64_t used; /* order of last use */
  struct qun_tenant *next;
  atomic_bool gone; /* deleted: closed with the last reference */
  struct qun_store *store;
  struct qun_vault *vault;
  struct qun_dupguard *dup;      /* the shard's */
  struct qun_audit_cache *audit; /* the shard's */
  struct qun_identified *identified;
  int64_t
      import_ms; /* the shard's: when an imported event came last, receive time; 0: not since the store was opened */
  unsigned char incarnation[16];
  pthread_mutex_t lock;      /* guards config */
  struct qun_config *config; /* newest committed */
};

struct qun_tenant_pool;

struct qun_tenant_pool_options {
  const char *data_dir, *keys_dir;
  const struct qun_plugin_set *plugins;
  uint32_t open_max; /* unused tenants stay open up to this many */
};

int qun_tenant_pool_create(struct qun_tenant_pool **out, const struct qun_tenant_pool_options *options,
                           struct qun_error *err);
/* All references must be back. */
void qun_tenant_pool_destroy(struct qun_tenant_pool *pool);
/* A reference to the tenant, opened if need be. QUN_ENOTFOUND: no such tenant. QUN_ECONFLICT: its store is damaged.
 * Blocking when it opens. */
int qun_tenant_get(struct qun_tenant_pool *pool, const char *name, struct qun_tenant **out, struct qun_error *err);
struct qun_tenant *qun_tenant_ref(struct qun_tenant *t);
/* NULL is fine. */
void qun_tenant_put(struct qun_tenant *t);
/* A reference to the newest config. */
struct qun_config *qun_tenant_config(struct qun_tenant *t);
/* Takes over the reference. */
void qun_tenant_set_config(struct qun_tenant *t, struct qun_config *c);
/* Marks the tenant as deleted: later gets answer QUN_ENOTFOUND, its store closes with the last reference. Waits until
 * that has happened. */
void qun_tenant_retire(struct qun_tenant_pool *pool, const char *name);
/* 1 if the name is well formed: [a-z0-9][a-z0-9-]{0,62}. */
int qun_tenant_name_valid(const char *name);
/* <data>/tenants/<name>, and its store below. */
void qun_tenant_dir(const struct qun_tenant_pool *pool, const char *name, char out[4096]);

#endif
