/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard: one thread that owns some tenants and applies what comes for them, in order, in commits as large as what
 * waits. Each tenant has a lane; journaled entries gather there for a moment, since a commit costs the same for one
 * event and for a hundred; what somebody waits for is applied at once. Lanes take turns by deficit round robin over
 * handler time, so that a noisy tenant starves nobody (DECISIONS 21).
 */
#include "host/engine/internal.h"
#include "host/engine/quarantine.h"
#include "host/engine/versions.h"

#include "tenants/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <utlist.h>

enum {
  COMMIT_EVENTS = 16384,
  IMPORT_SILENCE_MS = 60000,
  GATHER_EVENTS = 8192, /* journaled events that are applied without waiting for more */
  GATHER_US = 100000,   /* and how long fewer may wait on an idle shard */
  WINDOW_US = 250000,
  BUSY_FROM = 300, /* permille of the time: idle below */
  BUSY_TO = 700,
  GATHER_BUSY_US = 1000000, /* on a busy one: the larger a commit, the less an event costs */
  GATHER_FEW = 256,         /* fewer than these go on waiting while it is busy, so often */
  GATHER_MOST_US = 5000000, /* but not longer than this */
  QUANTUM_US = 20000,       /* handler time of a lane's turn */
  LANE_PART = 2             /* a lane may hold one in so many of the events that a shard may */
};

/* ---------------------------------------------------------------- applying */

static struct qun_apply_options options_for(struct qun_shard *s, struct qun_tenant *t) {
  return (struct qun_apply_options){.rt = s->runtime,
                                    .store = t->store,
                                    .vault = t->vault,
                                    .dup = t->dup,
                                    .audit = t->audit,
                                    .hasher = s->hasher,
                                    .identified = t->identified,
                                    .seal = true,
                                    .name = t->name,
                                    .skips = qun__quarantine_skips(s->engine->quarantine, t->name)};
}

static int slot_for(struct qun_shard *s, struct qun_tenant *t, struct qun_slot **slot, struct qun_error *err) {
  struct qun_view v;
  int rc = qun_view_begin(&v, t->store, err);
  if (rc < 0) return rc;
  rc = qun_runtime_slot(s->runtime, t, &v, slot, err);
  qun_view_end(&v);
  return rc;
}

/* The journal's position goes into the same commit: each entry is applied exactly once. */
static int mark_position(struct qun_shard *s, struct qun_apply *a, const struct qun_job *jobs, struct qun_error *err) {
  const unsigned char *uuid = NULL;
  uint64_t number = 0;
  for (const struct qun_job *j = jobs; j; j = j->next) {
    if (!j->number && !j->spilled.number) continue;
    uuid = j->number ? s->engine->journal_uuid : j->spilled.uuid;
    number = j->number ? j->number : j->spilled.number;
  }
  if (!number) return 0;
  return qun_journal_mark_write(&a->batch, uuid, number) < 0
             ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch")
             : 0;
}

static int apply_jobs(struct qun_apply *a, struct qun_job *jobs, struct qun_error *err) {
  int rc = 0;
  for (struct qun_job *j = jobs; j && rc == 0; j = j->next) {
    uint64_t accepted = a->accepted, duplicates = a->duplicates, conflicts = a->conflicts;
    a->now_ms = j->now_ms;
    if (j->lag) {
      rc = qun__lag_apply(a, j->lag, &j->result, err);
      continue;
    }
    for (uint32_t i = 0; i < j->batch.count && rc == 0; i++) rc = qun_apply_input(a, &j->batch.items[i], err);
    j->result.accepted = (uint32_t)(a->accepted - accepted);
    j->result.duplicates = (uint32_t)(a->duplicates - duplicates);
    j->result.conflicts = (uint32_t)(a->conflicts - conflicts);
    j->result.position = a->head.seq;
    j->result.applied = true;
  }
  return rc;
}

