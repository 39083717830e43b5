/* SPDX-License-Identifier: Apache-2.0 */
/* Counts messages for the operator's metrics, and shows them on a page of its own. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct gauge {
  const struct qun_host *host;
  const struct qun_metrics_v1 *metrics;
  const struct qun_store_v1 *store;
  const struct qun_http_v1 *http;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct gauge *p = (struct gauge *)calloc(1, sizeof *p);
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  int rc = host->query(host, QUN_METRICS_1, (const void **)&p->metrics);
  if (rc == 0) rc = host->query(host, QUN_STORE_1, (const void **)&p->store);
  if (rc == 0) rc = host->query(host, QUN_HTTP_1, (const void **)&p->http);
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

static int64_t count_of(const struct gauge *p, qun_handle tenant) {
  struct qun_unpack u;
  qun_slice value;
  int64_t n = 0;
  if (p->store->get(p->host, tenant, qun_str("n"), &value) < 0) return 0;
  qun_unpack_init(&u, value);
  qun_unpack_int(&u, &n);
  return n;
}

/* The keyspace counts what is; the metric counts what this process did, and is part of no result. */
static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  const struct gauge *p = (const struct gauge *)self;
  struct qun_pack value;
  int rc;
  (void)event;
  p->metrics->add(p->host, "messages", 1);
  qun_pack_init(&value);
  qun_pack_int(&value, count_of(p, ctx->tenant) + 1);
  rc = value.failed ? QUN_EFAIL : p->store->put(p->host, ctx->tenant, qun_str("n"), qun_pack_slice(&value), 0);
  qun_pack_fini(&value);
  return rc;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct gauge *p = (const struct gauge *)self;
  char page[64] = "<p>00000000000000000000 messages";
  int64_t n = count_of(p, ctx->tenant);
  for (int i = 22; i > 2; i--, n /= 10) page[i] = (char)('0' + n % 10);
  return p->http->respond(p->host, request->id, 200, qun_str("text/html; charset=utf-8"), qun_str(page));
}

static const struct qun_plugin gauge = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_event = on_event,
    .on_request = on_request,
};

QUN_PLUGIN("gauge", "1.0.0", gauge)
