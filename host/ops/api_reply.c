/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/api_internal.h"
#include "host/ops/json.h"
#include "host/ops/problem.h"

#include <stdio.h>

static void count_answer(struct qun__call *c, int status) {
  if (status == 401 || status == 403) qun_metric_add(&c->api->metrics, QUN_METRIC_DENIED, 1);
}

static void finish(struct qun__call *c, struct qun_api_response *response) {
  count_answer(c, response->status);
  if (c->text.failed) {
    static const char plain[] =
        "{\"type\":\"urn:qun:problem:failed\",\"title\":\"Something failed on this side\",\"status\":500,"
        "\"detail\":\"there is no memory for the answer\"}";
    *response = (struct qun_api_response){.status = 500, .content_type = QUN_PROBLEM_TYPE, .body = qun_str(plain)};
  } else {
    response->body = qun_pack_slice(&c->text);
  }
  c->done(c->arg, response);
  qun__call_destroy(c);
}

void qun__answer_text(struct qun__call *c, int status, const char *content_type, const char *security) {
  finish(c, &(struct qun_api_response){.status = status, .content_type = content_type, .security = security});
}

void qun__answer_file(struct qun__call *c, const char *content_type, int fd, uint64_t size) {
  c->done(c->arg,
          &(struct qun_api_response){.status = 200, .content_type = content_type, .file = fd, .file_size = size});
  qun__call_destroy(c);
}

void qun__answer_map(struct qun__call *c, int status) {
  struct qun_error err;
  if (c->out.failed) {
    qun__answer_problem(c, 500, "there is no memory for the answer", NULL);
    return;
  }
  if (qun_msgpack_to_json(&c->text, qun_pack_slice(&c->out), false, &err) < 0) {
    qun__answer_problem(c, 500, err.message, NULL);
    return;
  }
  finish(c, &(struct qun_api_response){.status = status, .content_type = "application/json"});
}

static void problem_finish(struct qun__call *c, struct qun_api_response *response, const char *detail,
                           const struct qun_pack *errors) {
  response->content_type = QUN_PROBLEM_TYPE;
  qun_pack_clear(&c->text);
  qun_problem_write(&c->text, response->status, detail, c->req->path, errors);
  finish(c, response);
}

void qun__answer_problem(struct qun__call *c, int status, const char *detail, const struct qun_pack *errors) {
  problem_finish(c, &(struct qun_api_response){.status = status}, detail, errors);
}

void qun__answer_method(struct qun__call *c, const char *allow) {
  char detail[160];
  snprintf(detail, sizeof detail, "this path has %s", allow);
  problem_finish(c, &(struct qun_api_response){.status = 405, .allow = allow}, detail, NULL);
}

void qun__answer_later(struct qun__call *c, int status, const char *detail, int seconds) {
  problem_finish(c, &(struct qun_api_response){.status = status, .retry_after = seconds}, detail, NULL);
}

void qun__answer_error(struct qun__call *c, int code, const char *message) {
  static const struct {
    int code, status;
  } table[] = {{QUN_EAGAIN, 429}, {QUN_EDENIED, 403}, {QUN_EUNSUPPORTED, 501}, {QUN_ENOTFOUND, 404}, {QUN_EQUOTA, 507},
               {QUN_EGONE, 410},  {QUN_EINVAL, 422},  {QUN_ECONFLICT, 409},    {QUN_EFAIL, 500}};
  int status = 500;
  if (!message) message = c->err.message;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].code == code) status = table[i].status;
  if (code == QUN_EQUOTA && c->err.retry_ms)
    qun__answer_later(c, 429, message, (int)((c->err.retry_ms + 999) / 1000));
  else if (status == 429)
    qun__answer_later(c, 429, message, 1);
  else
    qun__answer_problem(c, status, message, NULL);
}
