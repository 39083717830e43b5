/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the intake socket: a small machine that one function drives, so that order and limits are in one
 * place. */
#include "host/intake/socket_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { HELLO_MS = 10000, FULL_MS = 2, UNREAD_MAX = 1 << 20, EVENTS_MAX = 20000 };

/* ---- writing */

struct answer {
  uv_write_t write;
  struct qun_pack bytes;
};

static void on_written(uv_write_t *write, int status) {
  struct answer *a = (struct answer *)write->data;
  struct qun__connection *c = write->handle->data;
  qun_pack_fini(&a->bytes);
  free(a);
  if (status < 0) c->broken = true;
  qun__connection_pump(c);
}

/* Takes the bytes over. */
static void send_bytes(struct qun__connection *c, struct qun_pack *bytes) {
  struct answer *a = bytes->failed ? NULL : malloc(sizeof *a);
  if (!a || uv_is_closing((uv_handle_t *)&c->pipe)) {
    qun_pack_fini(bytes);
    free(a);
    return;
  }
  a->bytes = *bytes;
  a->write.data = a;
  uv_buf_t buf = uv_buf_init((char *)a->bytes.buf, (unsigned)a->bytes.len);
  if (uv_write(&a->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written) < 0) {
    qun_pack_fini(&a->bytes);
    free(a);
    c->broken = true;
  }
}

/* ---- the end */

static void on_closed(uv_handle_t *handle) {
  struct qun__connection *c = handle->data;
  struct qun_intake *s = c->intake;
  if (--c->handles > 0) return;
  qun_frames_fini(&c->frames);
  *c->link = c->next;
  if (c->next) c->next->link = c->link;
  s->count--;
  qun_metric_add(s->metrics, QUN_METRIC_SOCKET_CONNECTIONS, -1);
  free(c);
  qun__intake_try_close(s);
}

void qun__connection_cut(struct qun__connection *c) {
  if (uv_is_closing((uv_handle_t *)&c->pipe)) return;
  uv_close((uv_handle_t *)&c->timer, on_closed);
  uv_close((uv_handle_t *)&c->pipe, on_closed);
}

static void fail(struct qun__connection *c, const char *why) {
  if (c->fatal[0]) return;
  snprintf(c->fatal, sizeof c->fatal, "%s", why);
  qun_metric_add(c->intake->metrics, QUN_METRIC_SOCKET_ERRORS, 1);
}

/* ---- jobs */

static void job_destroy(struct qun__job *job) {
  qun_input_batch_fini(&job->inputs);
  qun_refusals_fini(&job->refused);
  free(job->frame);
  free(job);
}

static struct qun__job *job_append(struct qun__connection *c, qun_slice content) {
  struct qun__job *job = calloc(1, sizeof *job);
  if (!job) return NULL;
  job->frame = malloc((size_t)content.len);
  if (!job->frame) {
    free(job);
    return NULL;
  }
  memcpy(job->frame, content.ptr, (size_t)content.len);
  job->frame_len = (size_t)content.len;
  job->connection = c;
  job->state = QUN__JOB_WAITING;
  qun_input_batch_init(&job->inputs);
  if (c->last)
    c->last->next = job;
  else
    c->jobs = job;
  c->last = job;
  c->jobs_count++;
  c->held += job->frame_len;
  return job;
}

static void job_refuse(struct qun__job *job, int code, const char *why) {
  size_t len = strnlen(why, sizeof job->result.message - 1);
  job->result.code = code;
  memcpy(job->result.message, why, len);
  job->result.message[len] = '\0';
}

/* On a worker thread. The normaliser pins the tenant, so it is held for a batch and not for as long as a client stays. */
static void on_work(uv_work_t *work) {
  struct qun__job *job = work->data;
  const struct qun__connection *c = job->connection;
  struct qun_engine *engine = c->intake->options.engine;
  struct qun_normaliser *normaliser = NULL;
  struct qun_error err = {0};
  struct qun_batch_limits limits = {.bytes = job->frame_len, .events = EVENTS_MAX};
  int rc = qun_engine_normaliser_open(engine, c->grant.tenant, &normaliser, &err);
  if (rc == 0) {
    normaliser->operator_types = c->grant.role != QUN_ROLE_INGEST;
    normaliser->imported = job->imported;
    normaliser->now_ms = qun_engine_now(engine);
    rc = qun_msgpack_batch_read(normaliser, &job->inputs, &job->refused, qun_slice_of(job->frame, job->frame_len),
                                &limits, &err);
    qun_engine_normaliser_close(engine, normaliser);
  }
  if (rc < 0) job_refuse(job, rc, err.message);
}

