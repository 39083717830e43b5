/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/cases.h"

#include <string.h>

#define ALL "postgresql,redis,lmdb"

const struct qun_bench_case qun_bench_cases[] = {
    {.name = "ingest",
     .help = {"1 tenant, batches of 1,000, 4 under way, Unix socket", "1 个租户，每批 1000 条，4 批在途，Unix 套接字"},
     .run = qun_bench_intake_run,
     .tenants = 1,
     .batch = 1000,
     .under_way = 4,
     .rivals = ALL,
     .goals = {.postgresql = 3, .redis = 3, .lmdb = 0.5},
     .slow = {.postgresql = 3, .redis = 3, .lmdb = 0.5},
     .events = 200000},
    {.name = "ingest-100",
     .help = {"1 tenant, batches of 100, 16 under way", "1 个租户，每批 100 条，16 批在途"},
     .run = qun_bench_intake_run,
     .tenants = 1,
     .batch = 100,
     .under_way = 16,
     .rivals = ALL,
     .goals = {.postgresql = 4},
     .slow = {.postgresql = 4},
     .events = 200000},
    {.name = "tenants-100",
     .help = {"100 tenants, batches of 1,000, 2 senders with 4 under way each",
              "100 个租户，每批 1000 条，2 个发送方各 4 批在途"},
     .run = qun_bench_intake_run,
     .tenants = 100,
     .batch = 1000,
     .under_way = 8,
     .rivals = ALL,
     .goals = {.postgresql = 4},
     .slow = {.postgresql = 4},
     .events = 400000},
    {.name = "single-1x64",
     .help = {"1 tenant, single events, 64 clients with one outstanding each",
              "1 个租户，单条事件，64 个客户端各 1 条在途"},
     .run = qun_bench_intake_run,
     .tenants = 1,
     .batch = 1,
     .under_way = 64,
     .rivals = ALL,
     .goals = {.postgresql = 4, .redis = 1, .p99 = 1},
     .slow = {.postgresql = 2},
     .events = 500000,
     .seconds = 5},
    {.name = "single-100x64",
     .help = {"100 tenants, single events, 64 clients", "100 个租户，单条事件，64 个客户端"},
     .run = qun_bench_intake_run,
     .tenants = 100,
     .batch = 1,
     .under_way = 64,
     .rivals = ALL,
     .goals = {.postgresql = 2.5, .redis = 1, .p99 = 1},
     .slow = {.postgresql = 2},
     .events = 500000,
     .seconds = 5},
    {.name = "single-1000x64",
     .help = {"1,000 tenants, single events, 64 clients", "1000 个租户，单条事件，64 个客户端"},
     .run = qun_bench_intake_run,
     .tenants = 1000,
     .batch = 1,
     .under_way = 64,
     .rivals = ALL,
     .goals = {.postgresql = 2.5, .redis = 1, .p99 = 1},
     .slow = {.postgresql = 2},
     .events = 500000,
     .seconds = 5},
    {.name = "single-one",
     .help = {"1 tenant, single events, one client", "1 个租户，单条事件，1 个客户端"},
     .run = qun_bench_intake_run,
     .tenants = 1,
     .batch = 1,
     .under_way = 1,
     .rivals = ALL,
     .goals = {.postgresql = 1.3},
     .slow = {.postgresql = 1},
     .events = 100000,
     .seconds = 5},
    {.name = "http",
     .help = {"1 tenant, HTTP, CloudEvents in JSON, batches of 100, 16 clients",
              "1 个租户，HTTP，CloudEvents JSON，每批 100 条，16 个客户端"},
     .run = qun_bench_intake_run,
     .tenants = 1,
     .batch = 100,
     .under_way = 16,
     .json = true,
     .rivals = "postgresql",
     .goals = {.postgresql = 1.5},
     .events = 200000},
    {0}};

const struct qun_bench_case *qun_bench_case_find(const char *name) {
  for (const struct qun_bench_case *c = qun_bench_cases; c->name; c++)
    if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

double qun_bench_goal(const struct qun_bench_case *c, const struct qun_bench_run *run, const char *rival) {
  const struct qun_bench_goals *g = run->slow_us ? &c->slow : &c->goals;
  if (strcmp(rival, "postgresql") == 0) return g->postgresql;
  if (strcmp(rival, "redis") == 0) return g->redis;
  if (strcmp(rival, "lmdb") == 0) return g->lmdb;
  return strcmp(rival, "p99") == 0 ? g->p99 : 0;
}
