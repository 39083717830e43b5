/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for the engine's tests: counts by member and by week, emits, sets timers, sends, and fails on purpose. */
#include <qun/msgpack.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct ledger {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_calendar_v1 *calendar;
  const struct qun_reply_v1 *reply;
  const struct qun_outbox_v1 *outbox;
  qun_handle kept[2]; /* handles seen, to be used where they must not */
};

struct local {
  int64_t step;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct ledger *l = calloc(1, sizeof *l);
  (void)config;
  if (!l) return QUN_EFAIL;
  l->host = host;
  const struct {
    const char *id;
    const void **at;
  } wants[] = {{QUN_STORE_1, (const void **)&l->store}, {QUN_EVENTS_1, (const void **)&l->events},
               {QUN_TIMER_1, (const void **)&l->timer}, {QUN_CALENDAR_1, (const void **)&l->calendar},
               {QUN_REPLY_1, (const void **)&l->reply}, {QUN_OUTBOX_1, (const void **)&l->outbox}};
  for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
    int rc = host->query(host, wants[i].id, wants[i].at);
    if (rc < 0) {
      free(l);
      return rc;
    }
  }
  *self = l;
  return QUN_OK;
}

static void destroy(void *self) {
  free(self);
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct local *x = *local ? *local : calloc(1, sizeof *x);
  (void)self;
  (void)ctx;
  if (!x) return QUN_EFAIL;
  x->step = qun_mp_int(info->settings, "step", 0);
  *local = x;
  return QUN_OK;
}

static void on_tenant_close(void *self, void *local) {
  (void)self;
  free(local);
}

/* Adds 1 to a number and answers it. */
static int64_t bump(struct ledger *l, qun_handle tenant, const char *key, uint64_t owner) {
  qun_slice value;
  int64_t n = 0;
  if (l->store->get(l->host, tenant, qun_str(key), &value) == QUN_OK && value.len == sizeof n)
    memcpy(&n, value.ptr, sizeof n);
  n++;
  return l->store->put(l->host, tenant, qun_str(key), qun_slice_of(&n, sizeof n), owner) < 0 ? -1 : n;
}

static int weekly(struct ledger *l, const struct qun_context *ctx) {
  int32_t day = ctx->clock_day + 7 - (((ctx->clock_day + 3) % 7) + 7) % 7; /* next Monday */
  int64_t due = 0;
  l->calendar->from_local(l->host, ctx->tenant, day, 0, &due);
  return l->timer->set(l->host, ctx->tenant, qun_str("week"), due, qun_str("w"));
}

static int tenth(struct ledger *l, const struct qun_context *ctx, uint64_t member, int64_t n) {
  unsigned char data[16];
  struct qun_pack p = {data, 0, sizeof data, 0};
  qun_pack_map(&p, 1);
  qun_pack_kv_int(&p, "count", n);
  struct qun_emit e = {.struct_size = sizeof e,
                       .member = member,
                       .type = qun_str("ledger.tenth"),
                       .data = qun_pack_slice(&p)};
  int rc = l->events->emit(l->host, ctx->tenant, &e);
  struct qun_outbox_row row = {.struct_size = sizeof row,
                               .gated = 1,
                               .not_before_ms = ctx->clock_ms,
                               .via = qun_str("spool"),
                               .target = qun_str("t")};
  char key[40];
  row.key = qun_slice_of(key, (size_t)snprintf(key, sizeof key, "%llu-%lld", (unsigned long long)member, (long long)n));
  return rc < 0 ? rc : l->outbox->enqueue(l->host, ctx->tenant, &row);
}

