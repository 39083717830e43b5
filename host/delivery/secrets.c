/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/secrets.h"

#include "host/delivery/private_file.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 4096 };

struct yaml_secret {
  char *name, *plugin, *host, *value;
};

struct yaml_file {
  struct yaml_secret *secrets;
  uint32_t secrets_count;
};

static const cyaml_schema_field_t secret_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct yaml_secret, name, 1, 64),
    CYAML_FIELD_STRING_PTR("plugin", CYAML_FLAG_POINTER, struct yaml_secret, plugin, 1, 31),
    CYAML_FIELD_STRING_PTR("host", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_secret, host, 0, 260),
    CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct yaml_secret, value, 1, VALUE_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t secret_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_secret, secret_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE("secrets", CYAML_FLAG_POINTER, struct yaml_file, secrets, &secret_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_file, file_fields)};

static cyaml_config_t config_of(struct qun_error *why) {
  return (cyaml_config_t){.log_fn = qun__private_keep_line,
                          .log_ctx = why,
                          .mem_fn = cyaml_mem,
                          .log_level = CYAML_LOG_ERROR};
}

static void file_free(struct yaml_file *file) {
  struct qun_error why = {0};
  cyaml_config_t how = config_of(&why);
  if (!file) return;
  for (uint32_t i = 0; i < file->secrets_count; i++) {
    if (file->secrets[i].value) sodium_memzero(file->secrets[i].value, strlen(file->secrets[i].value));
  }
  cyaml_free(&how, &file_value, file, 0);
}

static int file_read(struct yaml_file **out, const char *keys_dir, const char *tenant, struct qun_error *err) {
  char path[480], *text = NULL;
  size_t len = 0;
  struct qun_error why = {0};
  cyaml_config_t how = config_of(&why);
  int rc = qun__private_path(path, keys_dir, tenant, err);
  if (rc == 0) rc = qun__private_read(&text, &len, path, "secrets.yaml", err);
  if (rc < 0) return rc;
  cyaml_err_t bad = cyaml_load_data((const uint8_t *)text, len, &how, &file_value, (cyaml_data_t **)out, NULL);
  if (bad != CYAML_OK)
    rc = qun_error_set(err, QUN_EINVAL, "secrets.yaml of tenant %s cannot be read: %s", tenant,
                       why.message[0] ? why.message : cyaml_strerror(bad));
  else if (!*out)
    rc = qun_error_set(err, QUN_ENOTFOUND, "secrets.yaml of tenant %s is empty", tenant);
  sodium_memzero(text, len);
  free(text);
  return rc;
}

static int find(const struct yaml_secret **out, const struct yaml_file *file, qun_slice plugin, qun_slice name,
                struct qun_error *err) {
  for (uint32_t i = 0; i < file->secrets_count; i++) {
    const struct yaml_secret *s = &file->secrets[i];
    if (!qun_slice_is(plugin, s->plugin) || !qun_slice_is(name, s->name)) continue;
    *out = s;
    return 0;
  }
  return qun_error_set(err, QUN_ENOTFOUND, "secrets.yaml has no secret \"%.*s\" of this plugin",
                       (int)(name.len > 64 ? 64 : name.len), (const char *)name.ptr);
}

/* ---------------------------------------------------------------- placeholders */

/* The next {{secret:NAME}} in a text. */
static bool placeholder(qun_slice text, size_t *at, qun_slice *name, size_t *end) {
  static const char open[] = "{{secret:";
  const char *from = text.ptr;
  const char *found = text.len ? memmem(from, (size_t)text.len, open, sizeof open - 1) : NULL;
  if (!found) return false;
  const char *begin = found + sizeof open - 1;
  const char *close = memmem(begin, (size_t)(from + text.len - begin), "}}", 2);
  if (!close) return false;
  *at = (size_t)(found - from);
  *name = qun_slice_of(begin, (size_t)(close - begin));
  *end = (size_t)(close + 2 - from);
  return true;
}

static int put(struct qun_pack *out, const struct yaml_secret *s, qun_slice host, struct qun_error *err) {
  if (!s->host || !qun_slice_is(host, s->host))
    return qun_error_set(err, QUN_EDENIED, "the secret \"%s\" is not bound to %.*s", s->name, (int)host.len,
                         (const char *)host.ptr);
  for (const char *c = s->value; *c; c++) {
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      return qun_error_set(err, QUN_EINVAL, "the secret \"%s\" has a character that cannot stand in a header", s->name);
  }
  qun_pack_raw(out, qun_str(s->value));
  return 0;
}

int qun_secrets_fill(struct qun_pack *out, const char *keys_dir, const char *tenant, qun_slice plugin, qun_slice host,
                     qun_slice text, struct qun_error *err) {
  struct yaml_file *file = NULL;
  const struct yaml_secret *s = NULL;
  qun_slice name;
  size_t at, end;
  int rc = 0;
  while (rc == 0 && placeholder(text, &at, &name, &end)) {
    qun_pack_raw(out, qun_slice_of(text.ptr, at));
    if (!file) rc = file_read(&file, keys_dir, tenant, err);
    if (rc == 0) rc = find(&s, file, plugin, name, err);
    if (rc == 0) rc = put(out, s, host, err);
    text = qun_slice_of((const char *)text.ptr + end, (size_t)text.len - end);
  }
  if (rc == 0) qun_pack_raw(out, text);
  file_free(file);
  return rc == 0 && out->failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : rc;
}

void qun_secrets_wipe(struct qun_pack *filled) {
  if (filled->buf) sodium_memzero(filled->buf, filled->cap);
}

/* ---------------------------------------------------------------- signatures */

int qun_secrets_verify(const char *keys_dir, const char *tenant, qun_slice plugin, qun_slice name, uint32_t algorithm,
                       qun_slice message, qun_slice signature, struct qun_error *err) {
  struct yaml_file *file = NULL;
  const struct yaml_secret *s = NULL;
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  const EVP_MD *md = algorithm == QUN_SECRET_HMAC_SHA256 ? EVP_sha256()
                     : algorithm == QUN_SECRET_HMAC_SHA1 ? EVP_sha1()
                                                         : NULL;
  if (!md) return qun_error_set(err, QUN_EINVAL, "there is no signature algorithm %u", algorithm);
  int rc = file_read(&file, keys_dir, tenant, err);
  if (rc == 0) rc = find(&s, file, plugin, name, err);
  if (rc == 0 && !HMAC(md, s->value, (int)strlen(s->value), message.len ? message.ptr : (const unsigned char *)"",
                       (size_t)message.len, mac, &len))
    rc = qun_error_set(err, QUN_EFAIL, "the signature cannot be computed");
  if (rc == 0 && (signature.len != len || sodium_memcmp(mac, signature.ptr, len) != 0))
    rc = qun_error_set(err, QUN_EDENIED, "the signature is wrong");
  sodium_memzero(mac, sizeof mac);
  file_free(file);
  return rc;
}
