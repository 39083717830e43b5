/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's entry: instances, tenants, and which event goes where. */
#include "growth.h"

#include "activity.h"
#include "channel.h"
#include "members.h"
#include "report.h"
#include "rules.h"

#include <qun/msgpack.h>

#include <stdlib.h>

int growth_fail(const struct growth_call *c, int code, const char *message) {
  return c->g->host->fail(c->g->host, code, qun_str(message));
}

void growth_tenant_forget(struct growth_tenant *t) {
  free(t->slots);
  t->slots = NULL;
  for (unsigned i = 0; i < GROWTH_SETS; i++) growth_set_free(t->sets[i].set);
  memset(t->sets, 0, sizeof t->sets);
  for (unsigned i = 0; i < GROWTH_NAMES; i++) free(t->names[i].name);
  memset(t->names, 0, sizeof t->names);
  growth_set_free(t->merged);
  t->merged = NULL;
  t->head_loaded = t->head_dirty = t->day_loaded = false;
}

int growth_scan(const struct growth_call *c, const struct growth_key *prefix, const struct growth_key *after,
                growth_visit visit, void *arg) {
  enum { PAGE = 32 };
  struct qun_pair pairs[PAGE];
  qun_slice from = after ? growth_key_slice(after) : qun_slice_of(NULL, 0);
  for (;;) {
    uint32_t count = 0;
    int rc = c->g->store->scan(c->g->host, c->ctx->tenant, growth_key_slice(prefix), from, pairs, PAGE, &count);
    for (uint32_t i = 0; rc >= 0 && i < count; i++) {
      rc = visit(arg, pairs[i].key, pairs[i].value);
      if (rc > 0) return QUN_OK;
    }
    if (rc < 0 || count < PAGE) return rc;
    from = pairs[count - 1].key;
  }
}

/* ---------------------------------------------------------------- head */

int growth_head_load(const struct growth_call *c) {
  struct growth_key key = growth_key_of('H');
  struct growth_head *h = &c->t->head;
  struct growth_reader r;
  qun_slice row;
  int rc;
  if (c->t->head_loaded) return QUN_OK;
  memset(h, 0, sizeof *h);
  rc = growth_get(c, &key, &row);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  c->t->head_loaded = true;
  if (rc == QUN_ENOTFOUND) return QUN_OK;
  r = growth_read(row);
  h->first_day = growth_read_i32(&r);
  h->last_day = growth_read_i32(&r);
  h->alive_day = growth_read_i32(&r);
  h->clock_day = growth_read_i32(&r);
  h->week_due = growth_read_i64(&r);
  h->month_due = growth_read_i64(&r);
  h->persons = growth_read_u32(&r);
  h->members = growth_read_u32(&r);
  h->channels = growth_read_u32(&r);
  h->groups = growth_read_u32(&r);
  h->alerts = growth_read_u32(&r);
  h->max_member = growth_read_u32(&r);
  h->purchases = growth_read_u64(&r);
  return r.bad ? growth_fail(c, QUN_EFAIL, "growth: the totals are not whole") : QUN_OK;
}

