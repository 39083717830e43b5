/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A qund of the benchmark's own: a folder, a child process, a client of its API. Blocking; one thread.
 */
#ifndef QUN_TOOLS_QUN_BENCH_DAEMON_H
#define QUN_TOOLS_QUN_BENCH_DAEMON_H

#include "tools/qun/client.h"

#include <sys/types.h>

struct qun_bench_daemon {
  char folder[256]; /* made here, removed by stop */
  char data[288], keys[288], socket[288];
  const char *plugins; /* NULL: beside the program */
  pid_t pid;
  int out; /* its standard output; -1 none */
};

/* Makes a folder below `dir`, starts the qund that stands beside this program, and waits until it is ready.
   QUN_ENOTFOUND: no qund there. QUN_EFAIL: it ended or said nothing within a minute. */
int qun_bench_daemon_start(struct qun_bench_daemon *d, const char *dir, const char *plugins, struct qun_error *err);
/* SIGTERM, waits, removes the folder. Fine when start failed. */
void qun_bench_daemon_stop(struct qun_bench_daemon *d);

/* A connection to its intake socket (host/intake/socket.h), greeted with the token. *fd is closed by the caller. */
int qun_bench_connect(const struct qun_bench_daemon *d, const char *token, int *fd, struct qun_error *err);
/* One frame: length and bytes. */
int qun_bench_send(int fd, qun_slice frame, struct qun_error *err);
/* One frame's bytes into `into`, cleared first. */
int qun_bench_receive(int fd, struct qun_pack *into, struct qun_error *err);

#endif
