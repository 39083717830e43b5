/* SPDX-License-Identifier: Apache-2.0 */
/* One source of many plugins: what is wrong with each is a definition that the build gives. (inline: some are built without create or destroy.) */
#include <qun/plugin.h>

static inline int create(const struct qun_host *host, qun_slice config, void **self) {
  (void)config;
  *self = (void *)(uintptr_t)host;
  return 0;
}

static inline void destroy(void *self) {
  (void)self;
}

#ifndef ZOO_CREATE
#define ZOO_CREATE create
#endif
#ifndef ZOO_DESTROY
#define ZOO_DESTROY destroy
#endif
#ifndef ZOO_VTABLE
#define ZOO_VTABLE (&animal)
#endif
#ifndef ZOO_VTABLE_SIZE
#define ZOO_VTABLE_SIZE sizeof(struct qun_plugin)
#endif
#ifndef ZOO_MAGIC_SIZE
#define ZOO_MAGIC_SIZE sizeof(struct qun_magic)
#endif
#ifndef ZOO_POINTER_SIZE
#define ZOO_POINTER_SIZE sizeof(void *)
#endif
#ifndef ZOO_ABI
#define ZOO_ABI QUN_ABI_MAJOR
#endif
#ifndef ZOO_VERSION
#define ZOO_VERSION "1.0.0"
#endif

#ifndef ZOO_NO_ENTRY
QUN_EXPORT const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic);

const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic) {
  static const struct qun_plugin animal = {.struct_size = ZOO_VTABLE_SIZE,
                                           .create = ZOO_CREATE,
                                           .destroy = ZOO_DESTROY};
  static const struct qun_magic about = {ZOO_MAGIC_SIZE, ZOO_POINTER_SIZE, ZOO_ABI, 7, QUN_SDK_VERSION, 0,
                                         ZOO_ID,         ZOO_VERSION};
  *magic = &about;
#ifdef ZOO_NO_MAGIC
  *magic = NULL;
#endif
  return ZOO_VTABLE;
}
#else
QUN_EXPORT int zoo_touch(const struct qun_host *host);

int zoo_touch(const struct qun_host *host) {
  void *self;
  int rc = ZOO_CREATE(host, qun_str(""), &self);
  ZOO_DESTROY(self);
  return rc;
}
#endif
