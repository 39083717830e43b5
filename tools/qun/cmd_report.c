/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reports/report.h"
#include "tools/qun/cli.h"

int qun_cmd_report(struct qun_cli *cli) {
  struct qun_pack path, query;
  struct qun_client_answer answer;
  struct qun_error err = {0};
  enum qun_report_face face;
  const struct qun_args *a = &cli->args;
  const char *format = qun_args_flag(a, "format");
  if (!format) format = cli->json ? "json" : "table";
  if (qun_report_face_parse(format, &face, &err) < 0) return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  qun_pack_init(&path);
  qun_pack_init(&query);
  struct qun_client_request request = {.method = "GET"};
  request.path = qun_url_path(&path, "/v1/tenants/%s/reports/%s", qun_args_word(a, 0), qun_args_word(a, 1));
  request.query = qun_url_query(&query, "view=%s&from=%s&to=%s&format=%s&locale=%s", qun_args_word(a, 2),
                                qun_args_flag(a, "from"), qun_args_flag(a, "to"), format, qun_args_flag(a, "locale"));
  int status = request.path && request.query ? qun_cli_ask(cli, &request, &answer) : QUN_EXIT_FAILED;
  if (status == 0) {
    fwrite(answer.body.buf, 1, answer.body.len, cli->out);
    qun_client_answer_fini(&answer);
  }
  qun_pack_fini(&path);
  qun_pack_fini(&query);
  return status;
}
