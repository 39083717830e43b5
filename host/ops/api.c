/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/api_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHORT_THREADS = 4, SHORT_LIMIT = 1024, LONG_THREADS = 2, LONG_LIMIT = 64 };

struct loading {
  struct qun_tokens *tokens;
  struct qun_error *err;
};

static int load_tokens(void *arg, const char *name) {
  const struct loading *loading = arg;
  return qun_tokens_load(loading->tokens, name, loading->err);
}

static int open_tokens(struct qun_api *api, struct qun_error *err) {
  int rc = qun_tokens_create(&api->tokens, qun_engine_keys_dir(api->engine), err);
  if (rc < 0) return rc;
  return qun_engine_tenant_each(api->engine, load_tokens, &(struct loading){api->tokens, err});
}

static void first_metrics(struct qun_api *api) {
  const struct qun_plugin_set *plugins = qun_engine_plugins(api->engine);
  qun_metric_set(&api->metrics, QUN_METRIC_PLUGINS_LOADED, plugins->count);
  qun_metric_set(&api->metrics, QUN_METRIC_PLUGINS_REFUSED, plugins->refused_count);
  qun_metric_set(&api->metrics, QUN_METRIC_START_TIME, qun_engine_now(api->engine) / 1000);
  qun_metric_set(&api->metrics, QUN_METRIC_READY, 1);
}

int qun_api_create(struct qun_api **out, struct qun_engine *engine, struct qun_error *err) {
  struct qun_api *api = calloc(1, sizeof *api);
  if (!api) return qun_error_set(err, QUN_EFAIL, "there is no memory for the API");
  api->engine = engine;
  pthread_mutex_init(&api->lock, NULL);
  pthread_cond_init(&api->idle, NULL);
  int rc = open_tokens(api, err);
  if (rc == 0) rc = qun__pool_start(&api->pools[QUN__SHORT], SHORT_THREADS, SHORT_LIMIT, &api->metrics, err);
  if (rc == 0) rc = qun__pool_start(&api->pools[QUN__LONG], LONG_THREADS, LONG_LIMIT, &api->metrics, err);
  if (rc < 0) {
    qun_api_destroy(api);
    return rc;
  }
  first_metrics(api);
  *out = api;
  return 0;
}

void qun_api_destroy(struct qun_api *api) {
  if (!api) return;
  for (int i = QUN__SHORT; i < QUN__POOLS; i++) qun__pool_stop(&api->pools[i]);
  pthread_mutex_lock(&api->lock);
  while (api->in_flight > 0) pthread_cond_wait(&api->idle, &api->lock);
  pthread_mutex_unlock(&api->lock);
  qun_tokens_destroy(api->tokens);
  pthread_cond_destroy(&api->idle);
  pthread_mutex_destroy(&api->lock);
  free(api);
}

struct qun_tokens *qun_api_tokens(struct qun_api *api) {
  return api->tokens;
}

struct qun_metrics *qun_api_metrics(struct qun_api *api) {
  return &api->metrics;
}

void qun_api_set_worker(struct qun_api *api, const struct qun_api_worker *worker) {
  api->worker = worker;
  struct qun_recovery r;
  qun_engine_recovery(api->engine, &r);
  qun_metric_set(&api->metrics, QUN_METRIC_RESTARTS, worker->restarts);
  qun_metric_set(&api->metrics, QUN_METRIC_RECOVERED, (int64_t)r.entries);
}

void qun_api_drain(struct qun_api *api) {
  api->draining = true;
  qun_metric_set(&api->metrics, QUN_METRIC_READY, 0);
}

static struct qun__call *call_create(struct qun_api *api, const struct qun_api_request *req, qun_api_done done,
                                     void *arg) {
  struct qun__call *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->api = api;
  c->engine = api->engine;
  c->req = req;
  c->done = done;
  c->arg = arg;
  qun_arena_init(&c->arena);
  qun_pack_init(&c->in);
  qun_pack_init(&c->out);
  qun_pack_init(&c->text);
  pthread_mutex_lock(&api->lock);
  api->in_flight++;
  pthread_mutex_unlock(&api->lock);
  return c;
}