/* Every handle but the callback's own must be refused, also those kept from other tenants. */
static bool reaches_others(struct ledger *l, const struct qun_context *ctx) {
  const qun_handle others[] = {0, ctx->tenant + 1, ctx->tenant - 1, l->kept[0], l->kept[1], UINT64_MAX};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    qun_slice value;
    struct qun_pair pair;
    uint32_t n = 0;
    int64_t ms = 0;
    struct qun_emit e = {.struct_size = sizeof e, .type = qun_str("ledger.note")};
    if (others[i] == ctx->tenant) continue;
    if (l->store->get(l->host, others[i], qun_str("all"), &value) != QUN_EDENIED) return true;
    if (l->store->put(l->host, others[i], qun_str("all"), qun_str("x"), 0) != QUN_EDENIED) return true;
    if (l->store->del(l->host, others[i], qun_str("all")) != QUN_EDENIED) return true;
    if (l->store->scan(l->host, others[i], qun_str(""), qun_str(""), &pair, 1, &n) != QUN_EDENIED) return true;
    if (l->events->emit(l->host, others[i], &e) != QUN_EDENIED) return true;
    if (l->timer->set(l->host, others[i], qun_str("t"), 0, qun_str("")) != QUN_EDENIED) return true;
    if (l->timer->cancel(l->host, others[i], qun_str("t")) != QUN_EDENIED) return true;
    if (l->calendar->from_local(l->host, others[i], 0, 0, &ms) != QUN_EDENIED) return true;
    if (l->outbox->cancel(l->host, others[i], qun_str("k")) != QUN_EDENIED) return true;
  }
  if (ctx->tenant != l->kept[0]) {
    l->kept[1] = l->kept[0];
    l->kept[0] = ctx->tenant;
  }
  return false;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *ev) {
  struct ledger *l = self;
  const struct local *x = ctx->local;
  char key[64];
  int rc = 0;
  if (reaches_others(l, ctx)) abort();
  if (qun_slice_is(ev->type, "ledger.tenth")) return bump(l, ctx->tenant, "tenths", 0) < 0 ? QUN_EFAIL : 0;
  snprintf(key, sizeof key, "m/%08llu", (unsigned long long)ev->member);
  int64_t n = bump(l, ctx->tenant, key, ev->member);
  if (bump(l, ctx->tenant, "all", 0) == 1) rc = weekly(l, ctx);
  snprintf(key, sizeof key, "d/%d", ev->day);
  if (bump(l, ctx->tenant, key, 0) < 0) return QUN_EFAIL;
  if (rc == 0 && ev->member && n % x->step == 0) rc = tenth(l, ctx, ev->member, n);
  if (qun_slice_is(qun_mp_str(ev->data, "text"), "please fail"))
    return l->host->fail(l->host, QUN_EFAIL, qun_str("asked to fail"));
  return rc;
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *t) {
  struct ledger *l = self;
  char key[64];
  snprintf(key, sizeof key, "w/%d", ctx->clock_day);
  if (!qun_slice_is(t->data, "w")) return QUN_EFAIL;
  return bump(l, ctx->tenant, key, 0) < 0 ? QUN_EFAIL : weekly(l, ctx);
}

static int note(struct ledger *l, const struct qun_context *ctx, const struct qun_request *req) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_str(&p, "text", qun_mp_str(req->params, "text"));
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str("ledger.note"), .data = qun_pack_slice(&p)};
  int rc = l->events->emit(l->host, ctx->tenant, &e);
  qun_pack_fini(&p);
  return rc;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *req) {
  struct ledger *l = self;
  char key[64];
  qun_slice value = {NULL, 0};
  int64_t n = 0;
  unsigned char buf[16];
  struct qun_pack p = {buf, 0, sizeof buf, 0};
  if (qun_slice_is(req->service, "ledger.note")) {
    int rc = note(l, ctx, req);
    if (rc < 0) return rc;
  } else {
    snprintf(key, sizeof key, "m/%08llu", (unsigned long long)qun_mp_int(req->params, "member", 0));
    if (l->store->get(l->host, ctx->tenant, qun_str(key), &value) == QUN_OK) memcpy(&n, value.ptr, sizeof n);
  }
  if (l->store->put(l->host, ctx->tenant, qun_str("x"), qun_str("y"), 0) != QUN_EDENIED)
    return QUN_EFAIL; /* a request may not write */
  qun_pack_int(&p, n);
  return l->reply->reply(l->host, req->id, qun_pack_slice(&p));
}

static const struct qun_plugin ledger = {.struct_size = sizeof(struct qun_plugin),
                                         .create = create,
                                         .destroy = destroy,
                                         .on_tenant = on_tenant,
                                         .on_tenant_close = on_tenant_close,
                                         .on_event = on_event,
                                         .on_timer = on_timer,
                                         .on_request = on_request};
QUN_PLUGIN("ledger", "1.0.0", ledger)
