/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/tenant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
  OVER = 64,               /* tenants in use that may exceed the budget before a get is refused */
  DESCRIPTORS_KEPT = 1600, /* for connections, the journal, sandboxes, files being read */
  MEMORY_MAX = 512 * 1024 * 1024,
};

struct qun_tenant_pool {
  pthread_mutex_t lock;
  pthread_cond_t changed; /* a tenant was opened, closed or claimed */
  struct qun_tenant *all;
  struct qun_tenant *oldest, *newest; /* unused, in the order of last use */
  struct qun_tenant_pool_counts counts;
  size_t memory_max, memory; /* of unused tenants */
  struct qun_tenant_place place;
  char *data_dir, *keys_dir;
  void (*forget)(void *arg);
  void *forget_arg;
};

/* ---------------------------------------------------------------- create, destroy */

static uint32_t open_max_of_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) return QUN_TENANTS_OPEN_MAX;
  uint64_t all = limit.rlim_cur;
  uint64_t kept = all / 2 < DESCRIPTORS_KEPT ? all / 2 : DESCRIPTORS_KEPT;
  uint64_t n = (all - kept) / QUN_TENANT_DESCRIPTORS;
  n = n > OVER + 16 ? n - OVER : 16;
  return n < QUN_TENANTS_OPEN_MAX ? (uint32_t)n : QUN_TENANTS_OPEN_MAX;
}

int qun_tenant_pool_create(struct qun_tenant_pool **out, const struct qun_tenant_pool_options *o,
                           struct qun_error *err) {
  struct qun_tenant_pool *p = calloc(1, sizeof *p);
  if (!p) return qun_error_set(err, QUN_EFAIL, "out of memory");
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->changed, NULL);
  p->data_dir = strdup(o->data_dir);
  p->keys_dir = strdup(o->keys_dir);
  if (!p->data_dir || !p->keys_dir) {
    qun_tenant_pool_destroy(p);
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  p->place = (struct qun_tenant_place){.data_dir = p->data_dir,
                                       .keys_dir = p->keys_dir,
                                       .plugins = o->plugins,
                                       .quotas = o->quotas};
  for (uint32_t i = 0; i < o->plugins->count; i++) p->place.ids[i] = o->plugins->plugins[i].manifest->id;
  p->counts.open_max = o->open_max ? o->open_max : open_max_of_limit();
  p->memory_max = o->memory_max ? o->memory_max : MEMORY_MAX;
  p->forget = o->forget;
  p->forget_arg = o->forget_arg;
  *out = p;
  return 0;
}

static struct qun_tenant *add(struct qun_tenant_pool *p, const char *name, enum qun_tenant_state state) {
  struct qun_tenant *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  snprintf(t->name, sizeof t->name, "%s", name);
  pthread_mutex_init(&t->lock, NULL);
  t->pool = p;
  t->state = state;
  HASH_ADD_STR(p->all, name, t);
  return t;
}

static void remove_entry(struct qun_tenant_pool *p, struct qun_tenant *t) {
  HASH_DEL(p->all, t);
  pthread_mutex_destroy(&t->lock);
  free(t);
}

void qun_tenant_pool_destroy(struct qun_tenant_pool *p) {
  struct qun_tenant *t, *next;
  if (!p) return;
  HASH_ITER(hh, p->all, t, next) {
    qun__tenant_close(t);
    remove_entry(p, t);
  }
  pthread_cond_destroy(&p->changed);
  pthread_mutex_destroy(&p->lock);
  free(p->data_dir);
  free(p->keys_dir);
  free(p);
}

void qun_tenant_pool_count(struct qun_tenant_pool *p, struct qun_tenant_pool_counts *out) {
  pthread_mutex_lock(&p->lock);
  *out = p->counts;
  pthread_mutex_unlock(&p->lock);
}

/* ---------------------------------------------------------------- names */

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

/* ---------------------------------------------------------------- unused ones; all with the lock held */

static void unused_add(struct qun_tenant_pool *p, struct qun_tenant *t) {
  t->bytes = qun__tenant_bytes(t);
  t->older = p->newest;
  t->newer = NULL;
  if (p->newest)
    p->newest->newer = t;
  else
    p->oldest = t;
  p->newest = t;
  p->memory += t->bytes;
  p->counts.unused++;
}

static void unused_remove(struct qun_tenant_pool *p, struct qun_tenant *t) {
  if (t->older)
    t->older->newer = t->newer;
  else
    p->oldest = t->newer;
  if (t->newer)
    t->newer->older = t->older;
  else
    p->newest = t->older;
  t->older = t->newer = NULL;
  p->memory -= t->bytes;
  p->counts.unused--;
}

/* Closes an open tenant that nobody refers to and that is no longer among the unused. The lock is let go meanwhile. */
static void close_one(struct qun_tenant_pool *p, struct qun_tenant *t) {
  t->state = QUN_TENANT_CLOSING;
  pthread_mutex_unlock(&p->lock);
  qun__tenant_close(t);
  pthread_mutex_lock(&p->lock);
  p->counts.open--;
  p->counts.closed++;
  if (t->claimed)
    t->state = QUN_TENANT_CLAIMED;
  else
    remove_entry(p, t);
  pthread_cond_broadcast(&p->changed);
}

static void trim(struct qun_tenant_pool *p) {
  while (p->oldest && (p->counts.open > p->counts.open_max || (p->memory > p->memory_max && p->oldest != p->newest))) {
    struct qun_tenant *t = p->oldest;
    unused_remove(p, t);
    close_one(p, t);
  }
}

/* ---------------------------------------------------------------- get, ref, put */

