/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <stdlib.h>

static int print_text(struct qun_cli *cli, const char *route, const char *name) {
  struct qun_pack path;
  struct qun_client_answer answer;
  qun_pack_init(&path);
  struct qun_client_request request = {.method = "GET",
                                       .path = qun_url_path(&path, route, qun_args_word(&cli->args, 0))};
  int status = request.path ? qun_cli_ask(cli, &request, &answer) : QUN_EXIT_FAILED;
  qun_pack_fini(&path);
  if (status) return status;
  qun_cli_print_text(cli, name, qun_pack_slice(&answer.body));
  qun_client_answer_fini(&answer);
  return QUN_EXIT_OK;
}

int qun_cmd_audit_checkpoint(struct qun_cli *cli) {
  return print_text(cli, "/v1/tenants/%s/audit/checkpoint", "checkpoint");
}

int qun_cmd_audit_key(struct qun_cli *cli) {
  return print_text(cli, "/v1/tenants/%s/audit/key", "key");
}

int qun_cmd_audit_prove(struct qun_cli *cli) {
  struct qun_pack path, body;
  struct qun_error err = {0};
  char *end;
  int64_t size;
  const char *text = qun_args_word(&cli->args, 1);
  long long seq = strtoll(text, &end, 10);
  if (*end || seq < 1) return qun_cli_usage(cli, "\"%s\" must be a record's number, 1 or more", text);
  if (qun_args_number(&cli->args, "size", 0, 1, INT64_MAX, &size, &err) < 0)
    return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  qun_pack_init(&path);
  qun_pack_init(&body);
  qun_pack_map(&body, size ? 2 : 1);
  qun_pack_kv_int(&body, "seq", seq);
  if (size) qun_pack_kv_int(&body, "size", size);
  const char *p = qun_url_path(&path, "/v1/tenants/%s/audit/prove", qun_args_word(&cli->args, 0));
  int status = qun_cli_ask_and_print(cli, "POST", p, NULL, qun_pack_slice(&body));
  qun_pack_fini(&path);
  qun_pack_fini(&body);
  return status;
}
