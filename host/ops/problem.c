/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/problem.h"
#include "host/intake/normalise.h"
#include "host/ops/json.h"

#include <stdio.h>

static const struct problem {
  int status;
  const char *name, *phrase, *title;
} problems[] = {
    {500, "failed", "Internal Server Error", "Something failed on this side"}, /* first: stands for any other */
    {400, "bad-request", "Bad Request", "The request is not well formed"},
    {401, "no-token", "Unauthorized", "A token is needed"},
    {403, "denied", "Forbidden", "This token may not do that"},
    {404, "not-found", "Not Found", "There is no such thing"},
    {405, "method", "Method Not Allowed", "This path does not have that method"},
    {409, "conflict", "Conflict", "That contradicts what is there"},
    {410, "gone", "Gone", "That has ended"},
    {413, "too-large", "Content Too Large", "The body is too large"},
    {415, "media-type", "Unsupported Media Type", "This content type is not understood"},
    {422, "refused", "Unprocessable Content", "The content was refused"},
    {429, "busy", "Too Many Requests", "The queue is full"},
    {501, "unsupported", "Not Implemented", "This host does not have that"},
    {503, "unavailable", "Service Unavailable", "Not available now"},
    {507, "quota", "Insufficient Storage", "The quota is used up"},
};

static const struct problem *problem_of(int status) {
  for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
    if (problems[i].status == status) return &problems[i];
  return &problems[0];
}

const char *qun_problem_phrase(int status) {
  return problem_of(status)->phrase;
}

void qun_problem_write(struct qun_pack *out, int status, const char *detail, const char *instance,
                       const struct qun_pack *errors) {
  const struct problem *problem = problem_of(status);
  struct qun_error err;
  struct qun_pack p;
  char type[64];
  snprintf(type, sizeof type, "urn:qun:problem:%s", problem->name);
  qun_pack_init(&p);
  qun_pack_map(&p, errors ? 6 : 5);
  qun_pack_kv_cstr(&p, "type", type);
  qun_pack_kv_cstr(&p, "title", problem->title);
  qun_pack_kv_int(&p, "status", status);
  qun_pack_kv_cstr(&p, "detail", qun_utf8_valid(qun_str(detail)) ? detail : problem->title);
  qun_pack_kv_cstr(&p, "instance", qun_utf8_valid(qun_str(instance)) ? instance : "/");
  if (errors) {
    qun_pack_cstr(&p, "errors");
    qun_pack_raw(&p, qun_pack_slice(errors));
  }
  if (p.failed || (errors && errors->failed) || qun_msgpack_to_json(out, qun_pack_slice(&p), false, &err) < 0)
    out->failed = 1;
  qun_pack_fini(&p);
}
