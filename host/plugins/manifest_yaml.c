/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/manifest_yaml.h"

#include "host/plugins/small_file.h"
#include "tenants/sha256.h"

#include <cyaml/cyaml.h>
#include <yaml.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 20, LIST_MAX = 4096, PATH_BYTES = 300 };

/* ---------------------------------------------------------------- schema */

#define MUST(key, type, member) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define MAY(key, type, member)                                                                                         \
  CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define MANY(key, type, member, entry)                                                                                 \
  CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 0, LIST_MAX)
#define TEXTS(key, type, member) CYAML_FIELD_MAPPING(key, CYAML_FLAG_DEFAULT, type, member, text_fields)

static const cyaml_schema_value_t string_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED)};

static const cyaml_schema_field_t text_fields[] = {MUST("en", struct qun__yaml_text, en),
                                                   MUST("zh", struct qun__yaml_text, zh), CYAML_FIELD_END};

static const cyaml_schema_field_t field_fields[] = {
    MUST("name", struct qun__yaml_field, name),        MUST("kind", struct qun__yaml_field, kind),
    MAY("required", struct qun__yaml_field, required), MAY("text", struct qun__yaml_field, text),
    MAY("ident", struct qun__yaml_field, ident),       MAY("unit", struct qun__yaml_field, unit),
    MAY("doc", struct qun__yaml_field, doc),           CYAML_FIELD_END};
static const cyaml_schema_value_t field_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qun__yaml_field, field_fields)};

static const cyaml_schema_field_t type_fields[] = {MUST("name", struct qun__yaml_type, name),
                                                   MUST("doc", struct qun__yaml_type, doc),
                                                   MAY("governs", struct qun__yaml_type, governs),
                                                   MAY("operator", struct qun__yaml_type, operator),
                                                   MAY("host", struct qun__yaml_type, host),
                                                   MANY("fields", struct qun__yaml_type, fields, &field_entry),
                                                   CYAML_FIELD_END};
static const cyaml_schema_value_t type_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qun__yaml_type, type_fields)};

static const cyaml_schema_field_t events_fields[] = {MANY("subscribe", struct qun__yaml_events, subscribe,
                                                          &string_entry),
                                                     MANY("emit", struct qun__yaml_events, emit, &string_entry),
                                                     MANY("types", struct qun__yaml_events, types, &type_entry),
                                                     CYAML_FIELD_END};

static const cyaml_schema_field_t service_fields[] = {MUST("name", struct qun__yaml_service, name),
                                                      MUST("role", struct qun__yaml_service, role),
                                                      MAY("pure", struct qun__yaml_service, pure),
                                                      MAY("emits", struct qun__yaml_service, emits),
                                                      TEXTS("doc", struct qun__yaml_service, doc),
                                                      CYAML_FIELD_END};
static const cyaml_schema_value_t service_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qun__yaml_service, service_fields)};

static const cyaml_schema_field_t route_fields[] = {MUST("path", struct qun__yaml_route, path),
                                                    MUST("method", struct qun__yaml_route, method),
                                                    MUST("service", struct qun__yaml_route, service),
                                                    MANY("headers", struct qun__yaml_route, headers, &string_entry),
                                                    MAY("max_body", struct qun__yaml_route, max_body),
                                                    CYAML_FIELD_END};
static const cyaml_schema_value_t route_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qun__yaml_route, route_fields)};

static const cyaml_schema_field_t intercept_fields[] = {MUST("via", struct qun__yaml_intercept, via),
                                                        MUST("deadline_s", struct qun__yaml_intercept, deadline_s),
                                                        MUST("otherwise", struct qun__yaml_intercept, otherwise),
                                                        CYAML_FIELD_END};
static const cyaml_schema_value_t intercept_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qun__yaml_intercept, intercept_fields)};

static const cyaml_schema_field_t view_fields[] = {MUST("name", struct qun__yaml_view, name),
                                                   TEXTS("doc", struct qun__yaml_view, doc), CYAML_FIELD_END};
static const cyaml_schema_value_t view_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qun__yaml_view, view_fields)};

static const cyaml_schema_field_t setting_fields[] = {
    MUST("name", struct qun__yaml_setting, name), MUST("kind", struct qun__yaml_setting, kind),
    MAY("unit", struct qun__yaml_setting, unit),  MAY("default", struct qun__yaml_setting, fallback),
    MAY("min", struct qun__yaml_setting, min),    MAY("max", struct qun__yaml_setting, max),
    TEXTS("doc", struct qun__yaml_setting, doc),  CYAML_FIELD_END};
