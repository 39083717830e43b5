/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded journal: group commit. Who finds nobody at it writes and syncs for all that wait. */
#include "host/engine/journal_internal.h"

#include "host/engine/journal_entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
  SEGMENT_BYTES = 16 << 20,
  SLOW_SYNC_NS = 400000, /* from here on a loop's thread has better things to do than to wait for a disk */
  KEEPER_MS = 1000,
  USED_MANY = 3, /* segments in use from which on the stores are made durable without waiting for quiet */
  HURRY_MS = 50,
  LARGEST_PART = 2, /* of a segment: a larger batch commits by itself */
  FED_MANY = 512,   /* stores that wait to be made durable are open: not too many */
  UNPARK_EVERY = 5, /* turns of the keeper */
  STUCK_MANY = 64
};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---------------------------------------------------------------- segments */

/* A segment to write into. Called by the leader. */
static int rotate(struct qun_journal *j, struct qun_error *err) {
  pthread_mutex_lock(&j->files);
  struct qun_segment *g = qun_segments_free(&j->segments);
  int rc = 0;
  if (!g && (rc = qun_segments_add(&j->segments, err)) == 0) g = qun_segments_free(&j->segments);
  if (rc == 0) rc = qun_segment_begin(g, j->uuid, j->next, err);
  j->current = rc == 0 ? g : NULL;
  j->rotated = true;
  pthread_mutex_unlock(&j->files);
  return rc;
}

static int write_out(struct qun_journal *j, struct qun_error *err) {
  if (!j->buffer.len) return 0;
  int64_t before = now_ns();
  int rc = qun_segment_write(j->current, qun_pack_slice(&j->buffer), err);
  if (rc == 0) rc = qun_segment_sync(j->current, err);
  if (rc < 0) j->broken = true;
  int64_t took = now_ns() - before;
  j->own.sync_ns = (uint64_t)((int64_t)j->own.sync_ns + (took - (int64_t)j->own.sync_ns) / 16);
  j->own.syncs++;
  j->own.bytes += j->buffer.len;
  if (rc == 0) j->written = j->next;
  qun_pack_clear(&j->buffer);
  return rc;
}

static int add_entry(struct qun_journal *j, struct qun_job *job, struct qun_error *err) {
  struct qun_entry e = {.now_ms = job->now_ms};
  int rc = 0;
  if (!j->current || j->current->at + j->buffer.len + job->bytes > j->segments.size) {
    /* the old one is whole on disk before the next one has a byte: a break in the middle is then damage */
    rc = write_out(j, err);
    if (rc == 0) rc = rotate(j, err);
  }
  unsigned char *at = rc == 0 ? qun__pack_room(&j->buffer, job->bytes) : NULL;
  if (rc == 0 && !at) return qun_error_set(err, QUN_EFAIL, "out of memory for the journal");
  if (rc < 0) return rc;
  e.number = job->number = j->next++;
  j->current->last = e.number;
  memcpy(e.incarnation, job->tenant->incarnation, sizeof e.incarnation);
  memcpy(e.tenant, job->tenant->name, sizeof e.tenant);
  qun_entry_write(at, &e, &job->batch, j->seed);
  j->own.entries++;
  return 0;
}

/* ---------------------------------------------------------------- a group */

/* With the lock held. */
static void feed(struct qun_journal *j, struct qun_tenant *t, uint64_t number) {
  struct qun_lane *lane = &t->lane;
  lane->newest = number;
  if (lane->fed) return;
  lane->fed = true;
  lane->oldest = number;
  lane->fed_prev = NULL;
  lane->fed_next = j->fed;
  if (j->fed)
    j->fed->lane.fed_prev = t;
  else
    pthread_cond_signal(&j->keep);
  j->fed = qun_tenant_ref(t);
  if (++j->fed_count % FED_MANY == 0) pthread_cond_signal(&j->keep);
}

