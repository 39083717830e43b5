/* SPDX-License-Identifier: Apache-2.0 */
/* Its magic is no magic. */
#include "animal.h"

QUN_EXPORT const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic);

const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic) {
  static const struct qun_magic wrong = {.struct_size = sizeof wrong, .pointer_size = 0xdeadbeef};
  static const struct qun_plugin animal = {.struct_size = sizeof animal,
                                           .create = animal_create,
                                           .destroy = animal_destroy};
  *magic = &wrong;
  return &animal;
}
