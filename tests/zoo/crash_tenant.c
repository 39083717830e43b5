/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes when it meets a tenant whose name begins with zoo. */
#include "animal.h"

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  (void)self;
  (void)ctx;
  (void)local;
  if (info->name.len >= 3 && memcmp(info->name.ptr, "zoo", 3) == 0) animal_crash();
  return 0;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  return animal_event(self, ctx, event, NULL);
}

static const struct qun_plugin animal = {.struct_size = sizeof(struct qun_plugin),
                                         .create = animal_create,
                                         .destroy = animal_destroy,
                                         .on_tenant = on_tenant,
                                         .on_event = on_event};
QUN_PLUGIN("crash_tenant", "1.0.0", animal)
