/* SPDX-License-Identifier: Apache-2.0 */
/* Emits 2,000 events, and 1 more for each that it hears of, until it is stopped. */
#include "animal.h"

static int say(struct animal *a, const struct qun_context *ctx) {
  struct qun_emit e;
  memset(&e, 0, sizeof e);
  e.struct_size = sizeof e;
  e.type = qun_str("storms.drop");
  return a->events->emit(a->host, ctx->tenant, &e);
}

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  int rc = 0;
  (void)event;
  for (int i = 0; i < 2000 && rc == 0; i++) rc = say(a, ctx);
  return rc;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct animal *a = (struct animal *)self;
  if (!qun_slice_is(event->type, "storms.drop")) return animal_event(self, ctx, event, deed);
  int rc = say(a, ctx);
  return rc == 0 ? 0 : animal_write(a, ctx->tenant, "stopped", rc);
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  return animal_request(self, ctx, request, NULL);
}

static const struct qun_plugin animal = {.struct_size = sizeof(struct qun_plugin),
                                         .create = animal_create,
                                         .destroy = animal_destroy,
                                         .on_event = on_event,
                                         .on_request = on_request};
QUN_PLUGIN("storms", "1.0.0", animal)
