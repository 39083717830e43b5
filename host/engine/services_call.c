/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/services_call.h"

#include "host/plugins/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { TEXT_MAX = 200, FILE_MAX = 64 << 20 };

/* ---------------------------------------------------------------- calls between plugins */

int qun__service_owner(const struct qun_plugin_set *plugins, qun_slice service, uint32_t *plugin,
                       const struct qun_manifest_service **entry) {
  for (uint32_t p = 0; p < plugins->count; p++) {
    const struct qun_manifest *m = plugins->plugins[p].manifest;
    for (uint32_t i = 0; i < m->services_count; i++) {
      if (!qun_slice_is(service, m->services[i].name)) continue;
      *plugin = p;
      *entry = &m->services[i];
      return 0;
    }
  }
  return QUN_ENOTFOUND;
}

static int call_call(const struct qun_host *host, qun_handle tenant, const char *service, qun_slice params,
                     qun_slice *reply) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *outer = in->scope;
  const struct qun_manifest_service *entry = NULL;
  uint32_t number = 0;
  if (!outer || !outer->slot || outer->slot->handle != tenant || outer->mode == QUN_MODE_TENANT) return QUN_EDENIED;
  if (qun__service_owner(in->runtime->plugins, qun_str(service), &number, &entry) < 0) return QUN_ENOTFOUND;
  bool handler = outer->mode != QUN_MODE_REQUEST;
  if (handler && !entry->pure) return QUN_EDENIED;
  struct qun_scope scope = {.mode = QUN_MODE_REQUEST,
                            .slot = outer->slot,
                            .view = entry->pure ? NULL : outer->view,
                            .arena = outer->arena,
                            .emits = handler || !entry->emits ? NULL : outer->emits,
                            .clock_ms = outer->clock_ms,
                            .clock_day = outer->clock_day,
                            .clock_minute = outer->clock_minute,
                            .seq = outer->seq,
                            .cause = outer->cause,
                            .seed = outer->seed,
                            .hops = outer->hops,
                            .request = 1};
  struct qun_request request = {.struct_size = sizeof request,
                                .id = 1,
                                .service = qun_str(service),
                                .params = params,
                                .locale = qun_str(outer->slot->config->locale),
                                .role = qun_str("plugin"),
                                .caller = qun_str(in->plugin->manifest->id)};
  struct qun_error unmet = {0};
  int rc = qun__runtime_meet(in->runtime, outer->slot, number, outer->view, &unmet);
  if (rc < 0) {
    snprintf(outer->message, sizeof in->message, "%.200s", unmet.message);
    return rc;
  }
  rc = qun_instance_request(&in->runtime->instances[number], &scope, &request);
  if (rc < 0) {
    snprintf(outer->message, sizeof in->message, "%s",
             scope.message ? scope.message : "it is running: a cycle of calls");
    return rc;
  }
  if (scope.request) return QUN_EFAIL; /* it answered nothing */
  *reply = scope.reply;
  return 0;
}

const struct qun_call_v1 qun__call_v1 = {.struct_size = sizeof qun__call_v1, .call = call_call};

/* ---------------------------------------------------------------- package files */

static bool listed(const struct qun_manifest *m, const char *path, bool own) {
  for (uint32_t i = 0; i < m->locales_count; i++) {
    if (strcmp(m->locales[i], path) == 0) return true;
  }
  for (uint32_t i = 0; own && i < m->files_count; i++) {
    if (strcmp(m->files[i], path) == 0) return true;
  }
  return false;
}

/* Package files stay mapped for the life of the process, as the shared object does: their bytes are promised until
 * destroy(). What an index vouches for is copied and hashed first, so that the bytes that were signed are those that are read. */
static int package_map(const struct qun_loaded_plugin *p, const char *path, const char *full, qun_slice *body) {
  struct qun__library file;
  struct stat st;
  int rc = qun__library_read(&file, full, NULL);
  if (rc < 0) return rc;
  if (fstat(file.fd, &st) < 0 || st.st_size > FILE_MAX) rc = QUN_EFAIL;
  if (rc == 0 && !qun_package_holds(p->package, path, file.sha256)) rc = QUN_EDENIED;
  if (rc == 0 && st.st_size > 0) {
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (at == MAP_FAILED)
      rc = QUN_EFAIL;
    else
      *body = qun_slice_of(at, (size_t)st.st_size);
  } else if (rc == 0) {
    *body = qun_slice_of(NULL, 0);
  }
  qun__library_drop(&file);
  return rc;
}

