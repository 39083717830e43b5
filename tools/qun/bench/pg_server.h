/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL of the benchmark's own, tuned: in a private folder, on a Unix socket, as the user postgres (or nobody)
 * when this process is root, which PostgreSQL refuses to be. Blocking; one thread.
 */
#ifndef QUN_TOOLS_QUN_BENCH_PG_SERVER_H
#define QUN_TOOLS_QUN_BENCH_PG_SERVER_H

#include "tenants/error.h"

#include <libpq-fe.h>
#include <sys/types.h>

struct qun_bench_pg {
  char folder[256]; /* removed by stop */
  char log[288];
  pid_t pid;
  PGconn *admin;
};

/* Makes a cluster below `dir`, starts it and makes the tables. QUN_ENOTFOUND: PostgreSQL is not installed. Stop in any
 * case. */
int qun_bench_pg_start(struct qun_bench_pg *pg, const char *dir, struct qun_error *err);
void qun_bench_pg_stop(struct qun_bench_pg *pg);
/* A connection of its own. */
int qun_bench_pg_connect(struct qun_bench_pg *pg, PGconn **out, struct qun_error *err);
/* Statements without results. */
int qun_bench_pg_do(struct qun_bench_pg *pg, const char *sql, struct qun_error *err);
/* The first column of a one-row answer as a number. */
int qun_bench_pg_number(struct qun_bench_pg *pg, const char *sql, double *out, struct qun_error *err);

#endif
