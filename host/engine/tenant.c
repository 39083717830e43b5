/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/tenant.h"

#include "host/engine/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct qun_tenant_pool {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct qun_tenant *all;
  uint32_t count;
  uint64_t clock;
  uint32_t open_max;
  char *data_dir, *keys_dir;
  const struct qun_plugin_set *plugins;
  const char *ids[QUN_PLUGINS_MAX];
};

int qun_tenant_pool_create(struct qun_tenant_pool **out, const struct qun_tenant_pool_options *o,
                           struct qun_error *err) {
  struct qun_tenant_pool *p = calloc(1, sizeof *p);
  if (!p) return qun_error_set(err, QUN_EFAIL, "out of memory");
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->changed, NULL);
  p->data_dir = strdup(o->data_dir);
  p->keys_dir = strdup(o->keys_dir);
  p->plugins = o->plugins;
  p->open_max = o->open_max ? o->open_max : 256;
  for (uint32_t i = 0; i < o->plugins->count; i++) p->ids[i] = o->plugins->plugins[i].manifest->id;
  *out = p;
  return 0;
}

static void close_tenant(struct qun_tenant *t) {
  qun_config_unref(t->config);
  qun_dupguard_close(t->dup);
  qun_store_close(t->store);
  qun_vault_close(t->vault);
  pthread_mutex_destroy(&t->lock);
  free(t->audit);
  free(t->identified);
  free(t);
}

void qun_tenant_pool_destroy(struct qun_tenant_pool *p) {
  if (!p) return;
  while (p->all) {
    struct qun_tenant *next = p->all->next;
    close_tenant(p->all);
    p->all = next;
  }
  pthread_cond_destroy(&p->changed);
  pthread_mutex_destroy(&p->lock);
  free(p->data_dir);
  free(p->keys_dir);
  free(p);
}

int qun_tenant_name_valid(const char *name) {
  size_t n = strlen(name);
  if (n < 1 || n > 63 || name[0] == '-') return 0;
  for (size_t i = 0; i < n; i++) {
    char c = name[i];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return 0;
  }
  return 1;
}

void qun_tenant_dir(const struct qun_tenant_pool *pool, const char *name, char out[4096]) {
  snprintf(out, 4096, "%s/tenants/%s", pool->data_dir, name);
}

static struct qun_tenant *find(struct qun_tenant_pool *p, const char *name) {
  for (struct qun_tenant *t = p->all; t; t = t->next) {
    if (strcmp(t->name, name) == 0) return t;
  }
  return NULL;
}

static void unlink_tenant(struct qun_tenant_pool *p, const struct qun_tenant *t) {
  for (struct qun_tenant **at = &p->all; *at; at = &(*at)->next) {
    if (*at != t) continue;
    *at = t->next;
    p->count--;
    return;
  }
}

/* Closes the unused tenant that was used longest ago, while too many are open. Called with the lock held. */
static void trim(struct qun_tenant_pool *p) {
  while (p->count > p->open_max) {
    struct qun_tenant *oldest = NULL;
    for (struct qun_tenant *t = p->all; t; t = t->next) {
      if (t->refs == 0 && (!oldest || t->used < oldest->used)) oldest = t;
    }
    if (!oldest) return;
    unlink_tenant(p, oldest);
    close_tenant(oldest);
  }
}

static int read_config(struct qun_tenant *t, const struct qun_plugin_set *plugins, struct qun_error *err) {
  struct qun_view v;
  int rc = qun_view_begin(&v, t->store, err);
  if (rc < 0) return rc;
  rc = qun_config_read(&t->config, t->name, &v, plugins, (qun_slice){NULL, 0}, err);
  qun_view_end(&v);
  return rc;
}

/* The byte quota decides the map's size, so it is needed before the store is open: from tenant.yaml. */
static uint64_t quota_of(const char *dir) {
  struct qun_profile *profile = NULL;
  uint64_t quota = 0;
  if (qun_profile_load(&profile, dir, NULL) == 0) quota = profile->quota_bytes;
  qun_profile_destroy(profile);
  return quota;
}

