/* SPDX-License-Identifier: Apache-2.0 */
/* The followers: who has work, how many run at a time, what becomes of one whose runner comes down. */
#include "host/engine/isolated.h"

#include "host/engine/internal.h"
#include "host/engine/quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
  POISON = 2,     /* a record at which the runner came down so often in a row is passed over */
  AGAIN_MS = 200, /* after a failure that is not the plugin's */
  STACK_BYTES = 1 << 20
};

struct errand {
  struct errand *next;
  struct qun_isolated_errand what;
};

struct follower {
  char key[112]; /* tenant/plugin */
  UT_hash_handle hh;
  struct qun_isolated *all;
  struct follower *line; /* next in line for a place */
  char tenant[64];
  uint32_t plugin;
  bool poked, runs, waits, purge;
  struct errand *first, **last;
  pthread_cond_t wake;
  struct qun_isolated_state state;
  uint64_t poison; /* where it came down last */
  uint32_t poison_times;
};

struct qun_isolated {
  struct qun_engine *engine;
  uint32_t mask; /* bit n: plugin n is isolated */
  pthread_mutex_t lock;
  pthread_cond_t ended;
  struct follower *followers;
  struct follower *line, **line_end; /* waiting for a place */
  uint32_t running;
  pthread_t scout;
  bool scouting;
  atomic_bool stop;
};

static int64_t steady_ms(void) {
  return qun_runner_clock_ms();
}

/* ---------------------------------------------------------------- the ledger */

static const char *plugin_id(const struct follower *f) {
  return f->all->engine->plugins->plugins[f->plugin].manifest->id;
}

static const struct qun_loaded_plugin *plugin_of(const struct follower *f) {
  return &f->all->engine->plugins->plugins[f->plugin];
}

static void tell_ledger(struct follower *f, const struct qun__follow *work) {
  struct qun_engine *e = f->all->engine;
  const struct qun_loaded_plugin *p = plugin_of(f);
  struct qun_error err = {0};
  char sum[17];
  qun__sum_text(sum, p->sha256);
  if (qun_ledger_crash(qun__quarantine_ledger(e->quarantine), qun_engine_now(e), p->manifest->id, p->manifest->version,
                       sum, f->tenant, work->poison, work->broken, &err) < 0)
    fprintf(stderr, "warn plugin %s: %s\n", p->manifest->id, err.message);
}

/* What the ledger says: it came down too often at this tenant. */
static bool is_out(const struct follower *f) {
  char sum[17], reason[QUN_LEDGER_REASON];
  const struct qun_loaded_plugin *p = plugin_of(f);
  qun__sum_text(sum, p->sha256);
  return qun_ledger_is_out(qun__quarantine_ledger(f->all->engine->quarantine), p->manifest->id, sum, true, f->tenant,
                           reason);
}

/* ---------------------------------------------------------------- followers. With the lock held. */

static struct follower *find(struct qun_isolated *all, const char *tenant, uint32_t plugin) {
  char key[112];
  struct follower *f = NULL;
  snprintf(key, sizeof key, "%s/%u", tenant, plugin);
  HASH_FIND_STR(all->followers, key, f);
  return f;
}

static struct follower *need(struct qun_isolated *all, const char *tenant, uint32_t plugin) {
  pthread_condattr_t monotonic;
  struct follower *f = find(all, tenant, plugin);
  if (f) return f;
  f = calloc(1, sizeof *f);
  if (!f) return NULL;
  f->all = all;
  f->plugin = plugin;
  f->last = &f->first;
  snprintf(f->tenant, sizeof f->tenant, "%s", tenant);
  snprintf(f->key, sizeof f->key, "%s/%u", tenant, plugin);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&f->wake, &monotonic);
  pthread_condattr_destroy(&monotonic);
  HASH_ADD_STR(all->followers, key, f);
  f->state.held = is_out(f);
  return f;
}

static void *run(void *arg);

