/* SPDX-License-Identifier: Apache-2.0 */
/* The flow of chunks through reader, opener and strands, over a few threads. Work goes first to the strand that is
   furthest behind; nothing depends on which thread does what. */
#include "host/engine/replay_internal.h"

#include <stdatomic.h>
#include <time.h>

enum job_kind { JOB_NONE = 0, JOB_READ, JOB_OPEN, JOB_RUN };

struct job {
  enum job_kind kind;
  struct qun__replay_chunk *chunk;
  struct qun__strand *strand;
};

struct flow {
  struct qun__replay *r;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  uint64_t chunks; /* begun to read */
  bool reading;
  int rc;
  struct qun_error err;
};

static struct qun__replay_chunk *place_of(struct flow *f, uint64_t number) {
  return &f->r->chunks[number % QUN__REPLAY_WINDOW];
}

static bool ready(struct flow *f, const struct qun__strand *s) {
  const struct qun__replay_chunk *c = place_of(f, s->next);
  return !s->busy && s->next < f->chunks && c->number == s->next && c->state == QUN__CHUNK_OPEN;
}

/* ---- what there is to do; under the lock */

static bool find_run(struct flow *f, struct job *job) {
  struct qun__strand *best = NULL;
  for (uint32_t i = 0; i < f->r->strands_count; i++) {
    struct qun__strand *s = &f->r->strands[i];
    if (!ready(f, s)) continue;
    if (!best || s->next < best->next || (s->next == best->next && s->cpu_ns > best->cpu_ns)) best = s;
  }
  if (!best) return false;
  best->busy = true;
  *job = (struct job){JOB_RUN, place_of(f, best->next), best};
  return true;
}

static bool find_open(struct flow *f, struct job *job) {
  struct qun__replay_chunk *best = NULL;
  for (uint32_t i = 0; i < QUN__REPLAY_WINDOW; i++) {
    struct qun__replay_chunk *c = &f->r->chunks[i];
    if (c->state == QUN__CHUNK_READ && (!best || c->number < best->number)) best = c;
  }
  if (!best) return false;
  best->state = QUN__CHUNK_BUSY;
  *job = (struct job){JOB_OPEN, best, NULL};
  return true;
}

static bool find_read(struct flow *f, struct job *job) {
  struct qun__replay_chunk *c = place_of(f, f->chunks);
  if (f->reading || f->r->end || c->state != QUN__CHUNK_FREE) return false;
  f->reading = true;
  c->state = QUN__CHUNK_BUSY;
  c->number = f->chunks++;
  *job = (struct job){JOB_READ, c, NULL};
  return true;
}

static bool finished(const struct flow *f) {
  if (f->rc < 0) return true;
  if (f->reading || !f->r->end) return false; /* who reads sets the end */
  for (uint32_t i = 0; i < f->r->strands_count; i++) {
    if (f->r->strands[i].next < f->chunks) return false;
  }
  return true;
}

/* ---- doing it */

static int64_t thread_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int run(struct flow *f, const struct job *job, struct qun_error *err) {
  if (job->kind == JOB_READ) return qun__chunk_read(f->r, job->chunk, err);
  if (job->kind == JOB_OPEN) return qun__chunk_open(f->r, job->chunk, err);
  int64_t begun = thread_ns();
  int rc = f->r->spec->mode == QUN_REPLAY_VERIFY ? qun__strand_verify(job->strand, job->chunk, err)
                                                 : qun__strand_derive(job->strand, job->chunk, err);
  job->strand->cpu_ns += thread_ns() - begun;
  return rc;
}

static void settle(struct flow *f, const struct job *job, int rc, const struct qun_error *err) {
  if (rc < 0 && f->rc == 0) {
    f->rc = rc;
    f->err = *err;
  }
  if (job->kind == JOB_READ) {
    f->reading = false;
    job->chunk->state = QUN__CHUNK_READ;
  } else if (job->kind == JOB_OPEN) {
    job->chunk->state = QUN__CHUNK_OPEN;
  } else {
    job->strand->busy = false;
    job->strand->next++;
    if (++job->chunk->done < f->r->strands_count) return;
    qun__chunk_clear(job->chunk);
    job->chunk->state = QUN__CHUNK_FREE;
  }
}

