/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sender "webhook": the row's target names an endpoint (host/delivery/endpoints.h); the body goes there as
 * {"type", "timestamp", "data"} under Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec):
 *   webhook-id         msg_<idempotency key>, the same for every try
 *   webhook-timestamp  seconds, of this try
 *   webhook-signature  v1,<base64 of HMAC-SHA256(secret, id.timestamp.body)>
 * `type` is the body's own "type", else the plugin's id; `timestamp` is when the row was due.
 *
 * https only, certificates checked, no redirect, no proxy, no user in the URL; the address is checked when the socket
 * for it is made, so a name cannot resolve to another one in between. 2xx is success; 410 switches the endpoint off;
 * every other answer (a redirect too) and a failed connection are tried again, and 429, 502, 503 and 504 hold the whole
 * endpoint back: Retry-After, at most a day, or 30 s.
 *
 * One thread: all functions but qun_webhooks_wake.
 */
#ifndef QUN_HOST_DELIVERY_WEBHOOK_H
#define QUN_HOST_DELIVERY_WEBHOOK_H

#include "host/delivery/row.h"
#include "tenants/error.h"

enum { QUN_WEBHOOK_BODY_MAX = 20000, QUN_WEBHOOK_SECONDS = 20, QUN_WEBHOOKS_MAX = 32, QUN_WEBHOOKS_ENDPOINT_MAX = 4 };

struct qun_webhooks;
struct qun_egress;

/* The answer to a row that was UNDERWAY; the row is the callee's again. */
typedef void (*qun_webhook_done)(void *arg, struct qun_delivery_row *row, const struct qun_send_outcome *outcome);

int qun_webhooks_create(struct qun_webhooks **out, const char *keys_dir, bool allow_loopback, qun_webhook_done done,
                        void *arg, struct qun_error *err);
/* Drops what is under way without an answer. NULL is fine. */
void qun_webhooks_destroy(struct qun_webhooks *w);
/* What its transfers go through, for others on the same thread. */
struct qun_egress *qun_webhooks_egress(const struct qun_webhooks *w);
/* Begins to send; now_ms is the receive time. UNDERWAY: it keeps the row. */
void qun_webhooks_send(struct qun_webhooks *w, struct qun_delivery_row *row, int64_t now_ms,
                       struct qun_send_outcome *out);
/* Moves transfers on, calls `done` for those that ended, and waits for the next thing or timeout_ms. */
void qun_webhooks_run(struct qun_webhooks *w, int timeout_ms, int64_t now_ms);
/* Ends the wait. Any thread. */
void qun_webhooks_wake(struct qun_webhooks *w);
uint32_t qun_webhooks_underway(const struct qun_webhooks *w);

#endif