void qun__journal_feed(struct qun_journal *j, struct qun_tenant *t, uint64_t number) {
  pthread_mutex_lock(&j->lock);
  feed(j, t, number);
  pthread_mutex_unlock(&j->lock);
}

static void answer(struct qun_job *job, const struct qun_submit_result *result) {
  qun_submit_done done = job->done;
  job->done = NULL;
  if (done) done(job->arg, result);
}

static void refuse(struct qun_journal *j, struct qun_job *job, const struct qun_error *err) {
  struct qun_submit_result result = {.code = err->code < 0 ? err->code : QUN_EFAIL};
  snprintf(result.message, sizeof result.message, "tenant %s: %s", job->tenant->name, err->message);
  qun__shard_unreserve(qun__shard_of(j->engine, job->tenant->name), job->tenant, job->batch.count);
  answer(job, &result);
  qun_tenant_put(job->tenant);
  qun_input_batch_fini(&job->batch);
  free(job);
}

/* The group is on disk: into the lanes, then the answers. A job may be gone as soon as it is in its lane. */
static void publish(struct qun_journal *j, struct qun_job *jobs) {
  pthread_mutex_lock(&j->lock);
  for (struct qun_job *job = jobs; job; job = job->next) {
    feed(j, job->tenant, job->number);
    job->tenant->lane.unsynced--;
  }
  pthread_mutex_unlock(&j->lock);
  for (struct qun_job *next; jobs; jobs = next) {
    struct qun_submit_result result = {.position = jobs->number};
    qun_submit_done done = NULL;
    void *arg = jobs->arg;
    next = jobs->next;
    if (jobs->flags & QUN_SUBMIT_DURABLE) {
      done = jobs->done;
      jobs->done = NULL;
    }
    qun__shard_put(qun__shard_of(j->engine, jobs->tenant->name), jobs);
    if (done) done(arg, &result);
  }
  pthread_mutex_lock(&j->lock);
  j->publishing = UINT64_MAX;
  pthread_mutex_unlock(&j->lock);
}

static int sync_key(struct qun_journal *j, struct qun_tenant *t, struct qun_error *err) {
  int rc = j->redo ? qun_key_redo_add(j->redo, t->vault, t->name, err) : QUN_EAGAIN;
  return rc == QUN_EAGAIN ? qun_vault_sync(t->vault, err) : rc;
}

/* Keys of members that are new must be on disk before what is sealed under them. Jobs whose keys cannot are taken out. */
static int sync_keys(struct qun_journal *j, struct qun_job **jobs, struct qun_error *err) {
  struct qun_job **at = jobs;
  while (*at) {
    struct qun_job *job = *at;
    struct qun_error own = {0};
    if (sync_key(j, job->tenant, &own) == 0) {
      at = &job->next;
      continue;
    }
    *at = job->next;
    pthread_mutex_lock(&j->lock);
    job->tenant->lane.unsynced--;
    pthread_mutex_unlock(&j->lock);
    refuse(j, job, &own);
  }
  if (!j->redo) return 0;
  int rc = qun_key_redo_sync(j->redo, err);
  j->rotated |= qun_key_redo_wants_turn(j->redo); /* the keeper looks */
  return rc;
}

/* The keys of a group that is refused stay in use: they must last without the group's checkpoint. */
static void keep_keys(const struct qun_job *jobs) {
  struct qun_error err;
  for (; jobs; jobs = jobs->next) {
    if (qun_vault_sync(jobs->tenant->vault, &err) < 0) fprintf(stderr, "error %s\n", err.message);
  }
}

/* Numbers were given to entries that are not on disk: go on with the same numbers in another segment. */
static void forget_unwritten(struct qun_journal *j) {
  pthread_mutex_lock(&j->files);
  j->current = NULL;
  j->next = j->written;
  pthread_mutex_unlock(&j->files);
}

