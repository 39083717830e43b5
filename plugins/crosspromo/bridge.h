/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What crosses between two tenants. Sending is an outbox row of kind "bridge" whose body is a flat map {agreement,
 * kind, ...}; what arrives is an event bridge.received {partner, agreement, kind, body} with that body. By kind:
 *   proposal  kinds "count, item"[, from][, to][, share][, form]: terms for the partner to accept
 *   count     what "card", sector, country, tone, size: what a community publishes about itself
 *             what "counts", month, clicks, joins, purchases[, spend]: what we received by the partner's help in a
 * month code      code[, item]: a code to spread item      item, title[, text][, url], label: a content item to post,
 * with its label overlap   nothing more: the host runs the private count and answers with overlap.counted Never a
 * member row. Rows: 'I' n -> items received, 'X' n -> crossings refused, 'V' n -> overlap results.
 */
#ifndef CROSS_BRIDGE_H
#define CROSS_BRIDGE_H

#include "agreement.h"

/* Begins the body of a crossing: agreement, kind, and room for so many fields more. */
void cross_bridge_begin(struct qun_pack *p, const struct cross_agreement *a, const char *kind, uint32_t fields);
/* Enqueues it and frees `body`, whatever is answered. `what` and `name` make the outbox key, so the same thing crosses
 * once. */
int cross_bridge_send(const struct cross_call *c, const struct cross_agreement *a, const char *what, qun_slice name,
                      struct qun_pack *body);
/* bridge.sent, bridge.received, bridge.refused. */
int cross_bridge_event(const struct cross_call *c, const struct qun_event *e);
/* crosspromo.card and crosspromo.item events: what this side wants to cross. */
int cross_bridge_card(const struct cross_call *c, const struct qun_event *e);
int cross_bridge_item(const struct cross_call *c, const struct qun_event *e);

#endif
