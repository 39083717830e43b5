/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an instance, settings, and who gets which event. */
#include "engagement.h"

#include <qun/decimal.h>

int refuse(const struct call *c, int code, const char *sentence) {
  return c->e->host->fail(c->e->host, code, qun_str(sentence));
}

int emit(const struct call *c, const char *type, uint64_t member, qun_slice subject, const struct qun_pack *data) {
  struct qun_emit e;
  memset(&e, 0, sizeof e);
  e.struct_size = sizeof e;
  e.member = member;
  e.type = qun_str(type);
  e.subject = subject;
  e.data = qun_pack_slice(data);
  return data->failed ? QUN_EFAIL : c->e->events->emit(c->e->host, c->ctx->tenant, &e);
}

int answer(const struct call *c, const struct qun_request *request, const struct qun_pack *body) {
  return body->failed ? QUN_EFAIL : c->e->reply->reply(c->e->host, request->id, qun_pack_slice(body));
}

/* ---- instance */

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct engagement *e = (struct engagement *)calloc(1, sizeof *e);
  (void)config;
  if (!e) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  e->host = host;
  int rc = host->query(host, QUN_STORE_1, (const void **)&e->store);
  if (rc == 0) rc = host->query(host, QUN_EVENTS_1, (const void **)&e->events);
  if (rc == 0) rc = host->query(host, QUN_TIMER_1, (const void **)&e->timer);
  if (rc == 0) rc = host->query(host, QUN_REPLY_1, (const void **)&e->reply);
  if (rc < 0) {
    free(e);
    return rc;
  }
  *self = e;
  return 0;
}

static void destroy(void *self) {
  free(self);
}

/* ---- settings */

/* A rising list of whole numbers above 0; 0: it is none. */
static int read_steps(qun_slice settings, const char *name, int64_t steps[STEPS_MAX], uint32_t *count) {
  struct qun_unpack u;
  qun_slice list, text;
  uint32_t n = 0;
  *count = 0;
  if (!qun_mp_find(settings, name, &list)) return 0;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &n) || n > STEPS_MAX) return 0;
  for (uint32_t i = 0; i < n; i++) {
    if (!qun_unpack_str(&u, &text) || !qun_decimal_parse(text, 0, &steps[i])) return 0;
    if (steps[i] < 1 || (i > 0 && steps[i] <= steps[i - 1])) return 0;
  }
  *count = n;
  return 1;
}

static int read_settings(const struct engagement *e, struct settings *s, qun_slice from) {
  s->message = qun_mp_int(from, "points_message", 0);
  s->reaction = qun_mp_int(from, "points_reaction", 0);
  s->share = qun_mp_int(from, "points_share", 0);
  s->checkin = qun_mp_int(from, "points_checkin", 0);
  s->purchase = qun_mp_int(from, "points_purchase", 0);
  s->daily_cap = qun_mp_int(from, "daily_cap", 1);
  s->checkin_share = qun_mp_int(from, "checkin_share", 0);
  s->redeem_share = qun_mp_int(from, "redeem_share", 0);
  if (!read_steps(from, "levels", s->levels, &s->levels_count))
    return e->host->fail(e->host, QUN_EINVAL, qun_str("levels must be at most 16 whole numbers that rise"));
  if (!read_steps(from, "medals", s->medals, &s->medals_count))
    return e->host->fail(e->host, QUN_EINVAL, qun_str("medals must be at most 16 whole numbers that rise"));
  return 0;
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  const struct engagement *e = (const struct engagement *)self;
  struct settings fresh = {0}, *s = (struct settings *)*local;
  (void)ctx;
  int rc = read_settings(e, &fresh, info->settings);
  if (rc < 0) return rc;
  if (!s) s = (struct settings *)malloc(sizeof *s);
  if (!s) return e->host->fail(e->host, QUN_EFAIL, qun_str("out of memory"));
  *s = fresh;
  *local = s;
  return 0;
}

static void on_tenant_close(void *self, void *local) {
  (void)self;
  free(local);
}

/* ---- calls */

static struct call call_of(void *self, const struct qun_context *ctx) {
  return (struct call){(const struct engagement *)self, ctx, (const struct settings *)ctx->local};
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  static const char draws[] = "engagement.draw.";
  const struct call c = call_of(self, ctx);
  int draw = event->type.len >= sizeof draws - 1 && memcmp(event->type.ptr, draws, sizeof draws - 1) == 0;
  return draw ? draw_on_event(&c, event) : points_on_event(&c, event);
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  const struct call c = call_of(self, ctx);
  return draw_on_timer(&c, timer);
}

static int member_answer(const struct call *c, const struct qun_request *request) {
  int64_t member = qun_mp_int(request->params, "member", 0);
  struct member m;
  struct qun_pack body;
  uint32_t medals = 0;
  if (member < 1) return refuse(c, QUN_EINVAL, "member must be a member's number");
  int rc = member_get(c, (uint64_t)member, &m);
  if (rc < 0) return rc;
  while (medals < c->set->medals_count && c->set->medals[medals] <= m.best) medals++;
  qun_pack_init(&body);
  qun_pack_map(&body, 6);
  qun_pack_kv_int(&body, "points", m.earned - m.spent);
  qun_pack_kv_int(&body, "earned", m.earned);
  qun_pack_kv_int(&body, "level", m.level);
  qun_pack_kv_int(&body, "streak", m.streak);
  qun_pack_kv_int(&body, "checkins", m.checkins);
  qun_pack_cstr(&body, "medals");
  qun_pack_array(&body, medals);
  for (uint32_t i = 0; i < medals; i++) qun_pack_int(&body, c->set->medals[i]);
  rc = answer(c, request, &body);
  qun_pack_fini(&body);
  return rc;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct call c = call_of(self, ctx);
  if (qun_slice_is(request->service, "engagement.member")) return member_answer(&c, request);
  if (qun_slice_is(request->service, "engagement.draw")) return draw_answer(&c, request);
  if (qun_slice_is(request->service, "engagement.report")) return report_answer(&c, request);
  return refuse(&c, QUN_ENOTFOUND, "no such service");
}

static const struct qun_plugin engagement = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_tenant_close = on_tenant_close,
    .on_event = on_event,
    .on_timer = on_timer,
    .on_request = on_request,
};

QUN_PLUGIN("engagement", "1.0.0", engagement)
