/* SPDX-License-Identifier: Apache-2.0 */
/* Sets a timer, and crashes when it comes due. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)event;
  return a->timer->set(a->host, ctx->tenant, qun_str("boom"), ctx->clock_ms, qun_str(""));
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  return animal_event(self, ctx, event, deed);
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  (void)self;
  (void)ctx;
  (void)timer;
  animal_crash();
  return 0;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  return animal_request(self, ctx, request, NULL);
}

static const struct qun_plugin animal = {.struct_size = sizeof(struct qun_plugin),
                                         .create = animal_create,
                                         .destroy = animal_destroy,
                                         .on_event = on_event,
                                         .on_timer = on_timer,
                                         .on_request = on_request};
QUN_PLUGIN("crash_timer", "1.0.0", animal)
