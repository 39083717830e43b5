/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/work.h"

#include <qun/msgpack.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAITING_MAX = 256, WAIT_MS = 200 };

struct job {
  struct job *next;
  struct qun_works *owner;
  struct qun_delivery_row *row;
  int code;
  struct qun_pack reply;
  char message[256];
};

struct qun_works {
  struct qun_engine *engine;
  struct qun_works_options options;
  pthread_mutex_t lock;
  pthread_cond_t ended;
  struct job *finished; /* under lock */
  uint32_t running;     /* under lock: calls that have not answered */
  /* the worker's: */
  struct job *waiting, **tail;
  bool busy;         /* one is running, or finished and not collected */
  uint32_t underway; /* taken over and not collected */
};

static void job_destroy(struct job *j) {
  qun_pack_fini(&j->reply);
  free(j);
}

/* On a reader's thread. */
static void answered(void *arg, int code, qun_slice reply, const char *message) {
  struct job *j = arg;
  struct qun_works *w = j->owner;
  j->code = code;
  if (code >= 0 && reply.len <= QUN_WORK_REPLY_MAX) qun_pack_raw(&j->reply, reply);
  snprintf(j->message, sizeof j->message, "%s", message ? message : "");
  pthread_mutex_lock(&w->lock);
  j->next = w->finished;
  w->finished = j;
  w->running--;
  /* Under the lock: once it is free the worker may go. */
  w->options.wake(w->options.arg);
  pthread_cond_signal(&w->ended);
  pthread_mutex_unlock(&w->lock);
}

/* What the record will say. */
static void judge(const struct job *j, struct qun_pack *answer, struct qun_send_outcome *out) {
  struct qun_unpack u;
  qun_slice reply = qun_pack_slice(&j->reply);
  qun_unpack_init(&u, reply);
  if (j->code == QUN_EAGAIN) {
    qun_send_answer(out, QUN_SEND_LATER, "%s", j->message);
  } else if (j->code < 0) {
    qun_send_answer(out, QUN_SEND_FAILED, "%s", j->message);
  } else if (qun_unpack_peek(&u) != QUN_MP_MAP) {
    qun_send_answer(out, QUN_SEND_FAILED, "the reply is no map of at most %d bytes", QUN_WORK_REPLY_MAX);
  } else {
    qun_pack_kv_str(answer, "service", qun_mp_str(j->row->body, "service"));
    qun_pack_cstr(answer, "result");
    qun_pack_raw(answer, reply);
    out->answer = qun_pack_slice(answer);
    out->answer_members = 2;
    if (answer->failed || j->reply.failed) qun_send_answer(out, QUN_SEND_LATER, "out of memory");
  }
}

static void end(struct job *j, const struct qun_send_outcome *outcome) {
  struct qun_works *w = j->owner;
  w->underway--;
  w->options.done(w->options.arg, j->row, outcome);
  job_destroy(j);
}

/* Begins the call. QUN_EFAIL: the engine is closing. */
static int begin(struct job *j, struct qun_error *err) {
  struct qun_works *w = j->owner;
  char service[128];
  qun_slice name = qun_mp_str(j->row->body, "service"), params = {NULL, 0};
  snprintf(service, sizeof service, "%.*s", (int)(name.len < 127 ? name.len : 127), (const char *)name.ptr);
  (void)qun_mp_find(j->row->body, "params", &params);
  struct qun_call_spec spec = {.tenant = j->row->tenant, .service = service, .params = params, .role = "host"};
  pthread_mutex_lock(&w->lock);
  w->running++;
  pthread_mutex_unlock(&w->lock);
  int rc = qun_engine_call(w->engine, &spec, answered, j, err);
  if (rc == 0) return 0;
  pthread_mutex_lock(&w->lock);
  w->running--;
  pthread_mutex_unlock(&w->lock);
  return rc;
}

static void begin_next(struct qun_works *w) {
  while (w->waiting && !w->busy) {
    struct job *j = w->waiting;
    struct qun_error err = {0};
    struct qun_send_outcome outcome = {0};
    w->waiting = j->next;
    if (!w->waiting) w->tail = &w->waiting;
    w->busy = true;
    if (begin(j, &err) == 0) return;
    w->busy = false;
    qun_send_answer(&outcome, QUN_SEND_LATER, "%s", err.message);
    end(j, &outcome);
  }
}

void qun_works_send(struct qun_works *w, struct qun_delivery_row *row, struct qun_send_outcome *out) {
  struct job *j = w->underway < WAITING_MAX ? calloc(1, sizeof *j) : NULL;
  if (!j) {
    qun_send_answer(out, QUN_SEND_LATER, "much other work is waiting");
    out->wait_ms = WAIT_MS;
    out->free = true;
    return;
  }
  j->owner = w;
  j->row = row;
  qun_pack_init(&j->reply);
  w->underway++;
  *w->tail = j;
  w->tail = &j->next;
  out->code =
      QUN_SEND_UNDERWAY; /* it is begun by the next collect: a failure must not end a row that is still being sent */
}

void qun_works_collect(struct qun_works *w) {
  pthread_mutex_lock(&w->lock);
  struct job *j = w->finished;
  w->finished = NULL;
  pthread_mutex_unlock(&w->lock);
  if (j) {
    struct qun_send_outcome outcome = {0};
    struct qun_pack answer;
    w->busy = false;
    qun_pack_init(&answer);
    judge(j, &answer, &outcome);
    end(j, &outcome);
    qun_pack_fini(&answer);
  }
  begin_next(w);
}

uint32_t qun_works_underway(const struct qun_works *w) {
  return w->underway;
}

int qun_works_create(struct qun_works **out, struct qun_engine *e, const struct qun_works_options *options,
                     struct qun_error *err) {
  struct qun_works *w = calloc(1, sizeof *w);
  if (!w) return qun_error_set(err, QUN_EFAIL, "out of memory");
  w->engine = e;
  w->options = *options;
  w->tail = &w->waiting;
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->ended, NULL);
  *out = w;
  return 0;
}

static void drop(struct job *j) {
  while (j) {
    struct job *next = j->next;
    qun_delivery_row_destroy(j->row);
    job_destroy(j);
    j = next;
  }
}

void qun_works_destroy(struct qun_works *w) {
  if (!w) return;
  pthread_mutex_lock(&w->lock);
  while (w->running) pthread_cond_wait(&w->ended, &w->lock);
  pthread_mutex_unlock(&w->lock);
  drop(w->finished);
  drop(w->waiting);
  pthread_cond_destroy(&w->ended);
  pthread_mutex_destroy(&w->lock);
  free(w);
}
