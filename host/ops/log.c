/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/log.h"
#include "host/intake/normalise.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *const levels[] = {
    [QUN_LOG_DEBUG] = "debug", [QUN_LOG_INFO] = "info", [QUN_LOG_WARN] = "warn", [QUN_LOG_ERROR] = "error"};
enum { LEVELS = (int)(sizeof levels / sizeof *levels) };

int qun_log_level(const char *name) {
  for (int i = 0; i < LEVELS; i++)
    if (!strcmp(levels[i], name)) return i;
  return -1;
}

void qun_log_line(const struct qun_log *log, int level, const char *format, ...) {
  char line[1200], time[25];
  struct timespec now;
  va_list args;
  if (!log || level < log->level || level < 0 || level >= LEVELS) return;
  clock_gettime(CLOCK_REALTIME, &now);
  qun_time_format((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, time);
  int at = snprintf(line, sizeof line, "%s %-5s ", time, levels[level]);
  va_start(args, format);
  int n = vsnprintf(line + at, sizeof line - (size_t)at - 1, format, args);
  va_end(args);
  size_t len = strlen(line);
  if (n < 0) return;
  line[len++] = '\n';
  if (write(log->fd, line, len) < 0) return; /* there is nowhere left to say it */
}
