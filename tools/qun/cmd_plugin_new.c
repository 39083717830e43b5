/* SPDX-License-Identifier: Apache-2.0 */
/* plugin new NAME: a project that builds out of tree against the SDK. */
#include "tools/qun/cli.h"
#include "tools/qun/sdk.h"

#include <ctype.h>
#include <string.h>

/* "weekly-quiz": "Weekly quiz". */
static void title_of(char *out, size_t size, const char *id) {
  snprintf(out, size, "%s", id);
  for (char *c = out; *c; c++)
    if (*c == '-' || *c == '_') *c = ' ';
  out[0] = (char)toupper((unsigned char)out[0]);
}

static void say_next(const struct qun_cli *cli, const struct qun_sdk *sdk, const char *dir) {
  fprintf(cli->out, cli->zh ? "%s 已生成。接下来：\n\n" : "%s is written. Next:\n\n", dir);
  fprintf(cli->out, "  cd %s\n", dir);
  fprintf(cli->out, "  cmake -B build%s%s\n", sdk->prefix[0] ? " -DCMAKE_PREFIX_PATH=" : "", sdk->prefix);
  fprintf(cli->out, "  cmake --build build && ctest --test-dir build\n\n");
  fprintf(cli->out, cli->zh ? "README.md 说明其余步骤。\n" : "Its README.md has the rest.\n");
}

static void answer(const struct qun_cli *cli, const struct qun_sdk *sdk, const char *dir, const char *id) {
  struct qun_pack reply;
  qun_pack_init(&reply);
  qun_pack_map(&reply, 3);
  qun_pack_kv_cstr(&reply, "id", id);
  qun_pack_kv_cstr(&reply, "folder", dir);
  qun_pack_kv_cstr(&reply, "sdk", sdk->prefix);
  qun_cli_print_map(cli, qun_pack_slice(&reply));
  qun_pack_fini(&reply);
}

int qun_cmd_plugin_new(struct qun_cli *cli) {
  const char *id = qun_args_word(&cli->args, 0), *dir = qun_args_flag(&cli->args, "dir");
  const char *title = qun_args_flag(&cli->args, "title");
  struct qun_sdk *sdk = calloc(1, sizeof *sdk);
  struct qun_error err = {0};
  char words[64];
  title_of(words, sizeof words, id);
  int rc = sdk ? qun_sdk_find(sdk, qun_args_flag(&cli->args, "sdk"), &err) : QUN_EFAIL;
  if (!dir) dir = id;
  if (rc == 0) rc = qun_sdk_generate(sdk, dir, id, title ? title : words, &err);
  if (rc == 0 && cli->json) answer(cli, sdk, dir, id);
  if (rc == 0 && !cli->json) say_next(cli, sdk, dir);
  free(sdk);
  if (rc == 0) return QUN_EXIT_OK;
  return qun_cli_fail(cli, rc == QUN_EINVAL ? QUN_EXIT_USAGE : QUN_EXIT_FAILED, &err);
}