static void start(struct qun_isolated *all, struct follower *f) {
  pthread_t thread;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  f->runs = pthread_create(&thread, &attr, run, f) == 0;
  pthread_attr_destroy(&attr);
  if (f->runs) all->running++;
}

/* Gives it a thread, or a place in the line. One that is idle makes room. */
static void rouse(struct qun_isolated *all, struct follower *f) {
  if (f->runs) pthread_cond_signal(&f->wake);
  if (f->runs || f->waits || all->stop) return;
  if (all->running < all->engine->isolation.runners_max) {
    start(all, f);
    return;
  }
  f->waits = true;
  f->line = NULL;
  *all->line_end = f;
  all->line_end = &f->line;
  struct follower *other, *next;
  HASH_ITER(hh, all->followers, other, next) if (other->runs) pthread_cond_signal(&other->wake);
}

static void next_in_line(struct qun_isolated *all) {
  struct follower *f = all->line;
  if (!f || all->stop || all->running >= all->engine->isolation.runners_max) return;
  all->line = f->line;
  if (!all->line) all->line_end = &all->line;
  f->waits = false;
  start(all, f);
}

/* ---------------------------------------------------------------- what became of a batch */

/* A crash of the runner: it starts again, until it has been too often. */
static void note_crash(struct follower *f, struct qun__follow *work) {
  tell_ledger(f, work);
  bool again = work->poison && f->poison == work->poison;
  fprintf(stderr, "warn plugin %s, tenant %s: its runner came down at record %llu: %s\n", plugin_id(f), f->tenant,
          (unsigned long long)work->poison, work->broken);
  pthread_mutex_lock(&f->all->lock);
  f->state.crashes++;
  snprintf(f->state.reason, sizeof f->state.reason, "%.190s", work->broken);
  f->poison_times = again ? f->poison_times + 1 : 1;
  f->poison = work->poison;
  f->state.held = f->poison_times < POISON && is_out(f); /* one record's fault is not the plugin's for ever */
  pthread_mutex_unlock(&f->all->lock);
  work->limit = work->poison ? work->poison - 1 : UINT64_MAX; /* what came before it is brought home first */
  if (f->poison_times < POISON) return;
  work->skip = work->poison;
  work->limit = UINT64_MAX;
}

static void pause_ms(struct follower *f, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_cond_timedwait(&f->wake, &f->all->lock, &until);
}

static void batch(struct follower *f, struct qun__follow *work) {
  struct qun_error err = {0};
  int rc = qun__follow_batch(work, &err);
  if (rc == QUN_EGONE && work->broken[0]) note_crash(f, work);
  pthread_mutex_lock(&f->all->lock);
  f->state.pid = work->slot ? qun_proxy_pid(work->slot->local[f->plugin]) : 0;
  if (rc > 0 || rc == QUN_EGONE) f->poked = true;
  if (rc < 0 && rc != QUN_EGONE && rc != QUN_ENOTFOUND) {
    if (strcmp(f->state.reason, err.message) != 0)
      fprintf(stderr, "warn plugin %s, tenant %s: %s\n", plugin_id(f), f->tenant, err.message);
    snprintf(f->state.reason, sizeof f->state.reason, "%.190s", err.message);
    f->poked = true;
    if (!f->all->stop) pause_ms(f, AGAIN_MS);
  }
  pthread_mutex_unlock(&f->all->lock);
}

/* ---------------------------------------------------------------- a follower's thread */

static struct errand *take_errand(struct follower *f) {
  struct errand *e = f->first;
  if (!e) return NULL;
  f->first = e->next;
  if (!f->first) f->last = &f->first;
  return e;
}

static void do_errand(struct follower *f, struct qun__follow *work, struct errand *e) {
  struct qun_error err = {0};
  int rc = QUN_EGONE;
  if (f->state.held)
    qun_error_set(&err, QUN_EGONE, "plugin %s came down too often: %.150s", plugin_id(f), f->state.reason);
  else
    rc = qun__follow_errand(work, &e->what, &err);
  if (rc == QUN_EGONE && work->broken[0]) {
    work->poison = 0;
    note_crash(f, work);
  }
  if (rc <= 0) e->what.end(e->what.arg, rc, rc < 0 ? err.message : NULL);
  free(e);
}

