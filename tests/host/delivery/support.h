/* SPDX-License-Identifier: Apache-2.0 */
/* An engine with a clock of the test's own and a delivery, two tenants that run the courier, and short forms. */
#ifndef QUN_TESTS_HOST_DELIVERY_SUPPORT_H
#define QUN_TESTS_HOST_DELIVERY_SUPPORT_H

#include "host/delivery/delivery.h"

#include <stdatomic.h>

struct post {
  char dir[64];
  struct qun_engine *engine;
  struct qun_delivery *delivery;
  struct qun_delivery_options options;
  _Atomic int64_t now;
};

/* Opens an engine with tenants "acme" and "bolt". No delivery yet. */
void post_open(struct post *p);
/* Starts or starts again. */
void post_start(struct post *p);
void post_stop(struct post *p);
/* Closes the engine (and delivery) and opens it again. */
void post_reopen(struct post *p);
void post_remove(struct post *p);
/* Has the courier enqueue a row; body as JSON. */
void post_send(struct post *p, const char *tenant, const char *key, const char *via, const char *target,
               int64_t after_ms, const char *body);
/* Waits until nothing is due. */
void post_settle(struct post *p);
void post_pass(struct post *p, int64_t ms);
/* One event from outside as JSON. */
void post_event(struct post *p, const char *tenant, const char *json);
/* How many records of a type there are. */
uint32_t post_count(struct post *p, const char *tenant, const char *type);
/* Data of the last record of a type as JSON ("" if none), and its subject and id. */
const char *post_last(struct post *p, const char *tenant, const char *type);
const char *post_last_id(struct post *p, const char *tenant, const char *type);
/* State of the courier's row: released, sent, failed, ... */
const char *post_state(struct post *p, const char *tenant, const char *key);
/* A file's text below the bed; static, "" if there is none. */
const char *post_file(struct post *p, const char *path);
void post_write(struct post *p, const char *path, const char *text);

#endif
