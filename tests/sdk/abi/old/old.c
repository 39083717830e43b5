/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of ABI 1.0: it is built with the headers that were released then, calls every service of that minor, and must go on in every host of
 * major 1. Counts messages; its timer counts a hundred more. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

#if QUN_ABI_MINOR != 0
#error "built with other headers than those of ABI 1.0"
#endif

struct old {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_calendar_v1 *calendar;
  const struct qun_reply_v1 *reply;
  const struct qun_outbox_v1 *outbox;
  const struct qun_call_v1 *call;
  const struct qun_package_v1 *package;
  const struct qun_metrics_v1 *metrics;
  int64_t step;
};

static void destroy(void *self) {
  free(self);
}

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct old *o = (struct old *)calloc(1, sizeof *o);
  qun_slice note;
  int rc = 0;
  (void)config;
  if (!o) return QUN_EFAIL;
  o->host = host;
  if (host->struct_size < sizeof *host) rc = host->fail(host, QUN_EFAIL, qun_str("the host is shorter than in 1.0"));
#define GET(ID, FIELD)                                                                                                 \
  if (rc == 0) rc = host->query(host, ID, (const void **)&o->FIELD);                                                   \
  if (rc == 0 && o->FIELD->struct_size < sizeof *o->FIELD) rc = host->fail(host, QUN_EFAIL, qun_str(ID " is short"))
  GET(QUN_STORE_1, store);
  GET(QUN_EVENTS_1, events);
  GET(QUN_TIMER_1, timer);
  GET(QUN_CALENDAR_1, calendar);
  GET(QUN_REPLY_1, reply);
  GET(QUN_OUTBOX_1, outbox);
  GET(QUN_CALL_1, call);
  GET(QUN_PACKAGE_1, package);
  GET(QUN_METRICS_1, metrics);
  if (rc == 0) rc = o->package->read(host, "", "note.txt", &note);
  if (rc == 0 && note.len == 0) rc = host->fail(host, QUN_EFAIL, qun_str("the note is empty"));
  if (rc < 0)
    destroy(o);
  else
    *self = o;
  return rc;
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct old *o = (struct old *)self;
  (void)ctx;
  (void)local;
  if (info->struct_size < sizeof *info) return QUN_EFAIL;
  o->step = qun_mp_int(info->settings, "step", -1);
  return o->step > 0 ? 0 : QUN_EFAIL;
}

static int64_t count_of(struct old *o, qun_handle tenant) {
  qun_slice value;
  struct qun_unpack u;
  int64_t n = 0;
  if (o->store->get(o->host, tenant, qun_str("n"), &value) < 0) return 0;
  qun_unpack_init(&u, value);
  return qun_unpack_int(&u, &n) ? n : -1;
}

static int count_more(struct old *o, qun_handle tenant, int64_t more) {
  struct qun_pack p;
  int rc;
  qun_pack_init(&p);
  qun_pack_int(&p, count_of(o, tenant) + more);
  rc = o->store->put(o->host, tenant, qun_str("n"), qun_pack_slice(&p), 0);
  qun_pack_fini(&p);
  return rc;
}

/* Sends, sets a timer an hour ahead, and asks its own pure service nothing: a cycle, which is refused. */
static int reach_out(struct old *o, const struct qun_context *ctx, const struct qun_event *event) {
  static const unsigned char empty = 0x80;
  struct qun_outbox_row row;
  qun_slice answer;
  int32_t day, minute;
  int64_t ms = 0;
  int rc = o->timer->set(o->host, ctx->tenant, qun_str("hour"), ctx->clock_ms + 3600000, qun_str("x"));
  if (rc == 0) rc = o->calendar->to_local(o->host, ctx->tenant, ctx->clock_ms, &day, &minute);
  if (rc == 0 && (day != ctx->clock_day || minute != ctx->clock_minute)) rc = QUN_EFAIL;
  if (rc == 0) rc = o->calendar->from_local(o->host, ctx->tenant, day, minute, &ms);
  if (rc == 0 && (ms > ctx->clock_ms || ctx->clock_ms - ms >= 60000)) rc = QUN_EFAIL;
  memset(&row, 0, sizeof row);
  row.struct_size = sizeof row;
  row.key = event->id;
  row.via = qun_str("webhook");
  row.target = qun_str("nowhere");
  row.body = qun_slice_of(&empty, 1);
  row.gated = 1;
  if (rc == 0) rc = o->outbox->enqueue(o->host, ctx->tenant, &row);
  if (rc == 0) rc = o->outbox->cancel(o->host, ctx->tenant, event->id);
  if (rc == 0 && o->call->call(o->host, ctx->tenant, "old.one", qun_slice_of(&empty, 1), &answer) != QUN_ECONFLICT)
    rc = QUN_EFAIL;
  return rc;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct old *o = (struct old *)self;
  struct qun_emit e;
  struct qun_pack p;
  int rc = event->struct_size >= sizeof *event && qun_slice_is(event->type, "message") ? 0 : QUN_EFAIL;
  if (rc == 0) rc = count_more(o, ctx->tenant, o->step);
  if (rc == 0) rc = reach_out(o, ctx, event);
  memset(&e, 0, sizeof e);
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_int(&p, "count", count_of(o, ctx->tenant));
  e.struct_size = sizeof e;
  e.member = event->member;
  e.type = qun_str("old.seen");
  e.data = qun_pack_slice(&p);
  if (rc == 0) rc = o->events->emit(o->host, ctx->tenant, &e);
  qun_pack_fini(&p);
  o->metrics->add(o->host, "seen", 1);
  return rc;
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  if (timer->struct_size < sizeof *timer || !qun_slice_is(timer->name, "hour") || !qun_slice_is(timer->data, "x"))
    return QUN_EFAIL;
  return count_more((struct old *)self, ctx->tenant, 100);
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct old *o = (struct old *)self;
  struct qun_pack p;
  int rc;
  if (request->struct_size < sizeof *request || !qun_slice_is(request->service, "old.count")) return QUN_ENOTFOUND;
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_int(&p, "count", count_of(o, ctx->tenant));
  rc = o->reply->reply(o->host, request->id, qun_pack_slice(&p));
  qun_pack_fini(&p);
  return rc;
}

static const struct qun_plugin old = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_event = on_event,
    .on_timer = on_timer,
    .on_request = on_request,
};

QUN_PLUGIN("old", "1.0.0", old)
