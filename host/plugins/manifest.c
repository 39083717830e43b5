/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/manifest.h"
#include "host/plugins/manifest_check.h"
#include "host/plugins/manifest_yaml.h"
#include "tenants/arena.h"

#include <qun/decimal.h>
#include <qun/msgpack.h>

#include <stdarg.h>
#include <stdio.h>

enum { CALLBACK_MS_MAX = 3600000 };

/* What qun_manifest_destroy frees. */
struct owner {
  struct qun__yaml *yaml;
  struct qun_arena arena;
  struct qun_manifest manifest;
};

/* A manifest on its way from text. The first refusal counts. */
struct maker {
  struct owner *owner;
  struct qun_manifest *m;
  const char *file;
  struct qun_error *err;
  int code;
};

/* Refuses at a path such as "settings[2].min". */
static void refuse(struct maker *k, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void refuse(struct maker *k, const char *path, const char *format, ...) {
  char sentence[300], place[20] = "";
  va_list args;
  if (k->code) return;
  va_start(args, format);
  vsnprintf(sentence, sizeof sentence, format, args);
  va_end(args);
  unsigned line = qun__yaml_line(k->file, path);
  if (line) snprintf(place, sizeof place, ":%u", line);
  k->code = qun_error_set(k->err, QUN_EINVAL, "%s%s: %s: %s", k->file, place, path, sentence);
}

static void *room(struct maker *k, uint32_t count, size_t size) {
  if (count == 0 || k->code) return NULL;
  void *p = qun_arena_alloc(&k->owner->arena, count * size);
  if (p)
    memset(p, 0, count * size);
  else
    k->code = qun_error_set(k->err, QUN_EFAIL, "%s: out of memory", k->file);
  return p;
}

/* "settings[2].min" */
static const char *path_of(char out[128], const char *list, uint32_t nth, const char *key) {
  snprintf(out, 128, "%s[%u]%s%s", list, nth, *key ? "." : "", key);
  return out;
}

static bool flag(struct maker *k, const char *path, const char *text) {
  if (!text || strcmp(text, "false") == 0) return false;
  if (strcmp(text, "true") != 0) refuse(k, path, "\"%.60s\" must be true or false", text);
  return true;
}

static struct qun_text words(struct qun__yaml_text t) {
  return (struct qun_text){.en = t.en, .zh = t.zh};
}

/* ---------------------------------------------------------------- lists of texts */

static const char **texts(struct maker *k, char **from, uint32_t count, const char *key, uint32_t *out_count,
                          const char *(*wrong)(const char *text)) {
  const char **to = room(k, count, sizeof *to);
  char path[128];
  for (uint32_t i = 0; to && i < count; i++) {
    const char *why = wrong(from[i]);
    to[i] = from[i];
    if (why) refuse(k, path_of(path, key, i, ""), "\"%.80s\" %s", from[i], why);
    for (uint32_t j = 0; j < i; j++)
      if (strcmp(from[i], from[j]) == 0) refuse(k, path_of(path, key, i, ""), "\"%.80s\" stands there twice", from[i]);
  }
  *out_count = to ? count : 0;
  return to;
}

static void packaged(struct maker *k, const char *dir, const char *key, const char **files, uint32_t count) {
  char path[128];
  for (uint32_t i = 0; i < count && !k->code; i++)
    if (!qun__is_packaged(dir, files[i]))
      refuse(k, path_of(path, key, i, ""), "%.80s is not a file of the package", files[i]);
}

/* ---------------------------------------------------------------- events */

static void make_field(struct maker *k, const char *at, const struct qun__yaml_field *from,
                       struct qun_manifest_field *to) {
  char path[128];
#define AT(key) (snprintf(path, sizeof path, "%s." key, at), path)
  to->name = from->name;
  to->unit = from->unit ? from->unit : "";
  to->doc = from->doc ? from->doc : "";
  to->kind = qun__field_kind(from->kind);
  if (!qun__is_name(from->name, 64))
    refuse(k, AT("name"), "\"%.60s\" must be lower case letters, digits and _", from->name);
  if (!to->kind) refuse(k, AT("kind"), "\"%.60s\" must be str, int, bool, time, member, list or map", from->kind);
  if (flag(k, AT("required"), from->required)) to->flags |= QUN_FIELD_REQ;
  if (flag(k, AT("text"), from->text)) to->flags |= QUN_FIELD_TEXT;
  if (flag(k, AT("ident"), from->ident)) to->flags |= QUN_FIELD_IDENT;
  if ((to->flags & QUN_FIELD_TEXT) && to->kind != QUN_FIELD_STR)
    refuse(k, AT("text"), "only a str can be text that a person wrote");
  if ((to->flags & QUN_FIELD_IDENT) && to->kind != QUN_FIELD_STR)
    refuse(k, AT("ident"), "only a str can identify a person");
#undef AT
}

static void make_type(struct maker *k, uint32_t nth, const struct qun__yaml_type *from, struct qun_manifest_type *to) {
  char path[128];
  size_t id = strlen(k->m->id);
  to->name = from->name;
  to->doc = from->doc;
  if (strncmp(from->name, k->m->id, id) != 0 || from->name[id] != '.' || !qun__is_type_name(from->name))
    refuse(k, path_of(path, "events.types", nth, "name"), "\"%.80s\" must be %s.<what> in lower case", from->name,
           k->m->id);
  if (flag(k, path_of(path, "events.types", nth, "governs"), from->governs)) to->flags |= QUN_TYPE_GOVERNS;
  if (flag(k, path_of(path, "events.types", nth, "operator"), from->operator)) to->flags |= QUN_TYPE_OPERATOR;
  if (flag(k, path_of(path, "events.types", nth, "host"), from->host)) to->flags |= QUN_TYPE_HOST;
  to->fields = room(k, from->fields_count, sizeof *to->fields);
  to->fields_count = to->fields ? from->fields_count : 0;
  for (uint32_t i = 0; i < to->fields_count; i++) {
    snprintf(path, sizeof path, "events.types[%u].fields[%u]", nth, i);
    make_field(k, path, &from->fields[i], &to->fields[i]);
    for (uint32_t j = 0; j < i; j++)
      if (strcmp(to->fields[j].name, to->fields[i].name) == 0)
        refuse(k, path, "there are two fields %s", to->fields[i].name);
  }
}

static bool own_type(const struct qun_manifest *m, const char *name) {
  for (uint32_t i = 0; i < m->types_count; i++)
    if (strcmp(m->types[i].name, name) == 0) return true;
  return false;
}

/* What a plugin emits is its own, or a core type that is not the host's alone. */
static void check_emit(struct maker *k) {
  char path[128];
  uint32_t flags;
  for (uint32_t i = 0; i < k->m->emit_count; i++) {
    const char *name = k->m->emit[i];
    if (own_type(k->m, name)) continue;
    path_of(path, "events.emit", i, "");
    if (!qun__core_type(name, &flags))
      refuse(k, path, "%.80s is neither a type of this plugin nor of the core vocabulary", name);
    else if (flags & QUN_TYPE_HOST)
      refuse(k, path, "only the host writes %.80s", name);
  }
}

static void make_events(struct maker *k) {
  const struct qun__yaml_events *from = &k->owner->yaml->events;
  struct qun_manifest *m = k->m;
  char path[128];
  m->types = room(k, from->types_count, sizeof *m->types);
  m->types_count = m->types ? from->types_count : 0;
  for (uint32_t i = 0; i < m->types_count; i++) {
    make_type(k, i, &from->types[i], &m->types[i]);
    for (uint32_t j = 0; j < i; j++)
      if (strcmp(m->types[j].name, m->types[i].name) == 0)
        refuse(k, path_of(path, "events.types", i, "name"), "there are two types %s", m->types[i].name);
  }
  m->subscribe = texts(k, from->subscribe, from->subscribe_count, "events.subscribe", &m->subscribe_count,
                       qun__wrong_subscription);
  m->emit = texts(k, from->emit, from->emit_count, "events.emit", &m->emit_count, qun__wrong_type);
  check_emit(k);
}

/* ---------------------------------------------------------------- services, views */

static void make_service(struct maker *k, uint32_t nth, const struct qun__yaml_service *from,
                         struct qun_manifest_service *to) {
  char path[128];
  size_t id = strlen(k->m->id);
  to->name = from->name;
  to->role = from->role;
  to->doc = words(from->doc);
  to->pure = flag(k, path_of(path, "services", nth, "pure"), from->pure);
  to->emits = flag(k, path_of(path, "services", nth, "emits"), from->emits);
  if (strncmp(from->name, k->m->id, id) != 0 || from->name[id] != '.' || !qun__is_type_name(from->name))
    refuse(k, path_of(path, "services", nth, "name"), "\"%.80s\" must be %s.<verb> in lower case", from->name,
           k->m->id);
  if (!qun__is_role(from->role))
    refuse(k, path_of(path, "services", nth, "role"), "\"%.60s\" must be auditor, operator, owner, agency or plugin",
           from->role);
  if (to->pure && to->emits) refuse(k, path_of(path, "services", nth, "emits"), "a pure service appends nothing");
  for (uint32_t j = 0; j < nth; j++)
    if (strcmp(k->m->services[j].name, to->name) == 0)
      refuse(k, path_of(path, "services", nth, "name"), "there are two services %s", to->name);
}

static void make_services(struct maker *k) {
  const struct qun__yaml *y = k->owner->yaml;
  struct qun_manifest *m = k->m;
  bool report = false;
  char path[128], name[64];
  snprintf(name, sizeof name, "%s.report", m->id);
  m->services = room(k, y->services_count, sizeof *m->services);
  m->services_count = m->services ? y->services_count : 0;
  for (uint32_t i = 0; i < m->services_count; i++) {
    make_service(k, i, &y->services[i], &m->services[i]);
    report = report || strcmp(m->services[i].name, name) == 0;
  }
  m->views = room(k, y->views_count, sizeof *m->views);
  m->views_count = m->views ? y->views_count : 0;
  if (m->views_count && !report) refuse(k, "views", "views need a service %s", name);
  for (uint32_t i = 0; i < m->views_count; i++) {
    m->views[i] = (struct qun_manifest_view){.name = y->views[i].name, .doc = words(y->views[i].doc)};
    if (!qun__is_name(m->views[i].name, 64))
      refuse(k, path_of(path, "views", i, "name"), "\"%.60s\" must be lower case letters, digits, - and _",
             m->views[i].name);
    for (uint32_t j = 0; j < i; j++)
      if (strcmp(m->views[j].name, m->views[i].name) == 0)
        refuse(k, path_of(path, "views", i, "name"), "there are two views %s", m->views[i].name);
  }
}

/* ---------------------------------------------------------------- settings */

static bool counts(enum qun_setting_kind kind) {
  return kind == QUN_SETTING_INT || kind == QUN_SETTING_RATIO || kind == QUN_SETTING_MONEY;
}

static bool make_bound(struct maker *k, const char *path, const struct qun_setting *s, const char *text, int64_t *v) {
  if (!text) return false;
  if (!counts(s->kind))
    refuse(k, path, "only int, ratio and money have bounds");
  else if (!qun_decimal_parse(qun_str(text), s->kind == QUN_SETTING_RATIO ? 6 : 0, v))
    refuse(k, path, "\"%.60s\" is no number of this kind", text);
  return true;
}

static void make_setting(struct maker *k, uint32_t nth, const struct qun__yaml_setting *from, struct qun_setting *to) {
  char path[128];
  struct qun_error why;
  struct qun_pack scratch;
  to->name = from->name;
  to->unit = from->unit;
  to->doc = words(from->doc);
  to->kind = qun__setting_kind(from->kind);
  to->fallback = from->fallback ? from->fallback : "";
  if (!qun__is_name(from->name, 64))
    refuse(k, path_of(path, "settings", nth, "name"), "\"%.60s\" must be lower case letters, digits and _", from->name);
  if (!to->kind) {
    refuse(k, path_of(path, "settings", nth, "kind"), "\"%.60s\" must be int, ratio, money, bool, string or list",
           from->kind);
    return;
  }
  to->has_min = make_bound(k, path_of(path, "settings", nth, "min"), to, from->min, &to->min);
  to->has_max = make_bound(k, path_of(path, "settings", nth, "max"), to, from->max, &to->max);
  if (to->has_min && to->has_max && to->min > to->max) refuse(k, path, "max is less than min");
  if (!from->fallback && to->kind != QUN_SETTING_STRING && to->kind != QUN_SETTING_LIST)
    refuse(k, path_of(path, "settings", nth, ""), "%s has no default", to->name);
  qun_pack_init(&scratch);
  if (!k->code && qun_setting_parse(to, to->fallback, &scratch, &why))
    refuse(k, path_of(path, "settings", nth, "default"), "%.200s", why.message);
  qun_pack_fini(&scratch);
  for (uint32_t j = 0; j < nth; j++)
    if (strcmp(k->m->settings[j].name, to->name) == 0)
      refuse(k, path_of(path, "settings", nth, "name"), "there are two settings %s", to->name);
}

static void make_settings(struct maker *k) {
  const struct qun__yaml *y = k->owner->yaml;
  k->m->settings = room(k, y->settings_count, sizeof *k->m->settings);
  k->m->settings_count = k->m->settings ? y->settings_count : 0;
  for (uint32_t i = 0; i < k->m->settings_count; i++) make_setting(k, i, &y->settings[i], &k->m->settings[i]);
}

/* ---------------------------------------------------------------- what services ask of a manifest */

static bool requires(const struct qun_manifest *m, const char *service) {
  for (uint32_t i = 0; i < m->requires_count; i++)
    if (strcmp(m->requires[i], service) == 0) return true;
  return false;
}

/* The owner approves hosts by a setting that is empty until then. */
static void check_http_hosts(struct maker *k) {
  const struct qun_setting *s = NULL;
  if (!requires(k->m, QUN_HTTP_CLIENT_1)) return;
  for (uint32_t i = 0; i < k->m->settings_count; i++)
    if (strcmp(k->m->settings[i].name, "http_hosts") == 0) s = &k->m->settings[i];
  if (!s || s->kind != QUN_SETTING_LIST || s->fallback[0])
    refuse(
        k, "settings",
        "%s needs a setting http_hosts of kind list whose default is empty: the tenant's owner approves hosts with it",
        QUN_HTTP_CLIENT_1);
}

static void make_intercept(struct maker *k) {
  const struct qun__yaml *y = k->owner->yaml;
  struct qun_manifest *m = k->m;
  bool hears = false;
  char path[128];
  int64_t n = 0;
  m->intercept = room(k, y->intercept_count, sizeof *m->intercept);
  m->intercept_count = m->intercept ? y->intercept_count : 0;
  for (uint32_t i = 0; i < m->intercept_count; i++) {
    const struct qun__yaml_intercept *from = &y->intercept[i];
    if (!qun__is_name(from->via, 32))
      refuse(k, path_of(path, "intercept", i, "via"), "\"%.60s\" must be a kind of delivery such as webhook",
             from->via);
    if (!qun_decimal_parse(qun_str(from->deadline_s), 0, &n) || n < 1 || n > 604800)
      refuse(k, path_of(path, "intercept", i, "deadline_s"), "\"%.60s\" must be 1 to 604800 seconds", from->deadline_s);
    m->intercept[i] = (struct qun_manifest_intercept){.via = from->via,
                                                      .deadline_ms = n * 1000,
                                                      .open = strcmp(from->otherwise, "release") == 0};
    if (!m->intercept[i].open && strcmp(from->otherwise, "block") != 0)
      refuse(k, path_of(path, "intercept", i, "otherwise"), "\"%.60s\" must be release or block", from->otherwise);
  }
  for (uint32_t i = 0; i < m->subscribe_count; i++) hears = hears || strcmp(m->subscribe[i], "intercept.asked") == 0;
  if (m->intercept_count && !(hears && requires(m, QUN_INTERCEPT_1)))
    refuse(k, "intercept", "who intercepts requires %s and subscribes to intercept.asked", QUN_INTERCEPT_1);
}

/* ---------------------------------------------------------------- routes */

static const struct qun_manifest_service *service_of(const struct qun_manifest *m, const char *name) {
  for (uint32_t i = 0; i < m->services_count; i++)
    if (strcmp(m->services[i].name, name) == 0) return &m->services[i];
  return NULL;
}

static void make_route(struct maker *k, uint32_t nth, const struct qun__yaml_route *from,
                       struct qun_manifest_route *to) {
  char path[128];
  int64_t n = QUN_ROUTE_BODY;
  const char *why = qun__wrong_route(from->path);
  to->path = from->path;
  to->method = from->method;
  to->service = service_of(k->m, from->service);
  if (why) refuse(k, path_of(path, "routes", nth, "path"), "\"%.80s\" %s", from->path, why);
  if (!qun__is_route_method(from->method))
    refuse(k, path_of(path, "routes", nth, "method"), "\"%.60s\" must be GET, POST, PUT or DELETE", from->method);
  if (!to->service)
    refuse(k, path_of(path, "routes", nth, "service"), "%.80s is no service of this plugin", from->service);
  else if (to->service->pure || strcmp(to->service->role, "plugin") == 0)
    refuse(k, path_of(path, "routes", nth, "service"), "%.80s is pure or for plugins alone: no route leads there",
           from->service);
  if (from->max_body && (!qun_decimal_parse(qun_str(from->max_body), 0, &n) || n < 0 || n > QUN_ROUTE_BODY_MAX))
    refuse(k, path_of(path, "routes", nth, "max_body"), "\"%.60s\" must be a number of bytes, at most %d",
           from->max_body, QUN_ROUTE_BODY_MAX);
  to->max_body = (uint32_t)n;
  snprintf(path, sizeof path, "routes[%u].headers", nth);
  to->headers = texts(k, from->headers, from->headers_count, path, &to->headers_count, qun__wrong_header);
  for (uint32_t j = 0; j < nth; j++)
    if (strcmp(k->m->routes[j].path, to->path) == 0 && strcmp(k->m->routes[j].method, to->method) == 0)
      refuse(k, path_of(path, "routes", nth, "path"), "there are two routes %s %.80s", to->method, to->path);
}

static void make_routes(struct maker *k) {
  const struct qun__yaml *y = k->owner->yaml;
  struct qun_manifest *m = k->m;
  m->routes = room(k, y->routes_count, sizeof *m->routes);
  m->routes_count = m->routes ? y->routes_count : 0;
  for (uint32_t i = 0; i < m->routes_count; i++) make_route(k, i, &y->routes[i], &m->routes[i]);
  if (m->routes_count && !requires(m, QUN_HTTP_1)) refuse(k, "routes", "routes need %s under `requires`", QUN_HTTP_1);
}

/* ---------------------------------------------------------------- the whole */

static void make_head(struct maker *k) {
  const struct qun__yaml *y = k->owner->yaml;
  struct qun_manifest *m = k->m;
  int64_t n = 0;
  m->id = y->id;
  m->version = y->version;
  m->library = y->library;
  m->title = words(y->title);
  m->summary = words(y->summary);
  m->isolation = y->isolation ? y->isolation : "any";
  if (!qun__is_name(m->id, 31))
    refuse(k, "id", "\"%.60s\" must be up to 31 lower case letters, digits, - and _", m->id);
  if (!qun__is_version(m->version)) refuse(k, "version", "\"%.60s\" must be three numbers such as 1.0.0", m->version);
  if (!qun_decimal_parse(qun_str(y->abi), 0, &n) || n < 1 || n > 1000)
    refuse(k, "abi", "\"%.60s\" must be a number, now 1", y->abi);
  if (!qun__is_library(m->library))
    refuse(k, "library", "\"%.60s\" must be the name of a .so file in the package", m->library);
  if (!qun__is_isolation(m->isolation))
    refuse(k, "isolation", "\"%.60s\" must be any, in-process or isolated", m->isolation);
  m->abi = (int)n;
  n = 0;
  if (y->limits.store_bytes && (!qun_decimal_parse(qun_str(y->limits.store_bytes), 0, &n) || n < 0))
    refuse(k, "limits.store_bytes", "\"%.60s\" must be a number of bytes", y->limits.store_bytes);
  m->store_bytes = (uint64_t)n;
  n = 0;
  if (y->limits.callback_ms &&
      (!qun_decimal_parse(qun_str(y->limits.callback_ms), 0, &n) || n < 1 || n > CALLBACK_MS_MAX))
    refuse(k, "limits.callback_ms", "\"%.60s\" must be 1 to %d milliseconds", y->limits.callback_ms, CALLBACK_MS_MAX);
  m->callback_ms = (uint32_t)n;
}

static void make_lists(struct maker *k, const char *dir) {
  const struct qun__yaml *y = k->owner->yaml;
  struct qun_manifest *m = k->m;
  uint32_t personal = 0;
  m->after = texts(k, y->after, y->after_count, "after", &m->after_count, qun__wrong_id);
  m->requires = texts(k, y->requires, y->requires_count, "requires", &m->requires_count, qun__wrong_service_id);
  texts(k, y->personal, y->personal_count, "personal", &personal, qun__wrong_personal);
  m->personal_text = personal > 0;
  m->locales = texts(k, y->locales, y->locales_count, "locales", &m->locales_count, qun__wrong_locale);
  m->files = texts(k, y->files, y->files_count, "files", &m->files_count, qun__wrong_path);
  packaged(k, dir, "locales", m->locales, m->locales_count);
  packaged(k, dir, "files", m->files, m->files_count);
  for (uint32_t i = 0; i < m->after_count; i++)
    if (strcmp(m->after[i], m->id) == 0) refuse(k, "after", "%s cannot come after itself", m->id);
}

int qun_manifest_load(struct qun_manifest **out, const char *dir, struct qun_error *err) {
  char file[4096];
  if (snprintf(file, sizeof file, "%s/plugin.yaml", dir) >= (int)sizeof file)
    return qun_error_set(err, QUN_EINVAL, "%.200s...: the path is too long", dir);
  struct owner *owner = calloc(1, sizeof *owner);
  if (!owner) return qun_error_set(err, QUN_EFAIL, "%s: out of memory", file);
  struct maker k = {.owner = owner, .m = &owner->manifest, .file = file, .err = err};
  qun_arena_init(&owner->arena);
  owner->manifest.owner = owner;
  k.code = qun__yaml_read(&owner->yaml, owner->manifest.sha256, file, err);
  if (!k.code) make_head(&k);
  if (!k.code) make_lists(&k, dir);
  if (!k.code) make_events(&k);
  if (!k.code) make_services(&k);
  if (!k.code) make_routes(&k);
  if (!k.code) make_intercept(&k);
  if (!k.code) make_settings(&k);
  if (!k.code) check_http_hosts(&k);
  if (k.code)
    qun_manifest_destroy(&owner->manifest);
  else
    *out = &owner->manifest;
  return k.code;
}

void qun_manifest_destroy(struct qun_manifest *m) {
  if (!m) return;
  struct owner *owner = m->owner;
  qun__yaml_free(owner->yaml);
  qun_arena_fini(&owner->arena);
  free(owner);
}
