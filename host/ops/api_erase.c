/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/tenants/NAME/erase {member} or {number}: by the owner. The receipt is a record with a leaf of its own. */
#include "host/engine/erase.h"
#include "host/ops/api_internal.h"

void qun__post_erase(struct qun__call *c) {
  qun_slice body = qun_pack_slice(&c->in);
  const char *member = qun__body_text(c, "member");
  int64_t number = qun_mp_int(body, "number", 0);
  struct qun_engine_erase_spec spec = {.member = qun_str(member ? member : ""),
                                       .number = (uint64_t)number,
                                       .by = qun_role_name(c->req->role)};
  if (number < 0 || (spec.member.len > 0) == (number > 0)) {
    qun__answer_problem(c, 400, "say who: \"member\", as the platform names them, or \"number\", one of them", NULL);
    return;
  }
  int rc = qun_engine_erase(c->engine, c->params[0], &spec, &c->out, &c->err);
  if (rc < 0)
    qun__answer_error(c, rc, NULL);
  else
    qun__answer_map(c, 200);
}
