/* SPDX-License-Identifier: Apache-2.0 */
/* The table of cases is whole, and the options are read as said. */
#include "tools/qun/bench/cases.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static int same(double a, double b) {
  return fabs(a - b) < 1e-9;
}

Test(tools_qun_bench_cases, every_case_has_help_in_both_languages_and_a_run) {
  for (const struct qun_bench_case *c = qun_bench_cases; c->name; c++) {
    cr_assert(c->help.en && *c->help.en && c->help.zh && *c->help.zh, "%s has no help", c->name);
    cr_assert_not_null(c->run, "%s", c->name);
    cr_assert(c->events > 0 && c->tenants > 0, "%s", c->name);
    cr_assert_eq(qun_bench_case_find(c->name), c);
  }
  cr_assert_null(qun_bench_case_find("everything"));
}

Test(tools_qun_bench_cases, a_goal_is_only_against_a_rival_that_the_case_can_meet) {
  static const char *const rivals[] = {"postgresql", "redis", "lmdb"};
  struct qun_bench_run fast = {0}, slow = {.slow_us = 1000};
  for (const struct qun_bench_case *c = qun_bench_cases; c->name; c++)
    for (int i = 0; i < 3; i++)
      if (qun_bench_goal(c, &fast, rivals[i]) > 0 || qun_bench_goal(c, &slow, rivals[i]) > 0)
        cr_assert(c->rivals && strstr(c->rivals, rivals[i]), "%s against %s", c->name, rivals[i]);
}

Test(tools_qun_bench_cases, a_slow_disk_has_goals_of_its_own) {
  const struct qun_bench_case *c = qun_bench_case_find("single-1x64");
  struct qun_bench_run fast = {0}, slow = {.slow_us = 1000};
  cr_assert(same(qun_bench_goal(c, &fast, "postgresql"), 4));
  cr_assert(same(qun_bench_goal(c, &slow, "postgresql"), 2));
  cr_assert(same(qun_bench_goal(c, &slow, "redis"), 0));
  cr_assert(same(qun_bench_goal(c, &fast, "p99"), 1));
  cr_assert(same(qun_bench_goal(c, &fast, "nobody"), 0));
}

Test(tools_qun_bench_cases, rivals_are_taken_in_the_order_they_are_named) {
  struct qun_bench_run run = {0};
  struct qun_error err = {0};
  cr_assert_eq(qun_bench_rivals_read(&run, "redis,postgresql", &err), 0, "%s", err.message);
  cr_assert_eq(run.rivals_count, 2);
  cr_assert_str_eq(run.rivals[0]->name, "redis");
  cr_assert_str_eq(run.rivals[1]->name, "postgresql");
  cr_assert_eq(qun_bench_rivals_read(&run, "lmdb", &err), 0);
  cr_assert_eq(run.rivals_count, 1);
}

static void check_refused(const char *list, const char *names) {
  struct qun_bench_run run = {0};
  struct qun_error err = {0};
  cr_assert_eq(qun_bench_rivals_read(&run, list, &err), QUN_EINVAL, "\"%s\"", list);
  cr_assert_not_null(strstr(err.message, names), "%s", err.message);
}

Test(tools_qun_bench_cases, what_is_no_rival_is_refused_by_name) {
  check_refused("oracle", "oracle");
  check_refused("redis,redis", "redis twice");
  check_refused("redis,", "comma");
  check_refused(",redis", "\"\"");
  check_refused("", "no rival");
  check_refused("redisx", "redisx");
}

static int read_options(struct qun_bench_run *run, struct qun_cli *cli, char **argv, int argc, struct qun_error *err) {
  memset(cli, 0, sizeof *cli);
  cr_assert_eq(qun_args_parse(&cli->args, argc, argv, err), 0, "%s", err->message);
  return qun_bench_options_read(run, cli, err);
}

Test(tools_qun_bench_cases, options_are_numbers_within_bounds) {
  char line[][24] = {"qun", "bench",     "ingest", "--rounds",    "3",    "--events",  "500", "--batch",
                     "50",  "--seconds", "2",      "--slow-sync", "1000", "--against", "lmdb"};
  char *argv[sizeof line / sizeof line[0]];
  enum { COUNT = sizeof line / sizeof line[0] };
  struct qun_bench_run run;
  struct qun_error err = {0};
  struct qun_cli cli;
  for (int i = 0; i < COUNT; i++) argv[i] = line[i];
  cr_assert_eq(read_options(&run, &cli, argv, COUNT, &err), 0, "%s", err.message);
  cr_assert_eq(run.rounds, 3);
  cr_assert_eq(run.events, 500);
  cr_assert_eq(run.batch, 50);
  cr_assert(same(run.seconds, 2));
  cr_assert_eq(run.slow_us, 1000);
  cr_assert_eq(run.rivals_count, 1);
  cr_assert_str_eq(run.setup.dir, "/var/tmp");
  cr_assert_eq(run.window, 0);
  memcpy(line[4], "100", 4);
  cr_assert_eq(read_options(&run, &cli, argv, COUNT, &err), QUN_EINVAL);
  cr_assert_not_null(strstr(err.message, "--rounds"));
}
