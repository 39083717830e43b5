/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open tenants: store, vault and what the shard keeps in memory, shared by reference. Any thread.
 *
 * The pool is a hash table by name under one lock; a tenant is opened and closed outside of it, so that a cold store
 * delays only who asks for that tenant. Tenants without references stay open in the order of their last use; the
 * oldest are closed when more are open than the budget allows. The budget comes from the limit of descriptors
 * (QUN_TENANT_DESCRIPTORS each) and from a bound of memory. Closing and opening again loses nothing that can be
 * noticed: what is in memory is a cache of the store.
 */
#ifndef QUN_HOST_ENGINE_TENANT_H
#define QUN_HOST_ENGINE_TENANT_H

#include "host/engine/config.h"
#include "host/engine/lane.h"
#include "host/engine/quota.h"
#include "host/intake/identified.h"
#include "tenants/dupguard.h"
#include "tenants/vault.h"

#include <pthread.h>
#include <uthash.h>

struct qun_audit_cache;

enum {
  QUN_TENANT_DESCRIPTORS = 5, /* LMDB: data, lock, meta pages; vault: folder, members.keys */
  QUN_TENANTS_OPEN_MAX = 1200 /* up to 0.65 MiB each is resident; 17 mappings, of 65,530 that Linux gives a process */
};

enum qun_tenant_state { QUN_TENANT_OPENING = 1, QUN_TENANT_OPEN, QUN_TENANT_CLOSING, QUN_TENANT_CLAIMED };

struct qun_tenant {
  char name[64];
  struct qun_tenant_pool *pool;
  atomic_uint refs;                 /* from and to 0 only under the pool's lock */
  enum qun_tenant_state state;      /* this and the next five: under the pool's lock */
  int claimed;                      /* what gets answer while it is claimed; 0: it is not */
  size_t bytes;                     /* of memory, as counted when it was last unused */
  struct qun_tenant *older, *newer; /* among the unused */
  UT_hash_handle hh;
  struct qun_store *store;
  struct qun_vault *vault;
  struct qun_dupguard *dup;      /* the shard's */
  struct qun_audit_cache *audit; /* the shard's */
  struct qun_identified *identified;
  struct qun_quota *quota;
  int64_t
      import_ms; /* the shard's: when an imported event came last, receive time; 0: not since the store was opened */
  unsigned char incarnation[16];
  struct qun_lane lane;      /* the shard's and the journal's */
  pthread_mutex_t lock;      /* guards config */
  struct qun_config *config; /* newest committed */
};

struct qun_tenant_pool;

struct qun_tenant_pool_options {
  const char *data_dir, *keys_dir;
  const struct qun_plugin_set *plugins;
  struct qun_quotas *quotas; /* outlasts the pool */
  uint32_t
      open_max; /* tenants that may be open; 0: what the limit of descriptors allows, at most QUN_TENANTS_OPEN_MAX */
  size_t memory_max;         /* bytes that they may take; 0: 512 MiB. One alone may take more */
  void (*forget)(void *arg); /* a tenant was claimed: what is kept of it in memory elsewhere must go. Does not block */
  void *forget_arg;
};

struct qun_tenant_pool_counts {
  uint32_t open, unused, open_max;
  uint64_t opened, closed; /* since the start */
};

int qun_tenant_pool_create(struct qun_tenant_pool **out, const struct qun_tenant_pool_options *options,
                           struct qun_error *err);
/* All references must be back. */
void qun_tenant_pool_destroy(struct qun_tenant_pool *pool);
void qun_tenant_pool_count(struct qun_tenant_pool *pool, struct qun_tenant_pool_counts *out);
/* A reference to the tenant, opened if need be. QUN_ENOTFOUND: no such tenant. QUN_ECONFLICT: its store is damaged.
 * QUN_EAGAIN: as many as the budget allows are open and in use, or the tenant is closed for a moment. Blocking when it
 * opens. */
int qun_tenant_get(struct qun_tenant_pool *pool, const char *name, struct qun_tenant **out, struct qun_error *err);
struct qun_tenant *qun_tenant_ref(struct qun_tenant *t);
/* NULL is fine. Blocking when it closes one. */
void qun_tenant_put(struct qun_tenant *t);
/* A reference to the newest config. */
struct qun_config *qun_tenant_config(struct qun_tenant *t);
/* Takes over the reference. A larger byte quota counts at once, or as soon as no transaction lives. */
void qun_tenant_set_config(struct qun_tenant *t, struct qun_config *c);
/* Closes the tenant, if it is open, and keeps all others out until it is released: gets answer `code` (QUN_ENOTFOUND
 * while it is made or deleted, QUN_EAGAIN while its files are replaced). Waits until every reference is back, others
 * meanwhile go on. The name need not be a tenant's yet. QUN_ECONFLICT: somebody else has claimed it. The caller must
 * hold no reference to it. */
int qun_tenant_claim(struct qun_tenant_pool *pool, const char *name, int code, struct qun_error *err);
void qun_tenant_release(struct qun_tenant_pool *pool, const char *name);
/* 1 if the name is well formed: [a-z0-9][a-z0-9-]{0,62}. */
int qun_tenant_name_valid(const char *name);
/* A store that is being made to take the place of "store", or has made room for it: beside it, removed at open. */
#define QUN__STORE_ASIDE "store.aside"
/* <data>/tenants/<name>, and its store below. */
void qun_tenant_dir(const struct qun_tenant_pool *pool, const char *name, char out[4096]);

/* ---- between tenant.c and tenant_open.c */

struct qun_tenant_place {
  const char *data_dir, *keys_dir;
  const struct qun_plugin_set *plugins;
  struct qun_quotas *quotas;
  const char *ids[QUN_PLUGINS_MAX];
};

/* Fills in what an open tenant has. On failure all is closed again. Blocking. */
int qun__tenant_open(struct qun_tenant *t, const struct qun_tenant_place *place, struct qun_error *err);
/* Closes store, vault and caches. Blocking. */
void qun__tenant_close(struct qun_tenant *t);
/* Memory that it takes, roughly. */
size_t qun__tenant_bytes(const struct qun_tenant *t);

#endif
