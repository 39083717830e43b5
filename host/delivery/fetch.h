/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sender "http": what qun.http_client/1 put down. Goes out by host/delivery/egress.h to a host that the tenant's owner approves of when it goes out; secrets
 * are filled into its headers then. Any status is an answer; only what nobody answers is tried again, as often as the row says. One thread.
 */
#ifndef QUN_HOST_DELIVERY_FETCH_H
#define QUN_HOST_DELIVERY_FETCH_H

#include "host/delivery/egress.h"
#include "host/delivery/row.h"
#include "host/engine/engine.h"

enum { QUN_FETCH_SECONDS = 30, QUN_FETCHES_MAX = 16, QUN_FETCH_ANSWER_MAX = 65536 };

struct qun_fetches;

/* The answer to a row that was UNDERWAY; the row is the callee's again. */
typedef void (*qun_fetch_done)(void *arg, struct qun_delivery_row *row, const struct qun_send_outcome *outcome);

/* The egress outlasts it, or drops its transfers first. */
int qun_fetches_create(struct qun_fetches **out, struct qun_engine *e, struct qun_egress *egress, qun_fetch_done done,
                       void *arg, struct qun_error *err);
/* The egress must be gone. NULL is fine. */
void qun_fetches_destroy(struct qun_fetches *f);
/* Begins; UNDERWAY: it keeps the row. */
void qun_fetches_send(struct qun_fetches *f, struct qun_delivery_row *row, struct qun_send_outcome *out);
/* How often a row is tried. */
uint32_t qun_fetch_tries(const struct qun_delivery_row *row);

#endif
