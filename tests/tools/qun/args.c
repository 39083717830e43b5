/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#define PARSE(...)                                                                                                     \
  char line[][40] = {"qun", __VA_ARGS__};                                                                              \
  char *argv[sizeof line / sizeof line[0]];                                                                            \
  for (size_t i = 0; i < sizeof line / sizeof line[0]; i++) argv[i] = line[i];                                         \
  struct qun_args args;                                                                                                \
  struct qun_error err = {0};                                                                                          \
  int rc = qun_args_parse(&args, (int)(sizeof line / sizeof line[0]), argv, &err);

Test(tools_qun_args, flags_stand_before_or_behind_the_words) {
  PARSE("--data", "d", "report", "--format=json", "acme", "growth", "--from", "2026-01-01", "cohorts")
  cr_assert_eq(rc, 0, "%s", err.message);
  cr_assert_str_eq(args.command->words, "report");
  cr_assert_eq(args.count, 3);
  cr_assert_str_eq(qun_args_word(&args, 2), "cohorts");
  cr_assert_str_eq(qun_args_flag(&args, "data"), "d");
  cr_assert_str_eq(qun_args_flag(&args, "format"), "json");
  cr_assert_str_eq(qun_args_flag(&args, "from"), "2026-01-01");
  cr_assert_null(qun_args_flag(&args, "to"));
}

Test(tools_qun_args, a_lone_dash_is_an_argument) {
  PARSE("call", "acme", "i18n.render", "-", "--data", "d")
  cr_assert_eq(rc, 0, "%s", err.message);
  cr_assert_str_eq(qun_args_word(&args, 2), "-");
}

Test(tools_qun_args, what_stands_behind_two_dashes_is_no_flag) {
  PARSE("tenant", "show", "--", "--data")
  cr_assert_eq(rc, 0, "%s", err.message);
  cr_assert_str_eq(qun_args_word(&args, 0), "--data");
}

Test(tools_qun_args, repeated_flags_are_all_kept_and_the_last_wins) {
  PARSE("replay", "acme", "--set", "a.b=1", "--set", "c.d=2")
  cr_assert_eq(rc, 0, "%s", err.message);
  cr_assert_eq(args.flags_count, 2);
  cr_assert_str_eq(qun_args_flag(&args, "set"), "c.d=2");
}

Test(tools_qun_args, numbers_are_checked_against_their_bounds) {
  PARSE("event", "import", "acme", "f", "--batch", "0")
  int64_t n;
  cr_assert_eq(rc, 0);
  cr_assert_eq(qun_args_number(&args, "batch", 5, 1, 10, &n, &err), QUN_EINVAL);
  cr_assert_not_null(strstr(err.message, "--batch"));
  cr_assert_eq(qun_args_number(&args, "limit", 5, 1, 10, &n, &err), 0);
  cr_assert_eq(n, 5);
}

static void check_usage(struct outcome o, const char *names) {
  cr_assert_eq(o.status, QUN_EXIT_USAGE, "status %d: %s", o.status, o.err);
  cr_assert_not_null(strstr(o.err, names), "\"%s\" is not in: %s", names, o.err);
  cr_assert_str_empty(o.out);
  outcome_fini(&o);
}

Test(tools_qun_args, wrong_command_lines_are_usage_errors_that_name_the_thing) {
  check_usage(run("frobnicate", NULL), "frobnicate");
  check_usage(run("tenant", "frobnicate", NULL), "tenant create");
  check_usage(run("--frob", "tenant", "list", NULL), "--frob");
  check_usage(run("tenant", "list", "-x", NULL), "-x");
  check_usage(run("tenant", "show", NULL), "NAME");
  check_usage(run("tenant", "show", "a", "b", NULL), "NAME");
  check_usage(run("tenant", "list", "--format", "json", NULL), "--format");
  check_usage(run("tenant", "list", "--data", NULL), "--data DIR");
  check_usage(run("tenant", "list", "--json=1", NULL), "--json");
  check_usage(run("tenant", "list", NULL), "--data DIR or --url URL");
  check_usage(run("tenant", "list", "--data", "a", "--url", "b", NULL), "--data DIR or --url URL");
  check_usage(run("tenant", "set", "acme", "novalue", "--data", "a", NULL), "KEY=VALUE");
  check_usage(run("tenant", "delete", "acme", "--data", "a", NULL), "--yes");
  check_usage(run("report", "acme", "growth", "--format", "pdf", "--data", "a", NULL), "pdf");
  check_usage(run("replay", "acme", "--set", "x", "--data", "a", NULL), "--set");
  check_usage(run("audit", "prove", "acme", "first", "--data", "a", NULL), "first");
  check_usage(run("audit", "run", "acme", "--data", "a", NULL), "--out");
  check_usage(run("audit", "verify", "bundle", NULL), "--any-key");
  check_usage(run("bench", "everything", NULL), "list");
}

Test(tools_qun_args, no_words_show_help_and_fail) {
  struct outcome o = run("--json", NULL);
  cr_assert_eq(o.status, QUN_EXIT_USAGE);
  cr_assert_not_null(strstr(o.err, "qun tenant create"));
  outcome_fini(&o);
}
