/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/msgpack_batch.h"

#include <qun/msgpack.h>

#include <stdio.h>
#include <stdlib.h>

int qun_refusals_add(struct qun_refusals *r, uint32_t index, const struct qun_error *why) {
  r->total++;
  if (r->count == QUN_REFUSALS_MAX) return QUN_OK;
  if (!r->items) r->items = malloc(QUN_REFUSALS_MAX * sizeof *r->items);
  if (!r->items) return QUN_EFAIL;
  struct qun_refusal *item = &r->items[r->count++];
  item->index = index;
  item->code = why->code;
  snprintf(item->reason, sizeof item->reason, "%s", why->message);
  return QUN_OK;
}

void qun_refusals_fini(struct qun_refusals *r) {
  free(r->items);
  memset(r, 0, sizeof *r);
}

/* `u` stands at the first event, *count of them. */
static int open_batch(struct qun_unpack *u, uint32_t *count, qun_slice body, struct qun_error *err) {
  qun_slice events;
  qun_unpack_init(u, body);
  if (qun_unpack_peek(u) == QUN_MP_MAP) {
    if (!qun_mp_find(body, "events", &events))
      return qun_error_set(err, QUN_EINVAL, "the batch is a map without the key \"events\"");
    qun_unpack_init(u, events);
  }
  if (!qun_unpack_array(u, count))
    return qun_error_set(err, QUN_EINVAL, "a batch must be a list of events, or a map {\"events\": [...]}");
  return QUN_OK;
}

int qun_msgpack_batch_read(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                           qun_slice body, const struct qun_batch_limits *limits, struct qun_error *err) {
  size_t max_bytes = limits && limits->bytes ? limits->bytes : 16u << 20;
  uint32_t max_events = limits && limits->events ? limits->events : 10000;
  struct qun_unpack u;
  uint32_t count = 0;
  int rc, taken = 0;
  if (body.len > max_bytes)
    return qun_error_set(err, QUN_EQUOTA, "the batch is too long: %llu bytes, at most %zu are allowed",
                         (unsigned long long)body.len, max_bytes);
  if (!qun_mp_valid(body, 18)) /* an event's 16 and two around it */
    return qun_error_set(err, QUN_EINVAL,
                         "the batch is not one whole msgpack value nested at most 18 deep: cut off or damaged");
  if ((rc = open_batch(&u, &count, body, err)) < 0) return rc;
  if (count > max_events)
    return qun_error_set(err, QUN_EQUOTA, "the batch has too many events: %u, at most %u are allowed", count,
                         max_events);
  for (uint32_t i = 0; i < count; i++) {
    struct qun_error why = {0};
    qun_slice event;
    if (!qun_unpack_any(&u, &event)) return qun_error_set(err, QUN_EINVAL, "the batch ends inside event %u", i);
    if (qun_normalise(n, batch, event, &why) == 0)
      taken++;
    else if (qun_refusals_add(refusals, i, &why) < 0)
      return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  return taken;
}
