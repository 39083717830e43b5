/* SPDX-License-Identifier: Apache-2.0 */
/* Moves the clock of live tenants when a timer is due and no event comes: one thread, an index of next due times, a
 * qun.tick record. Idle tenants cost nothing. */
#include "host/engine/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uthash.h>

struct due {
  char tenant[64];
  int64_t at;
  bool asked; /* a tick is under way */
  UT_hash_handle hh;
};

struct qun_ticker {
  struct qun_engine *engine;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct due *all;
  bool stop;
};

enum { LOOK_MS = 250 };

void qun__ticker_note(struct qun_ticker *t, const char *tenant, int64_t due_ms) {
  struct due *d = NULL;
  if (!t) return;
  pthread_mutex_lock(&t->lock);
  HASH_FIND_STR(t->all, tenant, d);
  if (!d && due_ms != INT64_MAX && (d = calloc(1, sizeof *d)) != NULL) {
    snprintf(d->tenant, sizeof d->tenant, "%s", tenant);
    HASH_ADD_STR(t->all, tenant, d);
  }
  if (d) {
    d->at = due_ms;
    d->asked = false;
  }
  pthread_mutex_unlock(&t->lock);
}

/* One tenant that is due and has not been asked yet; its name is copied out. */
static bool next_due(struct qun_ticker *t, char name[64]) {
  int64_t now = qun_engine_now(t->engine);
  for (struct due *d = t->all; d; d = d->hh.next) {
    if (d->asked || d->at > now) continue;
    d->asked = true;
    snprintf(name, 64, "%s", d->tenant);
    return true;
  }
  return false;
}

static void *run(void *arg) {
  struct qun_ticker *t = arg;
  char name[64];
  pthread_mutex_lock(&t->lock);
  while (!t->stop) {
    if (next_due(t, name)) {
      static const unsigned char empty = 0x80;
      struct qun_control tick = {.type = "qun.tick", .data = qun_slice_of(&empty, 1)};
      struct qun_error err;
      pthread_mutex_unlock(&t->lock);
      if (qun__control_submit(t->engine, name, &tick, 1, NULL, &err) < 0 && err.code != QUN_ENOTFOUND)
        fprintf(stderr, "warn tenant %s: its clock could not be moved: %s\n", name, err.message);
      pthread_mutex_lock(&t->lock);
      continue;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)LOOK_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&t->wake, &t->lock, &until);
  }
  pthread_mutex_unlock(&t->lock);
  return NULL;
}

int qun__ticker_start(struct qun_ticker **out, struct qun_engine *e, struct qun_error *err) {
  struct qun_ticker *t = calloc(1, sizeof *t);
  if (!t) return qun_error_set(err, QUN_EFAIL, "out of memory");
  t->engine = e;
  pthread_mutex_init(&t->lock, NULL);
  pthread_cond_init(&t->wake, NULL);
  if (pthread_create(&t->thread, NULL, run, t) != 0) {
    free(t);
    return qun_error_set(err, QUN_EFAIL, "the ticker's thread cannot start");
  }
  *out = t;
  return 0;
}

void qun__ticker_stop(struct qun_ticker *t) {
  if (!t) return;
  pthread_mutex_lock(&t->lock);
  t->stop = true;
  pthread_cond_signal(&t->wake);
  pthread_mutex_unlock(&t->lock);
  pthread_join(t->thread, NULL);
  struct due *d, *next;
  HASH_ITER(hh, t->all, d, next) {
    HASH_DEL(t->all, d);
    free(d);
  }
  pthread_cond_destroy(&t->wake);
  pthread_mutex_destroy(&t->lock);
  free(t);
}
