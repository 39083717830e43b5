/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/socket_internal.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- the host's end of the listener */

static void intake_closed(uv_handle_t *handle) {
  struct qun_intake *s = handle->data;
  if (--s->handles > 0) return;
  void (*stopped)(void *) = s->stopped;
  void *arg = s->stopped_arg;
  qun_pack_fini(&s->answers);
  pthread_mutex_destroy(&s->lock);
  free(s);
  if (stopped) stopped(arg);
}

static void close_handle(uv_handle_t *handle) {
  if (!uv_is_closing(handle)) uv_close(handle, intake_closed);
}

static void close_common(struct qun_intake *s) {
  close_handle((uv_handle_t *)&s->deadline);
  close_handle((uv_handle_t *)&s->sweep);
  close_handle((uv_handle_t *)&s->check);
  close_handle((uv_handle_t *)&s->again);
}

void qun__intake_try_close(struct qun_intake *s) {
  if (!s->stopping || s->count > 0) return;
  close_common(s);
  close_handle((uv_handle_t *)&s->wake);
}

/* ---- turns */

/* While it is active the loop does not wait in its poll, so that the end of the turn comes. */
static void on_again(uv_idle_t *idle) {
  (void)idle;
}

void qun__intake_due(struct qun__connection *c) {
  struct qun_intake *s = c->intake;
  if (c->due) return;
  c->due = true;
  s->due_count++;
  c->next_due = NULL;
  *s->due_end = c;
  s->due_end = &c->next_due;
  uv_idle_start(&s->again, on_again);
}

void qun__intake_not_due(struct qun__connection *c) {
  struct qun_intake *s = c->intake;
  if (!c->due) return;
  struct qun__connection **at = &s->due;
  while (*at != c) at = &(*at)->next_due;
  *at = c->next_due;
  if (s->due_end == &c->next_due) s->due_end = at;
  s->due_count--;
  c->due = false;
}

void qun__intake_deferred(struct qun_intake *s) {
  if (s->deferred) return;
  s->deferred = true;
  uv_idle_start(&s->again, on_again);
}

/* Its result is in: the connection is pumped at the end of the turn. A job that another thread finished wakes the loop;
   one that this thread's own flush finished is fetched behind it. */
void qun__job_committed(void *arg, const struct qun_submit_result *result) {
  struct qun__job *job = arg;
  struct qun_intake *s = job->connection->intake;
  pthread_mutex_lock(&s->lock);
  bool wake = !s->done && !(s->flushing && pthread_equal(s->flusher, pthread_self()));
  job->result = *result;
  job->next_done = s->done;
  s->done = job;
  if (wake) uv_async_send(&s->wake);
  pthread_mutex_unlock(&s->lock);
}

static void fetch_done(struct qun_intake *s) {
  pthread_mutex_lock(&s->lock);
  struct qun__job *job = s->done;
  s->done = NULL;
  pthread_mutex_unlock(&s->lock);
  for (; job; job = job->next_done) {
    job->state = QUN__JOB_DONE;
    qun__intake_due(job->connection);
  }
}

static void on_wake(uv_async_t *async) {
  fetch_done(async->data);
}

static void set_flushing(struct qun_intake *s, bool on) {
  pthread_mutex_lock(&s->lock);
  s->flushing = on;
  s->flusher = pthread_self();
  pthread_mutex_unlock(&s->lock);
}

static void flush(struct qun_intake *s) {
  if (!s->deferred) return;
  s->deferred = false;
  set_flushing(s, true);
  qun_engine_flush(s->options.engine);
  set_flushing(s, false);
  fetch_done(s);
}

/* One sync for all that came in this turn, then the answers. What becomes due again meanwhile stays for the next. */
static void end_turn(struct qun_intake *s) {
  flush(s);
  s->turn++;
  s->turn_ns = 0;
  for (uint32_t n = s->due_count; n > 0 && s->due; n--) {
    struct qun__connection *c = s->due;
    qun__intake_not_due(c);
    qun__connection_pump(c);
  }
  if (!s->due && !s->deferred) uv_idle_stop(&s->again);
}

