/* SPDX-License-Identifier: Apache-2.0 */
/* Cases over one tenant that has had its events: replay, audit, growth report. */
#include "tools/qun/bench/cases.h"
#include "tools/qun/bench/row.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000, WINDOW = 4, REPORTS = 200 };

#define TENANT "/v1/tenants/bench-0"

struct filled {
  const struct qun_bench_case *c;
  struct qun_bench_run *run;
  struct qun_bench_plan plan;
  struct qun_bench_daemon daemon;
  struct qun_pack reply;
  struct qun_progress progress;
  uint64_t sent; /* events */
  double figures[QUN_SPREAD_MAX], others[QUN_SPREAD_MAX];
};

static int filled_open(struct filled *f, const struct qun_bench_case *c, struct qun_bench_run *run,
                       struct qun_error *err) {
  const struct qun_bench_daemon_options options = {.dir = run->setup.dir, .plugins = run->setup.plugins};
  char(*tokens)[QUN_BENCH_TOKEN] = NULL;
  uint32_t members = run->members ? run->members : c->members;
  memset(f, 0, sizeof *f);
  f->c = c;
  f->run = run;
  f->plan = (struct qun_bench_plan){.seed = 1,
                                    .tenants = 1,
                                    .batch = BATCH,
                                    .under_way = WINDOW,
                                    .members = members ? members : QUN_BENCH_MEMBERS,
                                    .events = run->events ? run->events : c->events};
  f->sent = (f->plan.events + BATCH - 1) / BATCH * BATCH;
  qun_pack_init(&f->reply);
  qun_progress_begin(&f->progress, run->cli, c->name);
  qun_progress_draw(&f->progress, 0, 0, "filling the tenant");
  int rc = qun_bench_daemon_open(&f->daemon, &options, err);
  if (rc == 0) rc = qun_bench_tenants_make(&f->daemon, &tokens, 1, err);
  if (rc == 0) rc = qun_bench_fill(&f->daemon, &f->plan, tokens, err);
  free(tokens);
  return rc;
}

static void filled_close(struct filled *f) {
  qun_progress_end(&f->progress);
  qun_bench_daemon_close(&f->daemon);
  qun_pack_fini(&f->reply);
}

/* Calls `once` for every round. */
static int rounds(struct filled *f, int (*once)(struct filled *f, uint32_t round, struct qun_error *err),
                  struct qun_error *err) {
  int rc = 0;
  for (uint32_t i = 0; rc == 0 && i < f->run->rounds; i++) {
    qun_progress_draw(&f->progress, i, f->run->rounds, NULL);
    rc = once(f, i, err);
  }
  qun_progress_end(&f->progress);
  return rc;
}

static void print_rate(struct filled *f) {
  const struct qun_bench_figure figures[] = {{"events", "in the tenant", (double)f->sent},
                                             {"memory_mib", "MiB", (double)qun_bench_memory(f->daemon.pid) / 1048576},
                                             {0}};
  struct qun_bench_row row = {.name = f->c->name,
                              .measure = "rate",
                              .unit = "events/s",
                              .ours = qun_spread_of(f->figures, f->run->rounds),
                              .target = f->c->least_rate,
                              .figures = figures};
  qun_bench_row_print(f->run, &row);
}

/* ---- replay */

static int replay_once(struct filled *f, uint32_t round, struct qun_error *err) {
  double begun = qun_bench_now();
  int rc = qun_bench_ask(&f->daemon, "POST", TENANT "/replay", NULL, "{\"mode\":\"verify\"}", &f->reply, err);
  double seconds = qun_bench_now() - begun;
  qun_slice reply = qun_pack_slice(&f->reply);
  if (rc < 0) return rc;
  if (!qun_mp_bool(reply, "match", 0) || qun_mp_int(reply, "records", 0) < (int64_t)f->sent)
    return qun_error_set(err, QUN_EFAIL, "the replay of %lld records does not give the state that stands",
                         (long long)qun_mp_int(reply, "records", 0));
  f->figures[round] = (double)f->sent / seconds;
  return 0;
}

int qun_bench_replay_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err) {
  struct filled f;
  int rc = filled_open(&f, c, run, err);
  if (rc == 0) rc = rounds(&f, replay_once, err);
  if (rc == 0) print_rate(&f);
  filled_close(&f);
  return rc;
}

/* ---- audit: scan of the log, evidence, proofs, signed bundle */

static int audit_once(struct filled *f, uint32_t round, struct qun_error *err) {
  double begun = qun_bench_now();
  int rc = qun_bench_ask(&f->daemon, "POST", TENANT "/audit/run", NULL, "{}", &f->reply, err);
  f->figures[round] = (double)f->sent / (qun_bench_now() - begun);
  return rc;
}

int qun_bench_audit_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err) {
  struct filled f;
  int rc = filled_open(&f, c, run, err);
  if (rc == 0) rc = rounds(&f, audit_once, err);
  if (rc == 0) print_rate(&f);
  filled_close(&f);
  return rc;
}

/* ---- reports */

/* One more event, so that the next report cannot be an earlier one. */
static int add_event(struct filled *f, struct qun_error *err) {
  struct qun_bench_event e;
  struct qun_pack json;
  struct qun_client_answer answer;
  qun_pack_init(&json);
  qun_bench_event_make(&e, f->plan.seed, f->sent++, f->plan.members);
  qun_bench_event_json(&json, &e);
  struct qun_client_request request = {.method = "POST",
                                       .path = TENANT "/events",
                                       .content_type = "application/cloudevents+json",
                                       .body = qun_pack_slice(&json)};
  int rc = qun_client_request(f->daemon.client, &request, &answer, err);
  if (rc == 0 && answer.status >= 300) rc = qun_error_set(err, QUN_EFAIL, "an event was refused: %d", answer.status);
  if (rc == 0) qun_client_answer_fini(&answer);
  qun_pack_fini(&json);
  return rc < 0 ? rc : qun_bench_tenant_wait(&f->daemon, 0, err);
}

static int ask_reports(struct filled *f, bool changing, double *p99_ms, struct qun_error *err) {
  float ms[REPORTS];
  int rc = 0;
  for (int i = 0; rc == 0 && i < REPORTS; i++) {
    if (changing) rc = add_event(f, err);
    double begun = qun_bench_now();
    if (rc == 0) rc = qun_bench_ask(&f->daemon, "GET", TENANT "/reports/growth", "format=json", NULL, &f->reply, err);
    ms[i] = (float)((qun_bench_now() - begun) * 1e3);
  }
  if (rc == 0) *p99_ms = (double)qun_percentile(ms, REPORTS, 0.99);
  return rc;
}

static int reports_once(struct filled *f, uint32_t round, struct qun_error *err) {
  int rc = ask_reports(f, true, &f->figures[round], err);
  return rc < 0 ? rc : ask_reports(f, false, &f->others[round], err);
}

int qun_bench_reports_run(const struct qun_bench_case *c, struct qun_bench_run *run, struct qun_error *err) {
  struct filled f;
  int rc = filled_open(&f, c, run, err);
  if (rc == 0) rc = rounds(&f, reports_once, err);
  struct qun_bench_row row = {.name = c->name, .unit = "ms", .target = c->most_ms, .at_most = true};
  if (rc == 0) {
    row.measure = "p99 with an event between any two";
    row.ours = qun_spread_of(f.figures, run->rounds);
    qun_bench_row_print(run, &row);
    row.measure = "p99 of a tenant at rest";
    row.ours = qun_spread_of(f.others, run->rounds);
    qun_bench_row_print(run, &row);
  }
  filled_close(&f);
  return rc;
}
