/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves the clock of live tenants when a timer is due and no event comes: a qun.tick record. Threads that sleep until the
 * next time that is due over all tenants (host/engine/due.h); idle tenants cost nothing, neither do they while thousands
 * wait. As many ticks are under way as there are threads, so that thousands that are due at once leave room for what is
 * sent meanwhile; they go in the order of their times.
 */
#include "host/engine/due.h"
#include "host/engine/internal.h"
#include "tenants/outbox.h"
#include "tenants/timers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
  THREADS_MAX = 4,
  SAVE_MS = 300000, /* the file may be this old after a crash: so long a list of stores is looked into then */
  AGAIN_MS = 1000,  /* after a tick that failed; doubled with each */
  AGAIN_MAX_MS = 600000,
  STUCK_MS = 60000,  /* a tick that left its timer due is not repeated at once */
  FAKE_CLOCK_MS = 20 /* a clock of a test's own moves without a word */
};

struct qun_ticker {
  struct qun_engine *engine;
  pthread_t threads[THREADS_MAX];
  uint32_t started;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct qun_dues dues;
  bool trusted; /* the file was written by the last process as it ended */
  bool ready;   /* all stores that had to be looked into have been */
  bool dirty, stop;
  int64_t saved_ms;
};

/* ---------------------------------------------------------------- the file and the sign of a clean end */

static void path_in(const struct qun_engine *e, const char *name, char out[4096]) {
  snprintf(out, 4096, "%s/%s", e->data_dir, name);
}