void qun__call_destroy(struct qun__call *c) {
  struct qun_api *api = c->api;
  qun_pack_fini(&c->in);
  qun_pack_fini(&c->out);
  qun_pack_fini(&c->text);
  qun_arena_fini(&c->arena);
  free(c->state);
  free(c);
  /* The last touch of the API is under its lock: destroy waits there. */
  pthread_mutex_lock(&api->lock);
  if (--api->in_flight == 0) pthread_cond_broadcast(&api->idle);
  pthread_mutex_unlock(&api->lock);
}

bool qun__route_of_tenant(const struct qun__route *route) {
  static const char prefix[] = "/v1/tenants/{name}";
  return !strncmp(route->pattern, prefix, sizeof prefix - 1);
}

/* Finds the route. 0; QUN_EINVAL: the path cannot be decoded; QUN_ENOTFOUND: no such path, or (with `allow` filled) not
 * that method. */
static int find_route(struct qun__call *c, char *allow, size_t size) {
  for (uint32_t i = 0; i < qun__routes_count; i++) {
    const struct qun__route *route = &qun__routes[i];
    int found = qun__path_match(c->req->path, route->pattern, &c->arena, c->params);
    if (found < 0) return found;
    if (!found) continue;
    if (!strcmp(route->method, c->req->method)) {
      c->route = route;
      return 0;
    }
    size_t at = strlen(allow);
    snprintf(allow + at, size - at, "%s%s", at ? ", " : "", route->method);
  }
  return QUN_ENOTFOUND;
}

/* Whether the caller may go on; answers the request if not. A tenant that the token is not for looks like one that does
 * not exist. */
static bool admit(struct qun__call *c) {
  const struct qun_api_request *req = c->req;
  uint32_t roles = c->route->roles;
  if (roles & QUN_ROLES_ANYBODY) return true;
  if (req->role == QUN_ROLE_NONE) {
    qun__answer_problem(c, 401, "send \"Authorization: Bearer <token>\" with a token of the tenant", NULL);
    return false;
  }
  if (qun__route_of_tenant(c->route)) {
    bool own = req->role == QUN_ROLE_AGENCY || (req->tenant && !strcmp(req->tenant, c->params[0]));
    if (!own || !qun_engine_tenant_exists(c->engine, c->params[0])) {
      qun__answer_problem(c, 404, "there is no such tenant, or this token is not for it", NULL);
      return false;
    }
  }
  if (!qun_role_in(req->role, roles)) {
    char detail[160];
    snprintf(detail, sizeof detail, "a token of role %s may not %s this path", qun_role_name(req->role), req->method);
    qun__answer_problem(c, 403, detail, NULL);
    return false;
  }
  return true;
}

static bool read_request(struct qun__call *c) {
  int rc = qun__query_read(c);
  if (rc == 0 && c->route->body == QUN__BODY_JSON) rc = qun__body_read(c);
  if (rc < 0) qun__answer_problem(c, rc == QUN_EINVAL ? 400 : 500, c->err.message, NULL);
  return rc == 0;
}

void qun_api_dispatch(struct qun_api *api, const struct qun_api_request *request, qun_api_done done, void *arg) {
  char allow[64] = "";
  struct qun__call *c = call_create(api, request, done, arg);
  if (!c) {
    done(arg, &(struct qun_api_response){
                  .status = 503, .retry_after = 1, .content_type = "text/plain", .body = qun_str("no memory\n")});
    return;
  }
  int rc = find_route(c, allow, sizeof allow);
  if (rc == QUN_EINVAL)
    qun__answer_problem(c, 400, "the path is not percent-encoded UTF-8", NULL);
  else if (rc < 0 && *allow)
    qun__answer_method(c, allow);
  else if (rc < 0)
    qun__answer_problem(c, 404, "there is no such path; GET /v1 lists them", NULL);
  else if (!admit(c))
    return;
  else if (api->draining && strcmp(request->method, "GET") != 0)
    qun__answer_later(c, 503, "the process is stopping", 5);
  else if (!read_request(c))
    return;
  else if (c->route->pool == QUN__HERE)
    c->route->handle(c);
  else if (qun__pool_run(&api->pools[c->route->pool], c) < 0)
    qun__answer_later(c, 503, "too many requests wait", 1);
}
