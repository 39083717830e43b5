/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A qund of the benchmark's own: a folder, a child process, tenants, connections. Blocking; one thread.
 */
#ifndef QUN_TOOLS_QUN_BENCH_DAEMON_H
#define QUN_TOOLS_QUN_BENCH_DAEMON_H

#include "tools/qun/bench/process.h"
#include "tools/qun/client.h"

struct qun_bench_daemon_options {
  const char *dir;      /* where its folder is made */
  const char *plugins;  /* NULL: beside the program */
  const char *trace;    /* what it puts into its stores is written down there (tools/shims/lmdb_trace.c); NULL: no */
  uint32_t connections; /* of the intake socket */
  bool http;            /* takes requests by TCP too */
  const char *isolate;  /* plugins that run isolated; NULL: none */
};

struct qun_bench_daemon {
  char folder[256]; /* made by open, removed by close */
  char data[288], keys[288], socket[288], address[64];
  pid_t pid;
  double ready_s; /* how long the last start took */
  struct qun_client *client;
};

/* Makes the folder and starts. QUN_ENOTFOUND: no qund beside this program. QUN_EFAIL: it ended or said nothing within a
 * minute. Close in any case. */
int qun_bench_daemon_open(struct qun_bench_daemon *d, const struct qun_bench_daemon_options *o, struct qun_error *err);
/* Starts the qund over the folder that is there. */
int qun_bench_daemon_start(struct qun_bench_daemon *d, const struct qun_bench_daemon_options *o, struct qun_error *err);
/* SIGTERM, waits; the folder stays. Fine when it does not run. */
void qun_bench_daemon_stop(struct qun_bench_daemon *d);
void qun_bench_daemon_close(struct qun_bench_daemon *d);

/* One request as the agency; the answer of 2xx as msgpack in `reply`, cleared first. json NULL: no body. */
int qun_bench_ask(struct qun_bench_daemon *d, const char *method, const char *path, const char *query, const char *json,
                  struct qun_pack *reply, struct qun_error *err);
/* Tenant number n, named bench-n. */
enum { QUN_BENCH_TOKEN = 128 };
int qun_bench_tenant_make(struct qun_bench_daemon *d, uint32_t n, char token[QUN_BENCH_TOKEN], struct qun_error *err);
/* Waits until the tenant has applied what is journaled. */
int qun_bench_tenant_wait(struct qun_bench_daemon *d, uint32_t n, struct qun_error *err);
/* The events from outside that it holds; QUN_EFAIL: a plugin is not live, or has not seen them all. */
int qun_bench_tenant_count(struct qun_bench_daemon *d, uint32_t n, uint64_t *events, struct qun_error *err);

/* A connection to the intake socket (host/intake/socket.h), greeted. `ack`: member "ack" of the greeting; NULL: none.
 * *fd is closed by the caller. */
int qun_bench_intake(const struct qun_bench_daemon *d, const char *token, const char *ack, int *fd,
                     struct qun_error *err);
/* A connection to its HTTP port. */
int qun_bench_http(const struct qun_bench_daemon *d, int *fd, struct qun_error *err);

#endif
