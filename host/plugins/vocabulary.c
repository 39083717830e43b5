/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(entry) ((entry)->unhashed = true)
#include <uthash.h>

struct entry {
  struct qun_type_view view;
  struct qun_manifest_field *core_fields; /* owned; NULL for a manifest's type */
  bool unhashed;
  UT_hash_handle hh;
};

struct qun__vocabulary {
  struct entry *entries;
};

static int insert(struct qun__vocabulary *v, const struct qun_type_view *view, struct qun_manifest_field *owned) {
  struct entry *e = calloc(1, sizeof *e);
  if (!e) return QUN_EFAIL;
  e->view = *view;
  e->core_fields = owned;
  HASH_ADD_KEYPTR(hh, v->entries, e->view.name, strlen(e->view.name), e);
  if (!e->unhashed) return 0;
  free(e);
  return QUN_EFAIL;
}

/* The fields of one core type, in the form that manifests have. NULL with *count 0: it has none, or memory ran out. */
static struct qun_manifest_field *core_fields(const char *type, uint32_t *count) {
#define ROW(of, field, kind, flags, unit, doc) {of, field, QUN_FIELD_##kind, flags, unit, doc},
  static const struct qun_event_field_info fields[] = {QUN_EVENT_FIELDS(ROW)};
#undef ROW
  enum { FIELDS = sizeof fields / sizeof *fields };
  uint32_t n = 0;
  for (size_t i = 0; i < FIELDS; i++) n += strcmp(fields[i].type, type) == 0;
  struct qun_manifest_field *out = n ? calloc(n, sizeof *out) : NULL;
  *count = 0;
  for (size_t i = 0; out && i < FIELDS; i++) {
    const struct qun_event_field_info *f = &fields[i];
    if (strcmp(f->type, type) != 0) continue;
    out[(*count)++] = (struct qun_manifest_field){
        .name = f->name, .kind = f->kind, .flags = f->flags, .unit = f->unit, .doc = f->doc};
  }
  return out;
}

struct qun__vocabulary *qun__vocabulary_create(void) {
#define ROW(name, flags, doc) {name, flags, doc},
  static const struct qun_event_type_info types[] = {QUN_EVENT_TYPES(ROW)};
#undef ROW
  struct qun__vocabulary *v = calloc(1, sizeof *v);
  for (size_t i = 0; v && i < sizeof types / sizeof *types; i++) {
    struct qun_type_view view = {.name = types[i].name, .flags = types[i].flags};
    struct qun_manifest_field *fields = core_fields(view.name, &view.fields_count);
    view.fields = fields;
    if (insert(v, &view, fields) == 0) continue;
    free(fields);
    qun__vocabulary_destroy(v);
    v = NULL;
  }
  return v;
}

void qun__vocabulary_destroy(struct qun__vocabulary *v) {
  struct entry *e, *next;
  if (!v) return;
  HASH_ITER(hh, v->entries, e, next) {
    HASH_DEL(v->entries, e);
    free(e->core_fields);
    free(e);
  }
  free(v);
}

int qun__vocabulary_check(const struct qun__vocabulary *v, const struct qun_manifest *m, struct qun_error *err) {
  for (uint32_t i = 0; i < m->types_count; i++) {
    const struct qun_type_view *there = qun__vocabulary_find(v, qun_str(m->types[i].name));
    if (there)
      return qun_error_set(err, QUN_ECONFLICT, "defines the event type %s, which %s defines already", m->types[i].name,
                           there->plugin ? there->plugin : "the core vocabulary");
  }
  return 0;
}

int qun__vocabulary_add(struct qun__vocabulary *v, const struct qun_manifest *m, struct qun_error *err) {
  for (uint32_t i = 0; i < m->types_count; i++) {
    const struct qun_manifest_type *t = &m->types[i];
    struct qun_type_view view = {
        .name = t->name, .flags = t->flags, .fields = t->fields, .fields_count = t->fields_count, .plugin = m->id};
    if (insert(v, &view, NULL)) return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  return 0;
}

const struct qun_type_view *qun__vocabulary_find(const struct qun__vocabulary *v, qun_slice name) {
  struct entry *e = NULL;
  if (name.len == 0 || name.len > 200) return NULL;
  HASH_FIND(hh, v->entries, name.ptr, (size_t)name.len, e);
  return e ? &e->view : NULL;
}