/* Records that every strand is through with. */
static uint64_t through(const struct flow *f) {
  uint64_t first = f->r->end && !f->reading ? f->r->head.seq : f->r->seq;
  for (uint32_t i = 0; i < QUN__REPLAY_WINDOW; i++) {
    const struct qun__replay_chunk *c = &f->r->chunks[i];
    if ((c->state == QUN__CHUNK_READ || c->state == QUN__CHUNK_OPEN) && c->count && c->items[0].record.seq - 1 < first)
      first = c->items[0].record.seq - 1;
  }
  return first;
}

/* `front`: the caller's own thread, which tells how far it is. */
static void work(struct flow *f, bool front) {
  const struct qun_replay_spec *spec = f->r->spec;
  uint64_t told = 0;
  pthread_mutex_lock(&f->lock);
  while (!finished(f)) {
    struct job job = {0};
    struct qun_error err = {0};
    if (!find_run(f, &job) && !find_open(f, &job) && !find_read(f, &job)) {
      pthread_cond_wait(&f->changed, &f->lock);
      continue;
    }
    pthread_mutex_unlock(&f->lock);
    int rc = run(f, &job, &err);
    pthread_mutex_lock(&f->lock);
    settle(f, &job, rc, &err);
    pthread_cond_broadcast(&f->changed);
    uint64_t done = front && spec->progress && !f->reading ? through(f) : 0;
    if (done <= told) continue;
    told = done;
    pthread_mutex_unlock(&f->lock);
    spec->progress(spec->progress_arg, done, f->r->head.seq);
    pthread_mutex_lock(&f->lock);
  }
  pthread_cond_broadcast(&f->changed);
  pthread_mutex_unlock(&f->lock);
}

static void *work_behind(void *arg) {
  work(arg, false);
  return NULL;
}

int qun__replay_flow(struct qun__replay *r, struct qun_error *err) {
  struct flow f = {.r = r};
  pthread_t threads[QUN__REPLAY_THREADS_MAX];
  uint32_t n = 0;
  pthread_mutex_init(&f.lock, NULL);
  pthread_cond_init(&f.changed, NULL);
  while (n + 1 < r->threads && pthread_create(&threads[n], NULL, work_behind, &f) == 0) n++;
  work(&f, true);
  while (n > 0) pthread_join(threads[--n], NULL);
  pthread_cond_destroy(&f.changed);
  pthread_mutex_destroy(&f.lock);
  if (f.rc < 0) *err = f.err;
  return f.rc;
}

/* ---------------------------------------------------------------- a few like things at once */

struct crowd {
  atomic_uint next;
  atomic_int rc;
  uint32_t n;
  int (*each)(void *arg, uint32_t i);
  void *arg;
};

static void *take_some(void *arg) {
  struct crowd *c = arg;
  for (uint32_t i; (i = atomic_fetch_add(&c->next, 1)) < c->n;) {
    int rc = c->each(c->arg, i), fine = 0;
    if (rc < 0) atomic_compare_exchange_strong(&c->rc, &fine, rc);
  }
  return NULL;
}

int qun__replay_each(uint32_t threads, uint32_t n, int (*each)(void *arg, uint32_t i), void *arg) {
  struct crowd c = {.n = n, .each = each, .arg = arg};
  pthread_t others[QUN__REPLAY_THREADS_MAX];
  uint32_t started = 0;
  while (started + 1 < threads && started + 1 < n && pthread_create(&others[started], NULL, take_some, &c) == 0)
    started++;
  take_some(&c);
  while (started > 0) pthread_join(others[--started], NULL);
  return atomic_load(&c.rc);
}
