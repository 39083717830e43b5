/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/msgpack_batch.h"

#include "host/intake/normalise_data.h"

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

static int not_whole(struct qun_error *err) {
  return qun_error_set(err, QUN_EINVAL,
                       "the batch is not one whole msgpack value nested at most 18 deep: cut off or damaged");
}

/* One event at the cursor. A refused one is stepped over; 1: taken. */
static int read_next(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                     struct qun_unpack *u, uint32_t index, struct qun_error *err) {
  struct qun_error why = {0};
  struct qun_unpack from = *u;
  if (qun__normalise_next(n, batch, u, false, &why) == 0) return 1;
  *u = from;
  if (!qun_unpack_skip(u)) return not_whole(err);
  if (qun_refusals_add(refusals, index, &why) == 0) return 0;
  return qun_error_set(err, QUN_EFAIL, "out of memory");
}

int qun_msgpack_events_read(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                            qun_slice events, const struct qun_batch_limits *limits, struct qun_error *err) {
  uint32_t max_events = limits && limits->events ? limits->events : 10000;
  uint32_t count = 0, was = batch->count, kept = refusals->count, total = refusals->total;
  struct qun_unpack u;
  int rc = 0, taken = 0;
  qun_unpack_init(&u, events);
  if (!qun_unpack_array(&u, &count) && qun_unpack_peek(&u) == QUN_MP_ARRAY) return not_whole(err);
  if (u.at == events.ptr)
    return qun_error_set(err, QUN_EINVAL, "a batch must be a list of events, or a map {\"events\": [...]}");
  if (count > max_events)
    return qun_error_set(err, QUN_EQUOTA, "the batch has too many events: %u, at most %u are allowed", count,
                         max_events);
  for (uint32_t i = 0; i < count && rc >= 0; i++)
    if ((rc = read_next(n, batch, refusals, &u, i, err)) > 0) taken++;
  if (rc >= 0 && u.at != u.end) rc = not_whole(err);
  /* what is taken is not nested deep; what was refused may be */
  if (rc >= 0 && refusals->total > total && !qun_mp_valid(events, 17)) rc = not_whole(err);
  if (rc >= 0) return taken;
  n->seen.batch = NULL; /* what was sealed with the dropped events must be sealed again */
  batch->count = was;
  refusals->count = kept;
  refusals->total = total;
  return rc;
}

int qun_msgpack_batch_read(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                           qun_slice body, const struct qun_batch_limits *limits, struct qun_error *err) {
  size_t max_bytes = limits && limits->bytes ? limits->bytes : 16u << 20;
  struct qun_unpack u;
  qun_slice events = body;
  if (body.len > max_bytes)
    return qun_error_set(err, QUN_EQUOTA, "the batch is too long: %llu bytes, at most %zu are allowed",
                         (unsigned long long)body.len, max_bytes);
  qun_unpack_init(&u, body);
  if (qun_unpack_peek(&u) != QUN_MP_ARRAY && !qun_mp_valid(body, 18)) return not_whole(err);
  if (qun_unpack_peek(&u) == QUN_MP_MAP && !qun_mp_find(body, "events", &events))
    return qun_error_set(err, QUN_EINVAL, "the batch is a map without the key \"events\"");
  return qun_msgpack_events_read(n, batch, refusals, events, limits, err);
}
