/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/tenants/NAME/x/PLUGIN/...: the routes of a plugin's manifest (DECISIONS 19). The plugin sees the path below its own, the query, the headers that
 * its route lists and the body; never who holds which token. */
#include "host/ops/api_internal.h"

#include <stdio.h>

static const char page[] =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

/* The route of that path and method. NULL: none; `allow` then has the methods that the path has. */
static const struct qun_manifest_route *find(struct qun__call *c, const struct qun_manifest *m, char allow[64],
                                             const char *args[QUN__PARAMS_MAX]) {
  for (uint32_t i = 0; i < m->routes_count; i++) {
    const struct qun_manifest_route *r = &m->routes[i];
    char pattern[160];
    size_t at = strlen(allow);
    snprintf(pattern, sizeof pattern, "/%s", r->path);
    if (qun__path_match(c->params[2], pattern, &c->arena, args) != 1) continue;
    if (!strcmp(r->method, c->req->method)) return r;
    snprintf(allow + at, 64 - at, "%s%s", at ? ", " : "", r->method);
  }
  return NULL;
}

static void write_args(struct qun_pack *out, const char *pattern, const char *const args[QUN__PARAMS_MAX]) {
  uint32_t n = 0;
  qun_pack_cstr(out, "args");
  size_t at = qun_pack_open_map(out);
  for (const char *open = strchr(pattern, '{'); open; open = strchr(open + 1, '{')) {
    qun_pack_str(out, qun_slice_of(open + 1, strcspn(open + 1, "}")));
    qun_pack_cstr(out, args[n++]);
  }
  qun_pack_close(out, at, n);
}

static void write_headers(struct qun__call *c, struct qun_pack *out, const struct qun_manifest_route *r) {
  uint32_t n = 0;
  qun_pack_cstr(out, "headers");
  size_t at = qun_pack_open_map(out);
  for (uint32_t i = 0; c->req->header && i < r->headers_count; i++) {
    const char *value = c->req->header(c->req->header_arg, r->headers[i]);
    if (!value || !qun_utf8_valid(qun_str(value))) continue;
    qun_pack_kv_cstr(out, r->headers[i], value);
    n++;
  }
  qun_pack_close(out, at, n);
}

static void write_params(struct qun__call *c, const struct qun_manifest_route *r,
                         const char *const args[QUN__PARAMS_MAX]) {
  struct qun_pack *out = &c->in;
  qun_pack_map(out, 6);
  qun_pack_kv_cstr(out, "method", r->method);
  qun_pack_kv_cstr(out, "path", c->params[2] + 1);
  write_args(out, r->path, args);
  qun_pack_cstr(out, "query");
  qun_pack_map(out, c->query_count);
  for (uint32_t i = 0; i < c->query_count; i++) qun_pack_kv_cstr(out, c->query[i].name, c->query[i].value);
  write_headers(c, out, r);
  qun_pack_cstr(out, "body");
  qun_pack_bin(out, c->req->body);
}

/* What qun.http/1 made of the answer; false: it is a plain reply. */
static bool is_response(qun_slice reply, int64_t *status, qun_slice *type, qun_slice *body) {
  struct qun_unpack u;
  qun_slice inner;
  uint32_t n;
  int ext;
  qun_unpack_init(&u, reply);
  if (!qun_unpack_ext(&u, &ext, &inner) || ext != QUN_HTTP_EXT) return false;
  qun_unpack_init(&u, inner);
  return qun_unpack_array(&u, &n) && n == 3 && qun_unpack_int(&u, status) && qun_unpack_str(&u, type) &&
         qun_unpack_bin(&u, body);
}

static void answer(struct qun__call *c) {
  int64_t status = 0;
  qun_slice type, body;
  if (!is_response(qun_pack_slice(&c->out), &status, &type, &body)) {
    qun__answer_map(c, 200);
    return;
  }
  const char *content_type = qun_arena_copy(&c->arena, type).ptr; /* which ends it with a NUL */
  qun_pack_raw(&c->text, body);
  if (!content_type || c->text.failed)
    qun__answer_problem(c, 500, "there is no memory for the answer", NULL);
  else
    qun__answer_text(c, (int)status, content_type, page);
}

void qun__plugin_route(struct qun__call *c) {
  const struct qun_loaded_plugin *plugin = qun_plugin_set_find(qun_engine_plugins(c->engine), c->params[1]);
  const char *args[QUN__PARAMS_MAX] = {NULL};
  char allow[64] = "", detail[120];
  const struct qun_manifest_route *route = plugin ? find(c, plugin->manifest, allow, args) : NULL;
  if (!route && *allow) {
    const char *methods = qun_arena_copy(&c->arena, qun_str(allow)).ptr;
    qun__answer_method(c, methods ? methods : "");
    return;
  }
  if (!route) {
    qun__answer_problem(c, 404,
                        "there is no such plugin, or its manifest has no such route; GET /v1/plugins/{id} lists them",
                        NULL);
    return;
  }
  if (c->req->body.len > route->max_body) {
    snprintf(detail, sizeof detail, "the body has %llu bytes; this route takes %u",
             (unsigned long long)c->req->body.len, route->max_body);
    qun__answer_problem(c, 413, detail, NULL);
    return;
  }
  write_params(c, route, args);
  struct qun_call_spec spec = {.tenant = c->params[0],
                               .service = route->service->name,
                               .params = qun_pack_slice(&c->in),
                               .locale = qun__locale(c),
                               .role = qun_role_name(c->req->role)};
  int rc = c->in.failed ? qun_error_set(&c->err, QUN_EFAIL, "there is no memory for the request")
                        : qun_engine_call_wait(c->engine, &spec, &c->out, &c->err);
  if (rc < 0)
    qun__answer_error(c, rc, NULL);
  else
    answer(c);
}
