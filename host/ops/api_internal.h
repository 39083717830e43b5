/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the API: a request in flight, the table of routes, and what handlers answer with. A handler runs on one thread
 * at a time and ends its request with exactly one qun__answer_... call, at once or later from a callback; after it the
 * request is gone.
 */
#ifndef QUN_HOST_OPS_API_INTERNAL_H
#define QUN_HOST_OPS_API_INTERNAL_H

#include "host/http/tokens.h"
#include "host/ops/api.h"
#include "host/ops/metrics.h"

#include <pthread.h>

enum { QUN__PARAMS_MAX = 3, QUN__QUERY_MAX = 16 };

enum qun__where { QUN__IN_QUERY = 1, QUN__IN_BODY };
enum qun__kind { QUN__TEXT = 1, QUN__INT, QUN__BOOL, QUN__MAP };

struct qun__param { /* a list ends with a NULL name */
  const char *name;
  enum qun__where where;
  enum qun__kind kind;
  bool required;
  const char *doc;
};

/* Which thread runs the handler. */
enum qun__pool { QUN__HERE = 0, QUN__SHORT, QUN__LONG, QUN__POOLS };
enum qun__body { QUN__BODY_NONE = 0, QUN__BODY_JSON, QUN__BODY_RAW };

struct qun__call;

struct qun__route {
  const char *method;
  const char
      *pattern;   /* "/v1/tenants/{name}/events": a segment in braces takes any text; a last "{*}" all that follows,
                          from its slash on, not decoded; such a route takes any query parameter */
  uint32_t roles; /* QUN_ROLES_* */
  enum qun__pool pool;
  enum qun__body body; /* JSON: one object, checked against params; RAW: the handler's */
  void (*handle)(struct qun__call *c);
  const char *summary;
  const struct qun__param *params;
};

extern const struct qun__route qun__routes[];
extern const uint32_t qun__routes_count;
/* The route concerns one tenant: its first path parameter is the tenant's name. */
bool qun__route_of_tenant(const struct qun__route *route);

struct qun__pair {
  const char *name, *value;
};

struct qun__call {
  struct qun_api *api;
  struct qun_engine *engine;
  const struct qun_api_request *req;
  const struct qun__route *route;
  qun_api_done done;
  void *arg;
  struct qun_arena arena;              /* lives until the answer */
  const char *params[QUN__PARAMS_MAX]; /* path parameters, decoded */
  struct qun__pair query[QUN__QUERY_MAX];
  uint32_t query_count;
  struct qun_pack in;   /* the body as msgpack, for QUN__BODY_JSON */
  struct qun_pack out;  /* the answer as msgpack, for qun__answer_map */
  struct qun_pack text; /* the answer as sent */
  struct qun_error err;
  void *state; /* the handler's own; freed with free() */
  struct qun__call *next;
};

/* ---- api_path.c */
/* Splits and decodes the path; 1 if it is the pattern's, with params filled from the arena. 0 if not. QUN_EINVAL: not
 * decodable. */
int qun__path_match(const char *path, const char *pattern, struct qun_arena *arena,
                    const char *params[QUN__PARAMS_MAX]);
/* Decodes %XX in place of `text`, with + as a space if `form`. A NUL-ended copy, or NULL: broken escape, NUL byte,
 * broken UTF-8 or no memory. */
const char *qun__decode(struct qun_arena *arena, const char *text, size_t len, bool form);
/* Fills c->query. QUN_EINVAL names the parameter. */
int qun__query_read(struct qun__call *c);
/* A query parameter's text, or NULL. */
const char *qun__query(const struct qun__call *c, const char *name);
/* A query parameter as a number of 0..max. QUN_EINVAL names it. */
int qun__query_uint(struct qun__call *c, const char *name, uint64_t otherwise, uint64_t max, uint64_t *out);
/* The language of the answer: ?locale=, else the first of Accept-Language; NULL: none given. Checked for form only. */
const char *qun__locale(struct qun__call *c);

/* ---- api_body.c */
/* Reads c->req->body as one JSON object into c->in and checks it against the route's parameters. QUN_EINVAL names the
 * key. */
