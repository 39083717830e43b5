/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields an event may carry: the core table of qun/events.h and the manifests of the loaded plugins. */
#include "fake_internal.h"

struct core_field {
  const char *type, *name;
  enum qun_field_kind kind;
  uint32_t flags;
};

#define TYPE_ROW(name, flags, doc) {name, flags, doc},
#define FIELD_ROW(type, field, kind, flags, unit, doc) {type, field, QUN_FIELD_##kind, flags},
static const struct qun_event_type_info core_types[] = {QUN_EVENT_TYPES(TYPE_ROW)};
static const struct core_field core_fields[] = {QUN_EVENT_FIELDS(FIELD_ROW)};
enum { CORE_TYPES = sizeof core_types / sizeof *core_types, CORE_FIELDS = sizeof core_fields / sizeof *core_fields };

static const struct qun_event_type_info *core_type(qun_slice type) {
  for (size_t i = 0; i < CORE_TYPES; i++)
    if (qun_slice_is(type, core_types[i].name)) return &core_types[i];
  return NULL;
}

static const struct qun__fake_type *plugin_type(const struct qun_fake *f, qun_slice type) {
  for (size_t i = 0; i < f->plugins_count; i++) {
    const struct qun__fake_manifest *m = f->plugins[i]->manifest;
    for (size_t k = 0; m && k < m->types_count; k++)
      if (qun_slice_is(type, m->types[k].name)) return &m->types[k];
  }
  return NULL;
}

bool qun__fake_host_type(const struct qun_fake *f, qun_slice type) {
  const struct qun__fake_type *t = plugin_type(f, type);
  const struct qun_event_type_info *core = core_type(type);
  return t ? t->host : core && (core->flags & QUN_TYPE_HOST) != 0;
}

bool qun__fake_outside_type(qun_slice type) {
  const struct qun_event_type_info *core = core_type(type);
  return core && !(core->flags & QUN_TYPE_HOST);
}

static bool anything_goes(const struct qun_fake *f) {
  for (size_t i = 0; i < f->plugins_count; i++)
    if (!f->plugins[i]->manifest) return true;
  return false;
}

/* 1 and kind, flags of a field; 0 when the type has no such field. */
static int field_of(const struct qun_fake *f, qun_slice type, qun_slice name, enum qun_field_kind *kind,
                    uint32_t *flags) {
  const struct qun__fake_type *t = plugin_type(f, type);
  for (size_t i = 0; t && i < t->count; i++) {
    if (!qun_slice_is(name, t->fields[i].name)) continue;
    *kind = t->fields[i].kind;
    *flags = t->fields[i].flags;
    return 1;
  }
  for (size_t i = 0; !t && i < CORE_FIELDS; i++) {
    if (!qun_slice_is(type, core_fields[i].type) || !qun_slice_is(name, core_fields[i].name)) continue;
    *kind = core_fields[i].kind;
    *flags = core_fields[i].flags;
    return 1;
  }
  return 0;
}

/* A list of texts, or a map of texts to texts or integers. */
static bool members_fit(qun_slice value, bool map) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice s;
  int64_t i;
  qun_unpack_init(&u, value);
  if (map ? !qun_unpack_map(&u, &n) : !qun_unpack_array(&u, &n)) return false;
  while (n-- > 0) {
    if (!qun_unpack_str(&u, &s)) return false;
    if (map && !qun_unpack_str(&u, &s) && !qun_unpack_int(&u, &i)) return false;
  }
  return true;
}

static bool fits(enum qun_field_kind kind, uint32_t flags, qun_slice value) {
  struct qun_unpack u;
  qun_unpack_init(&u, value);
  enum qun_mp_type t = qun_unpack_peek(&u);
  if (flags & QUN_FIELD_IDENT) return t == QUN_MP_STR || t == QUN_MP_BOOL;
  switch (kind) {
  case QUN_FIELD_STR: return t == QUN_MP_STR;
  case QUN_FIELD_INT:
  case QUN_FIELD_TIME:
  case QUN_FIELD_MEMBER: return t == QUN_MP_INT;
  case QUN_FIELD_BOOL: return t == QUN_MP_BOOL;
  case QUN_FIELD_LIST: return members_fit(value, false);
  case QUN_FIELD_MAP: return members_fit(value, true);
  }
  return false;
}