static const cyaml_schema_value_t setting_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qun__yaml_setting, setting_fields)};

static const cyaml_schema_field_t limits_fields[] = {MAY("store_bytes", struct qun__yaml_limits, store_bytes),
                                                     MAY("callback_ms", struct qun__yaml_limits, callback_ms),
                                                     CYAML_FIELD_END};

static const cyaml_schema_field_t top_fields[] = {MUST("id", struct qun__yaml, id),
                                                  MUST("version", struct qun__yaml, version),
                                                  MUST("abi", struct qun__yaml, abi),
                                                  MUST("library", struct qun__yaml, library),
                                                  MAY("isolation", struct qun__yaml, isolation),
                                                  TEXTS("title", struct qun__yaml, title),
                                                  TEXTS("summary", struct qun__yaml, summary),
                                                  MANY("after", struct qun__yaml, after, &string_entry),
                                                  MANY("requires", struct qun__yaml, requires, &string_entry),
                                                  MANY("personal", struct qun__yaml, personal, &string_entry),
                                                  CYAML_FIELD_MAPPING("events", CYAML_FLAG_OPTIONAL, struct qun__yaml,
                                                                      events, events_fields),
                                                  MANY("services", struct qun__yaml, services, &service_entry),
                                                  MANY("routes", struct qun__yaml, routes, &route_entry),
                                                  MANY("intercept", struct qun__yaml, intercept, &intercept_entry),
                                                  MANY("views", struct qun__yaml, views, &view_entry),
                                                  MANY("settings", struct qun__yaml, settings, &setting_entry),
                                                  MANY("locales", struct qun__yaml, locales, &string_entry),
                                                  MANY("files", struct qun__yaml, files, &string_entry),
                                                  CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct qun__yaml,
                                                                      limits, limits_fields),
                                                  CYAML_FIELD_END};
static const cyaml_schema_value_t top = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct qun__yaml, top_fields)};

/* ---------------------------------------------------------------- what libcyaml says */

/* Its first complaint, and the key that its backtrace leads to. */
struct complaint {
  char sentence[200];
  char path[PATH_BYTES];
  bool inside_field; /* the innermost step of the backtrace is a field */
  unsigned steps;
};

static void path_prepend(struct complaint *c, const char *step) {
  char path[PATH_BYTES];
  const char *dot = c->path[0] && c->path[0] != '[' ? "." : "";
  int n = snprintf(path, sizeof path, "%s%s%s", step, dot, c->path);
  if (n > 0 && n < (int)sizeof path) memcpy(c->path, path, (size_t)n + 1);
}

static void on_backtrace(struct complaint *c, const char *line) {
  char name[100], step[120];
  unsigned nth;
  if (sscanf(line, " in mapping field '%99[^']'", name) == 1) {
    if (c->steps == 0) c->inside_field = true;
    path_prepend(c, name);
  } else if (sscanf(line, " in sequence entry '%u'", &nth) == 1) {
    snprintf(step, sizeof step, "[%u]", nth ? nth - 1 : 0);
    path_prepend(c, step);
  }
  c->steps++;
}

__attribute__((format(printf, 3, 0))) static void on_log(cyaml_log_t level, void *ctx, const char *format,
                                                         va_list args) {
  struct complaint *c = ctx;
  char line[300];
  (void)level;
  vsnprintf(line, sizeof line, format, args);
  line[strcspn(line, "\n")] = 0;
  const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
  if (strncmp(text, "Backtrace", 9) == 0) return;
  if (text[0] == ' ')
    on_backtrace(c, text);
  else if (!c->sentence[0])
    snprintf(c->sentence, sizeof c->sentence, "%.199s", text);
}

/* Turns a complaint about a member of a mapping into the path and sentence a person needs. */
static void complaint_clear_up(struct complaint *c) {
  char key[100];
  if (sscanf(c->sentence, "Unexpected key: %99s", key) == 1) {
    size_t n = strlen(c->path);
    snprintf(c->path + n, sizeof c->path - n, "%s%s", n ? "." : "", key);
    snprintf(c->sentence, sizeof c->sentence, "there is no such key");
  } else if (sscanf(c->sentence, "Missing required mapping field: %99s", key) == 1) {
    char *dot = strrchr(c->path, '.');
    if (c->inside_field) *(dot ? dot : c->path) = 0;
    snprintf(c->sentence, sizeof c->sentence, "%s is missing", key);
  }
}

