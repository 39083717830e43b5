/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: batches of inputs and control records; service calls. */
#include "host/engine/internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAUSE_MAX_MS = 1000 };

/* ---------------------------------------------------------------- normalisers */

struct pinned_normaliser {
  struct qun_normaliser normaliser; /* first: what the caller has is a pointer to this */
  struct qun_tenant *tenant;
};

int qun_engine_normaliser_open(struct qun_engine *e, const char *tenant, struct qun_normaliser **out,
                               struct qun_error *err) {
  struct qun_tenant *t = NULL;
  int rc = qun_tenant_get(e->pool, tenant, &t, err);
  if (rc < 0) return rc;
  struct pinned_normaliser *p = calloc(1, sizeof *p);
  if (!p) {
    qun_tenant_put(t);
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  struct qun_config *config = qun_tenant_config(t);
  p->tenant = t;
  p->normaliser.plugins = e->plugins;
  p->normaliser.vault = t->vault;
  p->normaliser.identified = t->identified;
  p->normaliser.seal_text = config->seal_text;
  p->normaliser.now_ms = qun_engine_now(e);
  qun_config_unref(config);
  *out = &p->normaliser;
  return 0;
}

void qun_engine_normaliser_close(struct qun_engine *e, struct qun_normaliser *n) {
  (void)e;
  if (!n) return;
  struct pinned_normaliser *p = (struct pinned_normaliser *)n;
  qun_tenant_put(p->tenant);
  free(p);
}

/* ---------------------------------------------------------------- batches */

static struct qun_job *new_job(struct qun_engine *e, struct qun_tenant *t, struct qun_input_batch *batch,
                               uint32_t flags, qun_submit_done done, void *arg) {
  struct qun_job *job = calloc(1, sizeof *job);
  if (!job) return NULL;
  *job = (struct qun_job){
      .tenant = t, .batch = *batch, .flags = flags, .done = done, .arg = arg, .now_ms = qun_engine_now(e)};
  return job;
}

/* What is sent by those who need no counts goes by way of the journal; the rest, and what is too large for it, is
   answered by the store's own commit, in the order of submission. The job may be gone as soon as it is handed over. */
static int send(struct qun_engine *e, struct qun_job *job, struct qun_error *err) {
  struct qun_shard *s = qun__shard_of(e, job->tenant->name);
  bool journaled = e->journal && (job->flags & QUN_SUBMIT_DURABLE), defer = (job->flags & QUN_SUBMIT_DEFER) != 0;
  int rc = journaled ? e->journal_ops->append(e->journal, job, err) : QUN_EQUOTA;
  if (rc == 0 && !defer) e->journal_ops->wake(e->journal);
  if (rc != QUN_EQUOTA) return rc;
  if (e->journal) {
    rc = e->journal_ops->health(e->journal, err);
    if (rc < 0) return rc;
    e->journal_ops->settle(e->journal, &job->tenant->lane);
  }
  qun__shard_put(s, job);
  return 0;
}

/* The answer may overtake this call, and free what the sender has: *batch is emptied before the job is sent, and given
   back if it was not. */
static int submit(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch, bool control, bool wait,
                  uint32_t flags, qun_submit_done done, void *arg, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  uint32_t n = batch->count;
  int rc = qun_tenant_get(e->pool, tenant, &t, err);
  if (rc < 0) return rc;
  struct qun_shard *s = qun__shard_of(e, tenant);
  rc = control ? 0 : qun__admit(e, t, batch, err);
  if (rc == 0 && (rc = qun__shard_reserve(s, t, n, wait, err)) < 0 && !control) qun__admit_return(t, n);
  if (rc < 0) {
    qun_tenant_put(t);
    return rc;
  }
  struct qun_job *job = new_job(e, t, batch, flags, done, arg);
  if (job) qun_input_batch_init(batch);
  rc = job ? send(e, job, err) : qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) return 0;
  if (job) *batch = job->batch;
  qun__shard_unreserve(s, t, n);
  qun_tenant_put(t);
  free(job);
  return rc;
}

int qun_engine_submit(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch, qun_submit_done done,
                      void *arg, struct qun_error *err) {
  return submit(e, tenant, batch, false, false, 0, done, arg, err);
}

int qun_engine_submit_with(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch, uint32_t flags,
                           qun_submit_done done, void *arg, struct qun_error *err) {
  return submit(e, tenant, batch, false, false, flags, done, arg, err);
}

void qun_engine_flush(struct qun_engine *e) {
  if (e->journal) e->journal_ops->flush(e->journal);
}

struct waiter {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  bool done;
  struct qun_submit_result result;
  int code;
  struct qun_pack *reply;
  char message[256];
};

static void waiter_init(struct waiter *w) {
  memset(w, 0, sizeof *w);
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->cond, NULL);
}

static void waiter_wait(struct waiter *w) {
  pthread_mutex_lock(&w->lock);
  while (!w->done) pthread_cond_wait(&w->cond, &w->lock);
  pthread_mutex_unlock(&w->lock);
}

static void waiter_fini(struct waiter *w) {
  pthread_cond_destroy(&w->cond);
  pthread_mutex_destroy(&w->lock);
}

static void submitted(void *arg, const struct qun_submit_result *result) {
  struct waiter *w = arg;
  pthread_mutex_lock(&w->lock);
  w->result = *result;
  w->done = true;
  pthread_cond_signal(&w->cond);
  pthread_mutex_unlock(&w->lock);
}

