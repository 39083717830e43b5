/* SPDX-License-Identifier: Apache-2.0 */
/* The part of plugin.yaml that the fake host needs. The host's own reader (qun plugin validate) is the judge of its
 * form. */
#include "fake_internal.h"

#include <qun/decimal.h>
#include <yaml.h>

#include <inttypes.h>

static const yaml_node_t *child(yaml_document_t *doc, const yaml_node_t *map, const char *key) {
  if (!map || map->type != YAML_MAPPING_NODE) return NULL;
  for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
    const yaml_node_t *k = yaml_document_get_node(doc, p->key);
    if (k && k->type == YAML_SCALAR_NODE && strcmp((const char *)k->data.scalar.value, key) == 0)
      return yaml_document_get_node(doc, p->value);
  }
  return NULL;
}

static char *text_of(yaml_document_t *doc, const yaml_node_t *map, const char *key) {
  const yaml_node_t *n = child(doc, map, key);
  return n && n->type == YAML_SCALAR_NODE ? qun__fake_strdup((const char *)n->data.scalar.value) : NULL;
}

static bool true_of(yaml_document_t *doc, const yaml_node_t *map, const char *key) {
  const yaml_node_t *n = child(doc, map, key);
  return n && n->type == YAML_SCALAR_NODE && strcmp((const char *)n->data.scalar.value, "true") == 0;
}

/* The nth entry of a sequence; NULL past the last or when it is none. */
static const yaml_node_t *entry(yaml_document_t *doc, const yaml_node_t *seq, size_t n) {
  if (!seq || seq->type != YAML_SEQUENCE_NODE) return NULL;
  const yaml_node_item_t *at = seq->data.sequence.items.start;
  return n < (size_t)(seq->data.sequence.items.top - at) ? yaml_document_get_node(doc, at[n]) : NULL;
}

static void list_of(struct qun__fake_list *l, yaml_document_t *doc, const yaml_node_t *seq) {
  const yaml_node_t *n;
  for (size_t i = 0; (n = entry(doc, seq, i)); i++) {
    if (n->type != YAML_SCALAR_NODE) continue;
    QUN__FAKE_GROW(l->at, l->count, l->cap);
    l->at[l->count++] = qun__fake_strdup((const char *)n->data.scalar.value);
  }
}

static enum qun_field_kind kind_of(const char *kind) {
  static const struct {
    const char *name;
    enum qun_field_kind kind;
  } kinds[] = {{"str", QUN_FIELD_STR},   {"int", QUN_FIELD_INT},       {"bool", QUN_FIELD_BOOL},
               {"time", QUN_FIELD_TIME}, {"member", QUN_FIELD_MEMBER}, {"list", QUN_FIELD_LIST},
               {"map", QUN_FIELD_MAP}};
  for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, kind) == 0) return kinds[i].kind;
  return QUN_FIELD_STR;
}

static void types_of(struct qun__fake_manifest *m, yaml_document_t *doc, const yaml_node_t *seq) {
  const yaml_node_t *n, *field;
  for (size_t i = 0; (n = entry(doc, seq, i)); i++) {
    QUN__FAKE_GROW(m->types, m->types_count, m->types_cap);
    struct qun__fake_type *t = &m->types[m->types_count++];
    t->name = text_of(doc, n, "name");
    t->host = true_of(doc, n, "host");
    const yaml_node_t *fields = child(doc, n, "fields");
    for (size_t k = 0; (field = entry(doc, fields, k)); k++) {
      QUN__FAKE_GROW(t->fields, t->count, t->cap);
      struct qun__fake_type_field *to = &t->fields[t->count++];
      char *kind = text_of(doc, field, "kind");
      to->name = text_of(doc, field, "name");
      to->kind = kind_of(kind);
      to->flags = (true_of(doc, field, "required") ? QUN_FIELD_REQ : 0u) |
                  (true_of(doc, field, "text") ? QUN_FIELD_TEXT : 0u) |
                  (true_of(doc, field, "ident") ? QUN_FIELD_IDENT : 0u);
      free(kind);
    }
  }
}

static void services_of(struct qun__fake_manifest *m, yaml_document_t *doc, const yaml_node_t *seq) {
  const yaml_node_t *n;
  for (size_t i = 0; (n = entry(doc, seq, i)); i++) {
    QUN__FAKE_GROW(m->services, m->services_count, m->services_cap);
    struct qun__fake_service *s = &m->services[m->services_count++];
    s->name = text_of(doc, n, "name");
    s->pure = true_of(doc, n, "pure");
    s->emits = true_of(doc, n, "emits");
  }
}

