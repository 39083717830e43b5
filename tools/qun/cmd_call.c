/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <stdlib.h>
#include <string.h>

/* One call; prints one line in every case when `lines`. */
static int call(struct qun_cli *cli, const char *path, const char *query, qun_slice json, bool lines) {
  struct qun_client_answer answer;
  struct qun_error err = {0};
  struct qun_client_request request = {
      .method = "POST", .path = path, .query = query, .content_type = "application/json", .body = json};
  int status = lines ? qun_cli_open(cli) : qun_cli_ask(cli, &request, &answer);
  if (status) return status;
  if (lines && qun_client_request(cli->client, &request, &answer, &err) < 0)
    return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  fwrite(answer.body.buf, 1, answer.body.len, cli->out);
  fputc('\n', cli->out);
  status = answer.status >= 200 && answer.status < 300 ? QUN_EXIT_OK : QUN_EXIT_FAILED;
  qun_client_answer_fini(&answer);
  return status;
}

static int call_lines(struct qun_cli *cli, const char *path, const char *query) {
  char *line = NULL;
  size_t room = 0;
  int worst = QUN_EXIT_OK;
  for (ssize_t n; (n = getline(&line, &room, stdin)) >= 0;) {
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) n--;
    if (n == 0) continue;
    int status = call(cli, path, query, qun_slice_of(line, (size_t)n), true);
    if (status > worst) worst = status;
    fflush(cli->out);
  }
  free(line);
  return worst;
}

int qun_cmd_call(struct qun_cli *cli) {
  struct qun_pack path, query;
  const char *json = qun_args_word(&cli->args, 2);
  qun_pack_init(&path);
  qun_pack_init(&query);
  const char *p =
      qun_url_path(&path, "/v1/tenants/%s/call/%s", qun_args_word(&cli->args, 0), qun_args_word(&cli->args, 1));
  const char *q = qun_url_query(&query, "locale=%s", qun_args_flag(&cli->args, "locale"));
  int status = QUN_EXIT_FAILED;
  if (p && q && json && strcmp(json, "-") == 0)
    status = call_lines(cli, p, q);
  else if (p && q)
    status = call(cli, p, q, qun_str(json ? json : "{}"), false);
  qun_pack_fini(&path);
  qun_pack_fini(&query);
  return status;
}
