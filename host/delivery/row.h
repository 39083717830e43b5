/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One outbox row on its way out: a copy of its own, so that no snapshot stays open while it is sent, and what a sender
 * answers. Any thread, no blocking.
 */
#ifndef QUN_HOST_DELIVERY_ROW_H
#define QUN_HOST_DELIVERY_ROW_H

#include "tenants/outbox.h"

#include <stdarg.h>

struct qun_delivery_row {
  char tenant[64];
  qun_slice plugin, key, via, target;
  qun_slice body; /* msgpack map */
  uint64_t seq;   /* record that made it */
  int64_t due_ms; /* on the tenant's clock */
  bool expired;   /* intercepted, and the deadline has passed: nothing is sent, that is recorded */
  qun_slice by;   /* who was asked then */
};

/* A copy, in one block. NULL when memory ran out. Free with qun_delivery_row_destroy. */
struct qun_delivery_row *qun_delivery_row_copy(const char *tenant, const struct qun_outbox_entry *entry);
/* NULL is fine. */
void qun_delivery_row_destroy(struct qun_delivery_row *row);

enum { QUN_DELIVERY_ID_SIZE = 33 };
/* 32 hex digits and a NUL: BLAKE2b-128 over (plugin, key). Names the row within its tenant. */
void qun_delivery_row_name(char out[QUN_DELIVERY_ID_SIZE], qun_slice plugin, qun_slice key);
/* The same over (tenant, plugin, key, seq, body): the idempotency key towards the outside, the same for every try. */
void qun_delivery_row_id(char out[QUN_DELIVERY_ID_SIZE], const struct qun_delivery_row *row);

enum qun_send_code {
  QUN_SEND_SENT = 0,
  QUN_SEND_FAILED,  /* for good: `reason` */
  QUN_SEND_LATER,   /* not now: `reason`; try again, not before wait_ms */
  QUN_SEND_UNDERWAY /* the sender keeps the row and answers later */
};

struct qun_send_outcome {
  enum qun_send_code code;
  bool free;       /* LATER: nothing was tried, so it does not count as a try */
  int64_t wait_ms; /* LATER: wait at least so long; 0: the usual back-off */
  char reason[320];
  qun_slice answer;        /* SENT, by "http" and "work": members of the record's data, borrowed */
  uint32_t answer_members; /* how many */
};

/* Fills code and reason. */
void qun_send_answer(struct qun_send_outcome *out, enum qun_send_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
