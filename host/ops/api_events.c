/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/tenants/NAME/events: a body becomes canonical events, these a sealed batch, and the answer comes after its
 * commit: 200 with what became of the events. With ?ack=durable it comes once they are in the journal: 202 with the
 * journal's position; what repeats an event is found out later. */
#include "host/intake/cloudevents.h"
#include "host/ops/api_internal.h"

#include <stdlib.h>
#include <strings.h>

enum { EVENTS_MAX = 20000 }; /* of one request: well below what a shard's queue holds */

struct intake {
  bool durable;    /* ?ack=durable */
  uint32_t events; /* submitted */
  struct qun_normaliser *normaliser;
  struct qun_input_batch batch;
  struct qun_refusals refused;
};

static void intake_fini(struct intake *in, struct qun_engine *engine) {
  if (in->normaliser) qun_engine_normaliser_close(engine, in->normaliser);
  in->normaliser = NULL;
  qun_input_batch_fini(&in->batch);
  qun_refusals_fini(&in->refused);
}

static void write_refused(struct qun_pack *out, const struct qun_refusals *refused) {
  qun_pack_array(out, refused->count);
  for (uint32_t i = 0; i < refused->count; i++) {
    qun_pack_map(out, 2);
    qun_pack_kv_int(out, "index", refused->items[i].index);
    qun_pack_kv_cstr(out, "reason", refused->items[i].reason);
  }
}

static bool is_msgpack(const char *content_type) {
  static const char type[] = "application/vnd.qun.events+msgpack";
  return content_type && !strncasecmp(content_type, type, sizeof type - 1);
}

static const char *no_header(void *arg, const char *name) {
  (void)arg;
  (void)name;
  return NULL;
}

static int take_body(struct qun__call *c, struct intake *in) {
  const struct qun_api_request *req = c->req;
  struct qun_batch_limits limits = {.bytes = (size_t)req->body.len + 1,
                                    .events = EVENTS_MAX}; /* bytes: the transport's affair */
  if (is_msgpack(req->content_type)) {
    if (qun_mp_bool(req->body, "imported", 0)) in->normaliser->imported = true;
    return qun_msgpack_batch_read(in->normaliser, &in->batch, &in->refused, req->body, &limits, &c->err);
  }
  struct qun_cloudevents_request events = {
      .content_type = req->content_type,
      .header = req->header ? req->header : no_header,
      .header_arg = req->header_arg,
      .body = req->body,
      .limits = limits,
  };
  return qun_cloudevents_take(in->normaliser, &in->batch, &in->refused, &events, NULL, &c->err);
}

static void answer_counts(struct qun__call *c, struct intake *in, const struct qun_submit_result *result) {
  struct qun_metrics *metrics = &c->api->metrics;
  qun_metric_add(metrics, QUN_METRIC_EVENTS_ACCEPTED, result->accepted);
  qun_metric_add(metrics, QUN_METRIC_EVENTS_DUPLICATE, result->duplicates);
  qun_metric_add(metrics, QUN_METRIC_EVENTS_CONFLICT, result->conflicts);
  qun_pack_map(&c->out, 6);
  qun_pack_kv_int(&c->out, "accepted", result->accepted);
  qun_pack_kv_int(&c->out, "duplicates", result->duplicates);
  qun_pack_kv_int(&c->out, "conflicts", result->conflicts);
  qun_pack_cstr(&c->out, "refused");
  write_refused(&c->out, &in->refused);
  qun_pack_kv_int(&c->out, "refused_total", in->refused.total);
  qun_pack_kv_int(&c->out, "position", (int64_t)result->position);
  intake_fini(in, c->engine);
  qun__answer_map(c, 200);
}

static void answer_journaled(struct qun__call *c, struct intake *in, uint64_t position) {
  qun_metric_add(&c->api->metrics, QUN_METRIC_EVENTS_ACCEPTED, in->events);
  qun_pack_map(&c->out, 4);
  qun_pack_kv_int(&c->out, "journaled", in->events);
  qun_pack_cstr(&c->out, "refused");
  write_refused(&c->out, &in->refused);
  qun_pack_kv_int(&c->out, "refused_total", in->refused.total);
  qun_pack_kv_int(&c->out, "position", (int64_t)position);
  intake_fini(in, c->engine);
  qun__answer_map(c, 202);
}

