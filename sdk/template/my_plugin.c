/* Counts each member's messages, and tells each Monday how many the week before had. */
#include <qun/days.h>
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct my_plugin {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_calendar_v1 *calendar;
  const struct qun_reply_v1 *reply;
};

/* ---- the life of an instance */

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct my_plugin *p = (struct my_plugin *)calloc(1, sizeof *p);
  int rc;
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  rc = host->query(host, QUN_STORE_1, (const void **)&p->store);
  if (rc == 0) rc = host->query(host, QUN_EVENTS_1, (const void **)&p->events);
  if (rc == 0) rc = host->query(host, QUN_TIMER_1, (const void **)&p->timer);
  if (rc == 0) rc = host->query(host, QUN_CALENDAR_1, (const void **)&p->calendar);
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

/* Settings are the tenant's: keep what the handlers need where they find it again, as ctx->local. */
static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  const struct my_plugin *p = (const struct my_plugin *)self;
  int64_t *goal = (int64_t *)(*local ? *local : malloc(sizeof *goal));
  (void)ctx;
  if (!goal) return p->host->fail(p->host, QUN_EFAIL, qun_str("out of memory"));
  *goal = qun_mp_int(info->settings, "goal", 0);
  *local = goal;
  return 0;
}

static void on_tenant_close(void *self, void *local) {
  (void)self;
  free(local);
}

/* ---- rows of the keyspace: 'm' and a member's number, and "week" */

static qun_slice member_key(unsigned char key[9], uint64_t member) {
  key[0] = 'm';
  for (int i = 8; i > 0; i--, member >>= 8) key[i] = (unsigned char)(member & 0xff);
  return qun_slice_of(key, 9);
}

/* -1 when there is no such row. */
static int64_t number_at(const struct my_plugin *p, qun_handle tenant, qun_slice key) {
  struct qun_unpack u;
  qun_slice value;
  int64_t n;
  if (p->store->get(p->host, tenant, key, &value) < 0) return -1;
  qun_unpack_init(&u, value);
  return qun_unpack_int(&u, &n) ? n : -1;
}

static int put_number(const struct my_plugin *p, qun_handle tenant, qun_slice key, int64_t n, uint64_t owner) {
  struct qun_pack value;
  int rc;
  qun_pack_init(&value);
  qun_pack_int(&value, n);
  rc = value.failed ? QUN_EFAIL : p->store->put(p->host, tenant, key, qun_pack_slice(&value), owner);
  qun_pack_fini(&value);
  return rc;
}

/* ---- the week */

/* Sets the timer to the Monday after the callback's day, 00:00 in the tenant's zone. */
static int wait_for_monday(const struct my_plugin *p, const struct qun_context *ctx) {
  int32_t monday = qun_week_first(qun_week_of(ctx->clock_day) + 1);
  int64_t due;
  int rc = p->calendar->from_local(p->host, ctx->tenant, monday, 0, &due);
  return rc < 0 ? rc : p->timer->set(p->host, ctx->tenant, qun_str("week"), due, qun_str(""));
}

/* The first message of a week starts the timer. */
static int count_in_week(const struct my_plugin *p, const struct qun_context *ctx) {
  int64_t n = number_at(p, ctx->tenant, qun_str("week"));
  int rc = n < 0 ? wait_for_monday(p, ctx) : 0;
  return rc < 0 ? rc : put_number(p, ctx->tenant, qun_str("week"), n < 0 ? 1 : n + 1, 0);
}

static int tell_week(const struct my_plugin *p, qun_handle tenant, int64_t messages, int64_t goal) {
  struct qun_emit e;
  struct qun_pack data;
  int rc;
  memset(&e, 0, sizeof e);
  qun_pack_init(&data);
  qun_pack_map(&data, 2);
  qun_pack_kv_int(&data, "messages", messages);
  qun_pack_kv_bool(&data, "reached", messages >= goal);
  e.struct_size = sizeof e;
  e.type = qun_str("my-plugin.week");
  e.data = qun_pack_slice(&data);
  rc = data.failed ? QUN_EFAIL : p->events->emit(p->host, tenant, &e);
  qun_pack_fini(&data);
  return rc;
}

/* ---- what the host calls */

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  const struct my_plugin *p = (const struct my_plugin *)self;
  unsigned char key[9];
  int64_t n;
  int rc;
  if (event->member == 0) return 0;
  n = number_at(p, ctx->tenant, member_key(key, event->member));
  rc = put_number(p, ctx->tenant, member_key(key, event->member), n < 0 ? 1 : n + 1, event->member);
  return rc < 0 ? rc : count_in_week(p, ctx);
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  const struct my_plugin *p = (const struct my_plugin *)self;
  int64_t messages = number_at(p, ctx->tenant, qun_str("week"));
  int rc;
  (void)timer; /* there is only one */
  if (messages < 0) return 0;
  rc = tell_week(p, ctx->tenant, messages, *(const int64_t *)ctx->local);
  return rc < 0 ? rc : p->store->del(p->host, ctx->tenant, qun_str("week"));
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct my_plugin *p = (const struct my_plugin *)self;
  int64_t member = qun_mp_int(request->params, "member", 0), n;
  unsigned char key[9];
  struct qun_pack body;
  int rc;
  if (!qun_slice_is(request->service, "my-plugin.count"))
    return p->host->fail(p->host, QUN_ENOTFOUND, qun_str("no such service"));
  if (member < 1) return p->host->fail(p->host, QUN_EINVAL, qun_str("member must be a member's number"));
  n = number_at(p, ctx->tenant, member_key(key, (uint64_t)member));
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_int(&body, "messages", n < 0 ? 0 : n);
  rc = body.failed ? QUN_EFAIL : p->reply->reply(p->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

static const struct qun_plugin my_plugin = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_tenant_close = on_tenant_close,
    .on_event = on_event,
    .on_timer = on_timer,
    .on_request = on_request,
};

QUN_PLUGIN("my-plugin", "1.0.0", my_plugin)
