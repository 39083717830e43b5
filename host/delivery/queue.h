/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's list of what to do: when to look at each tenant, and the tries of rows that did not go out yet.
 * qun_look_wish may be called on any thread; the rest belongs to the worker. Internal to host/delivery.
 */
#ifndef QUN_HOST_DELIVERY_QUEUE_H
#define QUN_HOST_DELIVERY_QUEUE_H

#include "host/delivery/row.h"

#include <pthread.h>
#include <uthash.h>

/* A row that was tried or is under way. The worker's alone. */
struct qun_try {
  char name[QUN_DELIVERY_ID_SIZE];
  uint32_t tries;
  int64_t next_ms; /* receive time */
  bool underway;
  UT_hash_handle hh;
};

/* A tenant to look at. Lives until the queue ends. */
struct qun_look {
  char tenant[64];
  int64_t at; /* receive time; INT64_MIN now, INT64_MAX not before somebody asks. Under the queue's lock */
  struct qun_try *tries;
  UT_hash_handle hh;
};

struct qun_looks {
  pthread_mutex_t lock;
  struct qun_look *all;
};

void qun__looks_init(struct qun_looks *q);
void qun__looks_fini(struct qun_looks *q);
/* Looks at the tenant at that time or before. */
void qun__look_wish(struct qun_looks *q, const char *tenant, int64_t at);
/* Looks at all tenants now. */
void qun__look_wish_all(struct qun_looks *q);
/* The tenant whose time came first, if it has come by now_ms: its wish is taken back before the answer. Else NULL and
   the next time in *next (INT64_MAX: none). */
struct qun_look *qun__look_take(struct qun_looks *q, int64_t now_ms, int64_t *next);
/* The tenant's; NULL if nobody asked for it yet. */
struct qun_look *qun__look_find(struct qun_looks *q, const char *tenant);

struct qun_try *qun__try_find(struct qun_look *look, const char *name);
/* Makes it if need be. NULL when memory ran out. */
struct qun_try *qun__try_get(struct qun_look *look, const char *name);
void qun__try_drop(struct qun_look *look, const char *name);
uint32_t qun__try_count(const struct qun_look *look);

#endif