/* With the lock held: something to do, or the end. */
static bool await(struct follower *f) {
  struct qun_isolated *all = f->all;
  int64_t until = steady_ms() + all->engine->isolation.idle_ms;
  while (!all->stop && !f->purge && !f->first && !(f->poked && !f->state.held)) {
    int64_t left = until - steady_ms();
    if (left <= 0 || all->line) return false;
    pause_ms(f, left);
  }
  return !all->stop;
}

static void work_on(struct follower *f, struct qun__follow *work) {
  struct qun_isolated *all = f->all;
  pthread_mutex_lock(&all->lock);
  while (await(f)) {
    struct errand *e = take_errand(f);
    bool purge = f->purge, poked = f->poked && !f->state.held;
    f->purge = false;
    if (!e && poked) f->poked = false;
    pthread_mutex_unlock(&all->lock);
    if (purge) qun__follow_fini(work);
    if (e)
      do_errand(f, work, e);
    else if (poked)
      batch(f, work);
    pthread_mutex_lock(&all->lock);
  }
  pthread_mutex_unlock(&all->lock);
  qun__follow_fini(work);
}

static void *run(void *arg) {
  struct follower *f = arg;
  struct qun_isolated *all = f->all;
  struct qun__follow *work = calloc(1, sizeof *work);
  pthread_setname_np(pthread_self(), "qun-follower");
  if (work) {
    work->engine = all->engine;
    work->plugin = f->plugin;
    work->limit = UINT64_MAX;
    snprintf(work->tenant, sizeof work->tenant, "%s", f->tenant);
    work_on(f, work);
  }
  free(work);
  pthread_mutex_lock(&all->lock);
  f->runs = false;
  f->state.pid = 0;
  all->running--;
  next_in_line(all);
  if (!all->stop && (f->first || (f->poked && !f->state.held))) rouse(all, f);
  pthread_cond_broadcast(&all->ended);
  pthread_mutex_unlock(&all->lock);
  return NULL;
}

/* ---------------------------------------------------------------- from other threads */

void qun__isolated_poke(struct qun_isolated *all, struct qun_tenant *t) {
  if (!all) return;
  struct qun_config *c = qun_tenant_config(t);
  uint32_t live = c->live & all->mask;
  qun_config_unref(c);
  pthread_mutex_lock(&all->lock);
  for (uint32_t i = 0; live >> i && !all->stop; i++) {
    struct follower *f = live & (1u << i) ? need(all, t->name, i) : NULL;
    if (!f) continue;
    f->poked = true;
    if (f->state.held) f->state.held = is_out(f); /* somebody may have released it */
    if (!f->state.held) rouse(all, f);
  }
  pthread_mutex_unlock(&all->lock);
}

void qun__isolated_purge(struct qun_isolated *all) {
  struct follower *f, *next;
  if (!all) return;
  pthread_mutex_lock(&all->lock);
  HASH_ITER(hh, all->followers, f, next) {
    f->purge = f->runs;
    pthread_cond_signal(&f->wake);
  }
  pthread_mutex_unlock(&all->lock);
}

int qun__isolated_ask(struct qun_isolated *all, const char *tenant, uint32_t plugin,
                      const struct qun_isolated_errand *errand, struct qun_error *err) {
  struct errand *e = calloc(1, sizeof *e);
  if (!e) return qun_error_set(err, QUN_EFAIL, "out of memory");
  e->what = *errand;
  pthread_mutex_lock(&all->lock);
  struct follower *f = all->stop ? NULL : need(all, tenant, plugin);
  if (f) {
    *f->last = e;
    f->last = &e->next;
    rouse(all, f);
  }
  pthread_mutex_unlock(&all->lock);
  if (f) return 0;
  free(e);
  return qun_error_set(err, QUN_EFAIL, "the engine is closing");
}