static int check_required(struct qun_fake *f, qun_slice type, qun_slice data) {
  const struct qun__fake_type *t = plugin_type(f, type);
  qun_slice v;
  for (size_t i = 0; t && i < t->count; i++)
    if ((t->fields[i].flags & QUN_FIELD_REQ) && !qun_mp_find(data, t->fields[i].name, &v))
      return qun__fake_fail(f, QUN_EINVAL, "%s: data.%s is missing", t->name, t->fields[i].name);
  for (size_t i = 0; !t && i < CORE_FIELDS; i++)
    if (qun_slice_is(type, core_fields[i].type) && (core_fields[i].flags & QUN_FIELD_REQ) &&
        !qun_mp_find(data, core_fields[i].name, &v))
      return qun__fake_fail(f, QUN_EINVAL, "%s: data.%s is missing", core_fields[i].type, core_fields[i].name);
  return 0;
}

int qun__fake_check_data(struct qun_fake *f, qun_slice type, qun_slice data) {
  struct qun_unpack u;
  uint32_t n = 0;
  if (data.len && !qun_mp_valid(data, 16))
    return qun__fake_fail(f, QUN_EINVAL, "%.*s: data is no msgpack", (int)type.len, (const char *)type.ptr);
  qun_unpack_init(&u, data);
  if (data.len && !qun_unpack_map(&u, &n))
    return qun__fake_fail(f, QUN_EINVAL, "%.*s: data is no map", (int)type.len, (const char *)type.ptr);
  if (!plugin_type(f, type) && !core_type(type)) {
    if (anything_goes(f)) return 0;
    return qun__fake_fail(f, QUN_EINVAL, "%.*s: no such event type", (int)type.len, (const char *)type.ptr);
  }
  while (n-- > 0) {
    qun_slice name, value;
    enum qun_field_kind kind;
    uint32_t flags;
    if (!qun_unpack_str(&u, &name) || !qun_unpack_any(&u, &value))
      return qun__fake_fail(f, QUN_EINVAL, "%.*s: a key of data is no text", (int)type.len, (const char *)type.ptr);
    if (!field_of(f, type, name, &kind, &flags))
      return qun__fake_fail(f, QUN_EINVAL, "%.*s: no such field: data.%.*s", (int)type.len, (const char *)type.ptr,
                            (int)name.len, (const char *)name.ptr);
    if (!fits(kind, flags, value))
      return qun__fake_fail(f, QUN_EINVAL, "%.*s: data.%.*s is of another kind", (int)type.len, (const char *)type.ptr,
                            (int)name.len, (const char *)name.ptr);
  }
  return check_required(f, type, data);
}

qun_slice qun__fake_redact(struct qun_fake *f, struct qun__fake_arena *a, const struct qun__fake_plugin *p,
                           qun_slice type, qun_slice data) {
  bool text = !p->manifest || qun__fake_list_has(&p->manifest->personal, qun_str("text"));
  struct qun_unpack u;
  struct qun_pack out;
  uint32_t n, kept = 0;
  qun_unpack_init(&u, data);
  if (!qun_unpack_map(&u, &n)) return qun__fake_copy(a, data);
  qun_pack_init(&out);
  size_t at = qun_pack_open_map(&out);
  while (n-- > 0) {
    qun_slice name, value;
    enum qun_field_kind kind;
    uint32_t flags = 0;
    if (!qun_unpack_str(&u, &name) || !qun_unpack_any(&u, &value)) break;
    field_of(f, type, name, &kind, &flags);
    if ((flags & QUN_FIELD_TEXT) && !text) continue;
    qun_pack_str(&out, name);
    if (flags & QUN_FIELD_IDENT)
      qun_pack_bool(&out, 1);
    else
      qun_pack_raw(&out, value);
    kept++;
  }
  qun_pack_close(&out, at, kept);
  qun_slice copy = qun__fake_copy(a, qun_pack_slice(&out));
  qun_pack_fini(&out);
  return copy;
}