static void commit_group(struct qun_journal *j, struct qun_job *jobs) {
  struct qun_error err = {0};
  int rc = j->broken ? qun_error_set(&err, QUN_EFAIL, "%s", j->reason) : 0;
  if (rc == 0) rc = sync_keys(j, &jobs, &err);
  for (struct qun_job *job = jobs; job && rc == 0; job = job->next) rc = add_entry(j, job, &err);
  if (rc == 0) rc = write_out(j, &err);
  if (rc == 0) {
    publish(j, jobs);
    return;
  }
  qun_pack_clear(&j->buffer);
  keep_keys(jobs);
  pthread_mutex_lock(&j->lock);
  if (j->broken && !j->failed) {
    j->failed = true;
    snprintf(j->reason, sizeof j->reason, "%s; nothing is acknowledged until qund is started again", err.message);
    fprintf(stderr, "error %s\n", j->reason);
  }
  if (!j->broken) forget_unwritten(j);
  for (struct qun_job *job = jobs; job; job = job->next) job->tenant->lane.unsynced--;
  j->publishing = UINT64_MAX;
  pthread_mutex_unlock(&j->lock);
  for (struct qun_job *next; jobs; jobs = next) {
    next = jobs->next;
    refuse(j, jobs, &err);
  }
}

/* Commits one group in this thread. With the lock held, nobody at it; leaves it for the disk. */
static void lead(struct qun_journal *j) {
  struct qun_job *jobs = j->head;
  j->head = NULL;
  j->tail = &j->head;
  j->busy = true;
  j->publishing = j->next;
  pthread_mutex_unlock(&j->lock);
  if (jobs) commit_group(j, jobs);
  pthread_mutex_lock(&j->lock);
  j->busy = false;
  j->stats.syncs = j->own.syncs;
  j->stats.entries = j->own.entries;
  j->stats.bytes = j->own.bytes;
  j->stats.sync_ns = j->own.sync_ns;
  if (j->rotated) {
    j->rotated = false;
    pthread_cond_signal(&j->keep);
  }
  pthread_cond_broadcast(&j->done);
  if (j->head) pthread_cond_signal(&j->work);
}

/* ---------------------------------------------------------------- the interface */

static int embedded_append(struct qun_journal *j, struct qun_job *job, struct qun_error *err) {
  job->bytes = qun_entry_size(job->tenant->name, &job->batch);
  if (job->bytes > j->segments.size / LARGEST_PART - QUN_SEGMENT_HEAD)
    return qun_error_set(err, QUN_EQUOTA, "a batch of %zu bytes is too large for the journal", job->bytes);
  pthread_mutex_lock(&j->lock);
  int rc = j->failed ? qun_error_set(err, QUN_EFAIL, "%s", j->reason) : 0;
  if (rc == 0) {
    job->next = NULL;
    *j->tail = job;
    j->tail = &job->next;
    job->tenant->lane.unsynced++;
  }
  pthread_mutex_unlock(&j->lock);
  return rc;
}

static void embedded_wake(struct qun_journal *j) {
  pthread_mutex_lock(&j->lock);
  j->woken = true;
  pthread_cond_signal(&j->work);
  pthread_mutex_unlock(&j->lock);
}

static void embedded_flush(struct qun_journal *j) {
  pthread_mutex_lock(&j->lock);
  if (j->head && (j->busy || j->stats.sync_ns > SLOW_SYNC_NS)) {
    j->woken = true;
    pthread_cond_signal(&j->work);
  } else if (j->head) {
    lead(j);
    j->woken |= j->head != NULL;
  }
  pthread_mutex_unlock(&j->lock);
}

static void embedded_settle(struct qun_journal *j, struct qun_lane *lane) {
  pthread_mutex_lock(&j->lock);
  /* entries that are on disk but not yet in their lanes count too: what comes after must stay behind them */
  while (lane->unsynced > 0 || (lane->fed && lane->newest >= j->publishing)) {
    if (!j->busy)
      lead(j);
    else
      pthread_cond_wait(&j->done, &j->lock);
  }
  pthread_mutex_unlock(&j->lock);
}

