/* SPDX-License-Identifier: Apache-2.0 */
/* The same events with growth inside the host and in a process of its own: until all that it had to do is committed. Both are
   measured in each round, so that what disturbs a round disturbs both. */
#include "tools/qun/bench/cases.h"
#include "tools/qun/bench/row.h"

#include <stdlib.h>
#include <time.h>

enum { BATCH = 1000, WINDOW = 4, CAUGHT_UP_S = 600 };

#define TENANT "/v1/tenants/bench-0"

struct round {
  const struct qun_bench_run *run;
  struct qun_bench_plan plan;
  const char *isolate;
  double rate;
};

/* Until growth has come to the end of the log. */
static int catch_up(struct qun_bench_daemon *d, struct qun_error *err) {
  double until = qun_bench_now() + CAUGHT_UP_S;
  struct qun_pack reply;
  qun_slice plugins, growth;
  bool there = false;
  int rc = 0;
  qun_pack_init(&reply);
  while (rc == 0 && !there && qun_bench_now() < until) {
    rc = qun_bench_ask(d, "GET", TENANT, NULL, NULL, &reply, err);
    there = rc == 0 && qun_mp_find(qun_pack_slice(&reply), "plugins", &plugins) &&
            qun_mp_find(plugins, "growth", &growth) && qun_slice_is(qun_mp_str(growth, "status"), "live");
    if (rc == 0 && !there) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  qun_pack_fini(&reply);
  return rc == 0 && !there ? qun_error_set(err, QUN_EFAIL, "growth did not come to the end of the log") : rc;
}

static int once(struct round *r, struct qun_error *err) {
  const struct qun_bench_daemon_options options = {.dir = r->run->setup.dir,
                                                   .plugins = r->run->setup.plugins,
                                                   .isolate = r->isolate};
  struct qun_bench_daemon d;
  char(*tokens)[QUN_BENCH_TOKEN] = NULL;
  int rc = qun_bench_daemon_open(&d, &options, err);
  if (rc == 0) rc = qun_bench_tenants_make(&d, &tokens, 1, err);
  double begun = qun_bench_now();
  if (rc == 0) rc = qun_bench_fill(&d, &r->plan, tokens, err);
  if (rc == 0) rc = catch_up(&d, err);
  r->rate = (double)r->plan.events / (qun_bench_now() - begun);
  free(tokens);
  qun_bench_daemon_close(&d);
  return rc;
}

int qun_bench_isolated_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err) {
  double inside[QUN_SPREAD_MAX], alone[QUN_SPREAD_MAX];
  struct qun_progress progress;
  struct round r = {.run = run,
                    .plan = {.seed = 1,
                             .tenants = 1,
                             .batch = BATCH,
                             .under_way = WINDOW,
                             .members = run->members ? run->members : QUN_BENCH_MEMBERS,
                             .events = run->events ? run->events : c->events}};
  int rc = 0;
  qun_progress_begin(&progress, run->cli, c->name);
  for (uint32_t i = 0; i < run->rounds && rc == 0; i++) {
    qun_progress_draw(&progress, i, run->rounds, NULL);
    r.isolate = NULL;
    rc = once(&r, err);
    inside[i] = r.rate;
    r.isolate = "growth";
    if (rc == 0) rc = once(&r, err);
    alone[i] = r.rate;
  }
  qun_progress_end(&progress);
  if (rc < 0) return rc;
  struct qun_bench_row row = {.name = c->name,
                              .measure = "rate",
                              .unit = "events/s",
                              .rival = "in-process",
                              .ratio = qun_spread_ratio(alone, inside, run->rounds),
                              .target = c->least_ratio};
  row.ours = qun_spread_of(alone, run->rounds);
  row.theirs = qun_spread_of(inside, run->rounds);
  qun_bench_row_print(run, &row);
  return 0;
}
