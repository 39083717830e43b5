/* SPDX-License-Identifier: Apache-2.0 */
/* The services that plugins call, revision 1. Each checks the callback's scope first: a kept handle or the wrong
 * callback is refused. */
#include "host/engine/runtime.h"
#include "host/engine/services_call.h"
#include "tenants/outbox.h"
#include "tenants/timers.h"

#include <stdio.h>

enum { HOPS_MAX = 16 };

struct qun_scope *qun__scope_of(const struct qun_host *host, qun_handle tenant) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = in->scope;
  return scope && scope->slot && scope->slot->handle == tenant ? scope : NULL;
}

/* ---------------------------------------------------------------- qun.events/1 */

static bool may_emit(const struct qun_manifest *m, qun_slice type) {
  for (uint32_t i = 0; i < m->emit_count; i++) {
    if (qun_slice_is(type, m->emit[i])) return true;
  }
  return false;
}

static int events_emit(const struct qun_host *host, qun_handle tenant, const struct qun_emit *event) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope || !scope->emits || scope->hops >= HOPS_MAX || !may_emit(in->plugin->manifest, event->type))
    return QUN_EDENIED;
  const struct qun_hearers *hearers = qun_subscriptions_find(in->runtime->subscriptions, event->type);
  if (!hearers) return QUN_EDENIED;
  int rc = qun__emit_check(hearers->type, event, scope->message);
  if (rc < 0) return rc;
  struct qun_emitted *e = qun_emit_list_add(scope->emits);
  if (!e) return QUN_EFAIL;
  *e = (struct qun_emitted){.plugin = in->number,
                            .cause = scope->cause,
                            .hops = scope->hops + 1,
                            .ordinal = scope->ordinal++,
                            .hearers = hearers,
                            .member = event->member,
                            .type = qun_arena_copy(scope->arena, event->type),
                            .subject = qun_arena_copy(scope->arena, event->subject),
                            .group = qun_arena_copy(scope->arena, event->group),
                            .channel = qun_arena_copy(scope->arena, event->channel),
                            .lang = qun_arena_copy(scope->arena, event->lang),
                            .data = qun_arena_copy(scope->arena, event->data)};
  return 0;
}

static const struct qun_events_v1 events_v1 = {.struct_size = sizeof events_v1, .emit = events_emit};

/* ---------------------------------------------------------------- qun.timer/1 and qun.calendar/1 */

static int timer_set(const struct qun_host *host, qun_handle tenant, qun_slice name, int64_t due_ms, qun_slice data) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope || !scope->batch) return QUN_EDENIED;
  scope->timers_changed = true;
  return qun_timer_set(scope->batch, in->plugin->manifest->id, name, due_ms, data);
}

static int timer_cancel(const struct qun_host *host, qun_handle tenant, qun_slice name) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope || !scope->batch) return QUN_EDENIED;
  scope->timers_changed = true;
  return qun_timer_cancel(scope->batch, in->plugin->manifest->id, name);
}

static const struct qun_timer_v1 timer_v1 = {.struct_size = sizeof timer_v1, .set = timer_set, .cancel = timer_cancel};

static int calendar_to_local(const struct qun_host *host, qun_handle tenant, int64_t ms, int32_t *day,
                             int32_t *minute) {
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope) return QUN_EDENIED;
  qun_calendar_to_local(scope->slot->calendar, ms, day, minute);
  return 0;
}

static int calendar_from_local(const struct qun_host *host, qun_handle tenant, int32_t day, int32_t minute,
                               int64_t *ms) {
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope) return QUN_EDENIED;
  *ms = qun_calendar_from_local(scope->slot->calendar, day, minute);
  return 0;
}

static const struct qun_calendar_v1 calendar_v1 = {.struct_size = sizeof calendar_v1,
                                                   .to_local = calendar_to_local,
                                                   .from_local = calendar_from_local};

/* ---------------------------------------------------------------- qun.reply/1 and qun.outbox/1 */

static int reply_reply(const struct qun_host *host, qun_handle request, qun_slice body) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = in->scope;
  if (!scope || scope->request == 0 || scope->request != request) return QUN_EGONE;
  if (!qun_mp_valid(body, 32)) return QUN_EINVAL;
  scope->reply = qun_arena_copy(scope->arena, body);
  scope->request = 0;
  return scope->reply.ptr ? 0 : QUN_EFAIL;
}

static const struct qun_reply_v1 reply_v1 = {.struct_size = sizeof reply_v1, .reply = reply_reply};

static int outbox_enqueue(const struct qun_host *host, qun_handle tenant, const struct qun_outbox_row *row) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope || !scope->batch) return QUN_EDENIED;
  if (row->body.len && !qun_mp_valid(row->body, 16)) return QUN_EINVAL;
  if (qun_slice_is(row->via, "http") || qun_slice_is(row->via, "work")) return QUN_EINVAL; /* services of their own */
  scope->outbox_changed = true;
  struct qun_outbox_entry e = {.state = row->gated ? QUN_OUTBOX_HELD : QUN_OUTBOX_RELEASED,
                               .due_ms = row->not_before_ms,
                               .seq = scope->seq,
                               .plugin = qun_str(in->plugin->manifest->id),
                               .key = row->key,
                               .via = row->via,
                               .target = row->target,
                               .body = row->body};
  bool asked = qun__intercept(in, scope, &e);
  int rc = qun_outbox_add(scope->batch, &e);
  return rc == 0 && asked ? qun__intercept_ask(in, scope, &e) : rc;
}

static int outbox_cancel(const struct qun_host *host, qun_handle tenant, qun_slice key) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  if (!scope || !scope->batch) return QUN_EDENIED;
  return qun_outbox_move(scope->batch, qun_str(in->plugin->manifest->id), key, QUN_OUTBOX_CANCELLED);
}

static const struct qun_outbox_v1 outbox_v1 = {.struct_size = sizeof outbox_v1,
                                               .enqueue = outbox_enqueue,
                                               .cancel = outbox_cancel};

/* ---------------------------------------------------------------- qun.metrics/1 */

static void metrics_add(const struct qun_host *host, const char *name, uint64_t delta) {
  const struct qun_instance *in = host->ctx;
  qun_plugin_metrics_add(in->runtime->metrics, in->plugin->manifest->id, name, delta);
}

static const struct qun_metrics_v1 metrics_v1 = {.struct_size = sizeof metrics_v1, .add = metrics_add};

/* ---------------------------------------------------------------- by id */

static const struct {
  const char *id;
  const void *vtable;
} services[] = {
    {QUN_STORE_1, &qun__store_v1}, {QUN_STORE_2, &qun__store_v2},     {QUN_EVENTS_1, &events_v1},
    {QUN_TIMER_1, &timer_v1},      {QUN_CALENDAR_1, &calendar_v1},    {QUN_REPLY_1, &reply_v1},
    {QUN_OUTBOX_1, &outbox_v1},    {QUN_CALL_1, &qun__call_v1},       {QUN_PACKAGE_1, &qun__package_v1},
    {QUN_METRICS_1, &metrics_v1},  {QUN_HTTP_1, &qun__http_v1},       {QUN_HTTP_CLIENT_1, &qun__http_client_v1},
    {QUN_WORK_1, &qun__work_v1},   {QUN_SECRETS_1, &qun__secrets_v1}, {QUN_INTERCEPT_1, &qun__intercept_v1},
};

int qun__service_find(const char *id, const void **out) {
  for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
    if (strcmp(services[i].id, id) != 0) continue;
    *out = services[i].vtable;
    return 0;
  }
  return QUN_EUNSUPPORTED;
}