static int embedded_health(struct qun_journal *j, struct qun_error *err) {
  pthread_mutex_lock(&j->lock);
  int rc = j->failed ? qun_error_set(err, QUN_EFAIL, "%s", j->reason) : 0;
  pthread_mutex_unlock(&j->lock);
  return rc;
}

static void embedded_stats(struct qun_journal *j, struct qun_journal_stats *out) {
  pthread_mutex_lock(&j->lock);
  *out = j->stats;
  out->failed = j->failed;
  pthread_mutex_unlock(&j->lock);
  pthread_mutex_lock(&j->files);
  out->segments = j->segments.count;
  for (uint32_t i = 0; i < j->segments.count; i++) out->segments_used += j->segments.all[i].used;
  pthread_mutex_unlock(&j->files);
}

/* ---------------------------------------------------------------- threads */

static void *flusher(void *arg) {
  struct qun_journal *j = arg;
  pthread_mutex_lock(&j->lock);
  while (!j->stop || j->head) {
    if (j->head && !j->busy && (j->woken || j->stop)) {
      lead(j);
      continue;
    }
    if (!j->head) j->woken = false;
    pthread_cond_wait(&j->work, &j->lock);
  }
  pthread_mutex_unlock(&j->lock);
  return NULL;
}

/* One free segment ahead, so that no sender waits for zeros. */
static void make_spare(struct qun_journal *j) {
  struct qun_error err;
  pthread_mutex_lock(&j->files);
  if (j->current && !qun_segments_free(&j->segments) && qun_segments_add(&j->segments, &err) < 0)
    fprintf(stderr, "warn %s\n", err.message);
  pthread_mutex_unlock(&j->files);
}

static uint32_t used(struct qun_journal *j) {
  uint32_t n = 0;
  pthread_mutex_lock(&j->files);
  for (uint32_t i = 0; i < j->segments.count; i++) n += j->segments.all[i].used;
  pthread_mutex_unlock(&j->files);
  return n;
}

/* Parked tenants whose entries are only here, since not even their spill files could be written. */
static void retry_stuck(struct qun_journal *j) {
  struct qun_tenant *some[STUCK_MANY];
  uint32_t n = 0;
  pthread_mutex_lock(&j->lock);
  for (struct qun_tenant *t = j->fed; t && n < STUCK_MANY; t = t->lane.fed_next) {
    if (qun__shard_is_stuck(qun__shard_of(j->engine, t->name), &t->lane)) some[n++] = qun_tenant_ref(t);
  }
  pthread_mutex_unlock(&j->lock);
  for (uint32_t i = 0; i < n; i++) {
    qun__park_try(j->engine, some[i]->name);
    qun_tenant_put(some[i]);
  }
}

static void *keeper(void *arg) {
  struct qun_journal *j = arg;
  pthread_mutex_lock(&j->lock);
  for (uint32_t turn = 0; !j->stop; turn++) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (j->fed_count >= FED_MANY ? HURRY_MS : KEEPER_MS) * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (j->fed || atomic_load(&j->engine->parked))
      pthread_cond_timedwait(&j->keep, &j->lock, &until);
    else
      pthread_cond_wait(&j->keep, &j->lock);
    if (j->stop) break;
    pthread_mutex_unlock(&j->lock);
    make_spare(j);
    qun__journal_checkpoint(j, used(j) >= USED_MANY ? QUN__CHECKPOINT_ALL : QUN__CHECKPOINT_QUIET, NULL);
    if (turn % UNPARK_EVERY == 0 && atomic_load(&j->engine->parked)) {
      qun__park_retry(j->engine);
      retry_stuck(j);
    }
    pthread_mutex_lock(&j->lock);
  }
  pthread_mutex_unlock(&j->lock);
  return NULL;
}

