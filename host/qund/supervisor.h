/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that people and service managers see. It owns the listening sockets, runs a worker (this same program),
 * and starts another when that one crashes. It has one thread, no loop, and opens nothing of the data.
 */
#ifndef QUN_HOST_QUND_SUPERVISOR_H
#define QUN_HOST_QUND_SUPERVISOR_H

#include "host/ops/log.h"
#include "host/qund/settings.h"

/* Runs workers until one ends by itself or this process is told to stop (SIGTERM, SIGINT and SIGHUP are passed on).
 * *status: what to exit with: the worker's own code if it ended by itself or could not start, 0 after a stop. Less than
 * 0: nothing could be started. If this process dies, the kernel kills the worker. With NOTIFY_SOCKET in the environment
 * it tells systemd READY and STOPPING. Blocking. */
int qun_qund_supervise(int *status, const struct qun_qund_settings *settings, const struct qun_log *log, char **argv,
                       struct qun_error *err);

#endif
