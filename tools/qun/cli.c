/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <stdlib.h>
#include <string.h>

static bool reads_chinese(void) {
  static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  for (int i = 0; i < 3; i++) {
    const char *value = getenv(names[i]);
    if (value && *value) return strncmp(value, "zh", 2) == 0;
  }
  return false;
}

static int no_command(const struct qun_cli *cli) {
  if (cli->args.count == 0) {
    qun_help_print(cli, cli->err, "");
    return QUN_EXIT_USAGE;
  }
  fprintf(cli->err, "qun: there is no command \"%s\"\n", cli->args.words[0]);
  qun_help_print(cli, cli->err, cli->args.words[0]);
  return QUN_EXIT_USAGE;
}

int qun_cli_main(int argc, char **argv, FILE *out, FILE *err) {
  struct qun_cli cli = {.out = out, .err = err, .zh = reads_chinese()};
  struct qun_error error = {0};
  if (qun_args_parse(&cli.args, argc, argv, &error) < 0) return qun_cli_fail(&cli, QUN_EXIT_USAGE, &error);
  cli.json = qun_args_flag(&cli.args, "json") != NULL;
  if (qun_args_flag(&cli.args, "version")) {
    fprintf(out, "qun %s\n", QUN_VERSION);
    return QUN_EXIT_OK;
  }
  if (qun_args_flag(&cli.args, "help")) {
    qun_help_print(&cli, out, cli.args.command ? cli.args.command->words : "");
    return QUN_EXIT_OK;
  }
  if (!cli.args.command) return no_command(&cli);
  int status = cli.args.command->run(&cli);
  qun_client_close(cli.client);
  if (fflush(out) != 0 && status == QUN_EXIT_OK) {
    fprintf(err, "qun: the output could not be written\n");
    status = QUN_EXIT_FAILED;
  }
  return status;
}