/* ---------------------------------------------------------------- life */

static void free_journal(struct qun_journal *j) {
  qun_segments_close(&j->segments);
  qun_key_redo_close(j->redo);
  qun_pack_fini(&j->buffer);
  pthread_cond_destroy(&j->keep);
  pthread_cond_destroy(&j->done);
  pthread_cond_destroy(&j->work);
  pthread_mutex_destroy(&j->checkpointing);
  pthread_mutex_destroy(&j->files);
  pthread_mutex_destroy(&j->lock);
  free(j);
}

static void embedded_stop(struct qun_journal *j) {
  pthread_mutex_lock(&j->lock);
  j->stop = true;
  pthread_cond_broadcast(&j->work);
  pthread_cond_broadcast(&j->keep);
  pthread_mutex_unlock(&j->lock);
  if (j->flusher_started) pthread_join(j->flusher, NULL);
  if (j->keeper_started) pthread_join(j->keeper, NULL);
  j->flusher_started = j->keeper_started = false;
}

static void embedded_close(struct qun_journal *j) {
  struct qun_error err;
  if (!j) return;
  j->current = NULL;
  if (!j->failed && qun__journal_checkpoint(j, QUN__CHECKPOINT_ALL, &err) < 0)
    fprintf(stderr, "warn %s\n", err.message);
  qun__journal_let_go(j);
  free_journal(j);
}

static int embedded_open(struct qun_journal **out, struct qun_engine *e, struct qun_error *err) {
  pthread_condattr_t monotonic;
  struct qun_journal *j = calloc(1, sizeof *j);
  if (!j) return qun_error_set(err, QUN_EFAIL, "out of memory");
  j->engine = e;
  j->tail = &j->head;
  j->next = 1;
  j->publishing = UINT64_MAX;
  qun_pack_init(&j->buffer);
  pthread_mutex_init(&j->lock, NULL);
  pthread_mutex_init(&j->files, NULL);
  pthread_mutex_init(&j->checkpointing, NULL);
  pthread_cond_init(&j->work, NULL);
  pthread_cond_init(&j->done, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&j->keep, &monotonic);
  pthread_condattr_destroy(&monotonic);
  size_t size = e->options.journal_segment ? e->options.journal_segment : SEGMENT_BYTES;
  int rc = qun_segments_open(&j->segments, e->data_dir, size, err);
  if (rc == 0) rc = qun_key_redo_open(&j->redo, e->keys_dir, err);
  if (rc == 0) rc = qun__journal_recover(j, err);
  if (rc < 0) {
    qun__journal_let_go(j);
    free_journal(j);
    return rc;
  }
  j->flusher_started = pthread_create(&j->flusher, NULL, flusher, j) == 0;
  j->keeper_started = pthread_create(&j->keeper, NULL, keeper, j) == 0;
  *out = j;
  if (j->flusher_started) pthread_setname_np(j->flusher, "qun-journal");
  if (j->keeper_started) pthread_setname_np(j->keeper, "qun-keeper");
  if (j->flusher_started && j->keeper_started) return 0;
  return qun_error_set(err, QUN_EFAIL, "the journal's threads cannot start");
}

static int embedded_checkpoint(struct qun_journal *j, bool scrub, struct qun_error *err) {
  return qun__journal_checkpoint(j, scrub ? QUN__CHECKPOINT_SCRUB : QUN__CHECKPOINT_ALL, err);
}

const struct qun_journal_ops qun_journal_embedded = {.name = "embedded",
                                                     .open = embedded_open,
                                                     .append = embedded_append,
                                                     .flush = embedded_flush,
                                                     .settle = embedded_settle,
                                                     .wake = embedded_wake,
                                                     .checkpoint = embedded_checkpoint,
                                                     .reread = qun__journal_reread,
                                                     .health = embedded_health,
                                                     .stats = embedded_stats,
                                                     .stop = embedded_stop,
                                                     .close = embedded_close};