static void on_worked(uv_work_t *work, int status) {
  struct qun__job *job = work->data;
  (void)status; /* never cancelled */
  free(job->frame);
  job->frame = NULL;
  qun_metric_add(job->connection->intake->metrics, QUN_METRIC_EVENTS_REFUSED, job->refused.total);
  job->state = job->result.code == 0 && job->inputs.count > 0 ? QUN__JOB_READY : QUN__JOB_DONE;
  qun__connection_pump(job->connection);
}

static void start_work(struct qun__connection *c, struct qun__job *job) {
  job->state = QUN__JOB_WORKING;
  job->work.data = job;
  if (uv_queue_work(c->intake->options.loop, &job->work, on_work, on_worked) == 0) return;
  job_refuse(job, QUN_EFAIL, "there is no worker for the batch");
  job->state = QUN__JOB_DONE;
}

static void on_timer(uv_timer_t *timer) {
  struct qun__connection *c = timer->data;
  if (!c->known) fail(c, "no first frame {token, v: 1} came within 10 s");
  qun__connection_pump(c);
}

static void submit(struct qun__connection *c, struct qun__job *job) {
  struct qun_intake *s = c->intake;
  struct qun_error err = {0};
  if (!qun_tokens_still(s->tokens, &c->grant)) {
    job_refuse(job, QUN_EDENIED, "the token was taken away");
    job->state = QUN__JOB_DONE;
    fail(c, "the token was taken away");
    return;
  }
  job->state = QUN__JOB_SUBMITTED; /* before the call: its answer may overtake it */
  int rc = qun_engine_submit(s->options.engine, c->grant.tenant, &job->inputs, qun__job_committed, job, &err);
  if (rc == 0) return;
  if (rc == QUN_EAGAIN) {
    job->state = QUN__JOB_READY;
    qun_metric_add(s->metrics, QUN_METRIC_BACK_PRESSURE, 1);
    uv_timer_start(&c->timer, on_timer, FULL_MS, 0);
    return;
  }
  job_refuse(job, rc, err.message);
  job->state = QUN__JOB_DONE;
}

/* Batches go to the engine in the order of arrival, so only one is worked on, and none overtakes one that waits for
 * room. */
static void advance(struct qun__connection *c) {
  for (struct qun__job *job = c->jobs; job; job = job->next) {
    if (job->state == QUN__JOB_WAITING)
      start_work(c, job);
    else if (job->state == QUN__JOB_READY)
      submit(c, job);
    if (job->state == QUN__JOB_WORKING || job->state == QUN__JOB_READY) return;
  }
}

static void count_result(struct qun_metrics *m, const struct qun_submit_result *result) {
  qun_metric_add(m, QUN_METRIC_SOCKET_BATCHES, 1);
  qun_metric_add(m, QUN_METRIC_EVENTS_ACCEPTED, result->accepted);
  qun_metric_add(m, QUN_METRIC_EVENTS_DUPLICATE, result->duplicates);
  qun_metric_add(m, QUN_METRIC_EVENTS_CONFLICT, result->conflicts);
}

static void answer_done(struct qun__connection *c) {
  struct qun_pack bytes;
  qun_pack_init(&bytes);
  while (c->jobs && c->jobs->state == QUN__JOB_DONE) {
    struct qun__job *job = c->jobs;
    if (job->result.code < 0)
      qun_batch_error(&bytes, job->batch, job->result.code, job->result.message);
    else
      qun_batch_answer(&bytes, job->batch, &job->result, &job->refused);
    if (job->result.code == QUN_ENOTFOUND) fail(c, "the tenant is gone");
    count_result(c->intake->metrics, &job->result);
    c->jobs = job->next;
    if (!c->jobs) c->last = NULL;
    c->jobs_count--;
    c->held -= job->frame_len;
    job_destroy(job);
  }
  if (bytes.len > 0 || bytes.failed) send_bytes(c, &bytes);
}

/* ---- frames */

static int greet(struct qun__connection *c, qun_slice content, struct qun_error *err) {
  struct qun_intake *s = c->intake;
  struct qun_pack bytes;
  qun_slice token;
  int rc = qun_hello_read(content, &token, err);
  if (rc < 0) return rc;
  if (qun_tokens_verify(s->tokens, token, &c->grant) < 0) {
    qun_metric_add(s->metrics, QUN_METRIC_DENIED, 1);
    return qun_error_set(err, QUN_EDENIED, "the token is not known");
  }
  if (!qun_role_in(c->grant.role, QUN_ROLES_INGEST)) {
    qun_metric_add(s->metrics, QUN_METRIC_DENIED, 1);
    return qun_error_set(err, QUN_EDENIED, "a token of role %s may not send events", qun_role_name(c->grant.role));
  }
  c->known = true;
  uv_timer_stop(&c->timer);
  qun_pack_init(&bytes);
  qun_hello_answer(&bytes, c->grant.tenant, c->grant.role, s->options.window, s->options.max_frame);
  send_bytes(c, &bytes);
  return 0;
}

