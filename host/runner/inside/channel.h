/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner's end of the connection: what goes out gathers until somebody waits for it, what comes in while a service call
 * is under way waits in a queue. Reading: the runner's one logical thread. Writing: any thread. When the host is gone the
 * process ends.
 */
#ifndef QUN_HOST_RUNNER_INSIDE_CHANNEL_H
#define QUN_HOST_RUNNER_INSIDE_CHANNEL_H

#include "host/runner/wire.h"

#include <pthread.h>

struct qun_waiting { /* a frame that came and was not looked at */
  struct qun_waiting *next;
  uint32_t id, method;
  size_t len;
  unsigned char args[];
};

struct qun_channel {
  int fd;
  struct qun_wire_in in;
  struct qun_waiting *first, *last;
  pthread_mutex_t lock; /* out, sent_ms */
  struct qun_pack out;
  int64_t sent_ms;
  uint32_t calls;
  pthread_t reader;
};

void qun_channel_init(struct qun_channel *c, int fd);
/* Appends a frame; it goes out soon. Any thread. */
void qun_channel_note(struct qun_channel *c, uint32_t method, qun_slice args);
/* Sends what has gathered; `lazy`: only if it is much, or old. Any thread. */
void qun_channel_flush(struct qun_channel *c, bool lazy);
/* Calls the host and waits; *answer (its args) is borrowed until the next call of anything here. The reader's thread. */
void qun_channel_call(struct qun_channel *c, uint32_t method, qun_slice args, qun_slice *answer);
/* The oldest frame that waits, or the next one that comes. Blocking. Free it. The reader's thread. */
struct qun_waiting *qun_channel_next(struct qun_channel *c);
/* Waits for a frame and queues it. Blocking. The reader's thread. */
void qun_channel_wait(struct qun_channel *c);
/* The oldest that waits, of that method (0: any), or NULL. */
struct qun_waiting *qun_channel_take(struct qun_channel *c, uint32_t method);

#endif