static int refuse_claimed(const struct qun_tenant *t, struct qun_error *err) {
  if (t->claimed == QUN_ENOTFOUND) return qun_error_set(err, QUN_ENOTFOUND, "no tenant \"%s\"", t->name);
  return qun_error_set(err, t->claimed, "tenant %s is closed for a moment; try again", t->name);
}

/* The open tenant with one more reference, or none: then it is in nobody's hands. 0 with *out set or NULL. */
static int find_open(struct qun_tenant_pool *p, const char *name, struct qun_tenant **out, struct qun_error *err) {
  struct qun_tenant *t;
  for (;;) {
    HASH_FIND_STR(p->all, name, t);
    *out = t;
    if (!t) return 0;
    if (t->claimed) return refuse_claimed(t, err);
    if (t->state == QUN_TENANT_OPEN) break;
    pthread_cond_wait(&p->changed, &p->lock);
  }
  if (atomic_fetch_add(&t->refs, 1) == 0) unused_remove(p, t);
  return 0;
}

static int open_new(struct qun_tenant_pool *p, const char *name, struct qun_tenant **out, struct qun_error *err) {
  if (p->counts.open >= p->counts.open_max + OVER)
    return qun_error_set(err, QUN_EAGAIN, "tenant %s: %u tenants are open and at work, as many as may be", name,
                         p->counts.open);
  struct qun_tenant *t = add(p, name, QUN_TENANT_OPENING);
  if (!t) return qun_error_set(err, QUN_EFAIL, "out of memory");
  p->counts.open++;
  pthread_mutex_unlock(&p->lock);
  int rc = qun__tenant_open(t, &p->place, err);
  pthread_mutex_lock(&p->lock);
  pthread_cond_broadcast(&p->changed);
  if (rc < 0) {
    p->counts.open--;
    remove_entry(p, t);
    return rc;
  }
  p->counts.opened++;
  t->state = QUN_TENANT_OPEN;
  atomic_store(&t->refs, 1);
  *out = t;
  return 0;
}

int qun_tenant_get(struct qun_tenant_pool *p, const char *name, struct qun_tenant **out, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  if (!qun_tenant_name_valid(name)) return qun_error_set(err, QUN_ENOTFOUND, "no tenant \"%.63s\"", name);
  pthread_mutex_lock(&p->lock);
  int rc = find_open(p, name, &t, err);
  if (rc == 0 && !t) {
    rc = open_new(p, name, &t, err);
    trim(p);
  }
  pthread_mutex_unlock(&p->lock);
  if (rc == 0 && atomic_load(&t->store->damaged)) {
    qun_tenant_put(t);
    return qun_error_set(err, QUN_ECONFLICT, "tenant %s is parked: its store is damaged; restore it from a backup",
                         name);
  }
  if (rc == 0) *out = t;
  return rc;
}

struct qun_tenant *qun_tenant_ref(struct qun_tenant *t) {
  atomic_fetch_add(&t->refs, 1);
  return t;
}

void qun_tenant_put(struct qun_tenant *t) {
  if (!t) return;
  struct qun_tenant_pool *p = t->pool;
  unsigned refs = atomic_load(&t->refs);
  while (refs > 1) {
    if (atomic_compare_exchange_weak(&t->refs, &refs, refs - 1)) return;
  }
  pthread_mutex_lock(&p->lock);
  if (atomic_fetch_sub(&t->refs, 1) == 1) {
    if (t->claimed) {
      close_one(p, t);
    } else {
      unused_add(p, t);
      trim(p);
    }
  }
  pthread_mutex_unlock(&p->lock);
}

/* ---------------------------------------------------------------- claim, release */

static int claim(struct qun_tenant_pool *p, const char *name, int code, struct qun_error *err) {
  struct qun_tenant *t;
  for (;;) {
    HASH_FIND_STR(p->all, name, t);
    if (t && t->claimed) return qun_error_set(err, QUN_ECONFLICT, "tenant %s is being made, restored or deleted", name);
    if (!t || t->state == QUN_TENANT_OPEN) break;
    pthread_cond_wait(&p->changed, &p->lock);
  }
  if (!t) {
    t = add(p, name, QUN_TENANT_CLAIMED);
    if (!t) return qun_error_set(err, QUN_EFAIL, "out of memory");
    t->claimed = code;
    return 0;
  }
  t->claimed = code;
  if (atomic_load(&t->refs) == 0) {
    unused_remove(p, t);
    close_one(p, t);
  }
  while (t->state != QUN_TENANT_CLAIMED) pthread_cond_wait(&p->changed, &p->lock);
  if (p->forget) p->forget(p->forget_arg);
  return 0;
}

int qun_tenant_claim(struct qun_tenant_pool *p, const char *name, int code, struct qun_error *err) {
  pthread_mutex_lock(&p->lock);
  int rc = claim(p, name, code, err);
  pthread_mutex_unlock(&p->lock);
  return rc;
}

void qun_tenant_release(struct qun_tenant_pool *p, const char *name) {
  struct qun_tenant *t;
  pthread_mutex_lock(&p->lock);
  HASH_FIND_STR(p->all, name, t);
  if (t) remove_entry(p, t);
  pthread_cond_broadcast(&p->changed);
  pthread_mutex_unlock(&p->lock);
}

/* ---------------------------------------------------------------- config */

struct qun_config *qun_tenant_config(struct qun_tenant *t) {
  pthread_mutex_lock(&t->lock);
  struct qun_config *c = qun_config_ref(t->config);
  pthread_mutex_unlock(&t->lock);
  return c;
}

void qun_tenant_set_config(struct qun_tenant *t, struct qun_config *c) {
  uint64_t quota = c->quota_bytes;
  pthread_mutex_lock(&t->lock);
  struct qun_config *old = t->config;
  t->config = c;
  pthread_mutex_unlock(&t->lock);
  qun_config_unref(old);
  qun_store_grow(t->store, quota);
}
