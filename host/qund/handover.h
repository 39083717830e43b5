/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor tells a worker that it starts: one variable of the environment, which the worker takes out again.
 * Main thread, before any other is started.
 */
#ifndef QUN_HOST_QUND_HANDOVER_H
#define QUN_HOST_QUND_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#define QUN_QUND_HANDOVER "QUND_WORKER"
enum { QUN_QUND_HANDOVER_SIZE = 256 };

struct qun_qund_handover {
  int tcp, api, intake; /* sockets that listen; tcp -1: none */
  int status;           /* the worker writes one byte to it when it serves */
  uint32_t restarts;    /* workers that crashed before this one */
  bool announced;       /* the ready line has been printed */
  int64_t died_ms;      /* CLOCK_MONOTONIC when the one before was found dead; 0: this is the first */
  char reason[48];      /* how the one before ended; "none": this is the first */
};

void qun_qund_handover_format(char out[QUN_QUND_HANDOVER_SIZE], const struct qun_qund_handover *h);
/* Whether `text` is whole and in form. */
bool qun_qund_handover_parse(struct qun_qund_handover *h, const char *text);
/* Takes the variable out of the environment. False: there was none, this process was not started by a supervisor. */
bool qun_qund_handover_take(struct qun_qund_handover *h);

#endif