/* A control record of the host's own, ahead of what was sent. */
static int state_ahead(struct qun_apply *a, const char *type, qun_slice data, struct qun_error *err) {
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  uint64_t accepted = a->accepted;
  char id[33];
  qun__fresh_id(id);
  struct qun_input in = {.flags = QUN_INPUT_CONTROL,
                         .time_ms = INT64_MIN,
                         .type = qun_str(type),
                         .source = qun_str("qun"),
                         .id = qun_arena_copy(arena, qun_str(id)),
                         .data = qun_arena_copy(arena, data)};
  int rc = qun_apply_input(a, &in, err);
  a->accepted = accepted; /* nobody sent it */
  return rc;
}

/* Other versions than the log's newest record states go into the log first. */
static int state_versions(struct qun_shard *s, struct qun_apply *a, struct qun_error *err) {
  struct qun_pack p;
  qun_slice known, now;
  int rc = 0;
  if (a->head.seq == 0) return 0; /* the first batch brings them */
  qun_pack_init(&p);
  qun_versions_pack(&p, s->runtime->plugins);
  bool same = qun_mp_find(qun_pack_slice(&p), "versions", &now) &&
              qun_view_get(&a->batch.view, QUN_TABLE_META, qun_str("runtime"), &known) == 0 && qun_slice_eq(known, now);
  if (p.failed)
    rc = qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  else if (!same)
    rc = state_ahead(a, "qun.runtime", qun_pack_slice(&p), err);
  qun_pack_fini(&p);
  return rc;
}

/* An import whose sender is gone would mark live events as late for ever: the first one after a silence ends it. */
static int end_stale_import(struct qun_shard *s, struct qun_tenant *t, struct qun_apply *a, const struct qun_job *jobs,
                            struct qun_error *err) {
  static const unsigned char empty = 0x80;
  bool live = false;
  for (const struct qun_job *j = jobs; j; j = j->next) {
    for (uint32_t i = 0; i < j->batch.count; i++) {
      const struct qun_input *in = &j->batch.items[i];
      bool begins = (in->flags & QUN_INPUT_CONTROL) && qun_slice_is(in->type, "qun.import.begin");
      if ((in->flags & QUN_INPUT_IMPORTED) || begins)
        t->import_ms = qun_engine_now(s->engine);
      else if (!(in->flags & QUN_INPUT_CONTROL) && !in->origin.len)
        live = true;
    }
  }
  if (!live || !a->head.importing || qun_engine_now(s->engine) - t->import_ms < IMPORT_SILENCE_MS) return 0;
  return state_ahead(a, "qun.import.end", qun_slice_of(&empty, 1), err);
}

static void tell_outbox(struct qun_engine *e, const char *tenant) {
  pthread_mutex_lock(&e->outbox_lock);
  if (e->outbox_hook) e->outbox_hook(e->outbox_arg, tenant);
  pthread_mutex_unlock(&e->outbox_lock);
}

/* A commit of journaled entries alone need not sync its last page: the journal has them until a checkpoint. */
static bool all_journaled(const struct qun_job *jobs) {
  for (; jobs; jobs = jobs->next) {
    if (jobs->batch.count && !jobs->number) return false;
  }
  return true;
}

