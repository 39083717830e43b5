/* SPDX-License-Identifier: Apache-2.0 */
/* Runs command lines in this process, and plays a daemon on a Unix socket for them. */
#ifndef QUN_TESTS_TOOLS_QUN_FIXTURE_H
#define QUN_TESTS_TOOLS_QUN_FIXTURE_H

#include "tools/qun/cli.h"

#include <pthread.h>

struct outcome {
  int status;
  char *out, *err;
};

/* Runs "qun <words...>"; the list ends with NULL. Free with outcome_fini. */
struct outcome run(const char *first, ...) __attribute__((sentinel));
void outcome_fini(struct outcome *o);

enum { FAKE_REQUESTS = 16 };

struct fake_answer {
  int status;
  const char *type, *headers, *body; /* headers: "Retry-After: 1\r\n" or NULL */
};

struct fake_request {
  char head[2048]; /* request line and headers */
  char *body;
  size_t body_len;
};

/* Answers the nth connection's request with the nth answer. */
struct fake_daemon {
  char folder[64];
  int fd;
  pthread_t thread;
  const struct fake_answer *answers;
  int answers_count;
  struct fake_request requests[FAKE_REQUESTS];
  int seen;
};

void fake_daemon_start(struct fake_daemon *d, const struct fake_answer *answers, int count);
/* Waits until all answers were given. */
void fake_daemon_stop(struct fake_daemon *d);
void fake_daemon_fini(struct fake_daemon *d);

#endif