static void sync_data_dir(const struct qun_engine *e) {
  int fd = open(e->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

bool qun__ticker_take_clean(const struct qun_engine *e) {
  char path[4096], aside[4096];
  path_in(e, "timers.clean", path);
  bool clean = unlink(path) == 0;
  if (!clean && e->options.live) {
    /* its marks are checked once: a store that lost its last transaction and made another would fit one by chance */
    path_in(e, "timers.index", path);
    path_in(e, "timers.old", aside);
    unlink(aside);
    rename(path, aside);
  }
  sync_data_dir(e); /* before any store changes */
  return clean;
}

static int save(struct qun_ticker *t, struct qun_error *err) {
  char path[4096];
  struct qun_pack p;
  path_in(t->engine, "timers.index", path);
  qun_pack_init(&p);
  pthread_mutex_lock(&t->lock);
  qun_dues_pack(&t->dues, &p);
  t->dirty = false;
  t->saved_ms = qun_engine_now(t->engine);
  pthread_mutex_unlock(&t->lock);
  int rc = qun_dues_write(&p, path, err);
  qun_pack_fini(&p);
  return rc;
}

static void save_last(struct qun_ticker *t) {
  char path[4096];
  struct qun_error err;
  if (save(t, &err) < 0) {
    fprintf(stderr, "warn %s\n", err.message);
    return;
  }
  sync_data_dir(t->engine); /* the sign must not be there without the file */
  path_in(t->engine, "timers.clean", path);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

/* ---------------------------------------------------------------- what the shards say */

/* With the lock held. */
static void note(struct qun_ticker *t, const char *tenant, const struct qun_due_mark *m) {
  struct qun_due *due = qun_dues_add(&t->dues, tenant);
  if (!due) return; /* out of memory; the next commit says it again */
  int64_t at = m->due_ms;
  if (at != INT64_MAX && due->asked && at <= due->asked) at = qun_engine_now(t->engine) + STUCK_MS;
  due->mark = *m;
  due->known = due->fresh = true;
  due->tries = 0;
  t->dirty = true;
  if (qun_dues_wake_at(&t->dues, due, at) < 0) return;
  if (qun_dues_first(&t->dues) == due) pthread_cond_broadcast(&t->wake);
}

/* The first timer of a plugin that is on: those of one that was switched off wait with it. */
static int64_t next_due(const struct qun_view *v, const struct qun_engine *e, struct qun_tenant *tenant) {
  struct qun_timer_row row;
  int64_t due = INT64_MAX;
  if (qun_timer_next(v, NULL, &row) < 0) return INT64_MAX;
  struct qun_config *c = qun_tenant_config(tenant);
  for (uint32_t i = 0; i < e->plugins->count; i++) {
    const char *id = e->plugins->plugins[i].manifest->id;
    if (!((c->live >> i) & 1u) || !qun_slice_is(row.plugin, id)) continue;
    due = row.due_ms;
  }
  bool first = due != INT64_MAX;
  for (uint32_t i = 0; !first && i < e->plugins->count; i++) {
    if (!((c->live >> i) & 1u) || qun_timer_next(v, e->plugins->plugins[i].manifest->id, &row) < 0) continue;
    if (row.due_ms < due) due = row.due_ms;
  }
  qun_config_unref(c);
  return due;
}

static int read_mark(struct qun_due_mark *m, const struct qun_engine *e, struct qun_tenant *tenant) {
  struct qun_view v;
  struct qun_head head;
  struct qun_pair pair;
  uint32_t n = 0;
  if (qun_view_begin(&v, tenant->store, NULL) < 0) return QUN_EFAIL;
  *m = (struct qun_due_mark){.due_ms = INT64_MAX, .txn = mdb_txn_id(v.txn), .inode = tenant->store->inode};
  int rc = qun_head_read(&v, &head);
  if (rc == 0 && head.live) m->due_ms = next_due(&v, e, tenant);
  m->outbox = qun_view_scan(&v, QUN_TABLE_OUTBOX, qun_str("d"), (qun_slice){NULL, 0}, &pair, 1, &n) == 0 && n > 0;
  qun_view_end(&v);
  return rc;
}

void qun__ticker_read(struct qun_ticker *t, struct qun_tenant *tenant) {
  struct qun_due_mark m;
  if (!t || read_mark(&m, t->engine, tenant) < 0) return;
  pthread_mutex_lock(&t->lock);
  note(t, tenant->name, &m);
  pthread_mutex_unlock(&t->lock);
}

void qun__ticker_drop(struct qun_ticker *t, const char *tenant) {
  if (!t) return;
  pthread_mutex_lock(&t->lock);
  struct qun_due *due = qun_dues_find(&t->dues, tenant);
  if (due) qun_dues_drop(&t->dues, due);
  t->dirty = true;
  pthread_mutex_unlock(&t->lock);
}

/* ---------------------------------------------------------------- looking into stores */

static int look(struct qun_ticker *t, const char *name, struct qun_error *err) {
  struct qun_engine *e = t->engine;
  struct qun_tenant *tenant = NULL;
  struct qun_due_mark m;
  int rc = qun_tenant_get(e->pool, name, &tenant, err);
  if (rc < 0) return rc;
  rc = read_mark(&m, e, tenant);
  qun_tenant_put(tenant);
  if (rc < 0) return qun_error_set(err, QUN_ECONFLICT, "tenant %s: the store's head is damaged", name);
  pthread_mutex_lock(&t->lock);
  const struct qun_due *due = qun_dues_find(&t->dues, name);
  if (due && !due->fresh) note(t, name, &m);
  pthread_mutex_unlock(&t->lock);
  if (!m.outbox) return 0;
  pthread_mutex_lock(&e->outbox_lock);
  if (e->outbox_hook) e->outbox_hook(e->outbox_arg, name);
  pthread_mutex_unlock(&e->outbox_lock);
  return 0;
}

/* Whether the mark speaks of the store as it is. */
static bool fits(const struct qun_ticker *t, const char *name, const struct qun_due_mark *m) {
  char dir[4096], store[4200];
  uint64_t txn, inode;
  qun_tenant_dir(t->engine->pool, name, dir);
  snprintf(store, sizeof store, "%s/store", dir);
  return qun_store_probe(store, &txn, &inode) == 0 && txn == m->txn && inode == m->inode;
}

/* With the lock held, which is let go meanwhile. */
static void check_one(struct qun_ticker *t, const char *name) {
  struct qun_due *due = qun_dues_find(&t->dues, name);
  struct qun_error err;
  if (!due || due->fresh) return;
  struct qun_due_mark m = due->mark;
  bool good = due->known;
  if (!good || !t->trusted) {
    pthread_mutex_unlock(&t->lock);
    good = good && fits(t, name, &m);
    if (!good && look(t, name, &err) < 0) fprintf(stderr, "warn %s\n", err.message);
    pthread_mutex_lock(&t->lock);
    due = qun_dues_find(&t->dues, name);
    if (!due || due->fresh) return;
  }
  due->known = due->fresh = good;
  qun_dues_wake_at(&t->dues, due, good ? m.due_ms : qun_engine_now(t->engine) + AGAIN_MS);
}

/* Before the first timer fires: all that is due must be known, as it goes in order. With the lock held. */
static void check_all(struct qun_ticker *t) {
  uint32_t n = 0, count = HASH_COUNT(t->dues.all);
  char(*names)[64] = calloc(count + 1, sizeof *names);
  if (!names) return;
  for (const struct qun_due *due = t->dues.all; due; due = due->hh.next) memcpy(names[n++], due->tenant, 64);
  for (uint32_t i = 0; i < n && !t->stop; i++) check_one(t, names[i]);
  free(names);
}

/* ---------------------------------------------------------------- ticking */

static int tick(struct qun_ticker *t, const char *name, struct qun_error *err) {
  static const unsigned char empty = 0x80;
  struct qun_control c = {.type = "qun.tick", .data = qun_slice_of(&empty, 1)};
  return qun__control_submit(t->engine, name, &c, 1, NULL, err);
}

/* With the lock held, which is let go meanwhile. */
static void wake_tenant(struct qun_ticker *t, struct qun_due *due) {
  struct qun_error err = {0};
  char name[64];
  bool known = due->known;
  memcpy(name, due->tenant, sizeof name);
  qun_dues_wake_at(&t->dues, due, INT64_MAX); /* until its commit says more */
  due->asked = known ? qun_engine_now(t->engine) : 0;
  pthread_mutex_unlock(&t->lock);
  int rc = known ? tick(t, name, &err) : look(t, name, &err);
  pthread_mutex_lock(&t->lock);
  if (rc == 0 || !(due = qun_dues_find(&t->dues, name))) return;
  if (rc == QUN_ENOTFOUND) {
    qun_dues_drop(&t->dues, due);
    return;
  }
  if (rc != QUN_EAGAIN) fprintf(stderr, "warn tenant %s: its clock could not be moved: %s\n", name, err.message);
  int64_t wait = due->tries < 10 ? (int64_t)AGAIN_MS << due->tries : AGAIN_MAX_MS;
  due->tries++;
  qun_dues_wake_at(&t->dues, due, qun_engine_now(t->engine) + (wait < AGAIN_MAX_MS ? wait : AGAIN_MAX_MS));
}

static void rest(struct qun_ticker *t, int64_t until) {
  struct timespec at;
  if (t->engine->options.now) until = until == INT64_MAX ? until : 0;
  if (until == INT64_MAX) {
    pthread_cond_wait(&t->wake, &t->lock);
    return;
  }
  if (t->engine->options.now) {
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += (long)FAKE_CLOCK_MS * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
  } else {
    at = (struct timespec){.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
  }
  pthread_cond_timedwait(&t->wake, &t->lock, &at);
}

/* The next turn of a thread: wakes a tenant, saves, or sleeps. With the lock held. */
static void turn(struct qun_ticker *t, bool first) {
  struct qun_due *due = qun_dues_first(&t->dues);
  struct qun_error err;
  int64_t now = qun_engine_now(t->engine), until = due ? due->at : INT64_MAX;
  if (due && due->at <= now) {
    wake_tenant(t, due);
    return;
  }
  if (first && t->dirty) {
    if (now - t->saved_ms >= SAVE_MS) {
      pthread_mutex_unlock(&t->lock);
      if (save(t, &err) < 0) fprintf(stderr, "warn %s\n", err.message);
      pthread_mutex_lock(&t->lock);
      return;
    }
    if (t->saved_ms + SAVE_MS < until) until = t->saved_ms + SAVE_MS;
  }
  rest(t, until);
}

static void *run(void *arg) {
  struct qun_ticker *t = arg;
  pthread_mutex_lock(&t->lock);
  bool first = pthread_equal(pthread_self(), t->threads[0]) != 0;
  if (first) {
    check_all(t);
    t->ready = !t->stop;
    t->dirty = true;
    t->saved_ms = INT64_MIN / 2; /* now */
    pthread_cond_broadcast(&t->wake);
  }
  while (!t->ready && !t->stop) pthread_cond_wait(&t->wake, &t->lock);
  while (!t->stop) turn(t, first);
  pthread_mutex_unlock(&t->lock);
  return NULL;
}

/* ---------------------------------------------------------------- start and stop */

static int is_here(void *arg, const char *name) {
  struct qun_due *due = qun_dues_add(arg, name);
  if (!due) return QUN_EFAIL;
  due->asked = 1;
  return 0;
}

/* The tenants that there are: marks of others go. */
static int read_table(struct qun_ticker *t, struct qun_error *err) {
  char path[4096];
  struct qun_due *due, *next;
  path_in(t->engine, t->trusted ? "timers.index" : "timers.old", path);
  if (qun_dues_load(&t->dues, path, err) < 0) {
    if (err->code != QUN_ENOTFOUND) fprintf(stderr, "warn %s\n", err->message);
    t->trusted = false;
  }
  if (qun_engine_tenant_each(t->engine, is_here, &t->dues) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory");
  HASH_ITER(hh, t->dues.all, due, next) {
    if (!due->asked)
      qun_dues_drop(&t->dues, due);
    else
      due->asked = 0;
  }
  return 0;
}

int qun__ticker_start(struct qun_ticker **out, struct qun_engine *e, bool clean, struct qun_error *err) {
  struct qun_ticker *t = calloc(1, sizeof *t);
  if (!t) return qun_error_set(err, QUN_EFAIL, "out of memory");
  t->engine = e;
  t->trusted = clean;
  t->saved_ms = qun_engine_now(e);
  qun_dues_init(&t->dues);
  pthread_mutex_init(&t->lock, NULL);
  pthread_cond_init(&t->wake, NULL);
  int rc = read_table(t, err);
  pthread_mutex_lock(&t->lock); /* a thread looks which it is */
  for (uint32_t i = 0; rc == 0 && i < e->shards_count && i < THREADS_MAX; i++) {
    if (pthread_create(&t->threads[i], NULL, run, t) != 0) {
      rc = qun_error_set(err, QUN_EFAIL, "the ticker's thread cannot start");
      break;
    }
    pthread_setname_np(t->threads[i], "qun-ticker");
    t->started++;
  }
  pthread_mutex_unlock(&t->lock);
  if (rc < 0) {
    qun__ticker_stop(t);
    qun__ticker_close(t, false);
  } else {
    *out = t;
  }
  return rc;
}

void qun__ticker_stop(struct qun_ticker *t) {
  if (!t) return;
  pthread_mutex_lock(&t->lock);
  t->stop = true;
  pthread_cond_broadcast(&t->wake);
  pthread_mutex_unlock(&t->lock);
  for (uint32_t i = 0; i < t->started; i++) pthread_join(t->threads[i], NULL);
  t->started = 0;
}

void qun__ticker_close(struct qun_ticker *t, bool clean) {
  if (!t) return;
  if (clean && t->ready) save_last(t);
  qun_dues_fini(&t->dues);
  pthread_cond_destroy(&t->wake);
  pthread_mutex_destroy(&t->lock);
  free(t);
}

int qun_engine_outbox_each(struct qun_engine *e, int (*each)(void *, const char *), void *arg) {
  uint32_t n = 0;
  int rc = 0;
  if (!e->ticker) return qun_engine_tenant_each(e, each, arg);
  pthread_mutex_lock(&e->ticker->lock);
  char(*names)[64] = calloc(HASH_COUNT(e->ticker->dues.all) + 1, sizeof *names);
  for (const struct qun_due *due = e->ticker->dues.all; due && names; due = due->hh.next) {
    if (due->known && due->mark.outbox) memcpy(names[n++], due->tenant, 64);
  }
  pthread_mutex_unlock(&e->ticker->lock);
  if (!names) return QUN_EFAIL;
  for (uint32_t i = 0; i < n && rc == 0; i++) rc = each(arg, names[i]);
  free(names);
  return rc;
}