/* Applies jobs of one tenant in one commit. */
static int process(struct qun_shard *s, struct qun_job *jobs, struct qun_error *err) {
  struct qun_tenant *t = jobs->tenant;
  struct qun_slot *slot = NULL;
  struct qun_apply a = {0};
  struct qun_apply_options o = options_for(s, t);
  bool config = false, outbox = false, behind = false;
  qun_store_lazy(t->store, all_journaled(jobs));
  int rc = slot_for(s, t, &slot, err);
  if (rc == 0) rc = qun__quarantine_state(&o, slot, qun_engine_now(s->engine), &config, err);
  if (rc == 0 && config) qun_tenant_set_config(t, qun_config_ref(slot->config));
  if (rc == 0) rc = qun_apply_catch_up(&o, slot, qun_engine_now(s->engine), err);
  if (rc == 0) rc = qun_apply_begin(&a, &o, slot, qun_engine_now(s->engine), err);
  if (rc == 0) rc = state_versions(s, &a, err);
  if (rc == 0) rc = end_stale_import(s, t, &a, jobs, err);
  if (rc == 0) rc = apply_jobs(&a, jobs, err);
  if (rc == 0) rc = mark_position(s, &a, jobs, err);
  if (rc == 0) rc = qun_apply_commit(&a, err);
  if (rc < 0 && t->dup) qun_dupguard_settle(t->dup, false);
  config = rc == 0 && (config || a.config_changed);
  if (rc == 0) {
    outbox = a.outbox_changed;
    behind = a.catch_up != 0;
  }
  qun_apply_end(&a);
  if (config) qun_tenant_set_config(t, qun_config_ref(slot->config));
  if (config && qun__tenant_mirror(s->engine, t, NULL) < 0)
    fprintf(stderr, "warn tenant %s: tenant.yaml could not be written; the log has the settings\n", t->name);
  if (behind) rc = qun_apply_catch_up(&o, slot, qun_engine_now(s->engine), err);
  if (rc == 0) qun__isolated_poke(s->engine->isolated, t);
  if (rc == 0) qun__ticker_read(s->engine->ticker, t);
  if (outbox || behind) tell_outbox(s->engine, t->name);
  /* plugins have in memory what is not committed, settings and rows: let them forget the tenant */
  if (rc < 0 && slot) qun_runtime_slot_close(s->runtime, slot);
  return rc;
}

/* ---------------------------------------------------------------- jobs that end */

static void finish(struct qun_job *jobs, int rc, const struct qun_error *err) {
  while (jobs) {
    struct qun_job *next = jobs->next;
    if (rc < 0) {
      jobs->result = (struct qun_submit_result){.code = rc};
      snprintf(jobs->result.message, sizeof jobs->result.message, "tenant %s: %s", jobs->tenant->name, err->message);
    }
    struct qun_tenant *t = jobs->tenant;
    qun_input_batch_fini(&jobs->batch);
    qun__lag_destroy(jobs->lag);
    if (jobs->done) jobs->done(jobs->arg, &jobs->result);
    free(jobs);
    qun_tenant_put(t);
    jobs = next;
  }
}

static bool has_events(const struct qun_job *jobs) {
  while (jobs && !jobs->batch.count && !jobs->lag) jobs = jobs->next;
  return jobs != NULL;
}

/* Takes the journaled jobs out of a list, in order. */
static struct qun_job *split_journaled(struct qun_job **jobs) {
  struct qun_job *journaled = NULL, **end = &journaled;
  for (struct qun_job **at = jobs; *at;) {
    struct qun_job *j = *at;
    if (!j->number) {
      at = &j->next;
      continue;
    }
    *at = j->next;
    j->next = NULL;
    *end = j;
    end = &j->next;
  }
  return journaled;
}

/* What was acknowledged and cannot be applied waits on disk in a file of the tenant's own; if that cannot be written
   either, in the journal, with all that comes behind it. */
static void spill(struct qun_shard *s, struct qun_job *jobs, struct qun_error *err) {
  for (struct qun_job *j = jobs; j; j = j->next) {
    struct qun_lane *lane = &j->tenant->lane;
    struct qun_error own = {0};
    bool first = !lane->stuck; /* only this thread sets it */
    if (first && qun__park_spill(s->engine, j, &own) == 0) continue;
    pthread_mutex_lock(&s->lock);
    if (first) lane->stuck = j->number;
    lane->stuck_last = j->number;
    pthread_mutex_unlock(&s->lock);
    if (first)
      fprintf(stderr, "error tenant %s: %s; what was acknowledged stays in the journal from entry %llu on\n",
              j->tenant->name, own.message, (unsigned long long)j->number);
  }
  finish(jobs, QUN_EFAIL, err);
}