int growth_head_save(const struct growth_call *c) {
  const struct growth_head *h = &c->t->head;
  struct growth_key key = growth_key_of('H');
  struct growth_row r;
  r.len = 0;
  if (!c->t->head_dirty) return QUN_OK;
  growth_row_i32(&r, h->first_day);
  growth_row_i32(&r, h->last_day);
  growth_row_i32(&r, h->alive_day);
  growth_row_i32(&r, h->clock_day);
  growth_row_i64(&r, h->week_due);
  growth_row_i64(&r, h->month_due);
  growth_row_u32(&r, h->persons);
  growth_row_u32(&r, h->members);
  growth_row_u32(&r, h->channels);
  growth_row_u32(&r, h->groups);
  growth_row_u32(&r, h->alerts);
  growth_row_u32(&r, h->max_member);
  growth_row_u64(&r, h->purchases);
  c->t->head_dirty = false;
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

/* ---------------------------------------------------------------- events */

enum action {
  ACT_NOTE = 1, /* an interaction and no more */
  ACT_MESSAGE,
  ACT_JOIN,
  ACT_LEAVE,
  ACT_KICK,
  ACT_RENAME,
  ACT_CLOSED,
  ACT_PURCHASE,
  ACT_REFUND,
  ACT_MEET, /* makes the member known, is no interaction */
  ACT_REACH,
  ACT_COST
};

struct route {
  const char *type;
  uint8_t len;
  uint8_t action;
  uint8_t classes;
};

#define ROUTE(TYPE, ACTION, CLASSES)                                                                                   \
  { TYPE, sizeof(TYPE) - 1, ACTION, CLASSES }
static const struct route routes[] = {
    ROUTE("message", ACT_MESSAGE, GROWTH_TOPIC),
    ROUTE("reaction", ACT_NOTE, GROWTH_TOPIC),
    ROUTE("join", ACT_JOIN, 0),
    ROUTE("leave", ACT_LEAVE, 0),
    ROUTE("read", ACT_NOTE, GROWTH_OTHER),
    ROUTE("click", ACT_NOTE, GROWTH_OTHER),
    ROUTE("purchase", ACT_PURCHASE, GROWTH_OTHER),
    ROUTE("checkin", ACT_NOTE, GROWTH_TASK),
    ROUTE("share", ACT_NOTE, GROWTH_TASK),
    ROUTE("action", ACT_NOTE, GROWTH_TOPIC),
    ROUTE("rename", ACT_RENAME, 0),
    ROUTE("kick", ACT_KICK, 0),
    ROUTE("invite", ACT_NOTE, GROWTH_OTHER),
    ROUTE("survey.answer", ACT_NOTE, GROWTH_TASK),
    ROUTE("refund", ACT_REFUND, 0),
    ROUTE("member.profile", ACT_MEET, 0),
    ROUTE("member.closed", ACT_CLOSED, 0),
    ROUTE("channel.reach", ACT_REACH, 0),
    ROUTE("channel.cost", ACT_COST, 0),
};

static const struct route *route_of(qun_slice type) {
  for (unsigned i = 0; i < sizeof routes / sizeof routes[0]; i++)
    if (type.len == routes[i].len && memcmp(type.ptr, routes[i].type, routes[i].len) == 0) return &routes[i];
  return NULL;
}

static int meet(const struct growth_call *c, const struct qun_event *e) {
  struct growth_member m;
  return growth_member_meet(c, e, &m);
}

static int act(const struct growth_call *c, const struct qun_event *e, const struct route *r) {
  int rc;
  switch ((enum action)r->action) {
  case ACT_MESSAGE:
    if (qun_mp_bool(e->data, "staff", 0)) return QUN_OK; /* the agency's own voice is no member's interaction */
    return growth_activity_note(c, e, r->classes);
  case ACT_NOTE: return growth_activity_note(c, e, r->classes);
  case ACT_JOIN: return growth_member_join(c, e);
  case ACT_LEAVE: return growth_member_leave(c, e, false);
  case ACT_KICK: return growth_member_leave(c, e, true);
  case ACT_RENAME: return growth_member_rename(c, e);
  case ACT_CLOSED: return growth_member_close(c, e);
  case ACT_PURCHASE:
    rc = growth_activity_note(c, e, r->classes);
    return rc < 0 ? rc : growth_member_purchase(c, e, false);
  case ACT_REFUND: rc = meet(c, e); return rc < 0 ? rc : growth_member_purchase(c, e, true);
  case ACT_MEET: return meet(c, e);
  case ACT_REACH: return growth_channel_reach(c, e);
  case ACT_COST: return growth_channel_cost(c, e);
  }
  return QUN_OK;
}

static int apply(const struct growth_call *c, const struct qun_event *e, const struct route *r) {
  struct growth_head *head = &c->t->head;
  int rc = growth_head_load(c);
  if (rc >= 0 && (c->ctx->clock_day > head->clock_day || head->week_due == 0 || head->month_due == 0))
    rc = growth_rules_arm(c);
  if (rc < 0) return rc;
  if (head->first_day == 0 || e->day < head->first_day) {
    head->first_day = e->day;
    c->t->head_dirty = true;
  }
  if (e->member != 0 && e->day > head->alive_day) {
    head->alive_day = e->day;
    c->t->head_dirty = true;
  }
  rc = act(c, e, r);
  return rc < 0 ? rc : growth_head_save(c);
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct growth_call c = {self, ctx, ctx->local};
  const struct route *r = route_of(event->type);
  bool of_channel = r && (r->action == ACT_REACH || r->action == ACT_COST);
  int rc;
  if (!r || (event->member == 0 && !of_channel)) return QUN_OK;
  if (!c.t) return growth_fail(&c, QUN_EINVAL, "growth: an event of a tenant that was not introduced");
  if (event->member > UINT32_MAX) return growth_fail(&c, QUN_EINVAL, "growth: a member's number is over 2^32");
  rc = apply(&c, event, r);
  if (rc < 0) growth_tenant_forget(c.t); /* the host takes the writes back */
  return rc;
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  struct growth_call c = {self, ctx, ctx->local};
  int rc;
  if (!c.t) return growth_fail(&c, QUN_EINVAL, "growth: a timer of a tenant that was not introduced");
  rc = growth_head_load(&c);
  if (rc >= 0 && qun_slice_is(timer->name, GROWTH_TIMER_WEEK))
    rc = growth_rules_week(&c);
  else if (rc >= 0 && qun_slice_is(timer->name, GROWTH_TIMER_MONTH))
    rc = growth_rules_month(&c);
  if (rc >= 0) rc = growth_head_save(&c);
  if (rc < 0) growth_tenant_forget(c.t);
  return rc;
}

/* A request reads a snapshot, which may be older than what the handlers' cache knows: it gets a cache of its own. */
static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct growth_tenant *t = ctx->local;
  struct growth_tenant *view = calloc(1, sizeof *view);
  struct growth_call c = {self, ctx, view};
  int rc = QUN_EFAIL;
  if (!view || !t) {
    rc = growth_fail(&c, QUN_EFAIL,
                     t ? "growth: out of memory" : "growth: a request of a tenant that was not introduced");
    goto out;
  }
  view->settings = t->settings;
  view->simulated = t->simulated;
  memcpy(view->currency, t->currency, sizeof view->currency);
  rc = growth_head_load(&c);
  if (rc >= 0) rc = growth_answer(&c, request);
  growth_tenant_forget(view);
out:
  free(view);
  return rc;
}

