/* SPDX-License-Identifier: Apache-2.0 */
/* A shard: one thread that owns some tenants and applies what comes for them, in order, in commits as large as what
 * waits. */
#include "host/engine/internal.h"
#include "host/engine/versions.h"

#include <stdio.h>
#include <stdlib.h>

enum { COMMIT_EVENTS = 8192, IMPORT_SILENCE_MS = 60000 };

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
                                    .name = t->name};
}

static int slot_for(struct qun_shard *s, struct qun_tenant *t, struct qun_slot **slot, struct qun_error *err) {
  struct qun_view v;
  int rc = qun_view_begin(&v, t->store, err);
  if (rc < 0) return rc;
  rc = qun_runtime_slot(s->runtime, t, &v, slot, err);
  qun_view_end(&v);
  return rc;
}

static int apply_jobs(struct qun_apply *a, struct qun_job *jobs, struct qun_error *err) {
  int rc = 0;
  for (struct qun_job *j = jobs; j && rc == 0; j = j->next) {
    uint64_t accepted = a->accepted, duplicates = a->duplicates, conflicts = a->conflicts;
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

/* Applies jobs of one tenant in one commit. */
static int process(struct qun_shard *s, struct qun_job *jobs, struct qun_error *err) {
  struct qun_tenant *t = jobs->tenant;
  struct qun_slot *slot = NULL;
  struct qun_apply a = {0};
  struct qun_apply_options o = options_for(s, t);
  bool config = false, outbox = false, behind = false;
  int rc = slot_for(s, t, &slot, err);
  if (rc == 0) rc = qun_apply_catch_up(&o, slot, qun_engine_now(s->engine), err);
  if (rc == 0) rc = qun_apply_begin(&a, &o, slot, qun_engine_now(s->engine), err);
  if (rc == 0) rc = state_versions(s, &a, err);
  if (rc == 0) rc = end_stale_import(s, t, &a, jobs, err);
  if (rc == 0) rc = apply_jobs(&a, jobs, err);
  if (rc == 0) rc = qun_apply_commit(&a, err);
  if (rc < 0 && t->dup) qun_dupguard_settle(t->dup, false);
  if (rc == 0) {
    config = a.config_changed;
    outbox = a.outbox_changed;
    behind = a.catch_up != 0;
  } else if (slot && a.config_changed) {
    qun_config_unref(slot->config); /* plugins were told settings that are not committed: tell them again */
    slot->config = NULL;
  }
  qun_apply_end(&a);
  if (config) qun_tenant_set_config(t, qun_config_ref(slot->config));
  if (config && qun__tenant_mirror(s->engine, t, NULL) < 0)
    fprintf(stderr, "warn tenant %s: tenant.yaml could not be written; the log has the settings\n", t->name);
  if (behind) rc = qun_apply_catch_up(&o, slot, qun_engine_now(s->engine), err);
  if (rc == 0) qun__ticker_read(s->engine->ticker, t);
  if (outbox || behind) tell_outbox(s->engine, t->name);
  return rc;
}

/* ---------------------------------------------------------------- the queue */

/* Switches a plugin on or off. Such a job is a commit of its own: a plugin that is switched on goes over its past before
   anything else is appended, as in a replay. */
static bool stands_alone(const struct qun_job *j) {
  for (uint32_t i = 0; i < j->batch.count && (j->batch.items[i].flags & QUN_INPUT_CONTROL); i++) {
    if (qun_slice_is(j->batch.items[i].type, "qun.plugin")) return true;
  }
  return false;
}

/* Takes the first job and those of the same tenant behind it, in order. Called with the lock held. */
static struct qun_job *take(struct qun_shard *s) {
  struct qun_job *first = s->head;
  struct qun_job **end = &first->next;
  uint32_t events = first->batch.count;
  s->head = first->next;
  first->next = NULL;
  bool alone = stands_alone(first);
  for (struct qun_job **at = &s->head; *at && events < COMMIT_EVENTS && !alone;) {
    struct qun_job *j = *at;
    if (j->tenant != first->tenant) {
      at = &j->next;
      continue;
    }
    if (stands_alone(j)) break;
    *at = j->next;
    j->next = NULL;
    *end = j;
    end = &j->next;
    events += j->batch.count;
  }
  s->tail = &s->head;
  while (*s->tail) s->tail = &(*s->tail)->next;
  s->events -= events;
  return first;
}

static void finish(struct qun_job *jobs, int rc, const struct qun_error *err) {
  while (jobs) {
    struct qun_job *next = jobs->next;
    if (rc < 0) {
      jobs->result = (struct qun_submit_result){.code = rc};
      snprintf(jobs->result.message, sizeof jobs->result.message, "tenant %s: %s", jobs->tenant->name, err->message);
    }
    qun_tenant_put(jobs->tenant);
    qun_input_batch_fini(&jobs->batch);
    if (jobs->done) jobs->done(jobs->arg, &jobs->result);
    free(jobs);
    jobs = next;
  }
}

static void *run(void *arg) {
  struct qun_shard *s = arg;
  pthread_mutex_lock(&s->lock);
  for (;;) {
    while (!s->head && !s->stop && !s->purge) pthread_cond_wait(&s->work, &s->lock);
    if (s->purge) {
      s->purge = false;
      pthread_mutex_unlock(&s->lock);
      qun_runtime_purge(s->runtime);
      pthread_mutex_lock(&s->lock);
      continue;
    }
    if (!s->head) break;
    struct qun_job *jobs = take(s);
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->lock);
    struct qun_error err = {0};
    int rc = process(s, jobs, &err);
    finish(jobs, rc, &err);
    pthread_mutex_lock(&s->lock);
  }
  pthread_mutex_unlock(&s->lock);
  return NULL;
}

int qun__shard_push(struct qun_shard *s, struct qun_job *job, bool wait) {
  uint32_t bound = s->engine->options.queue_events;
  pthread_mutex_lock(&s->lock);
  while (s->events > 0 && s->events + job->batch.count > bound && wait && !s->stop)
    pthread_cond_wait(&s->room, &s->lock);
  if (s->stop || (s->events > 0 && s->events + job->batch.count > bound)) {
    pthread_mutex_unlock(&s->lock);
    return QUN_EAGAIN;
  }
  job->next = NULL;
  *s->tail = job;
  s->tail = &job->next;
  s->events += job->batch.count;
  pthread_cond_signal(&s->work);
  pthread_mutex_unlock(&s->lock);
  return 0;
}

void qun__shard_purge(struct qun_shard *s) {
  pthread_mutex_lock(&s->lock);
  s->purge = true;
  pthread_cond_signal(&s->work);
  pthread_mutex_unlock(&s->lock);
}

int qun__shard_start(struct qun_shard *s, struct qun_engine *e, struct qun_error *err) {
  s->engine = e;
  s->tail = &s->head;
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->work, NULL);
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
  if (!s->engine) return;
  if (s->started) {
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->work);
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
  }
  qun_runtime_destroy(s->runtime);
  qun_hasher_stop(s->hasher);
  pthread_cond_destroy(&s->room);
  pthread_cond_destroy(&s->work);
  pthread_mutex_destroy(&s->lock);
}