/* What could not even be spilled is read from the journal again. */
static int apply_stuck(struct qun_shard *s, struct qun_tenant *t, struct qun_error *err) {
  struct qun_journal *journal = s->engine->journal;
  struct qun_job *jobs = NULL;
  if (!t->lane.stuck) return 0;
  int rc = s->engine->journal_ops->reread(journal, t, t->lane.stuck, t->lane.stuck_last, &jobs, err);
  if (rc == 0 && jobs) rc = process(s, jobs, err);
  finish(jobs, 0, NULL);
  if (rc < 0) return rc;
  pthread_mutex_lock(&s->lock);
  t->lane.stuck = t->lane.stuck_last = 0;
  pthread_mutex_unlock(&s->lock);
  return 0;
}

/* Tries what the spill file holds, and the journal behind it, then lets the tenant go on. */
static int unpark(struct qun_shard *s, struct qun_tenant *t, struct qun_error *err) {
  struct qun_job *jobs = NULL;
  int rc = qun__park_jobs(s->engine, t, &jobs, err);
  if (rc == 0 && jobs) rc = process(s, jobs, err);
  if (rc == 0) rc = apply_stuck(s, t, err);
  if (rc == 0) rc = qun__park_end(s, t, err);
  finish(jobs, 0, NULL);
  return rc;
}

static void work_parked(struct qun_shard *s, struct qun_tenant *t, struct qun_job *jobs) {
  struct qun_error err = {0};
  bool again = false;
  for (const struct qun_job *j = jobs; j; j = j->next) again |= (j->flags & QUN__JOB_UNPARK) != 0;
  struct qun_job *journaled = split_journaled(&jobs);
  if (again && unpark(s, t, &err) == 0 && (!journaled || process(s, journaled, &err) == 0)) {
    finish(journaled, 0, NULL);
    journaled = NULL;
  }
  if (!err.code) qun_error_set(&err, QUN_EFAIL, "it is parked: %s", t->lane.reason);
  spill(s, journaled, &err);
  finish(jobs, has_events(jobs) ? err.code : 0, &err);
}

static void work(struct qun_shard *s, struct qun_job *jobs) {
  struct qun_tenant *t = qun_tenant_ref(jobs->tenant);
  struct qun_error err = {0};
  int rc = 0;
  if (t->lane.parked) {
    work_parked(s, t, jobs);
    goto out;
  }
  if (has_events(jobs)) rc = process(s, jobs, &err);
  struct qun_job *journaled = rc < 0 ? split_journaled(&jobs) : NULL;
  finish(jobs, rc, &err);
  if (!journaled) goto out;
  rc = process(s, journaled, &err); /* not the fault of those that came with them? */
  if (rc < 0) {
    qun__park(s, t, err.message);
    spill(s, journaled, &err);
  } else {
    finish(journaled, 0, NULL);
  }
out:
  qun_tenant_put(t);
}

/* ---------------------------------------------------------------- lanes. With the shard's lock held. */

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Switches a plugin on or off. Such a job is a commit of its own: a plugin that is switched on goes over its past before
   anything else is appended, as in a replay. */
static bool stands_alone(const struct qun_job *j) {
  for (uint32_t i = 0; i < j->batch.count && (j->batch.items[i].flags & QUN_INPUT_CONTROL); i++) {
    if (qun_slice_is(j->batch.items[i].type, "qun.plugin")) return true;
  }
  return false;
}

static bool gathers(const struct qun_job *j) {
  return j->number != 0 && !j->done;
}

