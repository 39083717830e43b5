/* SPDX-License-Identifier: Apache-2.0 */
/* Proof: checkpoints, keys, inclusion. And replay, which proves that the state follows from the log. */
#include "host/ops/api_internal.h"

static void answer_line(struct qun__call *c, int rc) {
  if (rc < 0)
    qun__answer_error(c, rc, NULL);
  else
    qun__answer_text(c, 200, "text/plain; charset=utf-8", NULL);
}

void qun__get_checkpoint(struct qun__call *c) {
  uint64_t size;
  answer_line(c, qun_engine_checkpoint(c->engine, c->params[0], &c->text, &size, &c->err));
}

void qun__get_audit_key(struct qun__call *c) {
  answer_line(c, qun_engine_verifier_key(c->engine, c->params[0], &c->text, &c->err));
}

/* {checkpoint, proof}: the proof is against the checkpoint's tree, unless a size was asked for; then it stands alone.
 */
void qun__post_prove(struct qun__call *c) {
  struct qun_pack note, proof;
  qun_slice body = qun_pack_slice(&c->in);
  int64_t seq = qun_mp_int(body, "seq", 0), asked = qun_mp_int(body, "size", 0);
  uint64_t size = (uint64_t)asked;
  if (seq < 1 || asked < 0) {
    qun__answer_problem(c, 400, "\"seq\" must be at least 1 and \"size\" not negative", NULL);
    return;
  }
  qun_pack_init(&note);
  qun_pack_init(&proof);
  int rc = asked ? 0 : qun_engine_checkpoint(c->engine, c->params[0], &note, &size, &c->err);
  if (rc >= 0) rc = qun_engine_prove(c->engine, c->params[0], (uint64_t)seq, size, &proof, &c->err);
  if (rc >= 0) {
    qun_pack_map(&c->out, asked ? 2 : 3);
    qun_pack_kv_int(&c->out, "size", (int64_t)size);
    if (!asked) qun_pack_kv_str(&c->out, "checkpoint", qun_pack_slice(&note));
    qun_pack_cstr(&c->out, "proof");
    qun_pack_raw(&c->out, qun_pack_slice(&proof));
    if (note.failed || proof.failed) c->out.failed = 1;
  }
  qun_pack_fini(&note);
  qun_pack_fini(&proof);
  if (rc < 0)
    qun__answer_error(c, rc, NULL);
  else
    qun__answer_map(c, 200);
}

/* ---- POST /v1/tenants/NAME/replay */

static int read_mode(struct qun__call *c, enum qun_replay_mode *mode) {
  static const struct {
    const char *name;
    enum qun_replay_mode mode;
  } table[] = {{"verify", QUN_REPLAY_VERIFY}, {"rebuild", QUN_REPLAY_REBUILD}, {"whatif", QUN_REPLAY_WHATIF}};
  const char *word = qun__body_text(c, "mode");
  for (size_t i = 0; word && i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].name, word) != 0) continue;
    *mode = table[i].mode;
    return 0;
  }
  return qun_error_set(&c->err, QUN_EINVAL, "\"mode\" must be verify, rebuild or whatif");
}

static int read_spec(struct qun__call *c, struct qun_replay_spec *spec) {
  qun_slice body = qun_pack_slice(&c->in), set = {0};
  const char *until = qun__body_text(c, "until");
  int64_t batch = qun_mp_int(body, "batch", 0);
  int rc = read_mode(c, &spec->mode);
  if (rc < 0) return rc;
  if (qun_mp_find(body, "set", &set) && spec->mode != QUN_REPLAY_WHATIF)
    return qun_error_set(&c->err, QUN_EINVAL, "\"set\" is for mode whatif only");
  if (spec->mode == QUN_REPLAY_WHATIF && set.len == 0)
    return qun_error_set(&c->err, QUN_EINVAL, "mode whatif needs \"set\"");
  spec->until_ms = INT64_MAX;
  if (until && qun_time_parse(qun_str(until), &spec->until_ms) < 0)
    return qun_error_set(&c->err, QUN_EINVAL, "\"until\" must be a time such as 2026-03-01T00:00:00Z");
  if (batch < 0 || batch > 1000000) return qun_error_set(&c->err, QUN_EINVAL, "\"batch\" must be 1 to 1000000");
  spec->batch = (uint32_t)batch;
  spec->changes = set;
  return 0;
}

void qun__post_replay(struct qun__call *c) {
  struct qun_replay_spec spec = {0};
  if (read_spec(c, &spec) < 0) {
    qun__answer_problem(c, 400, c->err.message, NULL);
    return;
  }
  int rc = qun_engine_replay(c->engine, c->params[0], &spec, &c->out, &c->err);
  if (rc < 0)
    qun__answer_error(c, rc, NULL);
  else
    qun__answer_map(c, 200);
}
