/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for crosspromo in the tests of delivery and bridge: sends what it is told to and counts what comes. */
#include <qun/msgpack.h>

#include <stdio.h>
#include <stdlib.h>

struct courier {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_reply_v1 *reply;
  const struct qun_outbox_v1 *outbox;
};

struct local {
  int64_t members, minimum;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct courier *c = calloc(1, sizeof *c);
  (void)config;
  if (!c) return QUN_EFAIL;
  c->host = host;
  if (host->query(host, QUN_STORE_1, (const void **)&c->store) < 0 ||
      host->query(host, QUN_EVENTS_1, (const void **)&c->events) < 0 ||
      host->query(host, QUN_REPLY_1, (const void **)&c->reply) < 0 ||
      host->query(host, QUN_OUTBOX_1, (const void **)&c->outbox) < 0) {
    free(c);
    return QUN_EFAIL;
  }
  *self = c;
  return QUN_OK;
}

static void destroy(void *self) {
  free(self);
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct local *l = *local ? *local : calloc(1, sizeof *l);
  (void)self;
  (void)ctx;
  if (!l) return QUN_EFAIL;
  l->members = qun_mp_int(info->settings, "members", 0);
  l->minimum = qun_mp_int(info->settings, "minimum", 0);
  *local = l;
  return QUN_OK;
}

static void on_tenant_close(void *self, void *local) {
  (void)self;
  free(local);
}

static int64_t number(struct courier *c, qun_handle tenant, qun_slice key) {
  qun_slice value;
  int64_t n = 0;
  if (c->store->get(c->host, tenant, key, &value) == QUN_OK && value.len == sizeof n) memcpy(&n, value.ptr, sizeof n);
  return n;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *ev) {
  struct courier *c = self;
  qun_slice body = {NULL, 0};
  if (!qun_slice_is(ev->type, "crosspromo.sending")) {
    int64_t n = number(c, ctx->tenant, ev->type) + 1;
    return c->store->put(c->host, ctx->tenant, ev->type, qun_slice_of(&n, sizeof n), 0);
  }
  qun_mp_find(ev->data, "body", &body);
  struct qun_outbox_row row = {.struct_size = sizeof row,
                               .not_before_ms = ctx->clock_ms + qun_mp_int(ev->data, "after", 0),
                               .key = qun_mp_str(ev->data, "key"),
                               .via = qun_mp_str(ev->data, "via"),
                               .target = qun_mp_str(ev->data, "target"),
                               .body = body};
  return c->outbox->enqueue(c->host, ctx->tenant, &row);
}

/* Members 1 to the setting: the test says how many there are. */
static int overlap_members(struct courier *c, const struct qun_context *ctx, const struct qun_request *req) {
  const struct local *l = ctx->local;
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_int(&p, "minimum", l->minimum);
  qun_pack_cstr(&p, "members");
  qun_pack_array(&p, (uint32_t)l->members);
  for (int64_t i = 1; i <= l->members; i++) qun_pack_int(&p, i);
  int rc = c->reply->reply(c->host, req->id, qun_pack_slice(&p));
  qun_pack_fini(&p);
  return rc;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *req) {
  struct courier *c = self;
  unsigned char buf[16];
  struct qun_pack p = {buf, 0, sizeof buf, 0};
  if (qun_slice_is(req->service, "crosspromo.overlap_members")) return overlap_members(c, ctx, req);
  if (qun_slice_is(req->service, "crosspromo.count")) {
    qun_pack_int(&p, number(c, ctx->tenant, qun_mp_str(req->params, "type")));
    return c->reply->reply(c->host, req->id, qun_pack_slice(&p));
  }
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str("crosspromo.sending"), .data = req->params};
  int rc = c->events->emit(c->host, ctx->tenant, &e);
  qun_pack_nil(&p);
  return rc < 0 ? rc : c->reply->reply(c->host, req->id, qun_pack_slice(&p));
}

static const struct qun_plugin courier = {.struct_size = sizeof(struct qun_plugin),
                                          .create = create,
                                          .destroy = destroy,
                                          .on_tenant = on_tenant,
                                          .on_tenant_close = on_tenant_close,
                                          .on_event = on_event,
                                          .on_request = on_request};
QUN_PLUGIN("crosspromo", "1.0.0", courier)
