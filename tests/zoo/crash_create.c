/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes while an instance is made. */
#include "animal.h"

static int create(const struct qun_host *host, qun_slice config, void **self) {
  int rc = animal_create(host, config, self);
  animal_crash();
  return rc;
}

static const struct qun_plugin animal = {.struct_size = sizeof(struct qun_plugin),
                                         .create = create,
                                         .destroy = animal_destroy};
QUN_PLUGIN("crash_create", "1.0.0", animal)
