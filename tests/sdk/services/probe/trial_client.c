/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

static int begins(qun_slice text, const char *with) {
  size_t n = strlen(with);
  return text.len >= n && memcmp(text.ptr, with, n) == 0;
}

static int64_t number_of(qun_slice text) {
  int64_t n = 0;
  const char *at = (const char *)text.ptr;
  int minus = text.len > 0 && at[0] == '-';
  for (uint64_t i = minus ? 1 : 0; i < text.len; i++) n = n * 10 + (at[i] - '0');
  return minus ? -n : n;
}

static int order_fetch(struct probe *p, const struct qun_context *ctx, qun_slice key, qun_slice url) {
  struct qun_pack headers;
  qun_pack_init(&headers);
  qun_pack_map(&headers, 2);
  qun_pack_kv_cstr(&headers, "authorization", "Bearer {{secret:api}}!");
  qun_pack_kv_cstr(&headers, "content-type", "text/plain");
  struct qun_http_fetch r = {.struct_size = sizeof r,
                             .tries = 1,
                             .key = key,
                             .method = qun_str("PUT"),
                             .url = url,
                             .headers = qun_pack_slice(&headers),
                             .body = qun_str("a body")};
  int rc = p->client->fetch(p->host, ctx->tenant, &r);
  if (rc == 0 && p->client->fetch(p->host, ctx->tenant, &r) != QUN_ECONFLICT) rc = QUN_EFAIL;
  qun_pack_fini(&headers);
  return rc;
}

static int order_work(struct probe *p, const struct qun_context *ctx, qun_slice key, int64_t n) {
  struct qun_pack params;
  qun_pack_init(&params);
  qun_pack_map(&params, 1);
  qun_pack_kv_int(&params, "n", n);
  if (p->work->submit(p->host, ctx->tenant, key, "probe.read", qun_pack_slice(&params)) != QUN_EDENIED)
    return QUN_EFAIL;
  if (p->work->submit(p->host, ctx->tenant, key, "other.sum", qun_pack_slice(&params)) != QUN_EDENIED) return QUN_EFAIL;
  if (p->work->submit(p->host, ctx->tenant, key, "probe.sum", qun_str("\x01")) != QUN_EINVAL) return QUN_EFAIL;
  int rc = p->work->submit(p->host, ctx->tenant, key, "probe.sum", qun_pack_slice(&params));
  if (rc == 0 && p->work->submit(p->host, ctx->tenant, key, "probe.sum", qun_pack_slice(&params)) != QUN_ECONFLICT)
    rc = QUN_EFAIL;
  qun_pack_fini(&params);
  return rc;
}

static int order_send(struct probe *p, const struct qun_context *ctx, qun_slice key, qun_slice target, uint32_t gated) {
  struct qun_pack body;
  qun_pack_init(&body);
  qun_pack_map(&body, 2);
  qun_pack_kv_cstr(&body, "text", "hello");
  qun_pack_kv_int(&body, "n", 1);
  struct qun_outbox_row row = {.struct_size = sizeof row,
                               .gated = gated,
                               .not_before_ms = ctx->clock_ms,
                               .key = key,
                               .via = qun_str("spool"),
                               .target = target,
                               .body = qun_pack_slice(&body)};
  int rc = p->outbox->enqueue(p->host, ctx->tenant, &row);
  qun_pack_fini(&body);
  return rc;
}

int probe_order(struct probe *p, const struct qun_context *ctx, const struct qun_event *event) {
  qun_slice text = qun_mp_str(event->data, "text");
  const char *at = (const char *)text.ptr;
  if (begins(text, "fetch ")) return order_fetch(p, ctx, event->id, qun_slice_of(at + 6, (size_t)text.len - 6));
  if (begins(text, "work "))
    return order_work(p, ctx, event->id, number_of(qun_slice_of(at + 5, (size_t)text.len - 5)));
  if (begins(text, "decide ")) return 0; /* the guard's */
  if (begins(text, "send ")) return order_send(p, ctx, event->id, qun_slice_of(at + 5, (size_t)text.len - 5), 0);
  if (begins(text, "gated ")) return order_send(p, ctx, event->id, qun_slice_of(at + 6, (size_t)text.len - 6), 1);
  return 1;
}

int probe_answer(struct probe *p, const struct qun_context *ctx, const struct qun_event *event) {
  return p->store->put(p->host, ctx->tenant, event->subject, event->data, 0);
}

/* The sum of 1..n; refuses what is less than 0. */
static int sum(struct probe *p, const struct qun_request *request) {
  int64_t n = qun_mp_int(request->params, "n", -1);
  struct qun_pack reply;
  if (n < 0) return p->host->fail(p->host, QUN_EINVAL, qun_str("n is less than 0"));
  qun_pack_init(&reply);
  qun_pack_map(&reply, 1);
  qun_pack_kv_int(&reply, "sum", n * (n + 1) / 2);
  int rc = p->reply->reply(p->host, request->id, qun_pack_slice(&reply));
  qun_pack_fini(&reply);
  return rc;
}

int probe_asked(struct probe *p, const struct qun_context *ctx, const struct qun_request *request) {
  static const unsigned char yes = 0xc3;
  qun_slice value;
  int rc;
  if (qun_slice_is(request->service, "probe.sum")) {
    if (p->secrets->verify(p->host, ctx->tenant, "callback", QUN_SECRET_HMAC_SHA256, qun_str(""), qun_str("")) !=
        QUN_EDENIED)
      return QUN_EFAIL; /* not in a pure service */
    return sum(p, request);
  }
  if (qun_slice_is(request->service, "probe.read")) {
    rc = p->store->get(p->host, ctx->tenant, qun_mp_str(request->params, "key"), &value);
    return rc < 0 ? rc : p->reply->reply(p->host, request->id, value);
  }
  char name[65] = "";
  qun_slice secret = qun_mp_str(request->params, "secret");
  memcpy(name, secret.ptr, secret.len < 64 ? (size_t)secret.len : 64);
  rc = p->secrets->verify(p->host, ctx->tenant, name, (uint32_t)qun_mp_int(request->params, "algorithm", 0),
                          qun_mp_str(request->params, "message"), qun_mp_str(request->params, "signature"));
  return rc < 0 ? rc : p->reply->reply(p->host, request->id, qun_slice_of(&yes, 1));
}
