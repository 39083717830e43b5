/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/spool.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *name_of(const char *target) {
  static char name[QUN_SPOOL_NAME_SIZE];
  qun_spool_name(name, qun_str(target));
  return name;
}

Test(host_delivery_spool, makes_a_safe_file_name_of_any_target) {
  cr_assert_str_eq(name_of("robot-1"), "robot-1.jsonl");
  cr_assert_str_eq(name_of("a.b_c"), "a.b_c.jsonl");
  cr_assert_str_eq(name_of("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd.jsonl");
  cr_assert_str_eq(name_of(".hidden"), "%2Ehidden.jsonl");
  cr_assert_str_eq(name_of("群"), "%E7%BE%A4.jsonl");
  cr_assert_str_eq(name_of("a%2F"), "a%252F.jsonl");
  cr_assert_str_eq(name_of(""), "%.jsonl");
}

Test(host_delivery_spool, tells_long_targets_apart) {
  char a[201], b[201], first[QUN_SPOOL_NAME_SIZE];
  memset(a, 'x', 200);
  a[200] = '\0';
  memcpy(b, a, sizeof b);
  b[199] = 'y';
  strcpy(first, name_of(a));
  cr_assert_str_neq(first, name_of(b));
  cr_assert_lt(strlen(first), 160);
  cr_assert(strstr(first, ".jsonl"));
}
