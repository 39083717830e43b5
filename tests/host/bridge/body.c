/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/bridge.h"
#include "host/ops/json.h"

#include <criterion/criterion.h>

static int check(const char *kind, const char *json) {
  struct qun_pack p;
  struct qun_error err = {0};
  qun_pack_init(&p);
  cr_assert_eq(qun_json_to_msgpack(&p, qun_str(json), &err), 0, "%s", err.message);
  int rc = qun_bridge_check_body(qun_pack_slice(&p), qun_str(kind), &err);
  qun_pack_fini(&p);
  return rc;
}

Test(host_bridge_body, lets_counts_items_and_codes_through) {
  cr_assert_eq(check("count", "{\"agreement\":\"a\",\"body\":{\"what\":\"counts\",\"clicks\":3}}"), 0);
  cr_assert_eq(check("item", "{\"body\":{\"title\":\"t\",\"text\":\"Come and see\"}}"), 0);
  cr_assert_eq(check("code", "{\"body\":{\"code\":\"SPRING\"}}"), 0);
}

Test(host_bridge_body, refuses_what_belongs_to_a_person_at_any_depth) {
  cr_assert_eq(check("count", "{\"member\":1}"), QUN_EDENIED);
  cr_assert_eq(check("count", "{\"body\":{\"list\":[{\"Members\":[]}]}}"), QUN_EDENIED);
  cr_assert_eq(check("item", "{\"body\":{\"a\":{\"b\":{\"PHONE\":\"1\"}}}}"), QUN_EDENIED);
  cr_assert_eq(check("code", "{\"unionid\":\"x\"}"), QUN_EDENIED);
  cr_assert_eq(check("count", "{\"body\":{\"text\":\"hi\"}}"), QUN_EDENIED);
}

Test(host_bridge_body, refuses_lists_binary_and_size) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_cstr(&p, "n");
  qun_pack_array(&p, QUN_BRIDGE_LIST_MAX + 1);
  for (int i = 0; i <= QUN_BRIDGE_LIST_MAX; i++) qun_pack_int(&p, i);
  cr_assert_eq(qun_bridge_check_body(qun_pack_slice(&p), qun_str("count"), NULL), QUN_EDENIED);
  qun_pack_clear(&p);
  qun_pack_map(&p, 1);
  qun_pack_cstr(&p, "n");
  qun_pack_bin(&p, qun_str("x"));
  cr_assert_eq(qun_bridge_check_body(qun_pack_slice(&p), qun_str("count"), NULL), QUN_EDENIED);
  qun_pack_clear(&p);
  qun_pack_map(&p, 1);
  qun_pack_cstr(&p, "n");
  qun_pack_ext(&p, 2, qun_str("0123456789abcdef")); /* a pseudonym */
  cr_assert_eq(qun_bridge_check_body(qun_pack_slice(&p), qun_str("count"), NULL), QUN_EDENIED);
  qun_pack_clear(&p);
  qun_pack_array(&p, 0);
  cr_assert_eq(qun_bridge_check_body(qun_pack_slice(&p), qun_str("count"), NULL), QUN_EINVAL);
  qun_pack_fini(&p);
}
