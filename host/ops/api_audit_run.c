/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/tenants/NAME/audit/run {scope?, since?, locale?} answers {seq, upto, size, records, satisfied,
   not_satisfied, not_applicable, key, files: [{path, text}]}: written out byte for byte, in this order, the files are
   the audit bundle. */
#include "host/ops/api_internal.h"
#include "host/ops/audit_run.h"

static void write_numbers(struct qun_pack *out, const struct qun_audit_result *r) {
  qun_pack_kv_int(out, "seq", (int64_t)r->seq);
  qun_pack_kv_int(out, "upto", (int64_t)r->upto);
  qun_pack_kv_int(out, "size", (int64_t)r->size);
  qun_pack_kv_int(out, "records", r->records);
  qun_pack_kv_int(out, "satisfied", r->satisfied);
  qun_pack_kv_int(out, "not_satisfied", r->not_satisfied);
  qun_pack_kv_int(out, "not_applicable", r->not_applicable);
}

static void write_result(struct qun_pack *out, const struct qun_audit_result *r) {
  qun_pack_map(out, 9);
  write_numbers(out, r);
  qun_pack_kv_cstr(out, "key", r->key);
  qun_pack_cstr(out, "files");
  qun_pack_array(out, r->files_count);
  for (uint32_t i = 0; i < r->files_count; i++) {
    qun_pack_map(out, 2);
    qun_pack_kv_cstr(out, "path", r->files[i].path);
    qun_pack_kv_str(out, "text", r->files[i].bytes);
  }
}

void qun__post_audit_run(struct qun__call *c) {
  struct qun_audit_options options = {.scope = qun__body_text(c, "scope"),
                                      .locale = qun__body_text(c, "locale"),
                                      .since = qun_str(qun__body_text(c, "since"))};
  struct qun_audit_result result;
  int rc = qun_audit_run(c->engine, c->params[0], &options, &result, &c->err);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  write_result(&c->out, &result);
  qun_audit_result_fini(&result);
  qun__answer_map(c, 200);
}
