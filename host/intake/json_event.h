/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A canonical event as JSON: the same keys as in msgpack (host/intake/normalise.h). Strict, see host/ops/json.h. Pure.
 */
#ifndef QUN_HOST_INTAKE_JSON_EVENT_H
#define QUN_HOST_INTAKE_JSON_EVENT_H

#include "tenants/error.h"

#include <qun/msgpack.h>

/* Appends the canonical msgpack map. QUN_EINVAL: not JSON (with line and column), not an object, or longer than an
   event may be. On refusal `out` is as it was. What the event says is not checked here: qun_normalise does. */
int qun_json_event_read(struct qun_pack *out, qun_slice text, struct qun_error *err);

/* Appends a canonical event, or any record in its form, to `text` as one line of JSON without a line end. QUN_EINVAL.
 */
int qun_json_event_write(struct qun_pack *text, qun_slice canonical, struct qun_error *err);

#endif