static int open_tenant(struct qun_tenant_pool *p, const char *name, struct qun_tenant **out, struct qun_error *err) {
  char dir[4096], store[4200];
  struct stat st;
  qun_tenant_dir(p, name, dir);
  snprintf(store, sizeof store, "%s/store", dir);
  if (stat(store, &st) < 0) return qun_error_set(err, QUN_ENOTFOUND, "no tenant \"%s\"", name);
  struct qun_tenant *t = calloc(1, sizeof *t);
  if (!t) return qun_error_set(err, QUN_EFAIL, "out of memory");
  pthread_mutex_init(&t->lock, NULL);
  t->audit = calloc(1, sizeof *t->audit);
  t->identified = calloc(1, sizeof *t->identified);
  snprintf(t->name, sizeof t->name, "%s", name);
  t->pool = p;
  struct qun_store_options options = {.quota_bytes = quota_of(dir),
                                      .plugins = p->ids,
                                      .plugins_count = p->plugins->count};
  int rc = t->audit && t->identified ? 0 : qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) rc = qun_store_open(&t->store, store, &options, err);
  if (rc == 0) rc = qun_vault_open(&t->vault, p->keys_dir, name, err);
  if (rc == 0) rc = qun_meta_init(t->store, t->incarnation, err);
  if (rc == 0) rc = qun_dupguard_open(&t->dup, t->store, err);
  if (rc == 0) rc = read_config(t, p->plugins, err);
  if (rc < 0) {
    qun_error_prefix(err, "tenant %s", name);
    close_tenant(t);
    return rc;
  }
  *out = t;
  return 0;
}

int qun_tenant_get(struct qun_tenant_pool *p, const char *name, struct qun_tenant **out, struct qun_error *err) {
  int rc = 0;
  if (!qun_tenant_name_valid(name)) return qun_error_set(err, QUN_ENOTFOUND, "no tenant \"%.63s\"", name);
  pthread_mutex_lock(&p->lock);
  struct qun_tenant *t = find(p, name);
  if (t && t->gone) {
    rc = qun_error_set(err, QUN_ENOTFOUND, "tenant %s was deleted", name);
  } else if (!t) {
    rc = open_tenant(p, name, &t, err);
    if (rc == 0) {
      t->next = p->all;
      p->all = t;
      p->count++;
    }
  }
  if (rc == 0) {
    t->refs++;
    t->used = ++p->clock;
    *out = t;
    trim(p);
  }
  pthread_mutex_unlock(&p->lock);
  return rc;
}

struct qun_tenant *qun_tenant_ref(struct qun_tenant *t) {
  pthread_mutex_lock(&t->pool->lock);
  t->refs++;
  pthread_mutex_unlock(&t->pool->lock);
  return t;
}

void qun_tenant_put(struct qun_tenant *t) {
  if (!t) return;
  struct qun_tenant_pool *p = t->pool;
  pthread_mutex_lock(&p->lock);
  if (--t->refs == 0 && t->gone) {
    unlink_tenant(p, t);
    close_tenant(t);
    pthread_cond_broadcast(&p->changed);
  } else {
    trim(p);
  }
  pthread_mutex_unlock(&p->lock);
}

struct qun_config *qun_tenant_config(struct qun_tenant *t) {
  pthread_mutex_lock(&t->lock);
  struct qun_config *c = qun_config_ref(t->config);
  pthread_mutex_unlock(&t->lock);
  return c;
}

void qun_tenant_set_config(struct qun_tenant *t, struct qun_config *c) {
  pthread_mutex_lock(&t->lock);
  struct qun_config *old = t->config;
  t->config = c;
  pthread_mutex_unlock(&t->lock);
  qun_config_unref(old);
}

void qun_tenant_retire(struct qun_tenant_pool *p, const char *name) {
  pthread_mutex_lock(&p->lock);
  struct qun_tenant *t = find(p, name);
  if (t) t->gone = true;
  if (t && t->refs == 0) {
    unlink_tenant(p, t);
    close_tenant(t);
  }
  while (find(p, name)) pthread_cond_wait(&p->changed, &p->lock);
  pthread_mutex_unlock(&p->lock);
}
