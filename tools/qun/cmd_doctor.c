/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

static void print_finding(const struct qun_cli *cli, qun_slice f) {
  qun_slice level = qun_mp_str(f, "level"), tenant = qun_mp_str(f, "tenant"), what = qun_mp_str(f, "what"),
            advice = qun_mp_str(f, "advice");
  fprintf(cli->out, "%.*s: %.*s%s%.*s\n    %.*s\n", (int)level.len, (const char *)level.ptr, (int)tenant.len,
          tenant.len ? (const char *)tenant.ptr : "", tenant.len ? ": " : "", (int)what.len, (const char *)what.ptr,
          (int)advice.len, (const char *)advice.ptr);
}

int qun_cmd_doctor(struct qun_cli *cli) {
  struct qun_pack reply;
  struct qun_unpack u;
  qun_slice list, finding;
  uint32_t n = 0;
  qun_pack_init(&reply);
  int status = qun_cli_ask_map(cli, "GET", "/v1/doctor", NULL, qun_slice_of(NULL, 0), &reply);
  qun_slice map = qun_pack_slice(&reply);
  if (status == QUN_EXIT_OK && cli->json) {
    qun_cli_print_map(cli, map);
  } else if (status == QUN_EXIT_OK && qun_mp_find(map, "findings", &list)) {
    qun_unpack_init(&u, list);
    for (qun_unpack_array(&u, &n); n > 0 && qun_unpack_any(&u, &finding); n--) print_finding(cli, finding);
    fprintf(cli->out,
            cli->zh ? "%lld 个租户，%lld 个错误，%lld 个警告\n" : "%lld tenants, %lld errors, %lld warnings\n",
            (long long)qun_mp_int(map, "tenants", 0), (long long)qun_mp_int(map, "errors", 0),
            (long long)qun_mp_int(map, "warnings", 0));
  }
  if (status == QUN_EXIT_OK && qun_mp_int(map, "errors", 0) > 0) status = QUN_EXIT_NO;
  qun_pack_fini(&reply);
  return status;
}
