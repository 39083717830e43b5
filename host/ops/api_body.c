/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/api_internal.h"
#include "host/ops/json.h"

static const char *const kind_names[] = {
    [QUN__TEXT] = "text", [QUN__INT] = "a whole number", [QUN__BOOL] = "true or false", [QUN__MAP] = "an object"};

static bool fits(enum qun__kind kind, const struct qun_unpack *at) {
  static const enum qun_mp_type types[] = {
      [QUN__TEXT] = QUN_MP_STR, [QUN__INT] = QUN_MP_INT, [QUN__BOOL] = QUN_MP_BOOL, [QUN__MAP] = QUN_MP_MAP};
  return qun_unpack_peek(at) == types[kind];
}

static const struct qun__param *param_of(const struct qun__route *route, qun_slice name) {
  for (const struct qun__param *p = route->params; p && p->name; p++)
    if (p->where == QUN__IN_BODY && qun_slice_eq(qun_str(p->name), name)) return p;
  return NULL;
}

static int check_members(struct qun__call *c) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice name;
  qun_unpack_init(&u, qun_pack_slice(&c->in));
  if (!qun_unpack_map(&u, &n)) return qun_error_set(&c->err, QUN_EINVAL, "the body must be one JSON object");
  while (n-- > 0) {
    if (!qun_unpack_str(&u, &name)) return qun_error_set(&c->err, QUN_EINVAL, "the body's names must be text");
    const struct qun__param *p = param_of(c->route, name);
    if (!p) {
      int shown = name.len > 100 ? 100 : (int)name.len;
      return qun_error_set(&c->err, QUN_EINVAL, "the body has a member \"%.*s\" that this path does not know", shown,
                           (const char *)name.ptr);
    }
    if (!fits(p->kind, &u))
      return qun_error_set(&c->err, QUN_EINVAL, "\"%s\" must be %s: %s", p->name, kind_names[p->kind], p->doc);
    if (!qun_unpack_skip(&u)) return qun_error_set(&c->err, QUN_EINVAL, "\"%s\" is not whole", p->name);
  }
  return 0;
}

int qun__body_read(struct qun__call *c) {
  qun_slice value;
  if (c->req->body.len == 0)
    qun_pack_map(&c->in, 0);
  else if (qun_json_to_msgpack(&c->in, c->req->body, &c->err) < 0)
    return QUN_EINVAL;
  if (c->in.failed) return qun_error_set(&c->err, QUN_EFAIL, "there is no memory for the body");
  int rc = check_members(c);
  if (rc < 0) return rc;
  for (const struct qun__param *p = c->route->params; p && p->name; p++) {
    if (p->where == QUN__IN_BODY && p->required && !qun_mp_find(qun_pack_slice(&c->in), p->name, &value))
      return qun_error_set(&c->err, QUN_EINVAL, "\"%s\" is missing: %s", p->name, p->doc);
  }
  return 0;
}

const char *qun__body_text(struct qun__call *c, const char *name) {
  struct qun_unpack u;
  qun_slice value, text;
  if (!qun_mp_find(qun_pack_slice(&c->in), name, &value)) return NULL;
  qun_unpack_init(&u, value);
  if (!qun_unpack_str(&u, &text)) return NULL;
  if (text.len == 0) return "";
  return qun_arena_copy(&c->arena, text).ptr;
}
