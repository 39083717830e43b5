/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the HTTP server: listeners (server.c) and requests (request.c). */
#ifndef QUN_HOST_HTTP_SERVER_INTERNAL_H
#define QUN_HOST_HTTP_SERVER_INTERNAL_H

#include "host/http/server.h"
#include "host/http/tokens.h"
#include "host/ops/metrics.h"

#include <microhttpd.h>
#include <pthread.h>

struct qun__listener {
  struct qun_http *http;
  struct MHD_Daemon *daemon; /* NULL: not open */
  uv_poll_t poll;
  uv_timer_t timer;
  bool is_unix;
};

struct qun__http_request {
  struct qun__listener *listener;
  struct MHD_Connection *connection;
  char *uri; /* raw; `?` cut to end the path */
  struct qun_api_request api;
  struct qun_grant grant;
  bool begun; /* headers were looked at */
  bool dispatched;
  unsigned char *body;
  size_t body_len, body_cap;
  /* below: under http->lock */
  bool suspended, answered;
  struct MHD_Response *response;
  int status;
  struct qun__http_request *next; /* among those to be woken */
};

enum { QUN__TCP = 0, QUN__UNIX, QUN__LISTENERS };

struct qun_http {
  struct qun_http_options options;
  struct qun_metrics *metrics;
  struct qun_tokens *tokens;
  struct qun__listener listeners[QUN__LISTENERS];
  uv_async_t wake;
  uv_timer_t deadline;
  pthread_mutex_t lock;
  struct qun__http_request *woken; /* under lock: answered while suspended */
  uint32_t unanswered;             /* under lock: dispatched, not answered */
  uint64_t held;                   /* bytes of bodies; loop's thread */
  uint32_t in_flight;              /* dispatched, not completed; loop's thread */
  bool stopping, closing;
  int handles;
  void (*stopped)(void *arg);
  void *stopped_arg;
};

/* MHD's callbacks, in request.c */
void *qun__request_begin(void *listener, const char *uri, struct MHD_Connection *connection);
enum MHD_Result qun__request_step(void *listener, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **request);
void qun__request_end(void *listener, struct MHD_Connection *connection, void **request,
                      enum MHD_RequestTerminationCode code);

#endif
