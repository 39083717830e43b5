/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the compliance plugin: compliance.audit cites the records that `scope` names ("7,200"), so that a test
 * says which. */
#include <qun/report.h>

#include <stdlib.h>

struct auditor {
  const struct qun_host *host;
  const struct qun_reply_v1 *reply;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct auditor *a = calloc(1, sizeof *a);
  const void *service;
  (void)config;
  if (!a) return QUN_EFAIL;
  int rc = host->query(host, QUN_REPLY_1, &service);
  a->host = host;
  a->reply = service;
  if (rc < 0)
    free(a);
  else
    *self = a;
  return rc;
}

static void destroy(void *self) {
  free(self);
}

static void cite(struct qun_pack *p, qun_slice scope) {
  size_t at = qun_pack_open_array(p);
  const char *text = scope.ptr;
  uint32_t n = 0;
  uint64_t number = 0;
  for (uint64_t i = 0; i < scope.len; i++) {
    if (text[i] >= '0' && text[i] <= '9') number = number * 10 + (uint64_t)(text[i] - '0');
    if (text[i] != ',' && i + 1 < scope.len) continue;
    qun_pack_uint(p, number);
    number = 0;
    n++;
  }
  qun_pack_close(p, at, n);
}

static int audit(struct auditor *a, const struct qun_request *q) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_cstr(&p, "summary");
  qun_pack_map(&p, 3);
  qun_pack_kv_int(&p, "satisfied", 4);
  qun_pack_kv_int(&p, "not_satisfied", 1);
  qun_pack_kv_int(&p, "not_applicable", 2);
  qun_pack_cstr(&p, "rules");
  qun_pack_array(&p, 1);
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "id", "PIPL-13");
  qun_pack_cstr(&p, "evidence");
  cite(&p, qun_mp_str(q->params, "scope"));
  int rc = p.failed ? QUN_EFAIL : a->reply->reply(a->host, q->id, qun_pack_slice(&p));
  qun_pack_fini(&p);
  return rc;
}

static int report(struct auditor *a, const struct qun_request *q) {
  struct qun_report r;
  qun_report_begin(&r, "compliance", "audit", "Audit", 0, 0, 0);
  qun_report_figures(&r, "rules", "Rules");
  qun_report_figure(&r, "satisfied", "Satisfied", "int", 4, "good");
  qun_report_list_end(&r);
  qun_report_glossary(&r);
  qun_slice model = qun_report_end(&r);
  int rc = model.len ? a->reply->reply(a->host, q->id, model) : QUN_EFAIL;
  qun_report_fini(&r);
  return rc;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  (void)ctx;
  return qun_slice_is(request->service, "compliance.audit") ? audit(self, request) : report(self, request);
}

static const struct qun_plugin auditor = {.struct_size = sizeof(struct qun_plugin),
                                          .create = create,
                                          .destroy = destroy,
                                          .on_request = on_request};
QUN_PLUGIN("compliance", "1.0.0", auditor)
