/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"
#include "tools/qun/replay_print.h"

#include <string.h>

static uint32_t count_flag(const struct qun_args *args, const char *name) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < args->flags_count; i++) n += strcmp(args->flags[i].name, name) == 0;
  return n;
}

/* {"plugin.key": "value"...} of the --set flags. QUN_EINVAL names the flag that is none. */
static int pack_changes(struct qun_pack *body, const struct qun_args *args, uint32_t n, struct qun_error *err) {
  qun_pack_cstr(body, "set");
  qun_pack_map(body, n);
  for (uint32_t i = 0; i < args->flags_count; i++) {
    if (strcmp(args->flags[i].name, "set") != 0) continue;
    const char *text = args->flags[i].value, *equals = strchr(text, '=');
    if (!equals || equals == text)
      return qun_error_set(err, QUN_EINVAL, "--set \"%s\" must be KEY=VALUE, such as growth.tier_core_over=0.5", text);
    qun_pack_str(body, qun_slice_of(text, (size_t)(equals - text)));
    qun_pack_cstr(body, equals + 1);
  }
  return 0;
}

static int pack_body(struct qun_pack *body, const struct qun_args *args, const char *mode, uint32_t changes,
                     struct qun_error *err) {
  const char *until = qun_args_flag(args, "until");
  int64_t batch;
  uint32_t n = 1;
  int rc = qun_args_number(args, "batch", 0, 1, 1000000, &batch, err);
  if (rc < 0) return rc;
  size_t at = qun_pack_open_map(body);
  qun_pack_kv_cstr(body, "mode", mode);
  if (until) {
    qun_pack_kv_cstr(body, "until", until);
    n++;
  }
  if (batch) {
    qun_pack_kv_int(body, "batch", batch);
    n++;
  }
  if (changes) {
    rc = pack_changes(body, args, changes, err);
    n++;
  }
  qun_pack_close(body, at, n);
  return rc;
}

int qun_cmd_replay(struct qun_cli *cli) {
  struct qun_pack path, body, reply;
  struct qun_error err = {0};
  const char *mode = qun_args_flag(&cli->args, "mode");
  uint32_t changes = count_flag(&cli->args, "set");
  if (mode && changes) return qun_cli_usage(cli, "--set asks what would have happened; it goes without --mode");
  qun_pack_init(&path);
  qun_pack_init(&body);
  qun_pack_init(&reply);
  int status;
  if (pack_body(&body, &cli->args, changes ? "whatif" : mode ? mode : "verify", changes, &err) < 0) {
    status = qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  } else {
    const char *p = qun_url_path(&path, "/v1/tenants/%s/replay", qun_args_word(&cli->args, 0));
    status = qun_cli_ask_map(cli, "POST", p, NULL, qun_pack_slice(&body), &reply);
  }
  if (status == 0) {
    if (cli->json)
      qun_cli_print_map(cli, qun_pack_slice(&reply));
    else
      qun_replay_print(cli, qun_pack_slice(&reply));
    bool part = qun_args_flag(&cli->args, "until") != NULL; /* an earlier state is another one, and no failure */
    if (!changes && !part && !qun_mp_bool(qun_pack_slice(&reply), "match", 0)) status = QUN_EXIT_NO;
  }
  qun_pack_fini(&path);
  qun_pack_fini(&body);
  qun_pack_fini(&reply);
  return status;
}