/* How long a lane may gather: the busier the shard, the longer. A reader that asks meanwhile is served at once. */
static int64_t gather_until(struct qun_shard *s) {
  int64_t now = now_us(), past = now - s->window_us;
  if (past > WINDOW_US) {
    s->busy = s->busy_us * 1000 / past;
    s->busy_us = 0;
    s->window_us = now;
  }
  int64_t over = s->busy < BUSY_FROM ? 0 : s->busy > BUSY_TO ? BUSY_TO - BUSY_FROM : s->busy - BUSY_FROM;
  return now + GATHER_US + (GATHER_BUSY_US - GATHER_US) * over / (BUSY_TO - BUSY_FROM);
}

static void begin_gathering(struct qun_shard *s, struct qun_lane *lane) {
  lane->due_us = gather_until(s);
  lane->since_us = now_us();
}

static void set_state(struct qun_shard *s, struct qun_lane *lane, enum qun_lane_state state) {
  if (lane->state == QUN_LANE_WAITING) DL_DELETE(s->waiting, lane);
  if (lane->state == QUN_LANE_READY) DL_DELETE(s->ready, lane);
  lane->state = state;
  if (state == QUN_LANE_WAITING) DL_APPEND(s->waiting, lane);
  if (state == QUN_LANE_READY) DL_APPEND(s->ready, lane);
}

/* Where a lane that does not run belongs. */
static void place(struct qun_shard *s, struct qun_lane *lane) {
  enum qun_lane_state state = !lane->head                                                ? QUN_LANE_IDLE
                              : lane->urgent || lane->queued >= GATHER_EVENTS || s->stop ? QUN_LANE_READY
                                                                                         : QUN_LANE_WAITING;
  if (state != lane->state) set_state(s, lane, state);
}

/* A commit of few events costs as much as one of many: a busy shard has more of them by waiting on. */
static bool waits_on(const struct qun_shard *s, const struct qun_lane *lane, int64_t now) {
  return !s->stop && s->busy > BUSY_TO && lane->queued < GATHER_FEW && now - lane->since_us < GATHER_MOST_US;
}

static void wake_due(struct qun_shard *s) {
  int64_t now = s->waiting ? now_us() : 0;
  while (s->waiting && (s->stop || s->waiting->due_us <= now)) {
    struct qun_lane *lane = s->waiting;
    if (!waits_on(s, lane, now)) {
      set_state(s, lane, QUN_LANE_READY);
      continue;
    }
    lane->due_us = now + GATHER_BUSY_US;
    DL_DELETE(s->waiting, lane);
    DL_APPEND(s->waiting, lane);
  }
}

/* Handler time that is charged: the thread's own, so that waiting for a disk costs nobody his quota. */
static int64_t thread_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A lane's turn: QUANTUM_US for the heaviest that the shard has met, the others' by their weight. */
static int64_t quantum_of(struct qun_shard *s, struct qun_tenant *t) {
  struct qun_config *c = qun_tenant_config(t);
  int64_t weight = (int64_t)c->weight;
  qun_config_unref(c);
  if (weight > s->weight_max) s->weight_max = weight;
  return QUANTUM_US * weight / s->weight_max;
}

/* How many events of the lane fit into its turn. */
static uint32_t share(struct qun_shard *s, const struct qun_lane *lane) {
  int64_t budget_us = quantum_of(s, lane->tenant) - lane->debt_us;
  bool alone = !s->ready && !s->waiting; /* nobody waits for its turn: a large commit is the cheaper one */
  if (!lane->event_ns || alone) return COMMIT_EVENTS;
  int64_t n = budget_us * 1000 / lane->event_ns;
  return n < 1 ? 1 : n > COMMIT_EVENTS ? COMMIT_EVENTS : (uint32_t)n;
}

/* Takes jobs off the lane's head, in order: at least one. */
static struct qun_job *take(struct qun_shard *s, struct qun_lane *lane, uint32_t *events) {
  uint32_t most = share(s, lane);
  struct qun_job *first = lane->head, *last = NULL;
  *events = 0;
  lane->running = 0;
  while (lane->head && (!last || *events + lane->head->batch.count <= most)) {
    struct qun_job *j = lane->head;
    bool alone = stands_alone(j);
    if (alone && last) break;
    lane->head = j->next;
    *events += j->batch.count;
    if (gathers(j))
      lane->queued -= j->batch.count;
    else
      lane->urgent--;
    if (j->number && !lane->running) lane->running = j->number;
    last = j;
    if (alone) break;
  }
  last->next = NULL;
  if (!lane->head) lane->last = NULL;
  s->events -= *events;
  lane->events -= *events;
  return first;
}