static int package_read(const struct qun_host *host, const char *plugin, const char *path, qun_slice *body) {
  const struct qun_instance *in = host->ctx;
  bool own = !plugin || !*plugin || strcmp(plugin, in->plugin->manifest->id) == 0;
  const struct qun_loaded_plugin *p = own ? in->plugin : qun_plugin_set_find(in->runtime->plugins, plugin);
  char full[4096];
  if (!p || !path || !listed(p->manifest, path, own)) return QUN_ENOTFOUND;
  if ((size_t)snprintf(full, sizeof full, "%s/%s", p->dir, path) >= sizeof full) return QUN_EINVAL;
  return package_map(p, path, full, body);
}

static int package_list(const struct qun_host *host, const char *plugin, uint32_t nth, qun_slice *path) {
  const struct qun_instance *in = host->ctx;
  bool own = !plugin || !*plugin || strcmp(plugin, in->plugin->manifest->id) == 0;
  const struct qun_loaded_plugin *p = own ? in->plugin : qun_plugin_set_find(in->runtime->plugins, plugin);
  if (!p) return QUN_ENOTFOUND;
  uint32_t files = own ? p->manifest->files_count : 0;
  if (nth < files)
    *path = qun_str(p->manifest->files[nth]);
  else if (nth - files < p->manifest->locales_count)
    *path = qun_str(p->manifest->locales[nth - files]);
  else
    return QUN_ENOTFOUND;
  return 0;
}

const struct qun_package_v1 qun__package_v1 = {.struct_size = sizeof qun__package_v1,
                                               .read = package_read,
                                               .list = package_list};

/* ---------------------------------------------------------------- emitted events */

static bool kind_fits(enum qun_field_kind kind, enum qun_mp_type type) {
  switch (kind) {
  case QUN_FIELD_STR: return type == QUN_MP_STR;
  case QUN_FIELD_INT:
  case QUN_FIELD_TIME:
  case QUN_FIELD_MEMBER: return type == QUN_MP_INT;
  case QUN_FIELD_BOOL: return type == QUN_MP_BOOL;
  case QUN_FIELD_LIST: return type == QUN_MP_ARRAY;
  case QUN_FIELD_MAP: return type == QUN_MP_MAP;
  }
  return false;
}

static const struct qun_manifest_field *field_of(const struct qun_type_view *type, qun_slice name) {
  for (uint32_t i = 0; i < type->fields_count; i++) {
    if (qun_slice_is(name, type->fields[i].name)) return &type->fields[i];
  }
  return NULL;
}

static int emit_refuse(char message[256], const struct qun_type_view *type, qun_slice field, const char *why) {
  snprintf(message, 256, "emitted %s: data.%.*s %s", type->name, (int)(field.len > 60 ? 60 : field.len),
           (const char *)field.ptr, why);
  return QUN_EINVAL;
}

int qun__emit_check(const struct qun_type_view *type, const struct qun_emit *event, char message[256]) {
  static const unsigned char empty = 0x80;
  qun_slice data = event->data.len ? event->data : qun_slice_of(&empty, 1);
  struct qun_unpack u;
  uint32_t n;
  if (event->subject.len > TEXT_MAX || event->group.len > TEXT_MAX || event->channel.len > TEXT_MAX ||
      event->lang.len > TEXT_MAX) {
    snprintf(message, 256, "emitted %s: subject, group, channel and lang have at most %d bytes", type->name, TEXT_MAX);
    return QUN_EINVAL;
  }
  qun_unpack_init(&u, data);
  if (!qun_mp_valid(data, 16) || !qun_unpack_map(&u, &n)) {
    snprintf(message, 256, "emitted %s: data must be a msgpack map", type->name);
    return QUN_EINVAL;
  }
  while (n-- > 0) {
    qun_slice name;
    if (!qun_unpack_str(&u, &name)) return emit_refuse(message, type, qun_str("?"), "has a key that is not text");
    const struct qun_manifest_field *f = field_of(type, name);
    if (!f) return emit_refuse(message, type, name, "is not a field of the type");
    if (!kind_fits(f->kind, qun_unpack_peek(&u)))
      return emit_refuse(message, type, name, "has another kind than the type says");
    if (!qun_unpack_skip(&u)) return QUN_EINVAL;
  }
  for (uint32_t i = 0; i < type->fields_count; i++) {
    qun_slice value;
    if ((type->fields[i].flags & QUN_FIELD_REQ) && !qun_mp_find(data, type->fields[i].name, &value))
      return emit_refuse(message, type, qun_str(type->fields[i].name), "must be there");
  }
  return 0;
}
