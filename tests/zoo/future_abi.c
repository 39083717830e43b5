/* SPDX-License-Identifier: Apache-2.0 */
/* Built for a major that nobody speaks yet. */
#include "animal.h"

QUN_EXPORT const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic);

const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic) {
  static const struct qun_magic future = {.struct_size = sizeof future,
                                          .pointer_size = sizeof(void *),
                                          .abi_major = 9,
                                          .abi_minor = 4,
                                          .sdk_version = 0x00090004u,
                                          .id = "future_abi",
                                          .version = "1.0.0"};
  static const struct qun_plugin animal = {.struct_size = sizeof animal,
                                           .create = animal_create,
                                           .destroy = animal_destroy};
  *magic = &future;
  return &animal;
}
