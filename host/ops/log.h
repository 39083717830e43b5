/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for the operator: "2026-11-21T08:00:00.000Z info  message" on stderr, one write each, so that lines of threads
 * do not mix. Never put personal data or a token in one. Any thread.
 */
#ifndef QUN_HOST_OPS_LOG_H
#define QUN_HOST_OPS_LOG_H

#include <qun/plugin.h>

struct qun_log {
  int level; /* QUN_LOG_*: what is below is left out */
  int fd;
};

/* NULL is fine: no line. */
void qun_log_line(const struct qun_log *log, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "debug", "info", "warn", "error" to a level; -1 if it is none of them. */
int qun_log_level(const char *name);

#endif