/* On a thread of the engine's, after the commit or, if that was asked for, after the journal's sync. */
static void committed(void *arg, const struct qun_submit_result *result) {
  struct qun__call *c = arg;
  struct intake *in = c->state;
  if (result->code == 0) {
    if (in->durable && !result->applied)
      answer_journaled(c, in, result->position);
    else
      answer_counts(c, in, result);
    return;
  }
  intake_fini(in, c->engine);
  if (result->retry_ms > 0)
    qun__answer_later(c, 429, result->message, (int)((result->retry_ms - 1) / 1000 + 1));
  else
    qun__answer_error(c, result->code, result->message);
}

/* Nothing of the body is fit to be taken in: answers, or goes on when there is something to submit. */
static bool settle_early(struct qun__call *c, struct intake *in) {
  if (in->batch.count > 0) return false;
  if (in->refused.total == 0) {
    answer_counts(c, in, &(struct qun_submit_result){0});
    return true;
  }
  struct qun_pack errors;
  qun_pack_init(&errors);
  write_refused(&errors, &in->refused);
  intake_fini(in, c->engine);
  qun__answer_problem(c, 422, "none of the events was accepted; \"errors\" says why", &errors);
  qun_pack_fini(&errors);
  return true;
}

static void submit(struct qun__call *c, struct intake *in) {
  in->events = in->batch.count;
  int rc = qun_engine_submit_with(c->engine, c->params[0], &in->batch, in->durable ? QUN_SUBMIT_DURABLE : 0, committed,
                                  c, &c->err);
  if (rc == 0) return; /* `c` may be gone already */
  if (rc == QUN_EAGAIN) qun_metric_add(&c->api->metrics, QUN_METRIC_BACK_PRESSURE, 1);
  intake_fini(in, c->engine);
  if (rc == QUN_EAGAIN)
    qun__answer_later(c, 429, "the tenant's queue is full; nothing was taken, send the same again", 1);
  else
    qun__answer_error(c, rc, NULL);
}

static int open_intake(struct qun__call *c, struct intake *in) {
  const char *imported = qun__query(c, "imported");
  if (imported && strcmp(imported, "true") != 0 && strcmp(imported, "false") != 0)
    return qun_error_set(&c->err, QUN_EINVAL, "query parameter \"imported\" must be true or false");
  const char *ack = qun__query(c, "ack");
  if (ack && strcmp(ack, "durable") != 0 && strcmp(ack, "applied") != 0)
    return qun_error_set(&c->err, QUN_EINVAL, "query parameter \"ack\" must be durable or applied");
  in->durable = ack && !strcmp(ack, "durable");
  int rc = qun_engine_normaliser_open(c->engine, c->params[0], &in->normaliser, &c->err);
  if (rc < 0) return rc;
  in->normaliser->operator_types = c->req->role != QUN_ROLE_INGEST;
  in->normaliser->imported = imported && !strcmp(imported, "true");
  in->normaliser->now_ms = qun_engine_now(c->engine);
  return 0;
}

void qun__post_events(struct qun__call *c) {
  struct intake *in = calloc(1, sizeof *in);
  if (!in) {
    qun__answer_later(c, 503, "there is no memory for the request", 1);
    return;
  }
  c->state = in;
  qun_input_batch_init(&in->batch);
  int rc = open_intake(c, in);
  if (rc == 0) rc = take_body(c, in);
  if (rc < 0) {
    intake_fini(in, c->engine);
    if (rc == QUN_EINVAL)
      qun__answer_problem(c, 400, c->err.message, NULL);
    else if (rc == QUN_EQUOTA)
      qun__answer_problem(c, 413, c->err.message, NULL);
    else if (rc == QUN_EUNSUPPORTED)
      qun__answer_problem(c, 415, c->err.message, NULL);
    else
      qun__answer_error(c, rc, NULL);
    return;
  }
  qun_metric_add(&c->api->metrics, QUN_METRIC_EVENTS_REFUSED, in->refused.total);
  if (!settle_early(c, in)) submit(c, in);
}
