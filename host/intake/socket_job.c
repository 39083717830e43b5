/* SPDX-License-Identifier: Apache-2.0 */
/* The batches of a connection: from a frame to the engine and to the answer, in the order of arrival. */
#include "host/intake/socket_internal.h"

#include <stdlib.h>

enum { EVENTS_MAX = 20000 };

static void job_destroy(struct qun__job *job) {
  qun_input_batch_fini(&job->inputs);
  qun_refusals_fini(&job->refused);
  free(job->frame);
  free(job);
}

static void job_append(struct qun__connection *c, struct qun__job *job) {
  if (c->last)
    c->last->next = job;
  else
    c->jobs = job;
  c->last = job;
  c->jobs_count++;
  c->held += job->frame_len;
}

static void job_refuse(struct qun__job *job, int code, const char *why) {
  size_t len = strnlen(why, sizeof job->result.message - 1);
  job->result.code = code;
  memcpy(job->result.message, why, len);
  job->result.message[len] = '\0';
}

/* ---- reading events */

static int read_events(struct qun__job *job, struct qun_normaliser *n, struct qun_error *err) {
  n->operator_types = job->connection->grant.role != QUN_ROLE_INGEST;
  n->imported = job->head.imported;
  return qun_batch_events_read(n, &job->inputs, &job->refused, &job->head, EVENTS_MAX, &job->broken, err);
}

/* A frame that is no batch ends the connection: what came behind it is not looked at. Those before it are answered. */
static void drop_from(struct qun__connection *c, struct qun__job *broken) {
  struct qun__job **at = &c->jobs, *before = NULL;
  for (; *at != broken; at = &(*at)->next) before = *at;
  *at = NULL;
  c->last = before;
  for (struct qun__job *job = broken, *next; job; job = next) {
    next = job->next;
    c->jobs_count--;
    c->held -= job->frame_len;
    job_destroy(job);
  }
}

/* False: the frame was broken, the job is gone. */
static bool worked(struct qun__job *job) {
  struct qun__connection *c = job->connection;
  if (job->broken) {
    qun__connection_fail(c, job->result.message);
    drop_from(c, job);
    return false;
  }
  free(job->frame);
  job->frame = NULL;
  job->events = job->inputs.count;
  qun_metric_add(c->intake->metrics, QUN_METRIC_EVENTS_REFUSED, job->refused.total);
  job->state = job->result.code == 0 && job->inputs.count > 0 ? QUN__JOB_READY : QUN__JOB_DONE;
  return true;
}

/* On a worker thread. */
static void on_work(uv_work_t *work) {
  struct qun__job *job = work->data;
  const struct qun__connection *c = job->connection;
  struct qun_engine *engine = c->intake->options.engine;
  struct qun_error err = {0};
  int rc = qun_engine_normaliser_open(engine, c->grant.tenant, &job->normaliser, &err);
  if (rc == 0) {
    job->normaliser->now_ms = qun_engine_now(engine);
    rc = read_events(job, job->normaliser, &err);
  }
  if (rc < 0) job_refuse(job, rc, err.message);
}

static void on_worked(uv_work_t *work, int status) {
  struct qun__job *job = work->data;
  struct qun__connection *c = job->connection;
  (void)status; /* never cancelled */
  qun__pin_adopt(c->intake, c->pin, job->normaliser);
  job->normaliser = NULL;
  if (job->result.code == QUN_EAGAIN) { /* no place for one more open tenant */
    job->result.code = 0;
    job->state = QUN__JOB_WAITING;
    qun__connection_later(c);
    return;
  }
  worked(job);
  qun__connection_pump(c);
}

static void work_elsewhere(struct qun__connection *c, struct qun__job *job) {
  job->state = QUN__JOB_WORKING;
  job->work.data = job;
  if (uv_queue_work(c->intake->options.loop, &job->work, on_work, on_worked) == 0) return;
  job_refuse(job, QUN_EFAIL, "there is no worker for the batch");
  job->state = QUN__JOB_DONE;
}

bool qun__connection_has_share(struct qun__connection *c) {
  if (c->turn != c->intake->turn) {
    c->turn = c->intake->turn;
    c->spent_ns = 0;
  }
  return c->spent_ns < QUN__SHARE_NS;
}

static bool is_small(const struct qun__job *job) {
  return job->frame_len <= QUN__HERE_BYTES && job->head.count <= QUN__HERE_EVENTS;
}

static bool work_here(struct qun__connection *c, struct qun__job *job, struct qun_normaliser *n) {
  uint64_t from = uv_hrtime();
  struct qun_error err = {0};
  job->here = true;
  int rc = read_events(job, n, &err);
  if (rc < 0) job_refuse(job, rc, err.message);
  uint64_t spent = uv_hrtime() - from;
  c->spent_ns += spent;
  c->intake->turn_ns += spent;
  return worked(job);
}

/* ---- to the engine */