static void on_check(uv_check_t *check) {
  struct qun_intake *s = check->data;
  if (s->due || s->deferred) end_turn(s);
}

void qun__intake_relieve(struct qun_intake *s) {
  if (s->turn_ns > QUN__TURN_NS) end_turn(s);
}

static void on_connection(uv_stream_t *listener, int status) {
  struct qun_intake *s = listener->data;
  if (status < 0) {
    qun_log_line(s->options.log, QUN_LOG_WARN, "intake socket: cannot take a connection: %s", uv_strerror(status));
    return;
  }
  if (qun__connection_open(s) < 0)
    qun_log_line(s->options.log, QUN_LOG_WARN, "intake socket: there is no memory for a connection");
}

static void defaults(struct qun_intake_options *o) {
  if (!o->max_frame) o->max_frame = 16u << 20;
  if (!o->window) o->window = 8;
  if (!o->connections) o->connections = 256;
  if (!o->drain_s) o->drain_s = 10;
}

int qun_intake_start(struct qun_intake **out, const struct qun_intake_options *options, struct qun_error *err) {
  struct qun_intake *s = calloc(1, sizeof *s);
  if (!s) {
    close(options->fd);
    return qun_error_set(err, QUN_EFAIL, "there is no memory for the intake socket");
  }
  s->options = *options;
  defaults(&s->options);
  s->tokens = qun_api_tokens(options->api);
  s->metrics = qun_api_metrics(options->api);
  pthread_mutex_init(&s->lock, NULL);
  uv_pipe_init(options->loop, &s->listener, 0);
  uv_timer_init(options->loop, &s->deadline);
  uv_timer_init(options->loop, &s->sweep);
  uv_check_init(options->loop, &s->check);
  uv_idle_init(options->loop, &s->again);
  s->listener.data = s->deadline.data = s->sweep.data = s->check.data = s->again.data = s;
  s->handles = 5;
  s->due_end = &s->due;
  qun_pack_init(&s->answers);
  uv_check_start(&s->check, on_check);
  int rc = uv_pipe_open(&s->listener, options->fd);
  if (rc < 0) close(options->fd);
  if (rc == 0) rc = uv_async_init(options->loop, &s->wake, on_wake);
  if (rc == 0) {
    s->wake.data = s;
    s->handles++;
    rc = uv_listen((uv_stream_t *)&s->listener, 128, on_connection);
  }
  if (rc < 0) {
    s->stopping = true;
    close_handle((uv_handle_t *)&s->listener);
    close_common(s);
    if (s->handles == 6) close_handle((uv_handle_t *)&s->wake);
    return qun_error_set(err, QUN_EFAIL, "cannot open the intake socket: %s", uv_strerror(rc));
  }
  *out = s;
  return 0;
}

/* Clients that do not fetch their answers are cut off; batches whose commit is awaited are not. */
static void on_deadline(uv_timer_t *timer) {
  struct qun_intake *s = timer->data;
  for (struct qun__connection *c = s->connections, *next; c; c = next) {
    next = c->next;
    if (!c->jobs) qun__connection_cut(c);
  }
  if (s->count > 0) uv_timer_start(timer, on_deadline, 200, 0);
}

void qun_intake_stop(struct qun_intake *s, void (*stopped)(void *arg), void *arg) {
  s->stopping = true;
  s->stopped = stopped;
  s->stopped_arg = arg;
  close_handle((uv_handle_t *)&s->listener);
  uv_timer_start(&s->deadline, on_deadline, (uint64_t)s->options.drain_s * 1000, 0);
  for (struct qun__connection *c = s->connections, *next; c; c = next) {
    next = c->next;
    qun__connection_pump(c);
  }
  qun__intake_try_close(s);
}