/* Whoever waits for the commit waits for a quota of so much a second as well: a file that is imported takes its time. */
static void pause_ms(unsigned ms) {
  struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
  nanosleep(&t, NULL);
}

static int submit_and_wait(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch, bool control,
                           struct qun_submit_result *result, struct qun_error *err) {
  struct waiter w;
  struct qun_error why = {0};
  int rc;
  waiter_init(&w);
  while ((rc = submit(e, tenant, batch, control, true, 0, submitted, &w, &why)) == QUN_EQUOTA && why.retry_ms)
    pause_ms(why.retry_ms < PAUSE_MAX_MS ? why.retry_ms : PAUSE_MAX_MS);
  if (rc < 0 && err) *err = why;
  if (rc == 0) {
    waiter_wait(&w);
    if (result) *result = w.result;
    if (w.result.code < 0) rc = qun_error_set(err, w.result.code, "%s", w.result.message);
  }
  waiter_fini(&w);
  return rc;
}

/* ---------------------------------------------------------------- waiting for what came before */

bool qun__tenant_barrier(struct qun_engine *e, struct qun_tenant *t, qun_submit_done done, void *arg) {
  struct qun_shard *s = qun__shard_of(e, t->name);
  struct qun_input_batch none;
  if (!qun__shard_has_work(s, &t->lane)) return false;
  qun_input_batch_init(&none);
  struct qun_job *job = new_job(e, t, &none, QUN__JOB_BARRIER, done, arg);
  if (!job) return false;
  qun_tenant_ref(t);
  qun__shard_put(s, job);
  return true;
}

void qun__tenant_settle(struct qun_engine *e, struct qun_tenant *t) {
  struct waiter w;
  waiter_init(&w);
  if (qun__tenant_barrier(e, t, submitted, &w)) waiter_wait(&w);
  waiter_fini(&w);
}

int qun_engine_submit_wait(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch,
                           struct qun_submit_result *result, struct qun_error *err) {
  return submit_and_wait(e, tenant, batch, false, result, err);
}

/* ---------------------------------------------------------------- control records */

void qun__fresh_id(char out[33]) {
  unsigned char bytes[16];
  randombytes_buf(bytes, sizeof bytes);
  sodium_bin2hex(out, 33, bytes, sizeof bytes);
}

static int add_control(struct qun_input_batch *b, const struct qun_control *c) {
  char id[33];
  struct qun_input *in = qun_input_batch_add(b);
  if (!in) return QUN_EFAIL;
  qun__fresh_id(id);
  in->flags = QUN_INPUT_CONTROL;
  in->time_ms = INT64_MIN;
  in->type = qun_arena_copy(&b->arena, qun_str(c->type));
  in->source = qun_arena_copy(&b->arena, qun_str("qun"));
  in->id = qun_arena_copy(&b->arena, c->id.len ? c->id : qun_str(id));
  in->subject = qun_arena_copy(&b->arena, c->subject);
  in->data = qun_arena_copy(&b->arena, c->data);
  return in->type.ptr && in->source.ptr && in->id.ptr ? 0 : QUN_EFAIL;
}

int qun__control_submit(struct qun_engine *e, const char *tenant, const struct qun_control *controls, uint32_t n,
                        uint64_t *seq, struct qun_error *err) {
  struct qun_input_batch b;
  struct qun_submit_result result = {0};
  int rc = 0;
  qun_input_batch_init(&b);
  for (uint32_t i = 0; i < n && rc == 0; i++) {
    if (!qun_subscriptions_find(e->subscriptions, qun_str(controls[i].type)))
      rc = qun_error_set(err, QUN_EINVAL, "no event type \"%s\"", controls[i].type);
    else if (add_control(&b, &controls[i]) < 0)
      rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  if (rc == 0) rc = submit_and_wait(e, tenant, &b, true, &result, err);
  if (rc == 0 && seq) *seq = result.position;
  qun_input_batch_fini(&b);
  return rc;
}

int qun_engine_control(struct qun_engine *e, const char *tenant, const char *type, qun_slice subject, qun_slice id,
                       qun_slice data, uint64_t *seq, struct qun_error *err) {
  struct qun_control c = {.type = type, .subject = subject, .id = id, .data = data};
  return qun__control_submit(e, tenant, &c, 1, seq, err);
}

/* ---------------------------------------------------------------- calls */

int qun_engine_call(struct qun_engine *e, const struct qun_call_spec *spec, qun_call_done done, void *arg,
                    struct qun_error *err) {
  return qun__readers_push(e->readers, spec, done, arg, err);
}

static void called(void *arg, int code, qun_slice reply, const char *message) {
  struct waiter *w = arg;
  pthread_mutex_lock(&w->lock);
  w->code = code;
  if (message) snprintf(w->message, sizeof w->message, "%s", message);
  if (code >= 0) qun_pack_raw(w->reply, reply);
  w->done = true;
  pthread_cond_signal(&w->cond);
  pthread_mutex_unlock(&w->lock);
}

int qun_engine_call_wait(struct qun_engine *e, const struct qun_call_spec *spec, struct qun_pack *reply,
                         struct qun_error *err) {
  struct waiter w;
  waiter_init(&w);
  w.reply = reply;
  int rc = qun_engine_call(e, spec, called, &w, err);
  if (rc == 0) {
    waiter_wait(&w);
    if (w.code < 0)
      rc = qun_error_set(err, w.code, "%s", w.message);
    else if (reply->failed)
      rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  waiter_fini(&w);
  return rc;
}
