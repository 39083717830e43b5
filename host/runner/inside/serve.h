/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin in a runner: its host (struct qun_host), the services as it sees them, its callbacks as the host asks for them.
 * The runner's main thread, but for what the table of services marks [any].
 */
#ifndef QUN_HOST_RUNNER_INSIDE_SERVE_H
#define QUN_HOST_RUNNER_INSIDE_SERVE_H

#include "host/runner/inside/channel.h"
#include "host/runner/inside/keyspace.h"
#include "host/runner/page.h"

#include <services/services.h>

enum { QUN_REQUIRES_MAX = 64 };

struct qun_serve {
  struct qun__transport transport; /* first: host->ctx points to it */
  struct qun_host host;
  struct qun_channel channel;
  struct qun_keyspace keyspace;
  bool distrust; /* the keyspace was forgotten: rows shipped before the next answer may be old */
  bool second;   /* the plugin has qun.store/2 and not qun.store/1 */
  struct qun_store_v1 store;
  struct qun_store_v2 store2;
  struct qun_timer_v1 timer;
  struct qun_page *page;
  const struct qun_plugin *plugin;
  bool created;
  void *self, *local;
  char requires[QUN_REQUIRES_MAX][64];
  uint32_t requires_count;
  /* the callback that runs */
  bool inside;
  bool pure;
  uint32_t mode; /* QUN_MODE_*; 0: create */
  qun_handle tenant;
  char message[256];
  struct qun_waiting *lent; /* answers that were lent to it */
  struct qun_waiting *kept; /* and those that live until destroy() */
  int64_t due_ms;           /* the next timer's */
};

void qun_serve_init(struct qun_serve *s, int fd, struct qun_page *page, size_t keyspace_bytes);
/* Runs callbacks until the host is gone. */
void qun_serve_run(struct qun_serve *s) __attribute__((noreturn));

/* ---- services.c: what the plugin's host answers */
void qun__serve_services(struct qun_serve *s);

#endif
