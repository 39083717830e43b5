/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands is whole, and help is made from it. */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void check_flag(const struct qun_flag *flag, const char *owner) {
  cr_assert(flag->help.en && *flag->help.en && flag->help.zh && *flag->help.zh, "%s --%s has no help", owner,
            flag->name);
  cr_assert_neq(flag->name[0], '-', "%s --%s", owner, flag->name);
}

Test(tools_qun_table, every_command_has_help_in_both_languages_and_a_function) {
  for (const struct qun_command *c = qun_commands; c->words; c++) {
    cr_assert(c->help.en && *c->help.en && c->help.zh && *c->help.zh, "%s has no help", c->words);
    cr_assert_not_null(c->args);
    cr_assert_not_null(c->run);
    for (const struct qun_flag *f = c->flags; f && f->name; f++) check_flag(f, c->words);
  }
  for (const struct qun_flag *f = qun_global_flags; f->name; f++) check_flag(f, "qun");
}

Test(tools_qun_table, no_two_commands_have_the_same_words) {
  for (const struct qun_command *a = qun_commands; a->words; a++)
    for (const struct qun_command *b = a + 1; b->words; b++) cr_assert_str_neq(a->words, b->words);
}

/* The parser meets flags before it knows the command. */
Test(tools_qun_table, a_flag_takes_a_value_in_all_commands_or_in_none) {
  for (const struct qun_command *a = qun_commands; a->words; a++)
    for (const struct qun_flag *f = a->flags; f && f->name; f++)
      for (const struct qun_command *b = qun_commands; b->words; b++)
        for (const struct qun_flag *g = b->flags; g && g->name; g++)
          if (strcmp(f->name, g->name) == 0)
            cr_assert_eq(!f->value, !g->value, "--%s of %s and %s", f->name, a->words, b->words);
}

Test(tools_qun_table, a_flag_of_a_command_is_none_of_all_commands) {
  for (const struct qun_command *c = qun_commands; c->words; c++)
    for (const struct qun_flag *f = c->flags; f && f->name; f++)
      for (const struct qun_flag *g = qun_global_flags; g->name; g++) cr_assert_str_neq(f->name, g->name);
}

Test(tools_qun_table, help_names_every_command_and_flag) {
  setenv("LC_ALL", "C.UTF-8", 1);
  struct outcome o = run("help", NULL);
  cr_assert_eq(o.status, QUN_EXIT_OK);
  for (const struct qun_command *c = qun_commands; c->words; c++) {
    char line[128];
    snprintf(line, sizeof line, "  qun %s", c->words);
    cr_assert_not_null(strstr(o.out, line), "%s is missing", c->words);
    cr_assert_not_null(strstr(o.out, c->help.en));
  }
  cr_assert_not_null(strstr(o.out, "--token-file FILE"));
  outcome_fini(&o);
}

Test(tools_qun_table, help_speaks_chinese_to_a_chinese_locale) {
  setenv("LC_ALL", "zh_CN.UTF-8", 1);
  struct outcome o = run("help", NULL);
  cr_assert_eq(o.status, QUN_EXIT_OK);
  cr_assert_not_null(strstr(o.out, "列出所有租户"));
  cr_assert_null(strstr(o.out, "all tenants"));
  outcome_fini(&o);
}

Test(tools_qun_table, help_on_a_word_shows_its_commands_alone) {
  setenv("LC_ALL", "C.UTF-8", 1);
  struct outcome o = run("help", "tenant", NULL);
  cr_assert_eq(o.status, QUN_EXIT_OK);
  cr_assert_not_null(strstr(o.out, "qun tenant create"));
  cr_assert_null(strstr(o.out, "qun event"));
  outcome_fini(&o);
  o = run("tenant", "create", "--help", NULL);
  cr_assert_eq(o.status, QUN_EXIT_OK);
  cr_assert_not_null(strstr(o.out, "--profile NAME"));
  outcome_fini(&o);
}

Test(tools_qun_table, help_on_what_is_not_there_is_a_usage_error) {
  struct outcome o = run("help", "frobnicate", NULL);
  cr_assert_eq(o.status, QUN_EXIT_USAGE);
  outcome_fini(&o);
}
