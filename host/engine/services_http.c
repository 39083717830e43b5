/* SPDX-License-Identifier: Apache-2.0 */
/* qun.http/1: an answer with a status and a content type, kept as one msgpack value until the API takes it apart. */
#include "host/engine/services_call.h"

#include <qun/msgpack.h>

enum { TYPE_MAX = 100 };

/* One media type: printable, with a slash, nothing that could end a header. */
static bool type_fits(qun_slice type) {
  const char *at = type.ptr;
  bool slash = false;
  if (type.len < 3 || type.len > TYPE_MAX) return false;
  for (uint64_t i = 0; i < type.len; i++) {
    if (at[i] < 0x20 || at[i] > 0x7e) return false;
    slash = slash || (at[i] == '/' && i > 0 && i + 1 < type.len);
  }
  return slash;
}

static int http_respond(const struct qun_host *host, qun_handle request, uint32_t status, qun_slice content_type,
                        qun_slice body) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = in->scope;
  struct qun_pack inner, outer;
  if (!scope || scope->request == 0 || scope->request != request) return QUN_EGONE;
  if (status < 200 || status > 599 || (status >= 300 && status < 400) || !type_fits(content_type) ||
      body.len > QUN_HTTP_BODY_MAX)
    return QUN_EINVAL;
  qun_pack_init(&inner);
  qun_pack_init(&outer);
  qun_pack_array(&inner, 3);
  qun_pack_int(&inner, status);
  qun_pack_str(&inner, content_type);
  qun_pack_bin(&inner, body);
  qun_pack_ext(&outer, QUN_HTTP_EXT, qun_pack_slice(&inner));
  scope->reply =
      inner.failed || outer.failed ? (qun_slice){NULL, 0} : qun_arena_copy(scope->arena, qun_pack_slice(&outer));
  qun_pack_fini(&inner);
  qun_pack_fini(&outer);
  if (!scope->reply.ptr) return QUN_EFAIL;
  scope->request = 0;
  return 0;
}

const struct qun_http_v1 qun__http_v1 = {.struct_size = sizeof qun__http_v1, .respond = http_respond};