static int take_batch(struct qun__connection *c, qun_slice content, struct qun_error *err) {
  uint64_t batch;
  bool imported;
  int rc = qun_batch_head_read(content, &batch, &imported, err);
  if (rc < 0) return rc;
  struct qun__job *job = job_append(c, content);
  if (!job) return qun_error_set(err, QUN_EFAIL, "there is no memory for the batch");
  job->batch = batch;
  job->imported = imported;
  return 0;
}

static bool has_room(const struct qun__connection *c) {
  const struct qun_intake_options *o = &c->intake->options;
  return c->jobs_count < o->window && c->held < 2 * (size_t)o->max_frame;
}

static void cut_frames(struct qun__connection *c) {
  struct qun_error err = {0};
  qun_slice content;
  while (!c->fatal[0] && has_room(c)) {
    int rc = qun_frames_cut(&c->frames, c->known ? c->intake->options.max_frame : QUN_FRAME_HELLO_MAX, &content, &err);
    if (rc == 0) return;
    if (rc > 0) rc = c->known ? take_batch(c, content, &err) : greet(c, content, &err);
    if (rc < 0) fail(c, err.message);
  }
}

/* ---- reading */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct qun__connection *c = handle->data;
  (void)suggested;
  *buf = uv_buf_init(c->intake->scratch, sizeof c->intake->scratch);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct qun__connection *c = stream->data;
  if (n == 0) return;
  if (n < 0) {
    c->ended = true; /* a client that only ends its side still reads */
    c->broken = n != UV_EOF;
  } else {
    qun_metric_add(c->intake->metrics, QUN_METRIC_SOCKET_RECEIVED, n);
    if (qun_frames_push(&c->frames, buf->base, (size_t)n) < 0) fail(c, "there is no memory for the frame");
  }
  qun__connection_pump(c);
}

static bool wants_more(const struct qun__connection *c) {
  if (c->ended || c->broken || c->fatal[0] || c->intake->stopping || !has_room(c)) return false;
  /* A client that does not read its answers is not read either. */
  if (uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) > UNREAD_MAX) return false;
  return true;
}

static void read_or_rest(struct qun__connection *c) {
  bool want = wants_more(c);
  if (want == c->reading) return;
  c->reading = want;
  if (!want)
    uv_read_stop((uv_stream_t *)&c->pipe);
  else if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) < 0)
    c->broken = true;
}

/* ---- the machine */

static bool over(const struct qun__connection *c) {
  return !c->jobs && (c->fatal[0] || c->ended || c->broken || c->intake->stopping);
}

void qun__connection_pump(struct qun__connection *c) {
  struct qun_pack bytes;
  if (uv_is_closing((uv_handle_t *)&c->pipe)) return;
  if (!c->closing) {
    cut_frames(c);
    advance(c);
    answer_done(c);
    cut_frames(c); /* the answers made room in the window */
    advance(c);
    read_or_rest(c);
    if (!over(c)) return;
    c->closing = true;
    qun_pack_init(&bytes);
    if (c->fatal[0]) {
      qun_frame_error(&bytes, c->fatal);
      qun_log_line(c->intake->options.log, QUN_LOG_INFO, "intake socket: closed a connection%s%s: %s",
                   c->known ? " of tenant " : "", c->known ? c->grant.tenant : "", c->fatal);
      send_bytes(c, &bytes);
    }
  }
  /* The last answers leave first; on_written comes back here. */
  if (uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) == 0 || c->broken) qun__connection_cut(c);
}

int qun__connection_open(struct qun_intake *s) {
  struct qun__connection *c = calloc(1, sizeof *c);
  if (!c) return QUN_EFAIL;
  c->intake = s;
  qun_frames_init(&c->frames);
  uv_pipe_init(s->options.loop, &c->pipe, 0);
  uv_timer_init(s->options.loop, &c->timer);
  c->pipe.data = c->timer.data = c;
  c->handles = 2;
  c->next = s->connections;
  c->link = &s->connections;
  if (c->next) c->next->link = &c->next;
  s->connections = c;
  s->count++;
  qun_metric_add(s->metrics, QUN_METRIC_SOCKET_CONNECTIONS, 1);
  if (uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&c->pipe) < 0) {
    qun__connection_cut(c);
    return 0;
  }
  if (s->count > s->options.connections) fail(c, "there are too many connections");
  uv_timer_start(&c->timer, on_timer, HELLO_MS, 0);
  qun__connection_pump(c);
  return 0;
}