void qun__isolated_look(struct qun_isolated *all, const char *tenant, uint32_t plugin, struct qun_isolated_state *out) {
  *out = (struct qun_isolated_state){0};
  if (!all) return;
  pthread_mutex_lock(&all->lock);
  const struct follower *f = find(all, tenant, plugin);
  if (f) *out = f->state;
  pthread_mutex_unlock(&all->lock);
}

int qun__isolated_settle(struct qun_isolated *all, struct qun_tenant *t, uint64_t seq, int64_t ms,
                         struct qun_error *err) {
  int64_t until = steady_ms() + ms;
  const char *behind = NULL;
  if (!all) return 0;
  do {
    struct qun_view v;
    int rc = qun_view_begin(&v, t->store, err);
    if (rc < 0) return rc;
    struct qun_config *c = qun_tenant_config(t);
    behind = NULL;
    for (uint32_t i = 0; (c->live & all->mask) >> i; i++) {
      const char *id = all->engine->plugins->plugins[i].manifest->id;
      if ((c->live & all->mask & (1u << i)) && qun_cursor_read(&v, id) < seq) behind = id;
    }
    qun_config_unref(c);
    qun_view_end(&v);
    if (!behind) return 0;
    qun__isolated_poke(all, t);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  } while (steady_ms() < until);
  return qun_error_set(err, QUN_EAGAIN, "plugin %s is behind: it runs in a process of its own; try again", behind);
}

/* ---------------------------------------------------------------- begin and end */

static int scout_one(void *arg, const char *name) {
  struct qun_isolated *all = arg;
  struct qun_tenant *t = NULL;
  if (all->stop) return 1;
  if (qun_tenant_get(all->engine->pool, name, &t, NULL) < 0) return 0;
  qun__isolated_poke(all, t);
  qun_tenant_put(t);
  return 0;
}

/* Who was left behind by the last process. */
static void *scout(void *arg) {
  struct qun_isolated *all = arg;
  qun_engine_tenant_each(all->engine, scout_one, all);
  return NULL;
}

int qun__isolated_start(struct qun_isolated **out, struct qun_engine *e, struct qun_error *err) {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < e->plugins->count; i++)
    if (e->plugins->plugins[i].where == QUN_ISOLATED) mask |= 1u << i;
  if (!mask) return 0;
  struct qun_isolated *all = calloc(1, sizeof *all);
  if (!all) return qun_error_set(err, QUN_EFAIL, "out of memory");
  all->engine = e;
  all->mask = mask;
  all->line_end = &all->line;
  pthread_mutex_init(&all->lock, NULL);
  pthread_cond_init(&all->ended, NULL);
  *out = all;
  if (e->options.live) all->scouting = pthread_create(&all->scout, NULL, scout, all) == 0;
  return 0;
}

void qun__isolated_stop(struct qun_isolated *all) {
  struct follower *f, *next;
  if (!all) return;
  pthread_mutex_lock(&all->lock);
  all->stop = true;
  HASH_ITER(hh, all->followers, f, next) pthread_cond_signal(&f->wake);
  while (all->running) pthread_cond_wait(&all->ended, &all->lock);
  pthread_mutex_unlock(&all->lock);
  if (all->scouting) pthread_join(all->scout, NULL);
  HASH_ITER(hh, all->followers, f, next) {
    for (struct errand *e; (e = take_errand(f)); free(e)) e->what.end(e->what.arg, QUN_EFAIL, "the engine is closing");
    HASH_DEL(all->followers, f);
    pthread_cond_destroy(&f->wake);
    free(f);
  }
}

void qun__isolated_destroy(struct qun_isolated *all) {
  if (!all) return;
  pthread_cond_destroy(&all->ended);
  pthread_mutex_destroy(&all->lock);
  free(all);
}
