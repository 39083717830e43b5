/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.yaml as it is written: every scalar still a text, checked for shape alone. manifest.c makes a struct
 * qun_manifest of it.
 */
#ifndef QUN_HOST_PLUGINS_MANIFEST_YAML_H
#define QUN_HOST_PLUGINS_MANIFEST_YAML_H

#include "tenants/error.h"

#include <stdint.h>

struct qun__yaml_text {
  char *en, *zh;
};

struct qun__yaml_field {
  char *name, *kind, *required, *text, *ident, *unit, *doc;
};

struct qun__yaml_type {
  char *name, *doc, *governs, *operator, * host;
  struct qun__yaml_field *fields;
  uint32_t fields_count;
};

struct qun__yaml_service {
  char *name, *role, *pure, *emits;
  struct qun__yaml_text doc;
};

struct qun__yaml_route {
  char *path, *method, *service, *max_body;
  char **headers;
  uint32_t headers_count;
};

struct qun__yaml_intercept {
  char *via, *deadline_s, *otherwise;
};

struct qun__yaml_view {
  char *name;
  struct qun__yaml_text doc;
};

struct qun__yaml_setting {
  char *name, *kind, *unit, *fallback, *min, *max;
  struct qun__yaml_text doc;
};

struct qun__yaml_events {
  char **subscribe, **emit;
  struct qun__yaml_type *types;
  uint32_t subscribe_count, emit_count, types_count;
};

struct qun__yaml_limits {
  char *store_bytes, *callback_ms;
};

struct qun__yaml {
  char *id, *version, *abi, *library, *isolation;
  struct qun__yaml_text title, summary;
  char **after, **requires, **personal, **locales, **files;
  uint32_t after_count, requires_count, personal_count, locales_count, files_count;
  struct qun__yaml_events events;
  struct qun__yaml_service *services;
  struct qun__yaml_route *routes;
  struct qun__yaml_intercept *intercept;
  struct qun__yaml_view *views;
  struct qun__yaml_setting *settings;
  uint32_t services_count, routes_count, intercept_count, views_count, settings_count;
  struct qun__yaml_limits limits;
};

/* Reads a file of at most 1 MiB, and hashes the bytes that it read. QUN_ENOTFOUND; QUN_EINVAL: "<file>:<line>: <key>: ...". Blocking. */
int qun__yaml_read(struct qun__yaml **out, unsigned char sha256[32], const char *file, struct qun_error *err);
/* NULL is fine. */
void qun__yaml_free(struct qun__yaml *y);

/* Line (from 1) of the deepest part of `path` that the file has, such as "events.types[2].fields[0].kind"; 0: not a
 * YAML file. Blocking. */
unsigned qun__yaml_line(const char *file, const char *path);

#endif
