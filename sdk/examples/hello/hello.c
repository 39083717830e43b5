/* SPDX-License-Identifier: Apache-2.0 */
/* Counts each member's messages and says when somebody has become a regular. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct hello {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_reply_v1 *reply;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct hello *h = (struct hello *)calloc(1, sizeof *h);
  int rc;
  (void)config;
  if (!h) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  h->host = host;
  rc = host->query(host, QUN_STORE_1, (const void **)&h->store);
  if (rc == 0) rc = host->query(host, QUN_EVENTS_1, (const void **)&h->events);
  if (rc == 0) rc = host->query(host, QUN_REPLY_1, (const void **)&h->reply);
  if (rc < 0) {
    free(h);
    return rc;
  }
  *self = h;
  return 0;
}

static void destroy(void *self) {
  free(self);
}

/* Settings are the tenant's: keep what a handler needs where it finds it again. */
static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  int64_t *regular_after = (int64_t *)(*local ? *local : malloc(sizeof *regular_after));
  (void)ctx;
  if (!regular_after)
    return ((struct hello *)self)->host->fail(((struct hello *)self)->host, QUN_EFAIL, qun_str("out of memory"));
  *regular_after = qun_mp_int(info->settings, "regular_after", 0);
  *local = regular_after;
  return 0;
}

static void on_tenant_close(void *self, void *local) {
  (void)self;
  free(local);
}

/* The row of a member: 'm' and the number, big-endian so that rows stand in its order. */
static qun_slice member_key(unsigned char key[9], uint64_t member) {
  key[0] = 'm';
  for (int i = 8; i > 0; i--, member >>= 8) key[i] = (unsigned char)(member & 0xff);
  return qun_slice_of(key, 9);
}

/* 0 when there is no such row. */
static int64_t count_of(struct hello *h, qun_handle tenant, uint64_t member) {
  unsigned char key[9];
  qun_slice value;
  struct qun_unpack u;
  int64_t n;
  if (h->store->get(h->host, tenant, member_key(key, member), &value) < 0) return 0;
  qun_unpack_init(&u, value);
  return qun_unpack_int(&u, &n) ? n : 0;
}

static int put_count(struct hello *h, qun_handle tenant, uint64_t member, int64_t n) {
  unsigned char key[9];
  struct qun_pack p;
  int rc;
  qun_pack_init(&p);
  qun_pack_int(&p, n);
  rc = p.failed ? QUN_EFAIL : h->store->put(h->host, tenant, member_key(key, member), qun_pack_slice(&p), member);
  qun_pack_fini(&p);
  return rc;
}

static int say_regular(struct hello *h, qun_handle tenant, uint64_t member, int64_t n) {
  struct qun_emit e;
  struct qun_pack data;
  int rc;
  memset(&e, 0, sizeof e);
  qun_pack_init(&data);
  qun_pack_map(&data, 1);
  qun_pack_kv_int(&data, "messages", n);
  e.struct_size = sizeof e;
  e.member = member;
  e.type = qun_str("hello.regular");
  e.data = qun_pack_slice(&data);
  rc = data.failed ? QUN_EFAIL : h->events->emit(h->host, tenant, &e);
  qun_pack_fini(&data);
  return rc;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct hello *h = (struct hello *)self;
  const int64_t *regular_after = (const int64_t *)ctx->local;
  int64_t n;
  int rc;
  if (event->member == 0) return 0;
  n = count_of(h, ctx->tenant, event->member) + 1;
  rc = put_count(h, ctx->tenant, event->member, n);
  if (rc == 0 && n == *regular_after) rc = say_regular(h, ctx->tenant, event->member, n);
  return rc;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct hello *h = (struct hello *)self;
  int64_t member = qun_mp_int(request->params, "member", 0);
  struct qun_pack body;
  int rc;
  if (!qun_slice_is(request->service, "hello.count"))
    return h->host->fail(h->host, QUN_ENOTFOUND, qun_str("no such service"));
  if (member < 1) return h->host->fail(h->host, QUN_EINVAL, qun_str("member must be a member's number"));
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_int(&body, "messages", count_of(h, ctx->tenant, (uint64_t)member));
  rc = body.failed ? QUN_EFAIL : h->reply->reply(h->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

static const struct qun_plugin hello = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_tenant_close = on_tenant_close,
    .on_event = on_event,
    .on_request = on_request,
};

QUN_PLUGIN("hello", "1.0.0", hello)
