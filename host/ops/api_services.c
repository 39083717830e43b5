/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins answer: reports and services. */
#include "host/ops/api_internal.h"
#include "host/ops/json.h"
#include "host/reports/report.h"

#include <stdio.h>

static int call_service(struct qun__call *c, const char *service, qun_slice params, struct qun_pack *reply) {
  struct qun_call_spec spec = {
      .tenant = c->params[0],
      .service = service,
      .params = params,
      .locale = qun__locale(c),
      .role = qun_role_name(c->req->role),
  };
  return qun_engine_call_wait(c->engine, &spec, reply, &c->err);
}

/* ---- GET /v1/tenants/NAME/reports/PLUGIN */

/* "2026-03-01" to days since 1970-01-01. */
static int read_day(struct qun__call *c, const char *name, struct qun_pack *params, uint32_t *members) {
  char time[32];
  int64_t ms;
  const char *text = qun__query(c, name);
  if (!text) return 0;
  snprintf(time, sizeof time, "%.10sT00:00:00Z", text);
  if (strlen(text) != 10 || qun_time_parse(qun_str(time), &ms) < 0)
    return qun_error_set(&c->err, QUN_EINVAL, "query parameter \"%s\" must be a day such as 2026-03-01", name);
  int64_t day = ms >= 0 ? ms / 86400000 : -((-ms + 86399999) / 86400000);
  qun_pack_kv_int(params, name, day);
  ++*members;
  return 0;
}

static bool has_view(const struct qun_manifest *manifest, const char *view) {
  for (uint32_t i = 0; i < manifest->views_count; i++)
    if (!strcmp(manifest->views[i].name, view)) return true;
  return false;
}

static int write_params(struct qun__call *c, const struct qun_manifest *manifest, struct qun_pack *params) {
  uint32_t members = 0;
  const char *view = qun__query(c, "view");
  size_t at = qun_pack_open_map(params);
  if (view && !has_view(manifest, view))
    return qun_error_set(&c->err, QUN_EINVAL, "the report of plugin \"%s\" has no view \"%.100s\"", manifest->id, view);
  if (!view && manifest->views_count > 0) view = manifest->views[0].name;
  if (view) {
    qun_pack_kv_cstr(params, "view", view);
    members++;
  }
  int rc = read_day(c, "from", params, &members);
  if (rc == 0) rc = read_day(c, "to", params, &members);
  qun_pack_close(params, at, members);
  return rc;
}

static void answer_report(struct qun__call *c, const struct qun_manifest *manifest, enum qun_report_face face) {
  char service[160];
  struct qun_pack params, model;
  qun_pack_init(&params);
  qun_pack_init(&model);
  snprintf(service, sizeof service, "%s.report", manifest->id);
  int status = 0;
  int rc = write_params(c, manifest, &params);
  if (rc < 0) status = 400;
  if (rc == 0) rc = call_service(c, service, qun_pack_slice(&params), &model);
  if (rc >= 0)
    rc = qun_report_render(c->engine, c->params[0], manifest->id, qun_pack_slice(&model), face, qun__locale(c),
                           &c->text, &c->err);
  qun_pack_fini(&params);
  qun_pack_fini(&model);
  if (rc >= 0)
    qun__answer_text(c, 200, qun_report_face_type(face), face == QUN_FACE_HTML ? "sandbox allow-scripts" : NULL);
  else if (status)
    qun__answer_problem(c, status, c->err.message, NULL);
  else
    qun__answer_error(c, rc, NULL);
}

void qun__get_report(struct qun__call *c) {
  enum qun_report_face face;
  const char *format = qun__query(c, "format");
  const struct qun_loaded_plugin *plugin = qun_plugin_set_find(qun_engine_plugins(c->engine), c->params[1]);
  if (!plugin) {
    qun__answer_problem(c, 404, "there is no such plugin; GET /v1/plugins lists them", NULL);
    return;
  }
  if (qun_report_face_parse(format ? format : "json", &face, &c->err) < 0) {
    qun__answer_problem(c, 400, c->err.message, NULL);
    return;
  }
  answer_report(c, plugin->manifest, face);
}

/* ---- POST /v1/tenants/NAME/call/SERVICE */

void qun__post_call(struct qun__call *c) {
  struct qun_unpack u;
  if (c->req->body.len == 0)
    qun_pack_map(&c->in, 0);
  else if (qun_json_to_msgpack(&c->in, c->req->body, &c->err) < 0) {
    qun__answer_problem(c, 400, c->err.message, NULL);
    return;
  }
  qun_unpack_init(&u, qun_pack_slice(&c->in));
  if (qun_unpack_peek(&u) != QUN_MP_MAP) {
    qun__answer_problem(c, 400, "the body must be one JSON object", NULL);
    return;
  }
  int rc = call_service(c, c->params[1], qun_pack_slice(&c->in), &c->out);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  if (c->out.len == 0) qun_pack_map(&c->out, 0);
  qun_unpack_init(&u, qun_pack_slice(&c->out));
  if (qun_unpack_peek(&u) == QUN_MP_EXT) {
    qun__answer_problem(c, 404, "this service answers HTTP by its route alone", NULL);
    return;
  }
  qun__answer_map(c, 200);
}
