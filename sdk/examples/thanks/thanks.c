/* SPDX-License-Identifier: Apache-2.0 */
/* Thanks for a purchase by a webhook of the tenant, and counts what was delivered. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct thanks {
  const struct qun_host *host;
  const struct qun_outbox_v1 *outbox;
  const struct qun_store_v1 *store;
  const struct qun_reply_v1 *reply;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct thanks *p = (struct thanks *)calloc(1, sizeof *p);
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  int rc = host->query(host, QUN_OUTBOX_1, (const void **)&p->outbox);
  if (rc == 0) rc = host->query(host, QUN_STORE_1, (const void **)&p->store);
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

static int64_t count_of(const struct thanks *p, qun_handle tenant, const char *what) {
  struct qun_unpack u;
  qun_slice value;
  int64_t n = 0;
  if (p->store->get(p->host, tenant, qun_str(what), &value) < 0) return 0;
  qun_unpack_init(&u, value);
  qun_unpack_int(&u, &n);
  return n;
}

static int count(const struct thanks *p, qun_handle tenant, const char *what) {
  struct qun_pack value;
  int rc;
  qun_pack_init(&value);
  qun_pack_int(&value, count_of(p, tenant, what) + 1);
  rc = value.failed ? QUN_EFAIL : p->store->put(p->host, tenant, qun_str(what), qun_pack_slice(&value), 0);
  qun_pack_fini(&value);
  return rc;
}

/* The row's key is also what the receiver tells repeated deliveries by. */
static int thank(const struct thanks *p, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun_outbox_row row;
  struct qun_pack body;
  int rc;
  memset(&row, 0, sizeof row);
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_int(&body, "amount", qun_mp_int(event->data, "amount", 0));
  row.struct_size = sizeof row;
  row.gated = 1; /* compliance looks at it first */
  row.not_before_ms = ctx->clock_ms;
  row.key = event->id;
  row.via = qun_str("webhook");
  row.target = qun_str("thanks");
  row.body = qun_pack_slice(&body);
  rc = body.failed ? QUN_EFAIL : p->outbox->enqueue(p->host, ctx->tenant, &row);
  qun_pack_fini(&body);
  return rc;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  const struct thanks *p = (const struct thanks *)self;
  if (qun_slice_is(event->type, "purchase")) return thank(p, ctx, event);
  if (!qun_slice_is(qun_mp_str(event->data, "plugin"), "thanks")) return 0;
  return count(p, ctx->tenant, qun_slice_is(event->type, "outbox.sent") ? "delivered" : "failed");
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct thanks *p = (const struct thanks *)self;
  struct qun_pack body;
  int rc;
  qun_pack_init(&body);
  qun_pack_map(&body, 2);
  qun_pack_kv_int(&body, "delivered", count_of(p, ctx->tenant, "delivered"));
  qun_pack_kv_int(&body, "failed", count_of(p, ctx->tenant, "failed"));
  rc = body.failed ? QUN_EFAIL : p->reply->reply(p->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

static const struct qun_plugin thanks = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_event = on_event,
    .on_request = on_request,
};

QUN_PLUGIN("thanks", "1.0.0", thanks)
