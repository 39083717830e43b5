/* SPDX-License-Identifier: Apache-2.0 */
/* A mandatory callback is missing. */
#include "animal.h"

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  return animal_event(self, ctx, event, NULL);
}

static const struct qun_plugin animal = {.struct_size = sizeof(struct qun_plugin),
                                         .destroy = animal_destroy,
                                         .on_event = on_event};
QUN_PLUGIN("no_create", "1.0.0", animal)

/* animal.h's, which this one leaves out. */
QUN_EXPORT int no_create(const struct qun_host *host, void **self);

int no_create(const struct qun_host *host, void **self) {
  return animal_create(host, qun_str(""), self);
}
