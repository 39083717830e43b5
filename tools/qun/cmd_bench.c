/* SPDX-License-Identifier: Apache-2.0 */
/* bench CASE, bench all, bench list: tools/qun/bench/cases.h. */
#include "tools/qun/bench/cases.h"

#include <string.h>
#include <sys/resource.h>

/* Many tenants are many connections, and the daemon inherits the limit. */
static void raise_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static void list_goal(FILE *to, const char *what, double fast, double slow) {
  if (fast > 0) fprintf(to, "    at least %g x %s", fast, what);
  if (fast > 0 && slow > 0) fprintf(to, " (with --slow-sync %g x)", slow);
  if (fast > 0) fputc('\n', to);
}

static void list_bound(FILE *to, const char *how, double bound, const char *unit) {
  if (bound > 0) fprintf(to, "    %s %.0f %s\n", how, bound, unit);
}

static int list(struct qun_cli *cli) {
  for (const struct qun_bench_case *c = qun_bench_cases; c->name; c++) {
    fprintf(cli->out, "%-16s %s\n", c->name, cli->zh ? c->help.zh : c->help.en);
    list_goal(cli->out, "postgresql", c->goals.postgresql, c->slow.postgresql);
    list_goal(cli->out, "redis", c->goals.redis, c->slow.redis);
    list_goal(cli->out, "lmdb", c->goals.lmdb, c->slow.lmdb);
    list_bound(cli->out, "at least", c->least_rate, "events/s");
    list_bound(cli->out, "at most", c->most_ms, "ms");
    list_bound(cli->out, "at most", c->most_mib, "MiB resident");
    list_bound(cli->out, "at most", c->most_start_s, "s to start");
    if (c->goals.p99 > 0) fprintf(cli->out, "    p99 of acknowledgement no worse than postgresql's\n");
  }
  return QUN_EXIT_OK;
}

int qun_cmd_bench(struct qun_cli *cli) {
  struct qun_bench_run run;
  struct qun_error err = {0};
  const char *name = qun_args_word(&cli->args, 0);
  const struct qun_bench_case *only = qun_bench_case_find(name);
  if (strcmp(name, "list") == 0) return list(cli);
  if (!only && strcmp(name, "all") != 0)
    return qun_cli_usage(cli, "there is no benchmark \"%s\"; `qun bench list` shows them, \"all\" runs them", name);
  if (qun_bench_options_read(&run, cli, &err) < 0) return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  raise_descriptors();
  int rc = qun_bench_slow_down(&run, &err);
  for (const struct qun_bench_case *c = only ? only : qun_bench_cases; rc == 0 && c->name; c++) {
    rc = c->run(c, &run, &err);
    if (only) break;
  }
  return rc < 0 ? qun_cli_fail(cli, QUN_EXIT_FAILED, &err) : QUN_EXIT_OK;
}
