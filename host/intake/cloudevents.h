/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudEvents 1.0 over HTTP, without the transport: content type, headers and body to canonical events.
 * Sources: CloudEvents 1.0.2, its HTTP protocol binding and JSON event format.
 *
 * Mode by content type, case-insensitive: application/cloudevents-batch..., application/cloudevents..., else binary.
 * id, source, type, time, subject and the extension attributes member, group, channel, lang become the event's own;
 * `data` (or `data_base64`, which must then hold JSON) its data. Other extension attributes (traceparent, ...) are not
 * kept.
 */
#ifndef QUN_HOST_INTAKE_CLOUDEVENTS_H
#define QUN_HOST_INTAKE_CLOUDEVENTS_H

#include "host/intake/msgpack_batch.h"

#include <qun/msgpack.h>

struct qun_cloudevents_request {
  const char *content_type; /* NULL: none */
  const char *(*header)(void *arg,
                        const char *name); /* a header's value as it came, or NULL; names are in lower case */
  void *header_arg;
  qun_slice body;
  struct qun_batch_limits limits;
};

/* Appends each event's canonical map to `events`, one after the other; where one is refused stands nil, and its reason
   in `refusals`. Answers how many stand there, refused ones included (1 unless it is a batch), or less when nothing
   could be read: QUN_EUNSUPPORTED: not JSON (HTTP 415); QUN_EQUOTA: over a limit (413); QUN_EINVAL: broken, with the
   place (400). Pure. */
int qun_cloudevents_read(struct qun_pack *events, struct qun_refusals *refusals,
                         const struct qun_cloudevents_request *request, struct qun_error *err);

/* The same, and each event through the gate into `batch`. Answers the number taken (0 or more), and in *total (may be
 * NULL) how many there were. */
int qun_cloudevents_take(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                         const struct qun_cloudevents_request *request, uint32_t *total, struct qun_error *err);

/* One event of the JSON event format, already msgpack, to a canonical map appended to `out`; `out` is as it was on
   refusal. QUN_EINVAL; QUN_EUNSUPPORTED: its data is not JSON. Pure. */
int qun_cloudevent_map(struct qun_pack *out, qun_slice structured, struct qun_error *err);

#endif
