/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <stdio.h>

static const struct probe_row *const tables[] = {probe_store};

static void destroy(void *self) {
  free(self);
}

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct probe *p = (struct probe *)calloc(1, sizeof *p);
  int rc = 0;
  (void)config;
  if (!p) return QUN_EFAIL;
  p->host = host;
#define GET(ID, FIELD)                                                                                                 \
  if (rc == 0) rc = host->query(host, ID, (const void **)&p->FIELD)
  GET(QUN_STORE_1, store1);
  GET(QUN_STORE_2, store);
  GET(QUN_EVENTS_1, events);
  GET(QUN_REPLY_1, reply);
  GET(QUN_HTTP_1, http);
  GET(QUN_HTTP_CLIENT_1, client);
  GET(QUN_WORK_1, work);
  GET(QUN_SECRETS_1, secrets);
  GET(QUN_OUTBOX_1, outbox);
  if (rc < 0)
    destroy(p);
  else
    *self = p;
  return rc;
}

static int run(struct probe *p, const struct qun_context *ctx, qun_slice name) {
  char sentence[120];
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
    for (const struct probe_row *row = tables[t]; row->name; row++) {
      if (!qun_slice_is(name, row->name)) continue;
      int line = row->run(p, ctx);
      if (line == 0) return 0;
      snprintf(sentence, sizeof sentence, "trial %s failed in line %d", row->name, line);
      return p->host->fail(p->host, QUN_EFAIL, qun_str(sentence));
    }
  }
  return p->host->fail(p->host, QUN_ENOTFOUND, qun_str("there is no such trial"));
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct probe *p = (struct probe *)self;
  qun_slice name = qun_mp_str(event->data, "text");
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str("probe.passed")};
  struct qun_pack data;
  if (!qun_slice_is(event->type, "message")) return probe_answer(p, ctx, event);
  int rc = probe_order(p, ctx, event);
  if (rc <= 0) return rc;
  rc = run(p, ctx, name);
  if (rc < 0) return rc;
  qun_pack_init(&data);
  qun_pack_map(&data, 1);
  qun_pack_kv_str(&data, "trial", name);
  e.data = qun_pack_slice(&data);
  rc = p->events->emit(p->host, ctx->tenant, &e);
  qun_pack_fini(&data);
  return rc;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  static const unsigned char yes = 0xc3;
  struct probe *p = (struct probe *)self;
  if (qun_slice_is(request->service, "probe.page") || qun_slice_is(request->service, "probe.owner"))
    return probe_page(p, ctx, request);
  if (!qun_slice_is(request->service, "probe.try")) return probe_asked(p, ctx, request);
  int rc = run(p, ctx, qun_mp_str(request->params, "trial"));
  return rc < 0 ? rc : p->reply->reply(p->host, request->id, qun_slice_of(&yes, 1));
}

static const struct qun_plugin probe = {.struct_size = sizeof(struct qun_plugin),
                                        .create = create,
                                        .destroy = destroy,
                                        .on_event = on_event,
                                        .on_request = on_request};

QUN_PLUGIN("probe", "1.0.0", probe)
