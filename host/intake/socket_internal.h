/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the intake socket: the listener (socket.c) and its connections (socket_connection.c). */
#ifndef QUN_HOST_INTAKE_SOCKET_INTERNAL_H
#define QUN_HOST_INTAKE_SOCKET_INTERNAL_H

#include "host/http/tokens.h"
#include "host/intake/socket.h"
#include "host/intake/socket_frame.h"
#include "host/ops/metrics.h"

#include <pthread.h>

struct qun__connection;

enum qun__job_state {
  QUN__JOB_WAITING = 1, /* for its turn */
  QUN__JOB_WORKING,     /* being checked and sealed on a worker thread */
  QUN__JOB_READY,       /* to be submitted; stays so while the queue is full */
  QUN__JOB_SUBMITTED,   /* its commit is awaited */
  QUN__JOB_DONE         /* to be answered */
};

struct qun__job { /* one batch */
  struct qun__connection *connection;
  struct qun__job *next; /* in the order of arrival */
  struct qun__job *next_done;
  enum qun__job_state state;
  uv_work_t work;
  unsigned char *frame;
  size_t frame_len;
  uint64_t batch;
  bool imported;
  struct qun_input_batch inputs;
  struct qun_refusals refused;
  struct qun_submit_result result;
};

struct qun__connection {
  struct qun_intake *intake;
  struct qun__connection *next, **link;
  uv_pipe_t pipe;
  uv_timer_t timer; /* first: the hello; later: a full queue */
  int handles;
  struct qun_frames frames;
  struct qun_grant grant;
  struct qun__job *jobs, *last;
  uint32_t jobs_count;
  size_t held; /* bytes of the frames of all jobs */
  bool known;  /* the hello was good */
  bool reading;
  bool ended;      /* the client sends no more */
  bool broken;     /* nothing can be written either */
  bool closing;    /* an answer or nothing is on its way, then the end */
  char fatal[496]; /* what the client did wrong: told after the answers to its good batches */
};

struct qun_intake {
  struct qun_intake_options options;
  struct qun_tokens *tokens;
  struct qun_metrics *metrics;
  uv_pipe_t listener;
  uv_async_t wake;
  uv_timer_t deadline;
  int handles;
  pthread_mutex_t lock; /* of `done` and of what a shard writes into a job */
  struct qun__job *done;
  struct qun__connection *connections;
  uint32_t count;
  bool stopping;
  void (*stopped)(void *arg);
  void *stopped_arg;
  char scratch[64 * 1024]; /* what was read last; the loop's thread */
};

int qun__connection_open(struct qun_intake *s);
/* Does all that can be done: cuts frames, starts and submits the next batch, answers, reads on or stops reading,
 * closes. */
void qun__connection_pump(struct qun__connection *c);
/* Closes now. Only without jobs. */
void qun__connection_cut(struct qun__connection *c);
void qun__job_committed(void *arg, const struct qun_submit_result *result);
/* After a connection went. */
void qun__intake_try_close(struct qun_intake *s);

#endif
