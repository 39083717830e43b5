/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/json_event.h"

#include "host/intake/normalise.h"
#include "host/ops/json.h"

int qun_json_event_read(struct qun_pack *out, qun_slice text, struct qun_error *err) {
  size_t was = out->len;
  int rc;
  if (text.len > 2 * (size_t)QUN_EVENT_MAX) /* escapes may double what JSON needs */
    return qun_error_set(err, QUN_EINVAL, "the event is too long: %llu bytes of JSON, at most %d are allowed",
                         (unsigned long long)text.len, 2 * QUN_EVENT_MAX);
  if ((rc = qun_json_to_msgpack(out, text, err)) < 0) return rc;
  struct qun_unpack u;
  qun_unpack_init(&u, qun_slice_of(out->buf + was, out->len - was));
  if (qun_unpack_peek(&u) == QUN_MP_MAP) return QUN_OK;
  out->len = was;
  return qun_error_set(err, QUN_EINVAL, "an event must be a JSON object");
}

int qun_json_event_write(struct qun_pack *text, qun_slice canonical, struct qun_error *err) {
  return qun_msgpack_to_json(text, canonical, false, err);
}
