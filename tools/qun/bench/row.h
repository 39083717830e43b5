/* SPDX-License-Identifier: Apache-2.0 */
/* What a benchmark says: a line a row, for people or as JSON. */
#ifndef QUN_TOOLS_QUN_BENCH_ROW_H
#define QUN_TOOLS_QUN_BENCH_ROW_H

#include "tools/qun/bench/options.h"
#include "tools/qun/bench/stats.h"

/* Further figures of a row. */
struct qun_bench_figure {
  const char *name, *unit; /* a list ends with NULL */
  double value;
};

struct qun_bench_row {
  const char *name;    /* of the case */
  const char *measure; /* "rate", "p99", "memory"... */
  const char *unit;
  struct qun_spread ours;
  const char *rival; /* NULL: none; then theirs and ratio are not there */
  const char *way;   /* how the rival was at its best; NULL: nothing to say */
  struct qun_spread theirs, ratio;
  double target;                          /* 0: none. With a rival: of the ratio's median. Else of our median */
  bool at_most;                           /* the target is a bound from above */
  const struct qun_bench_figure *figures; /* NULL: none */
};

/* 1 or 0; -1: there is no target. */
int qun_bench_row_met(const struct qun_bench_row *row);
/* Prints it on the command's output: with --json one line {case, measure, unit, ours{min, median, max}, rival, way,
   theirs, ratio, target, met, slow_sync_us, figures...}, members without meaning are null. */
void qun_bench_row_print(const struct qun_bench_run *run, const struct qun_bench_row *row);

#endif
