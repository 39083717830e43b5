/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/metrics.h"
#include "host/ops/role.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void write_page(struct qun_pack *out) {
  static struct qun_metrics m;
  qun_metric_add(&m, QUN_METRIC_HTTP_REQUESTS, 41);
  qun_metric_add(&m, QUN_METRIC_HTTP_REQUESTS, 1);
  qun_metric_set(&m, QUN_METRIC_READY, 1);
  qun_pack_init(out);
  qun_metrics_write(&m, out);
  qun_pack_raw(out, qun_slice_of("", 1));
  cr_assert(!out->failed);
}

Test(host_ops_metrics, writes_each_once_with_its_value) {
  struct qun_pack out;
  write_page(&out);
  const char *text = (const char *)out.buf;
  cr_assert_not_null(strstr(text, "# TYPE qun_http_requests_total counter\nqun_http_requests_total 42\n"));
  cr_assert_not_null(strstr(text, "\nqun_ready 1\n"));
  qun_pack_fini(&out);
}

Test(host_ops_metrics, promtool_accepts_the_page) {
  if (system("command -v promtool >/dev/null 2>&1") != 0) cr_skip_test("promtool is absent (Debian: prometheus)");
  struct qun_pack out;
  write_page(&out);
  FILE *tool = popen("promtool check metrics 2>&1", "w");
  cr_assert_not_null(tool);
  fputs((const char *)out.buf, tool);
  cr_assert_eq(pclose(tool), 0);
  qun_pack_fini(&out);
}

Test(host_ops_role, sets_are_what_they_say) {
  static const struct {
    enum qun_role role;
    int owner, operator_, auditor, ingest;
  } table[] = {{QUN_ROLE_NONE, 0, 0, 0, 0},     {QUN_ROLE_INGEST, 0, 0, 0, 1}, {QUN_ROLE_AUDITOR, 0, 0, 1, 0},
               {QUN_ROLE_OPERATOR, 0, 1, 1, 1}, {QUN_ROLE_OWNER, 1, 1, 1, 1},  {QUN_ROLE_AGENCY, 1, 1, 1, 1}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    cr_assert_eq(qun_role_in(table[i].role, QUN_ROLES_OWNER), table[i].owner);
    cr_assert_eq(qun_role_in(table[i].role, QUN_ROLES_OPERATOR), table[i].operator_);
    cr_assert_eq(qun_role_in(table[i].role, QUN_ROLES_AUDITOR), table[i].auditor);
    cr_assert_eq(qun_role_in(table[i].role, QUN_ROLES_INGEST), table[i].ingest);
    cr_assert_eq(qun_role_in(table[i].role, QUN_ROLES_ANYBODY), 1);
    cr_assert_eq(qun_role_in(table[i].role, QUN_ROLES_AGENCY), table[i].role == QUN_ROLE_AGENCY);
    if (table[i].role) cr_assert_eq(qun_role_parse(qun_role_name(table[i].role)), table[i].role);
  }
  cr_assert_eq(qun_role_parse("none"), QUN_ROLE_NONE);
  cr_assert_eq(qun_role_parse("king"), QUN_ROLE_NONE);
}
