/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/endpoints.h"

#include "host/delivery/private_file.h"
#include "tenants/base64.h"
#include "tenants/key_file.h"

#include <cyaml/cyaml.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_LEAST = 24 };

/* ---- endpoints.yaml */

struct yaml_endpoint {
  char *name, *url, *secret;
};

struct yaml_file {
  struct yaml_endpoint *endpoints;
  uint32_t endpoints_count;
};

static const cyaml_schema_field_t endpoint_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct yaml_endpoint, name, 1, 200),
    CYAML_FIELD_STRING_PTR("url", CYAML_FLAG_POINTER, struct yaml_endpoint, url, 8, QUN_ENDPOINT_URL_SIZE - 1),
    CYAML_FIELD_STRING_PTR("secret", CYAML_FLAG_POINTER, struct yaml_endpoint, secret, 6, 100),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t endpoint_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_endpoint, endpoint_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE("endpoints", CYAML_FLAG_POINTER, struct yaml_file, endpoints, &endpoint_value, 0,
                         CYAML_UNLIMITED),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_file, file_fields)};

static int take(struct qun_endpoint *out, const struct yaml_endpoint *from, struct qun_error *err) {
  static const char prefix[] = "whsec_";
  size_t len = 0;
  snprintf(out->name, sizeof out->name, "%s", from->name);
  snprintf(out->url, sizeof out->url, "%s", from->url);
  if (strncmp(from->secret, prefix, sizeof prefix - 1) != 0 ||
      !qun_base64_read(out->secret, sizeof out->secret, &len, qun_str(from->secret + sizeof prefix - 1)) ||
      len < SECRET_LEAST)
    return qun_error_set(err, QUN_EINVAL, "endpoint \"%s\": its secret must be whsec_ and base64 of %d to %d bytes",
                         out->name, SECRET_LEAST, QUN_ENDPOINT_SECRET_MAX);
  out->secret_len = len;
  return 0;
}

static int find(struct qun_endpoint *out, const struct yaml_file *file, qun_slice name, struct qun_error *err) {
  for (uint32_t i = 0; i < file->endpoints_count; i++) {
    if (qun_slice_is(name, file->endpoints[i].name)) return take(out, &file->endpoints[i], err);
  }
  return qun_error_set(err, QUN_ENOTFOUND, "endpoints.yaml names no endpoint \"%.*s\"", (int)name.len,
                       (const char *)name.ptr);
}

static void wipe_secrets(struct yaml_file *file) {
  for (uint32_t i = 0; i < file->endpoints_count; i++) {
    char *secret = file->endpoints[i].secret;
    if (secret) sodium_memzero(secret, strlen(secret));
  }
}

/* ---- endpoints.off */

static bool is_off(const struct qun_endpoint *e, const char *path) {
  char *text = NULL, *rest = NULL, line[QUN_ENDPOINT_URL_SIZE + 220];
  size_t len = 0;
  bool off = false;
  if (qun__private_read(&text, &len, path, "endpoints.off", NULL) < 0) return false;
  snprintf(line, sizeof line, "%s\t%s", e->name, e->url);
  for (char *at = strtok_r(text, "\n", &rest); at && !off; at = strtok_r(NULL, "\n", &rest))
    off = strcmp(at, line) == 0;
  free(text);
  return off;
}

int qun_endpoint_switch_off(const struct qun_endpoint *e, const char *keys_dir, const char *tenant,
                            struct qun_error *err) {
  char path[480], *text = NULL, *all = NULL;
  size_t len = 0, size;
  struct qun_key_dir dir;
  int rc = qun__private_path(path, keys_dir, tenant, err);
  if (rc < 0 || is_off(e, path)) return rc;
  if (qun__private_read(&text, &len, path, "endpoints.off", NULL) < 0) len = 0;
  size = len + strlen(e->name) + strlen(e->url) + 4;
  all = malloc(size);
  rc = all ? qun__key_dir_open(&dir, path, err) : qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) {
    int n = snprintf(all, size, "%.*s%s%s\t%s\n", (int)len, text ? text : "", len && text[len - 1] != '\n' ? "\n" : "",
                     e->name, e->url);
    rc = qun__key_file_replace(&dir, "endpoints.off", all, (size_t)n, err);
    qun__key_dir_close(&dir);
  }
  free(all);
  free(text);
  return rc;
}

/* ---- */

int qun_endpoint_read(struct qun_endpoint *out, const char *keys_dir, const char *tenant, qun_slice name,
                      struct qun_error *err) {
  char path[480], *text = NULL;
  size_t len = 0;
  struct yaml_file *file = NULL;
  struct qun_error why = {0};
  cyaml_config_t how = {.log_fn = qun__private_keep_line,
                        .log_ctx = &why,
                        .mem_fn = cyaml_mem,
                        .log_level = CYAML_LOG_ERROR};
  memset(out, 0, sizeof *out);
  int rc = qun__private_path(path, keys_dir, tenant, err);
  if (rc == 0) rc = qun__private_read(&text, &len, path, "endpoints.yaml", err);
  if (rc < 0) return rc;
  cyaml_err_t bad = cyaml_load_data((const uint8_t *)text, len, &how, &file_value, (cyaml_data_t **)&file, NULL);
  if (bad != CYAML_OK)
    rc = qun_error_set(err, QUN_EINVAL, "endpoints.yaml of tenant %s cannot be read: %s", tenant,
                       why.message[0] ? why.message : cyaml_strerror(bad));
  else if (file)
    rc = find(out, file, name, err);
  if (file) {
    wipe_secrets(file);
    cyaml_free(&how, &file_value, file, 0);
  }
  sodium_memzero(text, len);
  free(text);
  if (rc < 0)
    qun_endpoint_fini(out);
  else
    out->off = is_off(out, path);
  return rc;
}

void qun_endpoint_fini(struct qun_endpoint *e) {
  sodium_memzero(e, sizeof *e);
}
