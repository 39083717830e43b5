/* SPDX-License-Identifier: Apache-2.0 */
/* Has a slow rating done away from the tenant's thread, and tells when it is there. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct rater {
  const struct qun_host *host;
  const struct qun_work_v1 *work;
  const struct qun_events_v1 *events;
  const struct qun_reply_v1 *reply;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct rater *p = (struct rater *)calloc(1, sizeof *p);
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  int rc = host->query(host, QUN_WORK_1, (const void **)&p->work);
  if (rc == 0) rc = host->query(host, QUN_EVENTS_1, (const void **)&p->events);
  if (rc == 0) rc = host->query(host, QUN_REPLY_1, (const void **)&p->reply);
  if (rc < 0) {
    free(p);
    return rc;
  }
  *self = p;
  return 0;
}

static void destroy(void *self) {
  free(self);
}

static int submit(const struct rater *p, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun_pack params;
  int rc;
  qun_pack_init(&params);
  qun_pack_map(&params, 1);
  qun_pack_kv_int(&params, "amount", qun_mp_int(event->data, "amount", 0));
  rc = params.failed ? QUN_EFAIL
                     : p->work->submit(p->host, ctx->tenant, event->id, "rater.rate", qun_pack_slice(&params));
  qun_pack_fini(&params);
  return rc;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  const struct rater *p = (const struct rater *)self;
  struct qun_emit e;
  qun_slice result;
  if (qun_slice_is(event->type, "purchase")) return submit(p, ctx, event);
  if (!qun_mp_find(event->data, "result", &result)) return 0; /* it failed: the log has why */
  memset(&e, 0, sizeof e);
  e.struct_size = sizeof e;
  e.type = qun_str("rater.rated");
  e.subject = event->subject;
  e.data = result;
  return p->events->emit(p->host, ctx->tenant, &e);
}

/* Pure: arguments alone decide, so it may run anywhere. */
static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct rater *p = (const struct rater *)self;
  int64_t amount = qun_mp_int(request->params, "amount", 0), stars = 1;
  struct qun_pack body;
  int rc;
  (void)ctx;
  for (int64_t step = 100; stars < 5 && amount >= step; step *= 10) stars++;
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_int(&body, "stars", stars);
  rc = body.failed ? QUN_EFAIL : p->reply->reply(p->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

static const struct qun_plugin rater = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_event = on_event,
    .on_request = on_request,
};

QUN_PLUGIN("rater", "1.0.0", rater)