static int complain(const char *file, struct complaint *c, struct qun_error *err) {
  complaint_clear_up(c);
  unsigned line = qun__yaml_line(file, c->path);
  char place[20] = "";
  if (line) snprintf(place, sizeof place, ":%u", line);
  return qun_error_set(err, QUN_EINVAL, "%s%s: %s%s%s", file, place, c->path, c->path[0] ? ": " : "", c->sentence);
}

static const cyaml_config_t plain_config = {.log_fn = on_log,
                                            .mem_fn = cyaml_mem,
                                            .log_level = CYAML_LOG_WARNING,
                                            .flags = CYAML_CFG_NO_ALIAS};

int qun__yaml_read(struct qun__yaml **out, unsigned char sha256[32], const char *file, struct qun_error *err) {
  struct complaint c = {.sentence = ""};
  cyaml_config_t config = plain_config;
  struct qun__yaml *y = NULL;
  struct qun_pack bytes;
  config.log_ctx = &c;
  qun_pack_init(&bytes);
  int code = qun__small_file_read(&bytes, file, FILE_MAX_BYTES, err);
  if (code == 0) {
    qun_sha256_of(qun_pack_slice(&bytes), sha256);
    cyaml_err_t rc = cyaml_load_data(bytes.buf, bytes.len, &config, &top, (cyaml_data_t **)&y, NULL);
    if (rc == CYAML_OK && !y) snprintf(c.sentence, sizeof c.sentence, "is empty");
    if (rc != CYAML_OK && !c.sentence[0]) snprintf(c.sentence, sizeof c.sentence, "%.150s", cyaml_strerror(rc));
    if (c.sentence[0]) {
      qun__yaml_free(y);
      code = complain(file, &c, err);
    }
  }
  qun_pack_fini(&bytes);
  if (code == 0) *out = y;
  return code;
}

void qun__yaml_free(struct qun__yaml *y) {
  struct complaint c = {.sentence = ""};
  cyaml_config_t config = plain_config;
  config.log_ctx = &c;
  if (y) cyaml_free(&config, &top, y, 0);
}

/* ---------------------------------------------------------------- lines */

/* One step down: the child, and the node whose line stands for it (a key, or a sequence's entry). */
static yaml_node_t *step_down(yaml_document_t *doc, const yaml_node_t *at, const char *name, size_t len,
                              const yaml_node_t **mark) {
  if (at->type == YAML_SEQUENCE_NODE && name[0] == '[') {
    unsigned nth = 0;
    const yaml_node_item_t *items = at->data.sequence.items.start;
    if (sscanf(name, "[%u]", &nth) != 1 || nth >= (size_t)(at->data.sequence.items.top - items)) return NULL;
    yaml_node_t *child = yaml_document_get_node(doc, items[nth]);
    *mark = child;
    return child;
  }
  if (at->type != YAML_MAPPING_NODE) return NULL;
  yaml_node_t *child = NULL; /* of a key that is there twice the last, which is what libcyaml complains about */
  for (const yaml_node_pair_t *p = at->data.mapping.pairs.start; p < at->data.mapping.pairs.top; p++) {
    const yaml_node_t *key = yaml_document_get_node(doc, p->key);
    if (key->type != YAML_SCALAR_NODE || key->data.scalar.length != len ||
        memcmp(key->data.scalar.value, name, len) != 0)
      continue;
    *mark = key;
    child = yaml_document_get_node(doc, p->value);
  }
  return child;
}

static unsigned line_in(yaml_document_t *doc, const char *path) {
  const yaml_node_t *at = yaml_document_get_root_node(doc);
  const yaml_node_t *mark = at;
  while (at && *path) {
    size_t len = *path == '[' ? strcspn(path, "]") + 1 : strcspn(path, ".[");
    at = step_down(doc, at, path, len, &mark);
    path += strnlen(path, len);
    if (*path == '.') path++;
  }
  return mark ? (unsigned)mark->start_mark.line + 1 : 1;
}

unsigned qun__yaml_line(const char *file, const char *path) {
  yaml_parser_t parser;
  yaml_document_t doc;
  unsigned line = 0;
  FILE *in = fopen(file, "rb");
  if (!in) return 0;
  if (!yaml_parser_initialize(&parser)) goto out;
  yaml_parser_set_input_file(&parser, in);
  if (yaml_parser_load(&parser, &doc)) {
    line = line_in(&doc, path);
    yaml_document_delete(&doc);
  } else {
    line = (unsigned)parser.problem_mark.line + 1;
  }
  yaml_parser_delete(&parser);
out:
  fclose(in);
  return line;
}
