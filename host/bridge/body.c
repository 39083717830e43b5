/* SPDX-License-Identifier: Apache-2.0 */
/* What a body may hold. */
#include "host/bridge/bridge.h"

#include <strings.h>

enum { DEPTH = 16 };

/* Keys whose value is a person's, in any spelling of case. */
static const char *const personal[] = {"member",    "members",  "member_id", "member_ids", "phone",   "phones",
                                       "mobile",    "tel",      "unionid",   "unionids",   "openid",  "openids",
                                       "pseudonym", "email",    "emails",    "id_number",  "id_card", "wechat_id",
                                       "real_name", "nickname", "birthday",  "address",    "user",    "users",
                                       "user_id",   "user_ids", "ip"};

static bool is_key(qun_slice key, const char *name) {
  return key.len == strlen(name) && strncasecmp(key.ptr, name, (size_t)key.len) == 0;
}

static int check_key(qun_slice key, qun_slice kind, struct qun_error *err) {
  bool refused = is_key(key, "text") && !qun_slice_is(kind, "item");
  for (size_t i = 0; i < sizeof personal / sizeof personal[0]; i++) refused |= is_key(key, personal[i]);
  if (!refused) return 0;
  return qun_error_set(err, QUN_EDENIED, "\"%.*s\" is a person's and does not cross", (int)key.len,
                       (const char *)key.ptr);
}

static int check_value(struct qun_unpack *u, qun_slice kind, unsigned depth, struct qun_error *err) {
  uint32_t n = 0;
  enum qun_mp_type type = qun_unpack_peek(u);
  if (depth > DEPTH) return qun_error_set(err, QUN_EINVAL, "it is nested too deep");
  if (type == QUN_MP_BIN || type == QUN_MP_EXT)
    return qun_error_set(err, QUN_EDENIED, "binary and sealed values do not cross");
  if (type != QUN_MP_MAP && type != QUN_MP_ARRAY)
    return qun_unpack_skip(u) ? 0 : qun_error_set(err, QUN_EINVAL, "it is broken");
  bool map = type == QUN_MP_MAP;
  if (!(map ? qun_unpack_map(u, &n) : qun_unpack_array(u, &n))) return qun_error_set(err, QUN_EINVAL, "it is broken");
  if (n > QUN_BRIDGE_LIST_MAX)
    return qun_error_set(err, QUN_EDENIED, "a list of %u entries does not cross; at most %d do", n,
                         QUN_BRIDGE_LIST_MAX);
  while (n-- > 0) {
    qun_slice key;
    if (map && !qun_unpack_str(u, &key)) return qun_error_set(err, QUN_EINVAL, "a key is not text");
    int rc = map ? check_key(key, kind, err) : 0;
    if (rc == 0) rc = check_value(u, kind, depth + 1, err);
    if (rc < 0) return rc;
  }
  return 0;
}

int qun_bridge_check_body(qun_slice body, qun_slice kind, struct qun_error *err) {
  struct qun_unpack u;
  if (body.len > QUN_BRIDGE_BODY_MAX)
    return qun_error_set(err, QUN_EDENIED, "it has %llu bytes; at most %d cross", (unsigned long long)body.len,
                         QUN_BRIDGE_BODY_MAX);
  qun_unpack_init(&u, body);
  if (qun_unpack_peek(&u) != QUN_MP_MAP) return qun_error_set(err, QUN_EINVAL, "it is not a map");
  return check_value(&u, kind, 1, err);
}
