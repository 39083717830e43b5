/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request: who asks, the body within its limits, the way to the API and back. */
#include "host/http/listen.h"
#include "host/http/server_internal.h"
#include "host/ops/problem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static const char strict[] = "default-src 'none'; frame-ancestors 'none'";

void *qun__request_begin(void *listener, const char *uri, struct MHD_Connection *connection) {
  struct qun__http_request *r = calloc(1, sizeof *r);
  char *copy = strdup(uri);
  if (!r || !copy) {
    free(r);
    free(copy);
    return NULL;
  }
  r->listener = listener;
  r->connection = connection;
  r->uri = copy;
  return r;
}

static void request_free(struct qun__http_request *r) {
  if (r->response) MHD_destroy_response(r->response);
  free(r->body);
  free(r->uri);
  free(r);
}

void qun__request_end(void *listener, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code) {
  struct qun__http_request *r = *context;
  (void)listener;
  (void)connection;
  (void)code;
  if (!r) return;
  struct qun_http *http = r->listener->http;
  http->held -= r->body_cap;
  if (r->dispatched) http->in_flight--;
  *context = NULL;
  request_free(r);
}

/* ---- answers */

static struct MHD_Response *make_response(qun_slice body, const struct qun_api_response *from) {
  char seconds[16];
  /* MHD takes a pointer that is not const and copies. */
  union {
    const void *in;
    void *out;
  } bytes = {.in = body.len ? body.ptr : ""};
  struct MHD_Response *response =
      from->file > 0 ? MHD_create_response_from_fd64(from->file_size, from->file)
                     : MHD_create_response_from_buffer((size_t)body.len, bytes.out, MHD_RESPMEM_MUST_COPY);
  if (!response && from->file > 0) close(from->file);
  if (!response) return NULL;
  MHD_add_response_header(response, "Content-Type", from->content_type);
  MHD_add_response_header(response, "Cache-Control", "no-store");
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
  MHD_add_response_header(response, "Content-Security-Policy", from->security ? from->security : strict);
  if (from->allow) MHD_add_response_header(response, "Allow", from->allow);
  if (from->status == 401) MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"qun\"");
  if (from->retry_after > 0) {
    snprintf(seconds, sizeof seconds, "%d", from->retry_after);
    MHD_add_response_header(response, "Retry-After", seconds);
  }
  return response;
}

static void count(struct qun_http *http, int status) {
  qun_metric_add(http->metrics, QUN_METRIC_HTTP_REQUESTS, 1);
  if (status >= 500)
    qun_metric_add(http->metrics, QUN_METRIC_HTTP_SERVER_ERRORS, 1);
  else if (status >= 400)
    qun_metric_add(http->metrics, QUN_METRIC_HTTP_CLIENT_ERRORS, 1);
}

static enum MHD_Result queue(struct qun__http_request *r) {
  struct qun_http *http = r->listener->http;
  if (!r->response) return MHD_NO;
  if (http->stopping) MHD_add_response_header(r->response, "Connection", "close");
  count(http, r->status);
  return MHD_queue_response(r->connection, (unsigned)r->status, r->response);
}

/* From any thread, once. The answer is built here, since its bytes are borrowed; the loop is woken only if the
 * connection sleeps. */
static void on_answer(void *arg, const struct qun_api_response *answer) {
  struct qun__http_request *r = arg;
  struct qun_http *http = r->listener->http;
  struct qun_metrics *metrics = http->metrics; /* the API's: they outlive this call, the server may not */
  struct MHD_Response *response = make_response(answer->body, answer);
  pthread_mutex_lock(&http->lock);
  r->response = response;
  r->status = answer->status;
  r->answered = true;
  http->unanswered--;
  bool wake = r->suspended;
  if (wake) {
    r->next = http->woken;
    http->woken = r;
    /* Under the lock: once it is free the loop may answer, and close the handle. */
    uv_async_send(&http->wake);
  }
  pthread_mutex_unlock(&http->lock);
  qun_metric_add(metrics, QUN_METRIC_HTTP_IN_FLIGHT, -1);
}

static struct MHD_Response *problem_response(struct qun__http_request *r, int status, const char *detail,
                                             int retry_after) {
  struct qun_pack text;
  qun_pack_init(&text);
  qun_problem_write(&text, status, detail, r->uri, NULL);
  struct qun_api_response answer = {.status = status, .content_type = QUN_PROBLEM_TYPE, .retry_after = retry_after};
  struct MHD_Response *response = text.failed ? NULL : make_response(qun_pack_slice(&text), &answer);
  qun_pack_fini(&text);
  return response;
}

/* An answer before the body was read; MHD closes the connection after it. */
static enum MHD_Result refuse(struct qun__http_request *r, int status, const char *detail, int retry_after) {
  if (status == 401) qun_metric_add(r->listener->http->metrics, QUN_METRIC_DENIED, 1);
  r->response = problem_response(r, status, detail, retry_after);
  r->status = status;
  if (r->response) MHD_add_response_header(r->response, "Connection", "close");
  return queue(r);
}

/* An answer in the middle of a body, where MHD lets none be queued: it is written by hand before the connection is cut.
   A client that only finds its connection closed would send the same again. */
