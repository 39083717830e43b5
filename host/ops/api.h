/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API, without a transport: one table of routes. The HTTP server and the command line (in one process with the
 * engine, when no daemon runs) both dispatch here, so each command is an API call and answers are the same everywhere.
 */
#ifndef QUN_HOST_OPS_API_H
#define QUN_HOST_OPS_API_H

#include "host/engine/engine.h"

enum qun_role {
  QUN_ROLE_NONE = 0,
  QUN_ROLE_INGEST,
  QUN_ROLE_AUDITOR,
  QUN_ROLE_OPERATOR,
  QUN_ROLE_OWNER,
  QUN_ROLE_AGENCY
};

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
  int retry_after; /* seconds; 0: none */
  qun_slice body;  /* borrowed until `done` returns */
};

typedef void (*qun_api_done)(void *arg, const struct qun_api_response *response);

struct qun_api;
int qun_api_create(struct qun_api **out, struct qun_engine *engine, struct qun_error *err);
void qun_api_destroy(struct qun_api *api);
/* Starts a request and returns at once or after quick work; `done` is called exactly once, on this thread or another.
   The request must live until then. Long work (audit, replay, export) runs on the API's own worker threads. Errors are
   RFC 9457 problem documents. */
void qun_api_dispatch(struct qun_api *api, const struct qun_api_request *request, qun_api_done done, void *arg);

#endif
