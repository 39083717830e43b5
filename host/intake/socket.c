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
  pthread_mutex_destroy(&s->lock);
  free(s);
  if (stopped) stopped(arg);
}

static void close_handle(uv_handle_t *handle) {
  if (!uv_is_closing(handle)) uv_close(handle, intake_closed);
}

void qun__intake_try_close(struct qun_intake *s) {
  if (!s->stopping || s->count > 0) return;
  close_handle((uv_handle_t *)&s->deadline);
  close_handle((uv_handle_t *)&s->wake);
}

/* On a shard's thread, after the commit: hand the job to the loop. */
void qun__job_committed(void *arg, const struct qun_submit_result *result) {
  struct qun__job *job = arg;
  struct qun_intake *s = job->connection->intake;
  pthread_mutex_lock(&s->lock);
  job->result = *result;
  job->next_done = s->done;
  s->done = job;
  uv_async_send(&s->wake);
  pthread_mutex_unlock(&s->lock);
}

static void on_wake(uv_async_t *async) {
  struct qun_intake *s = async->data;
  pthread_mutex_lock(&s->lock);
  struct qun__job *job = s->done;
  s->done = NULL;
  pthread_mutex_unlock(&s->lock);
  while (job) {
    struct qun__job *next = job->next_done;
    struct qun__connection *c = job->connection;
    job->state = QUN__JOB_DONE;
    qun__connection_pump(c);
    job = next;
  }
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
  s->listener.data = s->deadline.data = s;
  s->handles = 2;
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
    close_handle((uv_handle_t *)&s->deadline);
    if (s->handles == 3) close_handle((uv_handle_t *)&s->wake);
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
