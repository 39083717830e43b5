/* SPDX-License-Identifier: Apache-2.0 */
/* The process that serves: the engine, HTTP and the intake socket on one libuv loop. */
#ifndef QUN_HOST_QUND_WORKER_H
#define QUN_HOST_QUND_WORKER_H

#include "host/ops/log.h"
#include "host/qund/handover.h"
#include "host/qund/sockets.h"

/* Serves until SIGTERM, SIGINT or SIGHUP, then answers 0 once all work is done. handover NULL: nobody supervises this
 * process, it opens the sockets itself. Less than 0: it could not start. Main thread, blocking. */
int qun_qund_worker_run(const struct qun_qund_settings *settings, const struct qun_log *log,
                        const struct qun_qund_handover *handover, struct qun_error *err);

#endif