static enum MHD_Result cut_off(struct qun__http_request *r, int status, const char *detail) {
  struct qun_pack text;
  char head[256];
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  qun_pack_init(&text);
  qun_problem_write(&text, status, detail, r->uri, NULL);
  int n = snprintf(head, sizeof head,
                   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
                   qun_problem_phrase(status), QUN_PROBLEM_TYPE, text.len);
  if (info && !text.failed && send(info->connect_fd, head, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE) == n) {
    ssize_t sent = send(info->connect_fd, text.buf, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
      qun_log_line(r->listener->http->options.log, QUN_LOG_DEBUG, "http: the client is gone: %s", strerror(errno));
  }
  qun_pack_fini(&text);
  count(r->listener->http, status);
  return MHD_NO;
}

/* ---- who asks */

static void identify(struct qun__http_request *r) {
  static const char scheme[] = "Bearer ";
  uid_t uid;
  const char *text = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Authorization");
  r->api.role = QUN_ROLE_NONE;
  if (text) {
    if (strncasecmp(text, scheme, sizeof scheme - 1) != 0) return;
    text += sizeof scheme - 1;
    while (*text == ' ') text++;
    if (qun_tokens_verify(r->listener->http->tokens, qun_str(text), &r->grant) < 0) return;
    r->api.role = r->grant.role;
    r->api.tenant = r->grant.tenant;
    return;
  }
  if (!r->listener->is_unix) return;
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info && qun_peer_uid(info->connect_fd, &uid) && (uid == 0 || uid == geteuid())) r->api.role = QUN_ROLE_AGENCY;
}

/* ---- the body */

static const char *header(void *arg, const char *name) {
  const struct qun__http_request *r = arg;
  return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

static bool is_read(const char *method) {
  return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

static enum MHD_Result look_at_headers(struct qun__http_request *r, const char *method) {
  struct qun_http *http = r->listener->http;
  const char *length = header(r, "Content-Length");
  unsigned long long announced = length ? strtoull(length, NULL, 10) : 0;
  char detail[160];
  r->begun = true;
  identify(r);
  if (http->stopping) return refuse(r, 503, "the process is stopping", 5);
  if (announced > http->options.body_limit) {
    snprintf(detail, sizeof detail, "the body has %llu bytes; the limit is %llu", announced,
             (unsigned long long)http->options.body_limit);
    return refuse(r, 413, detail, 0);
  }
  /* Nobody unknown makes this process hold a body. */
  if (r->api.role == QUN_ROLE_NONE && !is_read(method))
    return refuse(r, 401, "send \"Authorization: Bearer <token>\" with a token of the tenant", 0);
  if (announced > 0 && http->held + announced > http->options.body_budget)
    return refuse(r, 503, "too many bodies are on their way", 1);
  return MHD_YES;
}

static bool make_room(struct qun__http_request *r, size_t size) {
  struct qun_http *http = r->listener->http;
  if (r->body_cap - r->body_len >= size) return true;
  size_t cap = r->body_cap ? r->body_cap : 4096;
  while (cap - r->body_len < size) cap *= 2;
  if (http->held + (cap - r->body_cap) > http->options.body_budget) return false;
  unsigned char *body = realloc(r->body, cap);
  if (!body) return false;
  http->held += cap - r->body_cap;
  r->body = body;
  r->body_cap = cap;
  return true;
}

static enum MHD_Result take_bytes(struct qun__http_request *r, const char *data, size_t *size) {
  struct qun_http *http = r->listener->http;
  char detail[160];
  if (*size > http->options.body_limit - r->body_len) {
    snprintf(detail, sizeof detail, "the body is longer than the limit of %llu bytes",
             (unsigned long long)http->options.body_limit);
    return cut_off(r, 413, detail);
  }
  if (!make_room(r, *size)) return cut_off(r, 503, "too many bodies are on their way");
  memcpy(r->body + r->body_len, data, *size);
  r->body_len += *size;
  qun_metric_add(http->metrics, QUN_METRIC_HTTP_RECEIVED, (int64_t)*size);
  *size = 0;
  return MHD_YES;
}

/* ---- the way to the API */

static void describe(struct qun__http_request *r, const char *method) {
  char *query = strchr(r->uri, '?');
  if (query) *query++ = '\0';
  r->api.method = !strcmp(method, "HEAD") ? "GET" : method;
  r->api.path = r->uri;
  r->api.query = query;
  r->api.content_type = header(r, "Content-Type");
  r->api.accept_language = header(r, "Accept-Language");
  r->api.body = qun_slice_of(r->body, r->body_len);
  r->api.header = header;
  r->api.header_arg = r;
}

static enum MHD_Result dispatch(struct qun__http_request *r, const char *method) {
  struct qun_http *http = r->listener->http;
  describe(r, method);
  r->dispatched = true;
  http->in_flight++;
  pthread_mutex_lock(&http->lock);
  http->unanswered++;
  pthread_mutex_unlock(&http->lock);
  qun_metric_add(http->metrics, QUN_METRIC_HTTP_IN_FLIGHT, 1);
  qun_api_dispatch(http->options.api, &r->api, on_answer, r);
  pthread_mutex_lock(&http->lock);
  bool answered = r->answered;
  if (!answered) {
    /* Under the lock, so that the answer finds it asleep. */
    r->suspended = true;
    MHD_suspend_connection(r->connection);
  }
  pthread_mutex_unlock(&http->lock);
  return answered ? queue(r) : MHD_YES;
}

enum MHD_Result qun__request_step(void *listener, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **context) {
  struct qun__http_request *r = *context;
  (void)listener;
  (void)connection;
  (void)url;
  (void)version;
  if (!r) return MHD_NO;
  if (!r->begun) return look_at_headers(r, method);
  if (*size > 0) return take_bytes(r, data, size);
  if (r->dispatched) return queue(r);
  return dispatch(r, method);
}
