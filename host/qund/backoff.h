/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait before a crashed worker is started again: not at all, unless it crashes over and over. After 5
 * crashes within 60 s the waits are 1, 2, 4, 8, 16, 30, 30 ... s, until a worker has lived for 60 s. Pure.
 */
#ifndef QUN_HOST_QUND_BACKOFF_H
#define QUN_HOST_QUND_BACKOFF_H

#include <stdint.h>

enum { QUN_QUND_CRASHES = 5, QUN_QUND_CRASH_WINDOW_MS = 60000, QUN_QUND_WAIT_MOST_S = 30 };

/* Zeroed at first. */
struct qun_qund_backoff {
  int64_t crashes_ms[QUN_QUND_CRASHES]; /* the last ones, a ring */
  uint32_t count;
  uint32_t wait_s; /* the last wait; 0: not in a loop */
};

/* Notes a crash at `now_ms` (any clock that does not jump) of a worker that lived for `lived_ms`; answers the wait in
 * milliseconds. */
int64_t qun_qund_backoff_crash(struct qun_qund_backoff *b, int64_t now_ms, int64_t lived_ms);

#endif
