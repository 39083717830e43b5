/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

/* "first|second|q|note|cookie|body", with "-" for what is not there. */
static void echo(struct qun_pack *out, qun_slice params) {
  static const char *const from[][2] = {
      {"args", "first"}, {"args", "second"}, {"query", "q"}, {"headers", "x-note"}, {"headers", "cookie"}};
  struct qun_unpack u;
  qun_slice part, body;
  for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
    qun_slice value = {NULL, 0};
    if (qun_mp_find(params, from[i][0], &part)) value = qun_mp_str(part, from[i][1]);
    qun_pack_raw(out, value.ptr ? value : qun_str("-"));
    qun_pack_raw(out, qun_str("|"));
  }
  if (!qun_mp_find(params, "body", &part)) return;
  qun_unpack_init(&u, part);
  if (qun_unpack_bin(&u, &body)) qun_pack_raw(out, body);
}

static int say_passed(struct probe *p, const struct qun_context *ctx) {
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str("probe.passed")};
  struct qun_pack data;
  qun_pack_init(&data);
  qun_pack_map(&data, 1);
  qun_pack_kv_cstr(&data, "trial", "http");
  e.data = qun_pack_slice(&data);
  int rc = p->events->emit(p->host, ctx->tenant, &e);
  qun_pack_fini(&data);
  return rc;
}

int probe_page(struct probe *p, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun_pack out;
  qun_slice type = qun_str("text/html; charset=utf-8");
  if (qun_slice_is(qun_mp_str(request->params, "path"), "plain")) {
    static const unsigned char one = 1;
    return p->reply->reply(p->host, request->id, qun_slice_of(&one, 1));
  }
  if (p->http->respond(p->host, request->id + 1, 200, type, type) != QUN_EGONE) return QUN_EFAIL;
  if (p->http->respond(p->host, request->id, 302, type, type) != QUN_EINVAL) return QUN_EFAIL;
  if (p->http->respond(p->host, request->id, 99, type, type) != QUN_EINVAL) return QUN_EFAIL;
  if (p->http->respond(p->host, request->id, 200, qun_str("text/html\r\nset-cookie: a=b"), type) != QUN_EINVAL)
    return QUN_EFAIL;
  qun_pack_init(&out);
  echo(&out, request->params);
  int rc = qun_slice_is(request->service, "probe.page") ? say_passed(p, ctx) : 0;
  if (rc == 0) rc = p->http->respond(p->host, request->id, 201, type, qun_pack_slice(&out));
  qun_pack_fini(&out);
  if (rc == 0 && p->http->respond(p->host, request->id, 200, type, type) != QUN_EGONE) rc = QUN_EFAIL;
  return rc;
}
