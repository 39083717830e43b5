/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/entry.h"

#include <stdbool.h>

static bool ends(const char *text, size_t size) {
  return memchr(text, 0, size) != NULL;
}

static int check_magic(const struct qun_magic *magic, const char *id, const char *version, struct qun_error *err) {
  if (magic->struct_size < sizeof *magic)
    return qun_error_set(err, QUN_EINVAL,
                         "its magic has %u bytes, %zu are expected: it was not built with qun/plugin.h",
                         magic->struct_size, sizeof *magic);
  if (magic->pointer_size != sizeof(void *))
    return qun_error_set(err, QUN_EINVAL, "it is built for pointers of %u bytes, this host has %zu",
                         magic->pointer_size, sizeof(void *));
  if (magic->abi_major != QUN_ABI_MAJOR)
    return qun_error_set(err, QUN_EUNSUPPORTED,
                         "it is built for ABI %u.%u, this host speaks %d.0 to %d.%d: rebuild it with this host's SDK",
                         magic->abi_major, magic->abi_minor, QUN_ABI_MAJOR, QUN_ABI_MAJOR, QUN_ABI_MINOR);
  if (!ends(magic->id, sizeof magic->id) || !ends(magic->version, sizeof magic->version))
    return qun_error_set(err, QUN_EINVAL, "the id or version in its magic has no end");
  if (strcmp(magic->id, id) != 0)
    return qun_error_set(err, QUN_EINVAL, "its library says that it is %s, plugin.yaml says %s", magic->id, id);
  if (strcmp(magic->version, version) != 0)
    return qun_error_set(err, QUN_EINVAL, "its library is version %s, plugin.yaml says %s", magic->version, version);
  return 0;
}

static int copy_vtable(struct qun_plugin *to, const struct qun_plugin *from, struct qun_error *err) {
  if (!from) return qun_error_set(err, QUN_EINVAL, "its entry answers NULL");
  if (from->struct_size < offsetof(struct qun_plugin, on_tenant))
    return qun_error_set(err, QUN_EINVAL, "its struct qun_plugin has %u bytes, too few for create and destroy",
                         from->struct_size);
  memset(to, 0, sizeof *to);
  memcpy(to, from, from->struct_size < sizeof *to ? from->struct_size : sizeof *to);
  to->struct_size = sizeof *to;
  if (!to->create) return qun_error_set(err, QUN_EINVAL, "it has no create, which is mandatory");
  if (!to->destroy) return qun_error_set(err, QUN_EINVAL, "it has no destroy, which is mandatory");
  return 0;
}

int qun__entry_take(struct qun_plugin *vtable, const struct qun_magic **magic, void *symbol, const char *id,
                    const char *version, struct qun_error *err) {
  qun_entry_v1 entry;
  if (!symbol)
    return qun_error_set(err, QUN_EINVAL, "its library does not export qun_plugin_v1 (is QUN_PLUGIN() in it?)");
  memcpy(&entry, &symbol, sizeof entry);
  const struct qun_magic *said = NULL;
  const struct qun_plugin *answer = entry(&said);
  if (!said) return qun_error_set(err, QUN_EINVAL, "its entry gives no magic");
  int rc = check_magic(said, id, version, err);
  if (rc == 0) rc = copy_vtable(vtable, answer, err);
  if (rc == 0) *magic = said;
  return rc;
}
