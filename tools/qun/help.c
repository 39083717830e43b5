/* SPDX-License-Identifier: Apache-2.0 */
/* `qun help`, made from the table of commands. */
#include "host/reports/text.h"
#include "tools/qun/cli.h"

#include <string.h>

static const char *say(const struct qun_cli *cli, const struct qun_text *t) {
  return cli->zh ? t->zh : t->en;
}

static void print_padded(FILE *to, const char *text, uint32_t width) {
  uint32_t own = qun__text_width(qun_str(text));
  fprintf(to, "%s%*s", text, own < width ? (int)(width - own) : 1, "");
}

static void print_flags(const struct qun_cli *cli, FILE *to, const struct qun_flag *flags) {
  char text[80];
  for (; flags && flags->name; flags++) {
    snprintf(text, sizeof text, "  --%s%s%s", flags->name, flags->value ? " " : "", flags->value ? flags->value : "");
    print_padded(to, text, 30);
    fprintf(to, "%s\n", say(cli, &flags->help));
  }
}

static void print_line(const struct qun_cli *cli, FILE *to, const struct qun_command *c) {
  char text[160];
  snprintf(text, sizeof text, "  qun %s %s", c->words, c->args);
  print_padded(to, text, 52);
  fprintf(to, "%s\n", say(cli, &c->help));
}

/* `words` is a prefix of whole words of the command. */
static bool begins(const char *command, const char *words) {
  size_t n = strlen(words);
  return strncmp(command, words, n) == 0 && (n == 0 || command[n] == '\0' || command[n] == ' ');
}

static void print_top(const struct qun_cli *cli, FILE *to) {
  static const struct qun_text intro = {"Qun (群): operations for community clients. Commands:",
                                        "Qun（群）：社群运营的扩展宿主。命令："};
  static const struct qun_text where = {"Flags of every command (before or behind its words):",
                                        "所有命令通用的选项（写在命令前后均可）："};
  static const struct qun_text status = {"Exit status: 0 fine, 1 the answer is no, 2 usage, 3 could not.",
                                         "退出码：0 成功，1 结论为否，2 用法错误，3 无法完成。"};
  fprintf(to, "%s\n\n", say(cli, &intro));
  for (const struct qun_command *c = qun_commands; c->words; c++) print_line(cli, to, c);
  fprintf(to, "\n%s\n\n", say(cli, &where));
  print_flags(cli, to, qun_global_flags);
  fprintf(to, "\n%s\n", say(cli, &status));
}

int qun_help_print(const struct qun_cli *cli, FILE *to, const char *words) {
  const struct qun_command *only = NULL;
  int n = 0;
  if (words[0] == '\0') {
    print_top(cli, to);
    return 1;
  }
  for (const struct qun_command *c = qun_commands; c->words; c++) {
    if (!begins(c->words, words)) continue;
    print_line(cli, to, c);
    only = c;
    n++;
  }
  if (n == 1 && only->flags) {
    fprintf(to, "\n");
    print_flags(cli, to, only->flags);
  }
  return n;
}

int qun_help_run(struct qun_cli *cli) {
  char words[128] = "";
  for (uint32_t i = 0; i < cli->args.count; i++) {
    size_t n = strlen(words);
    snprintf(words + n, sizeof words - n, "%s%s", n ? " " : "", cli->args.words[i]);
  }
  if (qun_help_print(cli, cli->out, words)) return QUN_EXIT_OK;
  return qun_cli_usage(cli, "there is no command \"%s\"; `qun help` lists them", words);
}
