/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmark's cases: ONE table, from which come the runs, the targets, `qun bench list` and the tests.
 */
#ifndef QUN_TOOLS_QUN_BENCH_CASES_H
#define QUN_TOOLS_QUN_BENCH_CASES_H

#include "host/plugins/manifest.h"
#include "tools/qun/bench/options.h"

/* What is wanted of a case: ratios to rivals; 0: nothing is. */
struct qun_bench_goals {
  double postgresql, redis, lmdb; /* ours at least so many times the rival's rate */
  double p99;                     /* PostgreSQL's p99 of acknowledgement at least so many times ours */
};

struct qun_bench_case {
  const char *name; /* a list ends with NULL */
  struct qun_text help;
  int (*run)(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err);

  /* of intake */
  uint32_t tenants, batch, under_way;
  bool json;
  const char *rivals;                 /* that this case can be run against */
  struct qun_bench_goals goals, slow; /* slow: with --slow-sync */

  uint64_t events;  /* a round's, when not said */
  double seconds;   /* a round's at most; 0: as long as the events take */
  uint32_t members; /* a tenant's; 0: QUN_BENCH_MEMBERS */

  /* of the others: bounds, 0 for none */
  double least_rate;                      /* events/s */
  double least_ratio;                     /* of a rate to another of the same run */
  double most_ms, most_mib, most_start_s; /* a latency, resident memory, the start of a daemon */
};

extern const struct qun_bench_case qun_bench_cases[];
/* NULL: there is none. */
const struct qun_bench_case *qun_bench_case_find(const char *name);
/* The goal against a rival by name, under the run's disk; 0: none. */
double qun_bench_goal(const struct qun_bench_case *c, const struct qun_bench_run *run, const char *rival);

/* ---- what runs them */
int qun_bench_intake_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err);
int qun_bench_tenants_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err);
int qun_bench_replay_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err);
int qun_bench_reports_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err);
int qun_bench_isolated_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err);
int qun_bench_audit_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err);

#endif