/* ---------------------------------------------------------------- life */

static void destroy(void *self) {
  struct growth *g = self;
  if (!g) return;
  free(g->scratch);
  free(g);
}

static int query(const struct growth *g, const char *id, const void **out) {
  return g->host->query(g->host, id, out);
}

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct growth *g = calloc(1, sizeof *g);
  const void *store, *events, *timer, *calendar, *reply;
  int rc;
  (void)config;
  if (!g) return host->fail(host, QUN_EFAIL, qun_str("growth: out of memory"));
  g->host = host;
  rc = query(g, QUN_STORE_1, &store);
  if (rc >= 0) rc = query(g, QUN_EVENTS_1, &events);
  if (rc >= 0) rc = query(g, QUN_TIMER_1, &timer);
  if (rc >= 0) rc = query(g, QUN_CALENDAR_1, &calendar);
  if (rc >= 0) rc = query(g, QUN_REPLY_1, &reply);
  if (rc < 0) {
    destroy(g);
    return rc;
  }
  g->store = store;
  g->events = events;
  g->timer = timer;
  g->calendar = calendar;
  g->reply = reply;
  *self = g;
  return QUN_OK;
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct growth *g = self;
  struct growth_tenant *t = *local ? *local : calloc(1, sizeof *t);
  size_t len = (size_t)info->currency.len;
  (void)ctx;
  if (!t) return g->host->fail(g->host, QUN_EFAIL, qun_str("growth: out of memory"));
  growth_settings_read(&t->settings, info->settings);
  if (len >= sizeof t->currency) len = sizeof t->currency - 1;
  memset(t->currency, 0, sizeof t->currency);
  if (len > 0) memcpy(t->currency, info->currency.ptr, len);
  t->simulated = info->simulated != 0;
  *local = t;
  return QUN_OK;
}

static void on_tenant_close(void *self, void *local) {
  struct growth_tenant *t = local;
  (void)self;
  if (!t) return;
  growth_tenant_forget(t);
  free(t);
}

static const struct qun_plugin growth_plugin = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_tenant_close = on_tenant_close,
    .on_event = on_event,
    .on_timer = on_timer,
    .on_request = on_request,
};

QUN_PLUGIN("growth", "0.1.0", growth_plugin)