static void routes_of(struct qun__fake_manifest *m, yaml_document_t *doc, const yaml_node_t *seq) {
  const yaml_node_t *n;
  for (size_t i = 0; (n = entry(doc, seq, i)); i++) {
    QUN__FAKE_GROW(m->routes, m->routes_count, m->routes_cap);
    struct qun__fake_route *r = &m->routes[m->routes_count++];
    r->path = text_of(doc, n, "path");
    r->method = text_of(doc, n, "method");
    r->service = text_of(doc, n, "service");
    list_of(&r->headers, doc, child(doc, n, "headers"));
  }
}

static void intercept_of(struct qun__fake_manifest *m, yaml_document_t *doc, const yaml_node_t *seq) {
  const yaml_node_t *n;
  for (size_t i = 0; (n = entry(doc, seq, i)); i++) {
    QUN__FAKE_GROW(m->intercept, m->intercept_count, m->intercept_cap);
    struct qun__fake_intercept *to = &m->intercept[m->intercept_count++];
    char *seconds = text_of(doc, n, "deadline_s");
    to->via = text_of(doc, n, "via");
    to->otherwise = text_of(doc, n, "otherwise");
    to->deadline_ms = seconds ? strtoll(seconds, NULL, 10) * 1000 : 0;
    free(seconds);
  }
}

static void settings_of(struct qun__fake_manifest *m, yaml_document_t *doc, const yaml_node_t *seq) {
  const yaml_node_t *n;
  for (size_t i = 0; (n = entry(doc, seq, i)); i++) {
    QUN__FAKE_GROW(m->settings, m->settings_count, m->settings_cap);
    struct qun__fake_setting *s = &m->settings[m->settings_count++];
    s->name = text_of(doc, n, "name");
    s->kind = text_of(doc, n, "kind");
    s->fallback = text_of(doc, n, "default");
    s->min = text_of(doc, n, "min");
    s->max = text_of(doc, n, "max");
  }
}

static void fill(struct qun__fake_manifest *m, yaml_document_t *doc) {
  const yaml_node_t *root = yaml_document_get_root_node(doc);
  const yaml_node_t *events = child(doc, root, "events");
  m->id = text_of(doc, root, "id");
  m->version = text_of(doc, root, "version");
  m->library = text_of(doc, root, "library");
  list_of(&m->requires, doc, child(doc, root, "requires"));
  list_of(&m->personal, doc, child(doc, root, "personal"));
  list_of(&m->files, doc, child(doc, root, "files"));
  list_of(&m->locales, doc, child(doc, root, "locales"));
  list_of(&m->subscribe, doc, child(doc, events, "subscribe"));
  list_of(&m->emit, doc, child(doc, events, "emit"));
  types_of(m, doc, child(doc, events, "types"));
  services_of(m, doc, child(doc, root, "services"));
  intercept_of(m, doc, child(doc, root, "intercept"));
  routes_of(m, doc, child(doc, root, "routes"));
  settings_of(m, doc, child(doc, root, "settings"));
}

/* What the rest of the fake host relies on. */
static bool complete(const struct qun__fake_manifest *m, char *why, size_t cap) {
  const char *missing = !m->id ? "id" : !m->version ? "version" : !m->library ? "library" : NULL;
  for (size_t i = 0; i < m->services_count && !missing; i++)
    if (!m->services[i].name) missing = "services.name";
  for (size_t i = 0; i < m->intercept_count && !missing; i++)
    if (!m->intercept[i].via || !m->intercept[i].otherwise || m->intercept[i].deadline_ms < 1)
      missing = "intercept.via, .deadline_s or .otherwise";
  for (size_t i = 0; i < m->routes_count && !missing; i++)
    if (!m->routes[i].path || !m->routes[i].method || !m->routes[i].service)
      missing = "routes.path, .method or .service";
  for (size_t i = 0; i < m->settings_count && !missing; i++)
    if (!m->settings[i].name || !m->settings[i].kind) missing = "settings.name or .kind";
  for (size_t i = 0; i < m->types_count && !missing; i++) {
    if (!m->types[i].name) missing = "events.types.name";
    for (size_t k = 0; k < m->types[i].count && !missing; k++)
      if (!m->types[i].fields[k].name) missing = "events.types.fields.name";
  }
  if (missing) snprintf(why, cap, "plugin.yaml has no %s", missing);
  return !missing;
}

