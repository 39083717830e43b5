/* SPDX-License-Identifier: Apache-2.0 */
/* Has purchases noted by another machine, and takes its signed confirmations. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct notary {
  const struct qun_host *host;
  const struct qun_http_client_v1 *http_client;
  const struct qun_secrets_v1 *secrets;
  const struct qun_events_v1 *events;
  const struct qun_reply_v1 *reply;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct notary *p = (struct notary *)calloc(1, sizeof *p);
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  int rc = host->query(host, QUN_HTTP_CLIENT_1, (const void **)&p->http_client);
  if (rc == 0) rc = host->query(host, QUN_SECRETS_1, (const void **)&p->secrets);
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

static int tell(const struct notary *p, qun_handle tenant, const char *type, qun_slice subject) {
  struct qun_emit e;
  memset(&e, 0, sizeof e);
  e.struct_size = sizeof e;
  e.type = qun_str(type);
  e.subject = subject;
  return p->events->emit(p->host, tenant, &e);
}

/* The host puts the secret in where the braces are; the plugin never sees it. */
static int ask(const struct notary *p, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun_http_fetch fetch;
  struct qun_pack headers;
  int rc;
  memset(&fetch, 0, sizeof fetch);
  qun_pack_init(&headers);
  qun_pack_map(&headers, 1);
  qun_pack_kv_cstr(&headers, "authorization", "Bearer {{secret:token}}");
  fetch.struct_size = sizeof fetch;
  fetch.key = event->id;
  fetch.method = qun_str("POST");
  fetch.url = qun_str("https://notary.example.com/v1/purchases");
  fetch.headers = qun_pack_slice(&headers);
  fetch.body = event->id;
  rc = headers.failed ? QUN_EFAIL : p->http_client->fetch(p->host, ctx->tenant, &fetch);
  qun_pack_fini(&headers);
  return rc;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  const struct notary *p = (const struct notary *)self;
  if (qun_slice_is(event->type, "purchase")) return ask(p, ctx, event);
  if (qun_mp_int(event->data, "status", 0) != 201) return 0; /* the log has what was answered */
  return tell(p, ctx->tenant, "notary.noted", event->subject);
}

/* A confirmation counts if the other machine's secret made its signature; the host compares. */
static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct notary *p = (const struct notary *)self;
  qun_slice id = qun_mp_str(request->params, "id"), signature = qun_mp_str(request->params, "signature");
  struct qun_pack body;
  int rc = p->secrets->verify(p->host, ctx->tenant, "callback", QUN_SECRET_HMAC_SHA256, id, signature);
  if (rc < 0) return p->host->fail(p->host, rc, qun_str("the signature is not one of the notary's"));
  rc = tell(p, ctx->tenant, "notary.confirmed", id);
  if (rc < 0) return rc;
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_bool(&body, "confirmed", 1);
  rc = body.failed ? QUN_EFAIL : p->reply->reply(p->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

static const struct qun_plugin notary = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_event = on_event,
    .on_request = on_request,
};

QUN_PLUGIN("notary", "1.0.0", notary)
