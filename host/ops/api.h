/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API, without a transport: one table of routes. The HTTP server and the command line (in one process with the
 * engine, when no daemon runs) both dispatch here, so each command is an API call and answers are the same everywhere.
 */
#ifndef QUN_HOST_OPS_API_H
#define QUN_HOST_OPS_API_H

#include "host/engine/engine.h"
#include "host/ops/role.h"

struct qun_api_request {
  const char *method;       /* GET, POST, PATCH, DELETE */
  const char *path;         /* "/v1/tenants/acme/events", percent-decoded by segment in dispatch */
  const char *query;        /* "a=1&b=2", raw; NULL: none */
  const char *content_type; /* NULL: none */
  const char *accept_language;
  qun_slice body;
  enum qun_role role;                                 /* of the token */
  const char *tenant;                                 /* of the token; NULL for agency */
  const char *(*header)(void *arg, const char *name); /* other headers (ce-*); NULL: none */
  void *header_arg;
};

struct qun_api_response {
  int status;
  const char *content_type;
  int retry_after;      /* seconds; 0: none */
  const char *allow;    /* methods that the path has, with 405; NULL: none */
  const char *security; /* Content-Security-Policy; NULL: nothing may load or run */
  qun_slice body;       /* borrowed until `done` returns */
  int file;             /* > 0: the body is this open file, which the transport takes over; `body` is empty */
  uint64_t file_size;
};

typedef void (*qun_api_done)(void *arg, const struct qun_api_response *response);

struct qun_api;
int qun_api_create(struct qun_api **out, struct qun_engine *engine, struct qun_error *err);
void qun_api_destroy(struct qun_api *api);
/* Starts a request and returns at once or after quick work; `done` is called exactly once, on this thread or another.
   The request must live until then. Long work (audit, replay, export) runs on the API's own worker threads. Errors are
   RFC 9457 problem documents. */
void qun_api_dispatch(struct qun_api *api, const struct qun_api_request *request, qun_api_done done, void *arg);

/* How the process that serves came up, for GET /v1/worker and /metrics. */
struct qun_api_worker {
  bool supervised;
  uint32_t restarts; /* workers that crashed before this one */
  char reason[48];   /* how the last of them ended: "SIGSEGV", "exit code 1"; "none" */
  int64_t open_ms;   /* how long the engine took to open, with what it recovered */
  int64_t gap_ms;    /* from that end to serving again; 0: none before */
  void (*again)(
      void *arg); /* another worker shall take the place of this one, in order. Any thread; NULL: nobody starts one */
  void *again_arg;
};
/* Borrowed; the loop's thread writes it. Call once, before requests. */
void qun_api_set_worker(struct qun_api *api, const struct qun_api_worker *worker);

/* ---- for transports */
struct qun_tokens;
struct qun_metrics;
/* The tokens of all tenants; lives as long as the API. */
struct qun_tokens *qun_api_tokens(struct qun_api *api);
/* The counters that GET /metrics shows. */
struct qun_metrics *qun_api_metrics(struct qun_api *api);
/* From now on GET /readyz answers 503 and new work that changes something is refused with 503: the process is stopping.
 * Any thread. */
void qun_api_drain(struct qun_api *api);

#endif
