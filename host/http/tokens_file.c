/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http/tokens_file.h"

#include "tenants/yaml_save.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct yaml_token {
  char *role;
  char *hash;
  int64_t created;
};

struct yaml_file {
  struct yaml_token *tokens;
  uint32_t tokens_count;
};

static const cyaml_schema_field_t token_fields[] = {
    CYAML_FIELD_STRING_PTR("role", CYAML_FLAG_POINTER, struct yaml_token, role, 1, 16),
    CYAML_FIELD_STRING_PTR("hash", CYAML_FLAG_POINTER, struct yaml_token, hash, 64, 64),
    CYAML_FIELD_INT("created", CYAML_FLAG_DEFAULT, struct yaml_token, created),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t token_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_token, token_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE("tokens", CYAML_FLAG_POINTER, struct yaml_file, tokens, &token_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_file, file_fields)};

/* libcyaml reports through a log function without a place; the last line names what is wrong. */
__attribute__((format(printf, 3, 0))) static void keep_line(cyaml_log_t level, void *ctx, const char *format,
                                                            va_list args) {
  struct qun_error *err = ctx;
  (void)level;
  vsnprintf(err->message, sizeof err->message, format, args);
  err->message[strcspn(err->message, "\n")] = '\0';
}

static cyaml_config_t config(struct qun_error *err) {
  return (cyaml_config_t){.log_fn = keep_line, .log_ctx = err, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};
}

static int path_of(char *out, size_t size, const char *keys_dir, const char *tenant, const char *file,
                   struct qun_error *err) {
  int n = snprintf(out, size, "%s/%s%s%s", keys_dir, tenant, *file ? "/" : "", file);
  if (n < 0 || (size_t)n >= size)
    return qun_error_set(err, QUN_EINVAL, "the path of tenant \"%s\"'s keys is too long", tenant);
  return 0;
}

static int to_lines(const struct yaml_file *file, const char *path, struct qun__token_line **out,
                    struct qun_error *err) {
  struct qun__token_line *lines = calloc(file->tokens_count + 1u, sizeof *lines);
  if (!lines) return qun_error_set(err, QUN_EFAIL, "no memory to read \"%s\"", path);
  for (uint32_t i = 0; i < file->tokens_count; i++) {
    const struct yaml_token *token = &file->tokens[i];
    size_t len = 0;
    lines[i].role = qun_role_parse(token->role);
    lines[i].created_ms = token->created;
    if (lines[i].role == QUN_ROLE_NONE || lines[i].role == QUN_ROLE_AGENCY) {
      free(lines);
      return qun_error_set(err, QUN_EINVAL, "\"%s\": token %u: \"%s\" is not a role", path, i + 1, token->role);
    }
    if (sodium_hex2bin(lines[i].hash, sizeof lines[i].hash, token->hash, strlen(token->hash), NULL, &len, NULL) != 0 ||
        len != QUN_TOKEN_HASH_SIZE) {
      free(lines);
      return qun_error_set(err, QUN_EINVAL, "\"%s\": token %u: the hash is not 64 hex digits", path, i + 1);
    }
  }
  *out = lines;
  return 0;
}

int qun__tokens_read(const char *keys_dir, const char *tenant, struct qun__token_line **lines, uint32_t *count,
                     struct qun_error *err) {
  char path[4096];
  struct yaml_file *file = NULL;
  struct qun_error why = {0};
  int rc = path_of(path, sizeof path, keys_dir, tenant, "tokens.yaml", err);
  if (rc < 0) return rc;
  if (access(path, F_OK) != 0 && errno == ENOENT) return qun_error_set(err, QUN_ENOTFOUND, "there is no \"%s\"", path);
  cyaml_config_t how = config(&why);
  cyaml_err_t bad = cyaml_load_file(path, &how, &file_value, (cyaml_data_t **)&file, NULL);
  if (bad != CYAML_OK)
    return qun_error_set(err, QUN_EINVAL, "\"%s\" cannot be read: %s", path,
                         why.message[0] ? why.message : cyaml_strerror(bad));
  rc = to_lines(file, path, lines, err);
  if (rc == 0) *count = file->tokens_count;
  cyaml_free(&how, &file_value, file, 0);
  return rc;
}

