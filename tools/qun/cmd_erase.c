/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <stdlib.h>

int qun_cmd_erase(struct qun_cli *cli) {
  const char *name = qun_args_word(&cli->args, 0), *member = qun_args_word(&cli->args, 1);
  struct qun_pack url, body;
  char *end;
  bool by_number = qun_args_flag(&cli->args, "number") != NULL;
  long long number = by_number ? strtoll(member, &end, 10) : 0;
  if (by_number && (*end || number < 1))
    return qun_cli_usage(cli, "\"%s\" must be a member's number, 1 or more", member);
  if (!qun_args_flag(&cli->args, "yes"))
    return qun_cli_usage(cli, "what %s wrote cannot be read again by anybody, not even from a backup; add --yes",
                         member);
  qun_pack_init(&url);
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  if (by_number)
    qun_pack_kv_int(&body, "number", number);
  else
    qun_pack_kv_cstr(&body, "member", member);
  int status =
      qun_cli_ask_and_print(cli, "POST", qun_url_path(&url, "/v1/tenants/%s/erase", name), NULL, qun_pack_slice(&body));
  qun_pack_fini(&body);
  qun_pack_fini(&url);
  return status;
}
