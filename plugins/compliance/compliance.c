/* SPDX-License-Identifier: Apache-2.0 */
/* The entry: one instance, its services, and which part handles what. */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>

static int create(const struct qun_host *host, qun_slice config, void **self) {
  (void)config;
  struct qun_instance *in = calloc(1, sizeof *in);
  if (!in) return QUN_EFAIL;
  in->host = host;
  const struct {
    const char *id;
    const void **to;
  } services[] = {{QUN_STORE_1, (const void **)&in->store},     {QUN_EVENTS_1, (const void **)&in->events},
                  {QUN_TIMER_1, (const void **)&in->timer},     {QUN_REPLY_1, (const void **)&in->reply},
                  {QUN_PACKAGE_1, (const void **)&in->package}, {QUN_CALENDAR_1, (const void **)&in->calendar}};
  for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
    int error = host->query(host, services[i].id, services[i].to);
    if (error < 0) {
      free(in);
      return host->fail(host, error, qun_str(services[i].id));
    }
  }
  *self = in;
  return 0;
}

static void destroy(void *self) {
  struct qun_instance *in = self;
  if (!in) return;
  qun__rulebook_destroy(in->book);
  free(in);
}

static int fail(struct qun_instance *in, int code, const char *message) {
  return in->host->fail(in->host, code, qun_str(message));
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct qun_instance *in = self;
  struct qun_bound *bound = NULL;
  (void)ctx;
  if (!in->book) {
    int error = qun__rulebook_create(&in->book, in->host, in->package, in->message, sizeof in->message);
    if (error < 0) return fail(in, error, in->message);
  }
  int error = qun__bind(&bound, in->book, info);
  if (error < 0) return fail(in, error, "no memory to bind the tenant's rules");
  qun__unbind(*local);
  *local = bound;
  return 0;
}

static void on_tenant_close(void *self, void *local) {
  (void)self;
  qun__unbind(local);
}

static int begin(struct qun_work *w, struct qun_instance *in, const struct qun_context *ctx,
                 const struct qun_event *event) {
  *w = (struct qun_work){.in = in, .ctx = ctx, .bound = ctx->local, .event = event};
  if (!w->bound || !in->book) return fail(in, QUN_EGONE, "the tenant was not opened for this plugin");
  if (event) {
    w->data = event->data;
    w->type = event->type;
    w->member = event->member;
  }
  return 0;
}

static bool is_text(qun_slice type) {
  return qun_slice_is(type, "message") || qun_slice_is(type, "action") || qun_slice_is(type, "topic");
}

static int dispatch(struct qun_work *w) {
  if (is_text(w->type)) return qun__texts_apply(w);
  if (qun_slice_is(w->type, "content.send")) return qun__gate_apply(w);
  if (qun_slice_is(w->type, "compliance.dismissed")) return qun__finding_close(w, QUN_DISMISSED);
  if (qun_slice_is(w->type, "compliance.resolved")) return qun__finding_close(w, QUN_RESOLVED);
  if (w->type.len >= 64) return 0;
  int error = qun__records_apply(w, w->type); /* before the ledger: rules see what was known when the record came */
  if (error == 0) error = qun__clock_apply(w);
  return error < 0 ? error : qun__ledger_apply(w);
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun_instance *in = self;
  struct qun_work w;
  struct qun_counts counts;
  int error = begin(&w, in, ctx, event);
  if (error < 0) return error;
  w.counts = &counts;
  error = qun__counts_load(&w, &counts);
  if (error < 0) return fail(in, error, "the counters cannot be read");
  qun__count_one(&counts, ST_EVENTS);
  qun__count_first(&counts, ST_FIRST_MS, event->time_ms);
  qun__count_most(&counts, ST_MEMBERS, (int64_t)event->member);
  error = dispatch(&w);
  if (error == 0) error = qun__counts_save(&w, &counts);
  return error < 0 ? fail(in, error, "the record's rules could not be applied") : 0;
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  struct qun_instance *in = self;
  struct qun_work w;
  int error = begin(&w, in, ctx, NULL);
  if (error < 0 || !qun_slice_is(timer->name, "due")) return error;
  error = qun__clock_timer(&w);
  return error < 0 ? fail(in, error, "the deadlines could not be read") : 0;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *q) {
  struct qun_instance *in = self;
  struct qun_work w;
  struct qun_stats stats = {0};
  int error = begin(&w, in, ctx, NULL);
  if (error < 0) return error;
  w.stats = &stats;
  w.locale = q->locale;
  if (qun_slice_is(q->service, "compliance.check")) return qun__check(&w, q);
  if (qun_slice_is(q->service, "compliance.dismiss")) return qun__close(&w, q, "compliance.dismissed");
  if (qun_slice_is(q->service, "compliance.resolve")) return qun__close(&w, q, "compliance.resolved");
  if (qun_slice_is(q->service, "compliance.approve")) return qun__approve(&w, q);
  error = qun__stats_load(&w, &stats);
  if (error < 0) return fail(in, error, "the counters cannot be read");
  if (qun_slice_is(q->service, "compliance.audit")) return qun__audit(&w, q);
  if (qun_slice_is(q->service, "compliance.report")) return qun__report(&w, q);
  return fail(in, QUN_ENOTFOUND, "no such service");
}

static const struct qun_plugin compliance = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_tenant_close = on_tenant_close,
    .on_event = on_event,
    .on_timer = on_timer,
    .on_request = on_request,
};

QUN_PLUGIN("compliance", "1.0.0", compliance)
