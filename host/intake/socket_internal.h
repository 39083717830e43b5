/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the intake socket: the listener and the loop's turns (socket.c), its connections (socket_connection.c), their
 * batches (socket_job.c), open tenants (socket_pin.c).
 *
 * A turn: the loop polls; what came is cut into frames, small ones are checked, sealed and submitted at once; then, in a
 * check handle, one flush makes all of them durable and each connection's answers go out in one write. A connection that
 * has used up its share of a turn goes on in the next.
 */
#ifndef QUN_HOST_INTAKE_SOCKET_INTERNAL_H
#define QUN_HOST_INTAKE_SOCKET_INTERNAL_H

#include "host/http/tokens.h"
#include "host/intake/socket.h"
#include "host/intake/socket_frame.h"
#include "host/ops/metrics.h"

#include <pthread.h>

enum {
  QUN__HERE_EVENTS = 16,          /* a frame of so many events, and ... */
  QUN__HERE_BYTES = 16 * 1024,    /* ... so many bytes at most is worked on here, on the loop's thread */
  QUN__SHARE_NS = 400 * 1000,     /* of a connection in a turn: one more small frame may go over it */
  QUN__TURN_NS = 2 * 1000 * 1000, /* of all connections; then what waits is flushed */
  QUN__PIN_MS = 200               /* how long a tenant is held for connections that do not send */
};

struct qun__connection;
struct qun__pin;

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
  unsigned char *frame; /* a copy, which head.events is borrowed from; NULL: not copied, or read already */
  size_t frame_len;
  struct qun_batch_head head;
  bool broken;     /* the frame was no whole batch */
  bool here;       /* worked on here: it shares the flush of the turn */
  uint32_t events; /* submitted */
  struct qun_input_batch inputs;
  struct qun_refusals refused;
  struct qun_normaliser *normaliser; /* a worker thread's */
  struct qun_submit_result result;
  uv_work_t work;
};

struct qun__connection {
  struct qun_intake *intake;
  struct qun__connection *next, **link;
  struct qun__connection *next_due;
  uv_pipe_t pipe;
  uv_timer_t timer; /* first: the hello; later: a full queue */
  int handles;
  struct qun_frames frames;
  struct qun_grant grant;
  struct qun__pin *pin; /* of its tenant, once it is known */
  struct qun__job *jobs, *last;
  uint32_t jobs_count;
  size_t held;       /* bytes of the frames of all jobs */
  uint64_t turn;     /* that spent_ns is of */
  uint64_t spent_ns; /* working here */
  bool due;          /* on the list of those to be pumped at the end of the turn */
  bool known;        /* the hello was good */
  bool durable;      /* wants the journal's answer */
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
  uv_timer_t deadline, sweep;
  uv_check_t check;
  uv_idle_t again; /* active while something is left for the next turn, which then does not wait */
  int handles;
  uint64_t turn;
  uint64_t turn_ns;            /* spent working here in this turn */
  bool deferred;               /* something waits for the flush */
  struct qun__connection *due; /* in the order of becoming due */
  struct qun__connection **due_end;
  uint32_t due_count;
  struct qun__pin *pins;
  struct qun_pack answers; /* of one connection, while they are written */
  pthread_mutex_t lock;    /* of `done`, `flusher` and of what another thread writes into a job */
  struct qun__job *done;
  pthread_t flusher;
  bool flushing;
  struct qun__connection *connections;
  uint32_t count;
  bool stopping;
  void (*stopped)(void *arg);
  void *stopped_arg;
  char scratch[64 * 1024]; /* what was read last; the loop's thread */
};

/* ---- socket.c */
/* Has the connection pumped at the end of this turn. */
void qun__intake_due(struct qun__connection *c);
/* Before the connection's memory goes. */
void qun__intake_not_due(struct qun__connection *c);
/* Has what was submitted with QUN_SUBMIT_DEFER flushed at the end of this turn. */
void qun__intake_deferred(struct qun_intake *s);
/* Ends the turn early if it took long already. May close connections. */
void qun__intake_relieve(struct qun_intake *s);
/* qun_submit_done, on any thread. */
void qun__job_committed(void *arg, const struct qun_submit_result *result);
/* After a connection went. */
void qun__intake_try_close(struct qun_intake *s);

/* ---- socket_connection.c */
int qun__connection_open(struct qun_intake *s);
/* Does all that can be done: cuts frames, starts and submits the next batch, answers, reads on or stops reading,
 * closes. */
void qun__connection_pump(struct qun__connection *c);
/* Closes now. Only without jobs. */
void qun__connection_cut(struct qun__connection *c);
/* The client did wrong: no more is read from it, and it is told why after its answers. The first reason counts. */
void qun__connection_fail(struct qun__connection *c, const char *why);
/* Tries again in a moment: the queue is full. */
void qun__connection_later(struct qun__connection *c);

/* ---- socket_job.c */
/* Whether the connection has some of its share of this turn left. */
bool qun__connection_has_share(struct qun__connection *c);
/* A batch at the end of the connection's. Its bytes are copied unless they were worked on here. QUN_EINVAL: it is no
 * batch; QUN_EFAIL: no memory. */
int qun__job_take(struct qun__connection *c, qun_slice content, struct qun_error *err);
/* Batches go to the engine in the order of arrival: works on the next, submits what is ready. */
void qun__jobs_advance(struct qun__connection *c);
/* Appends the answers to the batches that are done, in order, and lets go of them. */
void qun__jobs_answer(struct qun__connection *c, struct qun_pack *out);

/* ---- socket_pin.c: one open normaliser a tenant for all that is worked on here. The loop's thread. */
/* Of the connection's tenant, with a count of one more. NULL: no memory. */
struct qun__pin *qun__pin_get(struct qun_intake *s, const char *tenant);
/* NULL is fine. */
void qun__pin_put(struct qun_intake *s, struct qun__pin *pin);
/* The normaliser, ready for this turn; NULL: the tenant is not held (or gone): let a worker open it. Never opens a
 * store. */
struct qun_normaliser *qun__pin_normaliser(struct qun_intake *s, struct qun__pin *pin);
/* Keeps a worker's normaliser if there is none, else closes it. NULL is fine. */
void qun__pin_adopt(struct qun_intake *s, struct qun__pin *pin, struct qun_normaliser *n);
/* The sweep's timer. */
void qun__pins_sweep(uv_timer_t *timer);

#endif