struct qun__fake_manifest *qun__fake_manifest_load(const char *dir, char *why, size_t cap) {
  char path[4096];
  yaml_parser_t parser;
  yaml_document_t doc;
  struct qun__fake_manifest *m = NULL;
  snprintf(path, sizeof path, "%s/plugin.yaml", dir);
  FILE *file = fopen(path, "rb");
  if (!file) {
    snprintf(why, cap, "%s cannot be opened", path);
    return NULL;
  }
  yaml_parser_initialize(&parser);
  yaml_parser_set_input_file(&parser, file);
  if (!yaml_parser_load(&parser, &doc)) {
    snprintf(why, cap, "%s:%zu: %s", path, parser.problem_mark.line + 1, parser.problem ? parser.problem : "no YAML");
    goto out;
  }
  m = qun__fake_alloc(sizeof *m);
  fill(m, &doc);
  yaml_document_delete(&doc);
  if (!complete(m, why, cap)) {
    qun__fake_manifest_free(m);
    m = NULL;
  }
out:
  yaml_parser_delete(&parser);
  fclose(file);
  return m;
}

static void list_free(struct qun__fake_list *l) {
  for (size_t i = 0; i < l->count; i++) free(l->at[i]);
  free(l->at);
}

void qun__fake_manifest_free(struct qun__fake_manifest *m) {
  if (!m) return;
  struct qun__fake_list *lists[] = {&m->requires, &m->subscribe, &m->emit, &m->files, &m->locales, &m->personal};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) list_free(lists[i]);
  for (size_t i = 0; i < m->services_count; i++) free(m->services[i].name);
  for (size_t i = 0; i < m->intercept_count; i++) free(m->intercept[i].via), free(m->intercept[i].otherwise);
  free(m->intercept);
  for (size_t i = 0; i < m->routes_count; i++) {
    struct qun__fake_route *r = &m->routes[i];
    free(r->path), free(r->method), free(r->service);
    list_free(&r->headers);
  }
  for (size_t i = 0; i < m->settings_count; i++) {
    struct qun__fake_setting *s = &m->settings[i];
    free(s->name), free(s->kind), free(s->fallback), free(s->min), free(s->max);
  }
  for (size_t i = 0; i < m->types_count; i++) {
    for (size_t k = 0; k < m->types[i].count; k++) free(m->types[i].fields[k].name);
    free(m->types[i].fields);
    free(m->types[i].name);
  }
  free(m->services), free(m->routes), free(m->settings), free(m->types);
  free(m->id), free(m->version), free(m->library);
  free(m);
}

bool qun__fake_list_has(const struct qun__fake_list *l, qun_slice text) {
  for (size_t i = 0; i < l->count; i++)
    if (qun_slice_is(text, l->at[i])) return true;
  return false;
}

const struct qun__fake_service *qun__fake_manifest_service(const struct qun__fake_manifest *m, qun_slice name) {
  for (size_t i = 0; m && i < m->services_count; i++)
    if (qun_slice_is(name, m->services[i].name)) return &m->services[i];
  return NULL;
}

static int number_pack(const struct qun__fake_setting *s, unsigned places, const char *text, struct qun_pack *out,
                       char *why, size_t cap) {
  int64_t v, bound;
  if (!qun_decimal_parse(qun_str(text), places, &v)) {
    snprintf(why, cap, "setting %s: \"%s\" is no %s", s->name, text,
             places ? "decimal with up to six places" : "integer");
    return QUN_EINVAL;
  }
  if ((s->min && qun_decimal_parse(qun_str(s->min), places, &bound) && v < bound) ||
      (s->max && qun_decimal_parse(qun_str(s->max), places, &bound) && v > bound)) {
    snprintf(why, cap, "setting %s: %s is not within %s..%s", s->name, text, s->min ? s->min : "",
             s->max ? s->max : "");
    return QUN_EINVAL;
  }
  qun_pack_int(out, v);
  return 0;
}

static void list_pack(const char *text, struct qun_pack *out) {
  size_t at = qun_pack_open_array(out);
  uint32_t n = 0;
  while (*text) {
    text += strspn(text, " ,");
    size_t len = strcspn(text, ",");
    size_t whole = len;
    while (len > 0 && text[len - 1] == ' ') len--;
    if (len > 0) {
      qun_pack_str(out, qun_slice_of(text, len));
      n++;
    }
    text += whole;
  }
  qun_pack_close(out, at, n);
}

int qun__fake_setting_pack(const struct qun__fake_setting *s, const char *text, struct qun_pack *out, char *why,
                           size_t cap) {
  if (strcmp(s->kind, "int") == 0 || strcmp(s->kind, "money") == 0) return number_pack(s, 0, text, out, why, cap);
  if (strcmp(s->kind, "ratio") == 0) return number_pack(s, 6, text, out, why, cap);
  if (strcmp(s->kind, "bool") == 0) {
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
      snprintf(why, cap, "setting %s: \"%s\" is neither true nor false", s->name, text);
      return QUN_EINVAL;
    }
    qun_pack_bool(out, text[0] == 't');
  } else if (strcmp(s->kind, "list") == 0) {
    list_pack(text, out);
  } else {
    qun_pack_cstr(out, text);
  }
  return 0;
}
