/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http/server_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MEMORY_LIMIT = 32 * 1024 }; /* of one connection: its headers must fit */

/* ---- running MHD on the loop */

static void run(struct qun__listener *l);

static void on_timer(uv_timer_t *timer) {
  run(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  run(poll->data);
}

static void try_close(struct qun_http *http);

static void run(struct qun__listener *l) {
  MHD_UNSIGNED_LONG_LONG wait = 0;
  if (!l->daemon) return;
  MHD_run(l->daemon);
  /* MHD keeps connections that it can go on with at once in a list of its own; then the time-out is 0 and epoll says
   * nothing. */
  if (MHD_get_timeout(l->daemon, &wait) == MHD_YES)
    uv_timer_start(&l->timer, on_timer, wait, 0);
  else
    uv_timer_stop(&l->timer);
  try_close(l->http);
}

static void resume_woken(struct qun_http *http) {
  pthread_mutex_lock(&http->lock);
  struct qun__http_request *r = http->woken;
  http->woken = NULL;
  pthread_mutex_unlock(&http->lock);
  while (r) {
    struct qun__http_request *next = r->next;
    MHD_resume_connection(r->connection);
    r = next;
  }
}

static void on_wake(uv_async_t *async) {
  struct qun_http *http = async->data;
  if (http->closing) return;
  resume_woken(http);
  for (int i = 0; i < QUN__LISTENERS; i++) run(&http->listeners[i]);
}

/* ---- URLs reach the API as they were sent: it decodes by segment */

static size_t keep_escapes(void *arg, struct MHD_Connection *connection, char *text) {
  (void)arg;
  (void)connection;
  return strlen(text);
}

static void on_connection(void *listener, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
  struct qun__listener *l = listener;
  (void)connection;
  (void)context;
  qun_metric_add(l->http->metrics, QUN_METRIC_HTTP_CONNECTIONS, code == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *listener, const char *format, va_list args) {
  const struct qun__listener *l = listener;
  char line[400];
  vsnprintf(line, sizeof line, format, args);
  line[strcspn(line, "\n")] = '\0';
  qun_log_line(l->http->options.log, QUN_LOG_DEBUG, "http: %s", line);
}

static int open_listener(struct qun_http *http, struct qun__listener *l, int fd, struct qun_error *err) {
  const struct qun_http_options *o = &http->options;
  if (fd < 0) return 0;
  l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
                               qun__request_step, l, MHD_OPTION_EXTERNAL_LOGGER, on_log, l, MHD_OPTION_LISTEN_SOCKET,
                               fd, MHD_OPTION_CONNECTION_LIMIT, o->connections, MHD_OPTION_CONNECTION_TIMEOUT,
                               o->timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_LIMIT,
                               MHD_OPTION_URI_LOG_CALLBACK, qun__request_begin, l, MHD_OPTION_NOTIFY_COMPLETED,
                               qun__request_end, l, MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
                               MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
  if (!l->daemon) {
    close(fd);
    return qun_error_set(err, QUN_EFAIL, "cannot start the HTTP server: %s", strerror(errno));
  }
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (!info || uv_poll_init(o->loop, &l->poll, info->epoll_fd) != 0) {
    MHD_stop_daemon(l->daemon);
    l->daemon = NULL;
    return qun_error_set(err, QUN_EFAIL, "cannot watch the HTTP server's descriptor");
  }
  uv_timer_init(o->loop, &l->timer);
  l->poll.data = l->timer.data = l;
  uv_poll_start(&l->poll, UV_READABLE, on_readable);
  http->handles += 2;
  return 0;
}

static void defaults(struct qun_http_options *o) {
  if (!o->body_limit) o->body_limit = 16u << 20;
  if (!o->body_budget) o->body_budget = 256u << 20;
  if (!o->connections) o->connections = 1000;
  if (!o->timeout_s) o->timeout_s = 30;
  if (!o->drain_s) o->drain_s = 10;
}

int qun_http_start(struct qun_http **out, const struct qun_http_options *options, struct qun_error *err) {
  struct qun_http *http = calloc(1, sizeof *http);
  if (!http) return qun_error_set(err, QUN_EFAIL, "there is no memory for the HTTP server");
  http->options = *options;
  defaults(&http->options);
  http->metrics = qun_api_metrics(options->api);
  http->tokens = qun_api_tokens(options->api);
  pthread_mutex_init(&http->lock, NULL);
  if (uv_async_init(options->loop, &http->wake, on_wake) != 0) {
    pthread_mutex_destroy(&http->lock);
    free(http);
    return qun_error_set(err, QUN_EFAIL, "cannot make the HTTP server's wake-up");
  }
  uv_timer_init(options->loop, &http->deadline);
  http->wake.data = http->deadline.data = http;
  http->handles = 2;
  for (int i = 0; i < QUN__LISTENERS; i++) {
    http->listeners[i].http = http;
    http->listeners[i].is_unix = i == QUN__UNIX;
  }
  int rc = open_listener(http, &http->listeners[QUN__TCP], options->tcp_fd, err);
  if (rc == 0) rc = open_listener(http, &http->listeners[QUN__UNIX], options->unix_fd, err);
  if (rc < 0) {
    qun_http_stop(http, NULL, NULL);
    return rc;
  }
  for (int i = 0; i < QUN__LISTENERS; i++) run(&http->listeners[i]);
  *out = http;
  return 0;
}

/* ---- stopping */

static void closed(struct qun_http *http) {
  if (--http->handles > 0) return;
  void (*stopped)(void *) = http->stopped;
  void *arg = http->stopped_arg;
  pthread_mutex_destroy(&http->lock);
  free(http);
  if (stopped) stopped(arg);
}

static void on_closed(uv_handle_t *handle) {
  closed(handle->data);
}

static void on_listener_closed(uv_handle_t *handle) {
  const struct qun__listener *l = handle->data;
  closed(l->http);
}

static void close_all(struct qun_http *http) {
  http->closing = true;
  resume_woken(http); /* MHD cannot stop while a connection sleeps */
  for (int i = 0; i < QUN__LISTENERS; i++) {
    struct qun__listener *l = &http->listeners[i];
    if (!l->daemon) continue;
    /* The descriptor leaves the loop before MHD closes it. */
    uv_poll_stop(&l->poll);
    uv_close((uv_handle_t *)&l->poll, on_listener_closed);
    uv_close((uv_handle_t *)&l->timer, on_listener_closed);
    MHD_stop_daemon(l->daemon);
    l->daemon = NULL;
  }
  uv_close((uv_handle_t *)&http->deadline, on_closed);
  uv_close((uv_handle_t *)&http->wake, on_closed);
}

static void try_close(struct qun_http *http) {
  if (!http->stopping || http->closing) return;
  if (http->in_flight == 0) close_all(http);
}

/* Answers that nobody fetches are cut off; work that still runs is waited for. */
static bool all_answered(struct qun_http *http) {
  pthread_mutex_lock(&http->lock);
  bool all = http->unanswered == 0;
  pthread_mutex_unlock(&http->lock);
  return all;
}

static void on_deadline(uv_timer_t *timer) {
  struct qun_http *http = timer->data;
  if (http->closing) return;
  if (all_answered(http))
    close_all(http);
  else
    uv_timer_start(timer, on_deadline, 200, 0);
}

void qun_http_stop(struct qun_http *http, void (*stopped)(void *arg), void *arg) {
  http->stopping = true;
  http->stopped = stopped;
  http->stopped_arg = arg;
  for (int i = 0; i < QUN__LISTENERS; i++) {
    if (!http->listeners[i].daemon) continue;
    MHD_socket fd = MHD_quiesce_daemon(http->listeners[i].daemon);
    if (fd != MHD_INVALID_SOCKET) close(fd);
  }
  uv_timer_start(&http->deadline, on_deadline, (uint64_t)http->options.drain_s * 1000, 0);
  try_close(http);
}