int qun__body_read(struct qun__call *c);
/* A text member of c->in as a C string from the arena; NULL: absent. */
const char *qun__body_text(struct qun__call *c, const char *name);

/* ---- api_reply.c */
/* Ends the request with c->out as JSON. */
void qun__answer_map(struct qun__call *c, int status);
/* Ends it with c->text as it is. `security`: Content-Security-Policy, NULL for the strictest. */
void qun__answer_text(struct qun__call *c, int status, const char *content_type, const char *security);
/* Ends it with an open file, which goes to the transport. */
void qun__answer_file(struct qun__call *c, const char *content_type, int fd, uint64_t size);
/* Ends it with a problem document (RFC 9457). `errors`: NULL, or a msgpack array of maps that becomes its `errors`
 * member. */
void qun__answer_problem(struct qun__call *c, int status, const char *detail, const struct qun_pack *errors);
/* The same with the status that belongs to a code of the engine; `message` NULL: c->err's. */
void qun__answer_error(struct qun__call *c, int code, const char *message);
/* 405 with the methods that the path has. */
void qun__answer_method(struct qun__call *c, const char *allow);
/* 429 or 503 with Retry-After. */
void qun__answer_later(struct qun__call *c, int status, const char *detail, int seconds);

/* ---- api_workers.c */
struct qun__worker_pool {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct qun__call *head, *tail;
  uint32_t waiting, limit, threads_count;
  bool stopping;
  struct qun_metrics *metrics;
  pthread_t threads[8];
};
int qun__pool_start(struct qun__worker_pool *p, uint32_t threads, uint32_t limit, struct qun_metrics *metrics,
                    struct qun_error *err);
/* Runs what waits, then stops. Safe on a pool that was never started (zeroed). */
void qun__pool_stop(struct qun__worker_pool *p);
/* 0, or QUN_EAGAIN when `limit` calls wait. */
int qun__pool_run(struct qun__worker_pool *p, struct qun__call *c);

/* ---- api.c */
struct qun_api {
  struct qun_engine *engine;
  struct qun_tokens *tokens;
  struct qun_metrics metrics;
  const struct qun_api_worker *worker;       /* NULL: no daemon */
  struct qun__worker_pool pools[QUN__POOLS]; /* [QUN__HERE] is not used */
  _Atomic bool draining;
  pthread_mutex_t lock; /* of in_flight */
  pthread_cond_t idle;
  uint32_t in_flight; /* calls that were begun and not answered */
};
/* Frees an answered call. */
void qun__call_destroy(struct qun__call *c);

/* ---- handlers, in api_<subject>.c */
void qun__get_index(struct qun__call *c);
void qun__get_routes(struct qun__call *c);
void qun__get_health(struct qun__call *c);
void qun__get_ready(struct qun__call *c);
void qun__get_metrics(struct qun__call *c);
void qun__get_worker(struct qun__call *c);
void qun__get_tenants(struct qun__call *c);
void qun__post_tenants(struct qun__call *c);
void qun__get_tenant(struct qun__call *c);
void qun__patch_tenant(struct qun__call *c);
void qun__delete_tenant(struct qun__call *c);
void qun__get_tokens(struct qun__call *c);
void qun__post_tokens(struct qun__call *c);
void qun__delete_token(struct qun__call *c);
void qun__post_events(struct qun__call *c);
void qun__get_events(struct qun__call *c);
void qun__post_imports(struct qun__call *c);
void qun__get_report(struct qun__call *c);
void qun__post_call(struct qun__call *c);
void qun__get_checkpoint(struct qun__call *c);
void qun__get_audit_key(struct qun__call *c);
void qun__post_prove(struct qun__call *c);
void qun__post_audit_run(struct qun__call *c);
void qun__post_replay(struct qun__call *c);
void qun__post_backup(struct qun__call *c);
void qun__get_backup(struct qun__call *c);
void qun__post_restore(struct qun__call *c);
void qun__post_erase(struct qun__call *c);
void qun__get_doctor(struct qun__call *c);
void qun__get_plugins(struct qun__call *c);
void qun__get_plugin(struct qun__call *c);
void qun__post_plugin(struct qun__call *c);
void qun__post_release(struct qun__call *c);
void qun__plugin_route(struct qun__call *c);

#endif