static void submit(struct qun__connection *c, struct qun__job *job) {
  struct qun_intake *s = c->intake;
  struct qun_error err = {0};
  uint32_t flags = (c->durable ? QUN_SUBMIT_DURABLE : 0) | (job->here ? QUN_SUBMIT_DEFER : 0);
  if (!qun_tokens_still(s->tokens, &c->grant)) {
    job_refuse(job, QUN_EDENIED, "the token was taken away");
    job->state = QUN__JOB_DONE;
    qun__connection_fail(c, "the token was taken away");
    return;
  }
  job->state = QUN__JOB_SUBMITTED; /* before the call: its answer may overtake it */
  int rc =
      qun_engine_submit_with(s->options.engine, c->grant.tenant, &job->inputs, flags, qun__job_committed, job, &err);
  if (rc == 0) {
    if (job->here) qun__intake_deferred(s);
    return;
  }
  if (rc == QUN_EAGAIN) {
    job->state = QUN__JOB_READY;
    qun_metric_add(s->metrics, QUN_METRIC_BACK_PRESSURE, 1);
    qun__connection_later(c);
    return;
  }
  job_refuse(job, rc, err.message);
  job->result.retry_ms = err.retry_ms;
  job->state = QUN__JOB_DONE;
}

static bool passed_on(const struct qun__job *job) {
  return job->state == QUN__JOB_SUBMITTED || job->state == QUN__JOB_DONE;
}

static bool all_passed_on(const struct qun__connection *c) {
  for (const struct qun__job *job = c->jobs; job; job = job->next)
    if (!passed_on(job)) return false;
  return true;
}

/* A small one whose tenant is held is worked on here. False: not now, as its share is used up, or the job is gone. */
static bool start(struct qun__connection *c, struct qun__job *job) {
  struct qun_normaliser *n = is_small(job) ? qun__pin_normaliser(c->intake, c->pin) : NULL;
  if (!n) {
    work_elsewhere(c, job);
    return true;
  }
  if (!qun__connection_has_share(c)) {
    qun__intake_due(c);
    return false;
  }
  return work_here(c, job, n);
}

/* One is worked on at a time, and none overtakes one that waits for room. */
void qun__jobs_advance(struct qun__connection *c) {
  for (struct qun__job *job = c->jobs; job; job = job->next) {
    if (job->state == QUN__JOB_WAITING && !start(c, job)) return;
    if (job->state == QUN__JOB_READY) submit(c, job);
    if (!passed_on(job)) return;
  }
}

/* ---- frames */

/* Works on it at once, without a copy of its bytes, if nothing stands in the way. */
static bool take_here(struct qun__connection *c, struct qun__job *job) {
  if (!is_small(job) || !all_passed_on(c) || !qun__connection_has_share(c)) return false;
  struct qun_normaliser *n = qun__pin_normaliser(c->intake, c->pin);
  if (!n) return false;
  job_append(c, job);
  if (work_here(c, job, n) && job->state == QUN__JOB_READY) submit(c, job);
  return true;
}

/* The events are borrowed from the copy from now on. */
static bool keep_frame(struct qun__job *job, qun_slice content) {
  job->frame = malloc((size_t)content.len);
  if (!job->frame) return false;
  memcpy(job->frame, content.ptr, (size_t)content.len);
  ptrdiff_t at = (const unsigned char *)job->head.events.ptr - (const unsigned char *)content.ptr;
  job->head.events.ptr = job->frame + at;
  return true;
}

int qun__job_take(struct qun__connection *c, qun_slice content, struct qun_error *err) {
  struct qun_batch_head head;
  int rc = qun_batch_head_read(content, &head, err);
  if (rc < 0) return rc;
  struct qun__job *job = calloc(1, sizeof *job);
  if (!job) return qun_error_set(err, QUN_EFAIL, "there is no memory for the batch");
  job->connection = c;
  job->state = QUN__JOB_WAITING;
  job->head = head;
  job->frame_len = (size_t)content.len;
  qun_input_batch_init(&job->inputs);
  if (take_here(c, job)) return 0;
  if (!keep_frame(job, content)) {
    job_destroy(job);
    return qun_error_set(err, QUN_EFAIL, "there is no memory for the batch");
  }
  job_append(c, job);
  return 0;
}

/* ---- answers */

static void count_result(struct qun_metrics *m, const struct qun__job *job) {
  const struct qun_submit_result *result = &job->result;
  qun_metric_add(m, QUN_METRIC_SOCKET_BATCHES, 1);
  if (job->connection->durable && result->code == 0 && !result->applied) {
    qun_metric_add(m, QUN_METRIC_EVENTS_ACCEPTED, job->events);
    return;
  }
  qun_metric_add(m, QUN_METRIC_EVENTS_ACCEPTED, result->accepted);
  qun_metric_add(m, QUN_METRIC_EVENTS_DUPLICATE, result->duplicates);
  qun_metric_add(m, QUN_METRIC_EVENTS_CONFLICT, result->conflicts);
}

static void answer(const struct qun__connection *c, const struct qun__job *job, struct qun_pack *out) {
  if (job->result.code < 0)
    qun_batch_error(out, job->head.batch, &job->result);
  else if (c->durable && !job->result.applied && job->events > 0)
    qun_batch_journaled(out, job->head.batch, job->events, &job->result, &job->refused);
  else
    qun_batch_answer(out, job->head.batch, &job->result, &job->refused);
}

void qun__jobs_answer(struct qun__connection *c, struct qun_pack *out) {
  while (c->jobs && c->jobs->state == QUN__JOB_DONE) {
    struct qun__job *job = c->jobs;
    answer(c, job, out);
    if (job->result.code == QUN_ENOTFOUND) qun__connection_fail(c, "the tenant is gone");
    count_result(c->intake->metrics, job);
    c->jobs = job->next;
    if (!c->jobs) c->last = NULL;
    c->jobs_count--;
    c->held -= job->frame_len;
    job_destroy(job);
  }
}
