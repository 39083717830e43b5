/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sender "bridge": the only way from one tenant to another. The row's target is the partner, its body {agreement, kind,
 * ...}; what crosses is a kind of thing that an agreement lists, never a member.
 *
 *   kind                         needs
 *   count, item, code, profile   the agreement, accepted by both with the same terms, open now, listing the kind
 *   overlap                      the same, listing count: host/bridge/overlap.h runs a count instead
 *   proposal                     nothing: it carries terms to the partner
 *
 * The partner gets bridge.received {partner, agreement, kind, body}: body is the row's own "body", or, if it has none,
 * all its members but agreement and kind.
 *
 * There is no transaction over two stores, so a crossing is a saga with an id (agreement, tenant, sequence and a hash of the
 * row): bridge.received goes to the partner's log, then bridge.sent to this one, then the outbox outcome. Each record's id
 * follows from the saga's, so that repeating any part changes nothing. What is refused leaves bridge.refused here and
 * nothing at the partner. A refusal says what this tenant can know by itself; all that depends on the partner has one
 * sentence. So a proposal is always recorded as sent: whether the partner exists shows only when it accepts.
 */
#ifndef QUN_HOST_BRIDGE_BRIDGE_H
#define QUN_HOST_BRIDGE_BRIDGE_H

#include "host/delivery/row.h"
#include "host/engine/engine.h"

enum { QUN_BRIDGE_BODY_MAX = 65536, QUN_BRIDGE_LIST_MAX = 200 };

/* Sends, or says why not; never UNDERWAY. Not on a shard's or reader's thread. Blocking. */
void qun_bridge_send(struct qun_engine *e, const struct qun_delivery_row *row, struct qun_send_outcome *out);

/* What may cross, whatever an agreement says: at most QUN_BRIDGE_BODY_MAX bytes; no binary or sealed value, no list longer than
   QUN_BRIDGE_LIST_MAX, and at no depth a key that belongs to a person (member, members, phone, unionid, ..., and text
   unless the kind is item). QUN_EDENIED names the key. Pure. */
int qun_bridge_check_body(qun_slice body, qun_slice kind, struct qun_error *err);

/* ---- for the files of host/bridge */

struct qun_crossing {
  struct qun_engine *engine;
  const struct qun_delivery_row *row;
  char partner[64];
  char agreement[201];
  qun_slice kind;
  char id[160]; /* of the saga */
};

/* Appends a control record with id "<saga>/<part>" (part empty: the saga's own) to a side's log. Repeating is fine. */
int qun__crossing_record(const struct qun_crossing *c, const char *tenant, const char *type, const char *part,
                         const struct qun_pack *data, struct qun_error *err);
/* Answers LATER for what may pass, FAILED for the rest. */
void qun__crossing_trouble(struct qun_send_outcome *out, const struct qun_error *err);

#endif