/* One turn of one lane. Gives up the lock meanwhile. */
static void turn(struct qun_shard *s, struct qun_lane *lane) {
  struct qun_tenant *t = lane->tenant;
  uint32_t events;
  uint64_t last = 0;
  set_state(s, lane, QUN_LANE_RUNNING);
  struct qun_job *jobs = take(s, lane, &events);
  for (const struct qun_job *j = jobs; j; j = j->next) last = j->number ? j->number : last;
  qun_tenant_ref(t);
  pthread_cond_broadcast(&s->room);
  pthread_mutex_unlock(&s->lock);
  int64_t before = now_us(), cpu = thread_us();
  work(s, jobs);
  int64_t took = now_us() - before;
  qun_quota_charge(t->quota, (uint64_t)(thread_us() - cpu));
  int64_t quantum = quantum_of(s, t);
  pthread_mutex_lock(&s->lock);
  if (last) lane->applied = last;
  lane->running = 0;
  if (events) {
    int64_t each = took * 1000 / events;
    lane->event_ns = lane->event_ns ? lane->event_ns + (each - lane->event_ns) / 8 : each;
  }
  lane->debt_us += took - quantum;
  if (lane->debt_us < 0 || !lane->head) lane->debt_us = 0;
  if (lane->debt_us > quantum) lane->debt_us = quantum;
  s->busy_us += took;
  if (lane->head && lane->queued) begin_gathering(s, lane);
  place(s, lane);
  pthread_mutex_unlock(&s->lock);
  qun_tenant_put(t);
  pthread_mutex_lock(&s->lock);
}

/* Until work comes, or a lane has gathered long enough. */
static void rest(struct qun_shard *s) {
  s->sleeping = true;
  if (s->waiting) {
    int64_t us = s->waiting->due_us;
    struct timespec until = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    pthread_cond_timedwait(&s->work, &s->lock, &until);
  } else {
    pthread_cond_wait(&s->work, &s->lock);
  }
  s->sleeping = false;
}

static void *run(void *arg) {
  struct qun_shard *s = arg;
  pthread_mutex_lock(&s->lock);
  for (;;) {
    wake_due(s);
    if (s->purge) {
      s->purge = false;
      pthread_mutex_unlock(&s->lock);
      qun_runtime_purge(s->runtime);
      pthread_mutex_lock(&s->lock);
    } else if (s->ready) {
      turn(s, s->ready);
    } else if (s->stop && !s->waiting) {
      break;
    } else {
      rest(s);
    }
  }
  pthread_mutex_unlock(&s->lock);
  return NULL;
}

/* ---------------------------------------------------------------- from other threads */

static bool is_full(const struct qun_shard *s, const struct qun_lane *lane, uint32_t n) {
  uint32_t bound = s->engine->options.queue_events;
  return (s->events > 0 && s->events + n > bound) || (lane->events > 0 && lane->events + n > bound / LANE_PART);
}

int qun__shard_reserve(struct qun_shard *s, struct qun_tenant *t, uint32_t n, bool wait, struct qun_error *err) {
  struct qun_lane *lane = &t->lane;
  int rc = 0;
  pthread_mutex_lock(&s->lock);
  lane->tenant = t;
  if (!lane->checked) qun__park_check(s->engine, t);
  while (!lane->parked && wait && !s->stop && is_full(s, lane, n)) pthread_cond_wait(&s->room, &s->lock);
  if (lane->parked && n)
    rc = qun_error_set(err, QUN_EFAIL, "tenant %s is parked: %s", t->name, lane->reason);
  else if (s->stop || is_full(s, lane, n))
    rc = qun_error_set(err, QUN_EAGAIN, "tenant %s: too much is waiting to be written", t->name);
  if (rc == 0) {
    s->events += n;
    lane->events += n;
  }
  pthread_mutex_unlock(&s->lock);
  return rc;
}

