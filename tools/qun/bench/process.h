/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes of a benchmark: servers of our own, in folders of our own. Blocking; one thread. */
#ifndef QUN_TOOLS_QUN_BENCH_PROCESS_H
#define QUN_TOOLS_QUN_BENCH_PROCESS_H

#include "tenants/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct qun_bench_command {
  const char *const *argv; /* argv[0] is the program's path */
  const char *env[2];      /* NAME=VALUE, added to this process's; NULL: none */
  const char *log;         /* standard output and error go there; NULL: they are inherited */
  int out;                 /* without a log: standard output; 0: inherited */
  bool as_user;            /* as uid and gid, not as this user */
  uid_t uid;
  gid_t gid;
};

/* *pid: the child, which dies with this process. QUN_EFAIL. */
int qun_bench_process_start(pid_t *pid, const struct qun_bench_command *c, struct qun_error *err);
/* Runs to its end. QUN_EFAIL names program and log when its status is not 0. */
int qun_bench_process_run(const struct qun_bench_command *c, struct qun_error *err);
/* Sends the signal and waits; *pid becomes 0. 0 is fine. */
void qun_bench_process_stop(pid_t *pid, int signal);
/* QUN_EFAIL when it ended by itself; then *pid becomes 0. */
int qun_bench_process_lives(pid_t *pid, const char *name, const char *log, struct qun_error *err);

/* Resident bytes of a process and all below it, memory that several share counted once. */
uint64_t qun_bench_memory(pid_t pid);
/* Bytes that a folder takes on disk. */
uint64_t qun_bench_disk(const char *folder);
/* A program beside this one ("qund", "../shims/slow_sync.so"). QUN_ENOTFOUND. */
int qun_bench_beside(char *path, size_t room, const char *name, int mode, struct qun_error *err);

#endif
