/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/subscriptions.h"

#include <stdlib.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
  struct qun_hearers hearers;
  const char *name;
  UT_hash_handle hh;
};

struct qun_subscriptions {
  struct entry *types;
};

static const struct qun_event_type_info core_types[] = {
#define X(name, flags, doc) {name, flags, doc},
    QUN_EVENT_TYPES(X)
#undef X
};

/* "*" is all that comes from outside: the core types that the host does not keep for itself. */
static bool hears(const struct qun_manifest *m, const char *type, const struct qun_type_view *view) {
  for (uint32_t i = 0; i < m->subscribe_count; i++) {
    if (strcmp(m->subscribe[i], type) == 0) return true;
    if (strcmp(m->subscribe[i], "*") == 0 && !view->plugin && !(view->flags & QUN_TYPE_HOST)) return true;
  }
  return false;
}

static int add_fields(struct qun_hearers *h, const struct qun_type_view *view) {
  h->texts = calloc(view->fields_count ? view->fields_count : 1, sizeof *h->texts);
  if (!h->texts) return QUN_EFAIL;
  for (uint32_t i = 0; i < view->fields_count; i++) {
    const struct qun_manifest_field *f = &view->fields[i];
    if (f->flags & QUN_FIELD_TEXT) h->texts[h->texts_count++] = qun_str(f->name);
    h->has_members |= f->kind == QUN_FIELD_MEMBER;
  }
  return 0;
}

static int add(struct qun_subscriptions *v, const struct qun_plugin_set *plugins, const char *name) {
  struct entry *e = NULL;
  const struct qun_type_view *view = NULL;
  if (!qun_plugin_set_type(plugins, qun_str(name), &view)) return QUN_EFAIL;
  e = calloc(1, sizeof *e);
  if (!e) return QUN_EFAIL;
  e->hearers.type = view;
  e->name = view->name;
  if (add_fields(&e->hearers, view) < 0) {
    free(e);
    return QUN_EFAIL;
  }
  for (uint32_t i = 0; i < plugins->count; i++) {
    if (hears(plugins->plugins[i].manifest, name, view)) e->hearers.plugins |= 1u << i;
  }
  HASH_ADD_KEYPTR(hh, v->types, e->name, (unsigned)strlen(e->name), e);
  if (e->hh.tbl) return 0;
  free(e->hearers.texts);
  free(e);
  return QUN_EFAIL;
}

int qun_subscriptions_create(struct qun_subscriptions **out, const struct qun_plugin_set *plugins) {
  int rc = 0;
  struct qun_subscriptions *v = calloc(1, sizeof *v);
  if (!v) return QUN_EFAIL;
  for (size_t i = 0; i < sizeof core_types / sizeof core_types[0] && rc == 0; i++)
    rc = add(v, plugins, core_types[i].name);
  for (uint32_t p = 0; p < plugins->count; p++) {
    const struct qun_manifest *m = plugins->plugins[p].manifest;
    for (uint32_t i = 0; i < m->types_count && rc == 0; i++) rc = add(v, plugins, m->types[i].name);
  }
  if (rc < 0)
    qun_subscriptions_destroy(v);
  else
    *out = v;
  return rc;
}

void qun_subscriptions_destroy(struct qun_subscriptions *v) {
  if (!v) return;
  struct entry *e, *next;
  HASH_ITER(hh, v->types, e, next) {
    HASH_DEL(v->types, e);
    free(e->hearers.texts);
    free(e);
  }
  free(v);
}

const struct qun_hearers *qun_subscriptions_find(const struct qun_subscriptions *v, qun_slice type) {
  struct entry *e = NULL;
  HASH_FIND(hh, v->types, type.ptr, (unsigned)type.len, e);
  return e ? &e->hearers : NULL;
}
