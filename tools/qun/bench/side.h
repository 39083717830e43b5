/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A contender: Qun itself or a rival. All are sent the same events in the same frames, by the same client
 * (tools/qun/bench/driver.h), and do the same durable work: a log row, a member's counter, a day's counter, a guard
 * against an id that comes twice. One thread.
 */
#ifndef QUN_TOOLS_QUN_BENCH_SIDE_H
#define QUN_TOOLS_QUN_BENCH_SIDE_H

#include "tools/qun/bench/daemon.h"
#include "tools/qun/bench/driver.h"

enum { QUN_BENCH_WAYS = 8 };

struct qun_bench_setup {
  const char *dir;     /* where folders are made */
  const char *plugins; /* qund's; NULL: beside the program */
};

/* What one round gave. */
struct qun_bench_result {
  uint64_t events;
  double acknowledged_s; /* until the last answer */
  double applied_s;      /* until all of it could be read; never less */
  double p50_us, p99_us; /* of acknowledgement, a frame each */
  double memory;         /* resident bytes at the end */
  double disk;           /* bytes an event, without journal or write-ahead log */
};

struct qun_bench_side {
  const char *name;
  /* Starts what has to run over all rounds. *self is set in any case and closed by the caller. QUN_ENOTFOUND: it is not
   * installed; says what to install. Mandatory. */
  int (*open)(void **self, const struct qun_bench_setup *setup, struct qun_error *err);
  /* Numbers of connections worth trying: the best is taken. Mandatory. */
  uint32_t (*ways)(const struct qun_bench_plan *plan, uint32_t out[QUN_BENCH_WAYS]);
  /* One round on empty tables; checks at its end that exactly what was acknowledged is there. Mandatory. */
  int (*round)(void *self, const struct qun_bench_plan *plan, uint32_t way, struct qun_bench_result *result,
               struct qun_error *err);
  void (*close)(void *self); /* NULL self is fine. Mandatory. */
};

extern const struct qun_bench_side qun_bench_qun, qun_bench_postgresql, qun_bench_redis, qun_bench_lmdb;

/* Rate and percentiles of a drive that has ended. */
void qun_bench_result_of(struct qun_bench_result *result, struct qun_bench_drive *d);

/* ---- qun.c */
/* One round of a new qund. `trace`: what it commits from the first event on is written down there, from[0] to from[1]
 * in that file; NULL: no. */
struct qun_bench_trace {
  const char *file;
  uint64_t from, to;
};
int qun_bench_qun_round(const struct qun_bench_setup *setup, const struct qun_bench_plan *plan,
                        struct qun_bench_trace *trace, struct qun_bench_result *result, struct qun_error *err);

/* Tenants bench-0 to bench-(count-1); *out: their ingest tokens, freed by the caller. */
int qun_bench_tenants_make(struct qun_bench_daemon *d, char (**out)[QUN_BENCH_TOKEN], uint32_t count,
                           struct qun_error *err);
/* Sends the plan's events to its tenants and waits until they are applied. */
int qun_bench_fill(struct qun_bench_daemon *d, const struct qun_bench_plan *plan, char (*tokens)[QUN_BENCH_TOKEN],
                   struct qun_error *err);

#endif
