/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/options.h"
#include "tools/qun/bench/process.h"
#include "tools/qun/bench/stats.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct qun_bench_side *const rivals[QUN_BENCH_RIVALS] = {&qun_bench_postgresql, &qun_bench_redis,
                                                                      &qun_bench_lmdb};

static const struct qun_bench_side *find_rival(const char *name, size_t len) {
  for (int i = 0; i < QUN_BENCH_RIVALS; i++)
    if (strlen(rivals[i]->name) == len && memcmp(rivals[i]->name, name, len) == 0) return rivals[i];
  return NULL;
}

int qun_bench_rivals_read(struct qun_bench_run *run, const char *list, struct qun_error *err) {
  run->rivals_count = 0;
  for (const char *at = list; *at;) {
    size_t len = strcspn(at, ",");
    const struct qun_bench_side *rival = find_rival(at, len);
    if (!rival)
      return qun_error_set(err, QUN_EINVAL, "--against: there is no rival \"%.*s\"; there are postgresql, redis, lmdb",
                           (int)(len < 60 ? len : 60), at);
    for (uint32_t i = 0; i < run->rivals_count; i++)
      if (run->rivals[i] == rival) return qun_error_set(err, QUN_EINVAL, "--against names %s twice", rival->name);
    run->rivals[run->rivals_count++] = rival;
    at += len;
    if (*at == ',' && !*++at) return qun_error_set(err, QUN_EINVAL, "--against ends with a comma");
  }
  return run->rivals_count ? 0 : qun_error_set(err, QUN_EINVAL, "--against names no rival");
}

int qun_bench_options_read(struct qun_bench_run *run, struct qun_cli *cli, struct qun_error *err) {
  const struct {
    const char *flag;
    int64_t otherwise, least, most;
  } numbers[] = {{"rounds", 5, 1, QUN_SPREAD_MAX}, {"events", 0, 1, 100000000}, {"seconds", 0, 1, 3600},
                 {"batch", 0, 1, 10000},           {"window", 0, 1, 1024},      {"tenants", 0, 1, 100000},
                 {"members", 0, 1, 999999},        {"slow-sync", 0, 1, 1000000}};
  enum { COUNT = sizeof numbers / sizeof *numbers };
  int64_t values[COUNT] = {0};
  const char *dir = qun_args_flag(&cli->args, "dir"), *against = qun_args_flag(&cli->args, "against");
  int rc = 0;
  for (int i = 0; rc == 0 && i < COUNT; i++)
    rc = qun_args_number(&cli->args, numbers[i].flag, numbers[i].otherwise, numbers[i].least, numbers[i].most,
                         &values[i], err);
  *run =
      (struct qun_bench_run){.cli = cli,
                             .setup = {.dir = dir ? dir : "/var/tmp", .plugins = qun_args_flag(&cli->args, "plugins")},
                             .rounds = (uint32_t)values[0],
                             .events = (uint64_t)values[1],
                             .seconds = (double)values[2],
                             .batch = (uint32_t)values[3],
                             .window = (uint32_t)values[4],
                             .tenants = (uint32_t)values[5],
                             .members = (uint32_t)values[6],
                             .slow_us = (uint32_t)values[7]};
  return rc == 0 && against ? qun_bench_rivals_read(run, against, err) : rc;
}

int qun_bench_slow_down(const struct qun_bench_run *run, struct qun_error *err) {
  char shim[PATH_MAX + 32], us[16], line[65536];
  char *argv[QUN_CLI_WORDS_MAX + 2 * QUN_CLI_FLAGS_MAX] = {0};
  const char *now = getenv("QUN_SLOW_SYNC_US");
  snprintf(us, sizeof us, "%u", run->slow_us);
  if (run->slow_us == 0 || (now && strcmp(now, us) == 0)) return 0;
  int rc = qun_bench_beside(shim, sizeof shim, "../shims/slow_sync.so", R_OK, err);
  FILE *f = rc == 0 ? fopen("/proc/self/cmdline", "re") : NULL;
  if (rc < 0) return rc;
  size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0, words = 0;
  if (f) fclose(f);
  line[n] = '\0';
  for (size_t at = 0; at < n && words + 1 < sizeof argv / sizeof *argv; at += strlen(line + at) + 1)
    argv[words++] = line + at;
  if (setenv("QUN_SLOW_SYNC_US", us, 1) == 0 && setenv("LD_PRELOAD", shim, 1) == 0) execv("/proc/self/exe", argv);
  return qun_error_set(err, QUN_EFAIL, "this program cannot be started again with %s: %m", shim);
}
