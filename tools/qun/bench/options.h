/* SPDX-License-Identifier: Apache-2.0 */
/* How a benchmark was asked for. */
#ifndef QUN_TOOLS_QUN_BENCH_OPTIONS_H
#define QUN_TOOLS_QUN_BENCH_OPTIONS_H

#include "tools/qun/bench/side.h"
#include "tools/qun/cli.h"

enum { QUN_BENCH_RIVALS = 3 };

struct qun_bench_run {
  struct qun_cli *cli;
  struct qun_bench_setup setup;
  const struct qun_bench_side *rivals[QUN_BENCH_RIVALS];
  uint32_t rivals_count;
  uint32_t rounds;
  /* 0: the case's own */
  uint64_t events;
  double seconds;
  uint32_t batch, window, tenants, members;
  uint32_t slow_us; /* by which each disk sync is slower */
};

/* From the command's flags. QUN_EINVAL names the flag. */
int qun_bench_options_read(struct qun_bench_run *run, struct qun_cli *cli, struct qun_error *err);
/* "postgresql,redis" into run->rivals. QUN_EINVAL names what is no rival, or is named twice. */
int qun_bench_rivals_read(struct qun_bench_run *run, const char *list, struct qun_error *err);
/* Starts this program again with the slow disk (tools/shims/slow_sync.c), as all its children will have it; returns only
 * when it has it, or with an error. */
int qun_bench_slow_down(const struct qun_bench_run *run, struct qun_error *err);

#endif