static int write_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, bytes, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    bytes += n;
    len -= (size_t)n;
  }
  return fsync(fd);
}

static int sync_folder(const char *dir) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  int rc = fsync(fd);
  close(fd);
  return rc;
}

static int replace(const char *dir, const char *path, const char *bytes, size_t len, struct qun_error *err) {
  char fresh[4200];
  snprintf(fresh, sizeof fresh, "%s.new", path);
  if (mkdir(dir, 0700) != 0 && errno != EEXIST)
    return qun_error_set(err, QUN_EFAIL, "cannot make the folder \"%s\": %s", dir, strerror(errno));
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "cannot write \"%s\": %s", fresh, strerror(errno));
  int rc = fchmod(fd, 0600) == 0 ? write_all(fd, bytes, len) : -1;
  int why = errno;
  close(fd);
  if (rc == 0 && rename(fresh, path) != 0) {
    rc = -1;
    why = errno;
  }
  if (rc == 0 && sync_folder(dir) != 0) {
    rc = -1;
    why = errno;
  }
  if (rc == 0) return 0;
  unlink(fresh);
  return qun_error_set(err, QUN_EFAIL, "cannot write \"%s\": %s", path, strerror(why));
}

int qun__tokens_write(const char *keys_dir, const char *tenant, const struct qun__token_line *lines, uint32_t count,
                      struct qun_error *err) {
  char dir[4096], path[4096];
  struct qun_error why = {0};
  char *bytes = NULL;
  size_t len = 0;
  cyaml_config_t how = config(&why);
  struct yaml_file file = {.tokens_count = count};
  char(*hex)[QUN_TOKEN_HASH_SIZE * 2 + 1] = calloc(count + 1u, sizeof *hex);
  char(*roles)[16] = calloc(count + 1u, sizeof *roles);
  file.tokens = calloc(count + 1u, sizeof *file.tokens);
  int rc = hex && roles && file.tokens
               ? 0
               : qun_error_set(err, QUN_EFAIL, "no memory for the tokens of tenant \"%s\"", tenant);
  if (rc == 0) rc = path_of(dir, sizeof dir, keys_dir, tenant, "", err);
  if (rc == 0) rc = path_of(path, sizeof path, keys_dir, tenant, "tokens.yaml", err);
  if (rc < 0) goto out;
  for (uint32_t i = 0; i < count; i++) {
    sodium_bin2hex(hex[i], sizeof hex[i], lines[i].hash, QUN_TOKEN_HASH_SIZE);
    snprintf(roles[i], sizeof roles[i], "%s", qun_role_name(lines[i].role));
    file.tokens[i] = (struct yaml_token){.role = roles[i], .hash = hex[i], .created = lines[i].created_ms};
  }
  cyaml_err_t bad = qun_yaml_save(&bytes, &len, &how, &file_value, &file);
  if (bad != CYAML_OK)
    rc = qun_error_set(err, QUN_EFAIL, "cannot write \"%s\": %s", path, cyaml_strerror(bad));
  else
    rc = replace(dir, path, bytes, len, err);
out:
  if (bytes) cyaml_mem(NULL, bytes, 0);
  free(file.tokens);
  free(roles);
  free(hex);
  return rc;
}

int qun__tokens_remove(const char *keys_dir, const char *tenant, struct qun_error *err) {
  char path[4096];
  int rc = path_of(path, sizeof path, keys_dir, tenant, "tokens.yaml", err);
  if (rc < 0) return rc;
  if (unlink(path) != 0 && errno != ENOENT)
    return qun_error_set(err, QUN_EFAIL, "cannot remove \"%s\": %s", path, strerror(errno));
  return 0;
}
