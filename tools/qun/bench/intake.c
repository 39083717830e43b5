/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases of intake: ours and the rivals by turns, round by round, in one run. A rival that can be used in several ways
 * (numbers of connections) is tried in each first, and measured in its best.
 */
#include "tools/qun/bench/cases.h"
#include "tools/qun/bench/row.h"

#include <string.h>

enum { SIDES = QUN_BENCH_RIVALS + 1, TRIAL_PART = 5, TRIAL_SECONDS = 2 };

struct contender {
  const struct qun_bench_side *side;
  void *self;
  uint32_t way;
  double applied[QUN_SPREAD_MAX], acknowledged[QUN_SPREAD_MAX], p50[QUN_SPREAD_MAX], p99[QUN_SPREAD_MAX];
  struct qun_bench_result last;
};

struct match {
  const struct qun_bench_case *c;
  struct qun_bench_run *run;
  struct qun_bench_plan plan;
  struct contender contenders[SIDES];
  uint32_t count;
  struct qun_progress progress;
};

static struct qun_bench_plan plan_of(const struct qun_bench_case *c, const struct qun_bench_run *run) {
  return (struct qun_bench_plan){.seed = 1,
                                 .tenants = run->tenants ? run->tenants : c->tenants,
                                 .batch = run->batch ? run->batch : c->batch,
                                 .under_way = run->window ? run->window : c->under_way,
                                 .members = run->members ? run->members : QUN_BENCH_MEMBERS,
                                 .events = run->events ? run->events : c->events,
                                 .seconds = run->seconds > 0 ? run->seconds : c->seconds,
                                 .json = c->json};
}

/* The same seed for all contenders of a round: the same events. */
static int one_round(struct match *m, struct contender *k, uint32_t round, struct qun_error *err) {
  struct qun_bench_result *r = &k->last;
  *r = (struct qun_bench_result){0};
  m->plan.seed = round + 1;
  int rc = k->side->round(k->self, &m->plan, k->way, r, err);
  if (rc < 0) {
    qun_error_prefix(err, "%s, %s", m->c->name, k->side->name);
    return rc;
  }
  k->applied[round] = (double)r->events / r->applied_s;
  k->acknowledged[round] = (double)r->events / r->acknowledged_s;
  k->p50[round] = r->p50_us;
  k->p99[round] = r->p99_us;
  return 0;
}

static int try_ways(struct match *m, struct contender *k, struct qun_error *err) {
  uint32_t ways[QUN_BENCH_WAYS], n = k->side->ways(&m->plan, ways);
  struct qun_bench_plan whole = m->plan;
  double best = 0;
  int rc = 0;
  k->way = ways[0];
  if (n == 1) return 0;
  m->plan.events = whole.events / TRIAL_PART ? whole.events / TRIAL_PART : 1;
  m->plan.seconds = TRIAL_SECONDS;
  uint32_t chosen = ways[0];
  for (uint32_t i = 0; rc == 0 && i < n; i++) {
    k->way = ways[i];
    rc = one_round(m, k, 0, err);
    if (rc < 0 || k->applied[0] <= best) continue;
    best = k->applied[0];
    chosen = ways[i];
  }
  k->way = chosen;
  m->plan = whole;
  return rc;
}

static int enter(struct match *m, const struct qun_bench_side *side, struct qun_error *err) {
  struct contender *k = &m->contenders[m->count++];
  k->side = side;
  int rc = side->open(&k->self, &m->run->setup, err);
  return rc < 0 ? rc : try_ways(m, k, err);
}

static int play(struct match *m, struct qun_error *err) {
  uint64_t done = 0, total = (uint64_t)m->run->rounds * m->count;
  int rc = 0;
  for (uint32_t round = 0; rc == 0 && round < m->run->rounds; round++)
    for (uint32_t i = 0; rc == 0 && i < m->count; i++) {
      qun_progress_draw(&m->progress, done++, total, m->contenders[i].side->name);
      rc = one_round(m, &m->contenders[i], round, err);
    }
  return rc;
}

/* ---- what it gave */

static double median(const double *figures, uint32_t count) {
  double copy[QUN_SPREAD_MAX];
  memcpy(copy, figures, count * sizeof *copy);
  return qun_spread_of(copy, count).median;
}

static struct qun_spread spread(const double *figures, uint32_t count) {
  double copy[QUN_SPREAD_MAX];
  memcpy(copy, figures, count * sizeof *copy);
  return qun_spread_of(copy, count);
}

static void print_side(const struct match *m, const struct contender *k, const struct contender *rival) {
  uint32_t n = m->run->rounds;
  const struct contender *shown = rival ? rival : k;
  char way[32];
  const struct qun_bench_figure figures[] = {{"acknowledged", "events/s", median(shown->acknowledged, n)},
                                             {"p50_us", "us", median(shown->p50, n)},
                                             {"p99_us", "us", median(shown->p99, n)},
                                             {"memory_mib", "MiB", shown->last.memory / 1048576},
                                             {"disk_bytes_per_event", "bytes", shown->last.disk},
                                             {"events", "in the last round", (double)shown->last.events},
                                             {0}};
  struct qun_bench_row row = {
      .name = m->c->name, .measure = "rate", .unit = "events/s", .ours = spread(k->applied, n), .figures = figures};
  if (rival) {
    uint32_t ways[QUN_BENCH_WAYS];
    snprintf(way, sizeof way, "%u connection%s", rival->way, rival->way == 1 ? "" : "s");
    row.way = rival->side->ways(&m->plan, ways) > 1 ? way : NULL;
    row.rival = rival->side->name;
    row.theirs = spread(rival->applied, n);
    row.ratio = qun_spread_ratio(k->applied, rival->applied, n);
    row.target = qun_bench_goal(m->c, m->run, rival->side->name);
  }
  qun_bench_row_print(m->run, &row);
}

static void print_p99(const struct match *m, const struct contender *k, const struct contender *rival) {
  uint32_t n = m->run->rounds;
  struct qun_bench_row row = {.name = m->c->name,
                              .measure = "p99",
                              .unit = "us",
                              .ours = spread(k->p99, n),
                              .rival = rival->side->name,
                              .theirs = spread(rival->p99, n),
                              .ratio = qun_spread_ratio(rival->p99, k->p99, n),
                              .target = qun_bench_goal(m->c, m->run, "p99")};
  if (row.target > 0 && strcmp(row.rival, "postgresql") == 0) qun_bench_row_print(m->run, &row);
}

int qun_bench_intake_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err) {
  struct match m = {.c = c, .run = run, .plan = plan_of(c, run)};
  qun_progress_begin(&m.progress, run->cli, c->name);
  int rc = enter(&m, &qun_bench_qun, err);
  for (uint32_t i = 0; rc == 0 && i < run->rivals_count; i++)
    if (strstr(c->rivals, run->rivals[i]->name)) rc = enter(&m, run->rivals[i], err);
  if (rc == 0) rc = play(&m, err);
  qun_progress_end(&m.progress);
  if (rc == 0) print_side(&m, &m.contenders[0], NULL);
  for (uint32_t i = 1; rc == 0 && i < m.count; i++) {
    print_side(&m, &m.contenders[0], &m.contenders[i]);
    print_p99(&m, &m.contenders[0], &m.contenders[i]);
  }
  for (uint32_t i = 0; i < m.count; i++) m.contenders[i].side->close(m.contenders[i].self);
  return rc;
}
