/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's entry: settings, and which event goes where. */
#include "content.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int qun__refuse(struct qun__content *self, int code, const char *format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return self->host->fail(self->host, code, qun_str(text));
}

static void destroy(void *state) {
  struct qun__content *self = state;
  if (!self) return;
  qun_pack_fini(&self->row);
  qun_pack_fini(&self->data);
  qun_pack_fini(&self->answer);
  free(self);
}

static int create(const struct qun_host *host, qun_slice config, void **out) {
  static const char *const wanted[] = {QUN_STORE_1, QUN_EVENTS_1, QUN_TIMER_1, QUN_CALENDAR_1,
                                       QUN_REPLY_1, QUN_OUTBOX_1, QUN_CALL_1};
  const void *found[7] = {0};
  struct qun__content *self = calloc(1, sizeof *self);
  char text[80];
  (void)config;
  if (!self) return QUN_EFAIL;
  for (size_t i = 0; i < 7; i++) {
    int error = host->query(host, wanted[i], &found[i]);
    if (error >= 0) continue;
    free(self);
    snprintf(text, sizeof text, "the host does not give %s", wanted[i]);
    return host->fail(host, error, qun_str(text));
  }
  *self = (struct qun__content){.host = host,
                                .store = found[0],
                                .events = found[1],
                                .timer = found[2],
                                .calendar = found[3],
                                .reply = found[4],
                                .outbox = found[5],
                                .call = found[6]};
  *out = self;
  return 0;
}

static enum qun__window window_of(qun_slice name) {
  if (qun_slice_is(name, "day")) return QUN_WINDOW_DAY;
  if (qun_slice_is(name, "week")) return QUN_WINDOW_WEEK;
  if (qun_slice_is(name, "month")) return QUN_WINDOW_MONTH;
  return QUN_WINDOW_NONE;
}

static int read_settings(struct qun__content *self, struct qun__settings *s, qun_slice given) {
  const struct {
    const char *name;
    int64_t *to, otherwise;
  } numbers[] = {{"mix_practical", &s->mix[0], 3},
                 {"mix_interactive", &s->mix[1], 2},
                 {"mix_emotional", &s->mix[2], 1},
                 {"topics_min", &s->topics_min, 3},
                 {"quality_min", &s->quality_min, 5},
                 {"quality_score", &s->quality_score, 80},
                 {"ad_limit", &s->ad_limit, 200000},
                 {"ad_feedback", &s->ad_feedback, 300000},
                 {"ad_window", &s->ad_window, 7},
                 {"feedback_window", &s->feedback_window, 90},
                 {"feedback_least", &s->feedback_least, 10},
                 {"service_quota", &s->service_quota, 4},
                 {"subscription_quota", &s->subscription_quota, 1},
                 {"quiet_from", &s->quiet_from, 1320},
                 {"quiet_to", &s->quiet_to, 480},
                 {"silence_days", &s->silence_days, 7},
                 {"burst_day", &s->burst_day, 12},
                 {"evaluate_days", &s->evaluate_days, 7}};
  qun_slice kept;
  qun_pack_clear(&s->kept);
  qun_pack_raw(&s->kept, given);
  if (s->kept.failed) return QUN_EFAIL;
  kept = qun_pack_slice(&s->kept);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    *numbers[i].to = qun_mp_int(kept, numbers[i].name, numbers[i].otherwise);
  if (!qun_mp_find(kept, "accounts", &s->accounts)) s->accounts = qun_slice_of(NULL, 0);
  s->service_window = window_of(qun_mp_str(kept, "service_window"));
  s->subscription_window = window_of(qun_mp_str(kept, "subscription_window"));
  s->refuse_over = qun_slice_is(qun_mp_str(kept, "over_quota"), "refuse");
  s->holiday = qun_mp_bool(kept, "holiday", 0) != 0;
  s->via = qun_mp_str(kept, "via");
  s->target = qun_mp_str(kept, "target");
  if (s->via.len == 0) s->via = qun_str("spool");
  if (s->service_window == QUN_WINDOW_NONE || s->subscription_window == QUN_WINDOW_NONE)
    self->host->log(self->host, QUN_LOG_WARN,
                    qun_str("content: a quota window is not day, week or month, so that quota is off"));
  return 0;
}

static int on_tenant(void *state, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct qun__settings *s = *local ? *local : calloc(1, sizeof *s);
  (void)ctx;
  if (!s) return QUN_EFAIL;
  *local = s;
  return read_settings(state, s, info->settings);
}

static void on_tenant_close(void *state, void *local) {
  struct qun__settings *s = local;
  (void)state;
  if (!s) return;
  qun_pack_fini(&s->kept);
  free(s);
}

typedef int (*handler)(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);

/* The busiest first. */
static const struct {
  const char *type;
  handler handle;
} handlers[] = {
    {"message", qun__on_message},
    {"reaction", qun__on_reaction},
    {"read", qun__on_use},
    {"click", qun__on_use},
    {"share", qun__on_use},
    {"survey.answer", qun__on_answer},
    {"content.item", qun__on_item},
    {"content.plan", qun__on_plan},
    {"outbox.sent", qun__on_outbox},
    {"outbox.failed", qun__on_outbox},
    {"outbox.blocked", qun__on_outbox},
    {"compliance.verdict", qun__on_verdict},
};

static int on_event(void *state, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun__content *self = state;
  if (!ctx->local) return qun__refuse(self, QUN_EGONE, "content: the tenant's settings are not here");
  for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
    if (!qun_slice_is(event->type, handlers[i].type)) continue;
    int error = handlers[i].handle(self, ctx, event);
    return error < 0 ? error : 0;
  }
  return 0;
}

static int on_timer(void *state, const struct qun_context *ctx, const struct qun_timer *timer) {
  struct qun__content *self = state;
  int error = ctx->local ? qun__on_timer(self, ctx, timer) : QUN_EGONE;
  return error < 0 ? error : 0;
}

static int on_request(void *state, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun__content *self = state;
  if (!ctx->local) return qun__refuse(self, QUN_EDENIED, "the plugin content is not enabled for this tenant");
  return qun__serve(self, ctx, request);
}

static const struct qun_plugin content = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_tenant_close = on_tenant_close,
    .on_event = on_event,
    .on_timer = on_timer,
    .on_request = on_request,
};

QUN_PLUGIN("content", "0.1.0", content)
