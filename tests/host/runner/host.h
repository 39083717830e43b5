/* SPDX-License-Identifier: Apache-2.0 */
/* A host for one plugin in a runner: a keyspace in memory, a callback's scope, and the last failure. */
#ifndef QUN_TESTS_HOST_RUNNER_HOST_H
#define QUN_TESTS_HOST_RUNNER_HOST_H

#include "host/plugins/library.h"
#include "host/runner/proxy.h"

struct mini_row {
  char key[64];
  unsigned char *value;
  size_t len;
};

struct mini {
  struct qun_host host;
  struct qun__library library;
  struct qun_runner_options options;
  struct qun_proxy_config config;
  void *self, *local;
  struct mini_row rows[64];
  uint32_t rows_count, emits, gets, denied;
  uint32_t mode; /* of the callback that runs; 0: none */
  char message[300];
  uint64_t seq;
};

enum { MINI_TENANT = 7 };

/* `dir`: folder of the package below the build's; `id` names the library too. Ends the test when it can't. */
void mini_open(struct mini *m, const char *dir, const char *id);
void mini_close(struct mini *m);
/* The callbacks, as an engine would make them. */
int mini_tenant(struct mini *m);
int mini_event(struct mini *m, const char *group, uint64_t member, int64_t clock_ms);
int mini_request(struct mini *m, const char *service);
int mini_timer(struct mini *m, int64_t due_ms);
/* An integer in the row; INT64_MIN: there is none. */
int64_t mini_int(struct mini *m, const char *key);
/* What on_event would be given for the next event of mini_event. */
void mini_announce(struct mini *m, const char *group, uint64_t member, int64_t clock_ms, uint64_t ahead);

#endif
