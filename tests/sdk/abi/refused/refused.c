/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that this host does not take: ABI and the service it asks for are given by the build. */
#include <qun/plugin.h>

static int create(const struct qun_host *host, qun_slice config, void **self) {
  const void *vtable;
  (void)config;
  *self = NULL;
  return host->query(host, ASKS, &vtable);
}

static void destroy(void *self) {
  (void)self;
}

static const struct qun_plugin refused = {.struct_size = sizeof(struct qun_plugin),
                                          .create = create,
                                          .destroy = destroy};

QUN_EXPORT const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic);
const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic) {
  static const struct qun_magic made = {.struct_size = sizeof made,
                                        .pointer_size = sizeof(void *),
                                        .abi_major = ABI,
                                        .abi_minor = 7,
                                        .sdk_version = QUN_SDK_VERSION,
                                        .id = ID,
                                        .version = "1.0.0"};
  *magic = &made;
  return &refused;
}
