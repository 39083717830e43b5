/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many tenants in one process, few of them active: how long a start takes, what it takes to open one that is cold, and
 * the memory after the active ones have worked. Each round is a start of the same daemon over the same folder.
 */
#include "tools/qun/bench/cases.h"
#include "tools/qun/bench/row.h"

#include <stdlib.h>

enum { ACTIVE = 100, BATCH = 100, WINDOW = 16, COLD = 200 };

struct many {
  struct qun_bench_run *run;
  struct qun_bench_daemon_options options;
  struct qun_bench_daemon daemon;
  struct qun_bench_plan plan; /* of the active ones, a round */
  uint32_t tenants, active;
  char (*tokens)[QUN_BENCH_TOKEN];
  double start_s[QUN_SPREAD_MAX], cold_ms[QUN_SPREAD_MAX], warm_ms[QUN_SPREAD_MAX], memory_mib[QUN_SPREAD_MAX];
};

static int make_all(struct many *m, struct qun_error *err) {
  struct qun_progress progress;
  int rc = 0;
  m->tokens = calloc(m->tenants, sizeof *m->tokens);
  if (!m->tokens) return qun_error_set(err, QUN_EFAIL, "out of memory");
  qun_progress_begin(&progress, m->run->cli, "making tenants");
  for (uint32_t i = 0; rc == 0 && i < m->tenants; i++) {
    rc = qun_bench_tenant_make(&m->daemon, i, m->tokens[i], err);
    qun_progress_draw(&progress, i, m->tenants, NULL);
  }
  qun_progress_end(&progress);
  return rc;
}

/* A request that opens the tenant's store, and the same again when it is open. */
static int open_one(struct many *m, uint32_t tenant, float *cold_ms, float *warm_ms, struct qun_error *err) {
  double begun = qun_bench_now();
  int rc = qun_bench_tenant_wait(&m->daemon, tenant, err);
  double opened = qun_bench_now();
  if (rc == 0) rc = qun_bench_tenant_wait(&m->daemon, tenant, err);
  *cold_ms = (float)((opened - begun) * 1e3);
  *warm_ms = (float)((qun_bench_now() - opened) * 1e3);
  return rc;
}

/* Of those behind the active ones, spread over all; nobody has touched them since the start. */
static int open_cold(struct many *m, uint32_t round, struct qun_error *err) {
  float cold[COLD], warm[COLD];
  uint32_t idle = m->tenants - m->active, n = idle < COLD ? idle : COLD;
  int rc = 0;
  for (uint32_t i = 0; rc == 0 && i < n; i++)
    rc = open_one(m, m->active + (uint32_t)((uint64_t)i * idle / n), &cold[i], &warm[i], err);
  m->cold_ms[round] = (double)qun_percentile(cold, n, 0.5);
  m->warm_ms[round] = (double)qun_percentile(warm, n, 0.5);
  return rc;
}

static int one_round(struct many *m, uint32_t round, struct qun_error *err) {
  qun_bench_daemon_stop(&m->daemon);
  int rc = qun_bench_daemon_start(&m->daemon, &m->options, err);
  m->start_s[round] = m->daemon.ready_s;
  m->plan.seed = round + 1;
  if (rc == 0) rc = qun_bench_fill(&m->daemon, &m->plan, m->tokens, err);
  if (rc == 0) rc = open_cold(m, round, err);
  m->memory_mib[round] = (double)qun_bench_memory(m->daemon.pid) / 1048576;
  return rc;
}

static void print_rows(const struct qun_bench_case *c, struct many *m) {
  const struct {
    const char *measure, *unit;
    double *figures, target;
  } rows[] = {{"start", "s", m->start_s, c->most_start_s},
              {"opening a cold tenant, median", "ms", m->cold_ms, c->most_ms},
              {"the same request to an open one, median", "ms", m->warm_ms, 0},
              {"memory", "MiB", m->memory_mib, c->most_mib}};
  const struct qun_bench_figure figures[] = {{"tenants", "in all", (double)m->tenants},
                                             {"active", "of them", (double)m->active},
                                             {0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct qun_bench_row row = {.name = c->name,
                                .measure = rows[i].measure,
                                .unit = rows[i].unit,
                                .ours = qun_spread_of(rows[i].figures, m->run->rounds),
                                .target = rows[i].target,
                                .at_most = true,
                                .figures = figures};
    qun_bench_row_print(m->run, &row);
  }
}

int qun_bench_tenants_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err) {
  struct many m = {.run = run, .tenants = run->tenants ? run->tenants : c->tenants};
  m.active = m.tenants > ACTIVE ? ACTIVE : (m.tenants + 1) / 2;
  m.options = (struct qun_bench_daemon_options){.dir = run->setup.dir,
                                                .plugins = run->setup.plugins,
                                                .connections = ACTIVE + 8};
  m.plan = (struct qun_bench_plan){.tenants = m.active,
                                   .batch = run->batch ? run->batch : BATCH,
                                   .under_way = run->window ? run->window : WINDOW,
                                   .members = run->members ? run->members : QUN_BENCH_MEMBERS,
                                   .events = run->events ? run->events : c->events};
  int rc = qun_bench_daemon_open(&m.daemon, &m.options, err);
  if (rc == 0) rc = make_all(&m, err);
  for (uint32_t round = 0; rc == 0 && round < run->rounds; round++) rc = one_round(&m, round, err);
  if (rc == 0) print_rows(c, &m);
  qun_bench_daemon_close(&m.daemon);
  free(m.tokens);
  return rc;
}
