/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sender "work": what qun.work/1 put down is a call of a pure service on a reader's thread; its reply is the answer. One at a time, so that requests find a
 * reader free. All functions: the delivery worker's thread.
 */
#ifndef QUN_HOST_DELIVERY_WORK_H
#define QUN_HOST_DELIVERY_WORK_H

#include "host/delivery/row.h"
#include "host/engine/engine.h"

enum { QUN_WORK_REPLY_MAX = 256 << 10 };

struct qun_works;

struct qun_works_options {
  void (*done)(void *arg, struct qun_delivery_row *row,
               const struct qun_send_outcome *outcome); /* the row is the callee's again */
  void (*wake)(void *arg);                              /* something is to be collected. Any thread */
  void *arg;
};

int qun_works_create(struct qun_works **out, struct qun_engine *e, const struct qun_works_options *options,
                     struct qun_error *err);
/* Waits for what is under way and drops it. NULL is fine. Blocking. */
void qun_works_destroy(struct qun_works *w);
/* Begins; UNDERWAY: it keeps the row. */
void qun_works_send(struct qun_works *w, struct qun_delivery_row *row, struct qun_send_outcome *out);
/* Calls `done` for what ended. */
void qun_works_collect(struct qun_works *w);
/* Begun and not collected. */
uint32_t qun_works_underway(const struct qun_works *w);

#endif
