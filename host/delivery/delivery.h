/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to outbox rows after the commit. One worker with a thread of its own reads released rows that are due,
 * hands each to the sender that its `via` names (bridge, webhook, spool) and reports the outcome as a control record
 * outbox.sent or outbox.failed, whose id follows from (plugin, key): at least once, with an idempotency key, and a crash
 * between sending and reporting repeats safely. What fails for a time is tried again with a growing wait, up to a bound.
 *
 * A row is due on the tenant's clock; for a live tenant that clock goes on between events, so the receive time counts.
 */
#ifndef QUN_HOST_DELIVERY_DELIVERY_H
#define QUN_HOST_DELIVERY_DELIVERY_H

#include "host/engine/engine.h"

struct qun_delivery;

struct qun_delivery_options {
  bool allow_loopback;   /* webhooks may use plain http to this machine: the operator's own setting, and tests */
  bool sweep;            /* look at every tenant at the start: what an earlier process left. qund does */
  uint32_t tries;        /* before a row fails; 0: 12 */
  int64_t first_wait_ms; /* before the second try, then doubled up to an hour; 0: 2000 */
  void (*log)(void *arg, int level,
              const char *line); /* QUN_LOG_*; NULL: warnings go to stderr. On the worker's thread */
  void *log_arg;
};

/* Starts the worker and takes the engine's outbox hook. Call it after qun_engine_open and before anything is written.
   `options` may be NULL. QUN_EFAIL. */
int qun_delivery_start(struct qun_delivery **out, struct qun_engine *e, const struct qun_delivery_options *options,
                       struct qun_error *err);
/* Sends the bridge and spool rows that are due, gives up webhooks under way (they are sent again after the next start),
   gives the hook back, ends the thread. Call it before qun_engine_close. NULL is fine. Blocking. */
void qun_delivery_stop(struct qun_delivery *d);
/* Looks at every tenant that it knows now, and waits until nothing is due and no webhook is under way; rows that wait
   for their time or for another try stay. Not on a callback's thread. Blocking. */
void qun_delivery_settle(struct qun_delivery *d);

#endif