void qun__shard_unreserve(struct qun_shard *s, struct qun_tenant *t, uint32_t n) {
  pthread_mutex_lock(&s->lock);
  s->events -= n;
  t->lane.events -= n;
  pthread_cond_broadcast(&s->room);
  pthread_mutex_unlock(&s->lock);
}

void qun__shard_put(struct qun_shard *s, struct qun_job *job) {
  struct qun_lane *lane = &job->tenant->lane;
  pthread_mutex_lock(&s->lock);
  lane->tenant = job->tenant;
  job->next = NULL;
  if (lane->last)
    lane->last->next = job;
  else
    lane->head = job;
  lane->last = job;
  if (gathers(job)) {
    if (!lane->queued) begin_gathering(s, lane);
    lane->queued += job->batch.count;
  } else {
    lane->urgent++;
  }
  if (lane->state != QUN_LANE_RUNNING && lane->state != QUN_LANE_READY) {
    bool first = !s->waiting;
    place(s, lane);
    if (s->sleeping && (s->ready || (first && s->waiting))) pthread_cond_signal(&s->work);
  }
  pthread_mutex_unlock(&s->lock);
}

void qun__shard_progress(struct qun_shard *s, const struct qun_lane *lane, uint64_t *first, uint64_t *applied) {
  pthread_mutex_lock(&s->lock);
  *first = lane->stuck ? lane->stuck : lane->running;
  for (const struct qun_job *j = lane->head; j && !*first; j = j->next) *first = j->number;
  *applied = lane->applied;
  pthread_mutex_unlock(&s->lock);
}

bool qun__shard_has_work(struct qun_shard *s, const struct qun_lane *lane) {
  pthread_mutex_lock(&s->lock);
  bool work = lane->head || lane->state == QUN_LANE_RUNNING;
  pthread_mutex_unlock(&s->lock);
  return work;
}

void qun__shard_purge(struct qun_shard *s) {
  pthread_mutex_lock(&s->lock);
  s->purge = true;
  pthread_cond_signal(&s->work);
  pthread_mutex_unlock(&s->lock);
}

int qun__shard_start(struct qun_shard *s, struct qun_engine *e, struct qun_error *err) {
  pthread_condattr_t monotonic;
  s->engine = e;
  pthread_mutex_init(&s->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&s->work, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_cond_init(&s->room, NULL);
  int rc = qun_runtime_create(&s->runtime, e->plugins, e->subscriptions, e->metrics, err);
  if (rc == 0) rc = qun_hasher_start(&s->hasher, err);
  if (rc < 0) return rc;
  if (pthread_create(&s->thread, NULL, run, s) != 0)
    return qun_error_set(err, QUN_EFAIL, "a shard's thread cannot start");
  s->started = true;
  pthread_setname_np(s->thread, "qun-shard");
  return 0;
}

void qun__shard_stop(struct qun_shard *s) {
  if (!s->started) return;
  pthread_mutex_lock(&s->lock);
  s->stop = true;
  pthread_cond_broadcast(&s->work);
  pthread_cond_broadcast(&s->room);
  pthread_mutex_unlock(&s->lock);
  pthread_join(s->thread, NULL);
  s->started = false;
}

void qun__shard_free(struct qun_shard *s) {
  if (!s->engine) return;
  qun__shard_stop(s);
  qun_runtime_destroy(s->runtime);
  qun_hasher_stop(s->hasher);
  pthread_cond_destroy(&s->room);
  pthread_cond_destroy(&s->work);
  pthread_mutex_destroy(&s->lock);
}
