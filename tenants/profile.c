/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/profile.h"

#include "tenants/profile_starters.h"
#include "tenants/yaml_save.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <fcntl.h>
#include <qun/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STR (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define FIELD(name, max) CYAML_FIELD_STRING_PTR(#name, STR, struct qun_profile, name, 0, max)

static const cyaml_schema_field_t setting_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct qun_profile_setting, name, 1, 120),
    CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct qun_profile_setting, value, 0, 4000), CYAML_FIELD_END};
static const cyaml_schema_value_t setting_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qun_profile_setting, setting_fields)};
static const cyaml_schema_value_t plugin_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, 31)};

static const cyaml_schema_field_t profile_fields[] = {
    FIELD(name, 63),
    FIELD(title, 200),
    FIELD(locale, 40),
    FIELD(zone, 60),
    FIELD(currency, 3),
    FIELD(country, 2),
    FIELD(sector, 40),
    CYAML_FIELD_BOOL("simulated", CYAML_FLAG_OPTIONAL, struct qun_profile, simulated),
    CYAML_FIELD_BOOL("seal_text", CYAML_FLAG_OPTIONAL, struct qun_profile, seal_text),
#define X(name, least, most, otherwise, what) CYAML_FIELD_UINT(#name, CYAML_FLAG_OPTIONAL, struct qun_profile, name),
    QUN_PROFILE_NUMBERS(X)
#undef X
        CYAML_FIELD_SEQUENCE("plugins", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct qun_profile, plugins,
                             &plugin_schema, 0, 32),
    CYAML_FIELD_SEQUENCE("settings", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct qun_profile, settings,
                         &setting_schema, 0, 1000),
    CYAML_FIELD_END};
static const cyaml_schema_value_t profile_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct qun_profile, profile_fields)};

/* Keeps the first error line that libcyaml logs: it names line and key. */
__attribute__((format(printf, 3, 0))) static void keep_first(cyaml_log_t level, void *ctx, const char *format,
                                                             va_list args) {
  struct qun_error *first = ctx;
  if (level < CYAML_LOG_ERROR || first->message[0]) return;
  vsnprintf(first->message, sizeof first->message, format, args);
  first->message[strcspn(first->message, "\n")] = '\0';
}

static cyaml_config_t config_with(struct qun_error *first) {
  return (cyaml_config_t){.log_fn = keep_first,
                          .log_ctx = first,
                          .mem_fn = cyaml_mem,
                          .log_level = CYAML_LOG_ERROR,
                          .flags = CYAML_CFG_DEFAULT};
}

/* A key that is not there reads as 0. */
static void fill_in(struct qun_profile *p) {
#define X(name, least, most, otherwise, what)                                                                          \
  if (p->name == 0) p->name = (otherwise);
  QUN_PROFILE_NUMBERS(X)
#undef X
}

static int complete(struct qun_profile *p, const char *what, struct qun_error *err) {
  fill_in(p);
  if (!p->locale || !p->zone || !p->currency || !p->country || !p->sector)
    return qun_error_set(err, QUN_EINVAL, "%s: locale, zone, currency, country and sector must be there", what);
  return 0;
}

int qun_profile_load(struct qun_profile **out, const char *dir, struct qun_error *err) {
  char path[4096];
  struct qun_error first = {0};
  struct qun_profile *p = NULL;
  cyaml_config_t config = config_with(&first);
  snprintf(path, sizeof path, "%s/tenant.yaml", dir);
  if (access(path, R_OK) < 0) return qun_error_set(err, errno == ENOENT ? QUN_ENOTFOUND : QUN_EFAIL, "%s: %m", path);
  cyaml_err_t rc = cyaml_load_file(path, &config, &profile_schema, (cyaml_data_t **)&p, NULL);
  if (rc != CYAML_OK)
    return qun_error_set(err, QUN_EINVAL, "%s: %s", path, first.message[0] ? first.message : cyaml_strerror(rc));
  if (!p) return qun_error_set(err, QUN_EINVAL, "%s: the file is empty", path);
  int bad = complete(p, path, err);
  if (bad < 0)
    qun_profile_destroy(p);
  else
    *out = p;
  return bad;
}

int qun_profile_starter(struct qun_profile **out, const char *profile, struct qun_error *err) {
  char names[256] = "";
  for (const struct qun_profile_starter_text *s = qun__profile_starters; s->name; s++) {
    if (strcmp(s->name, profile) == 0) {
      struct qun_error first = {0};
      cyaml_config_t config = config_with(&first);
      struct qun_profile *p = NULL;
      cyaml_err_t rc =
          cyaml_load_data((const uint8_t *)s->text, s->len, &config, &profile_schema, (cyaml_data_t **)&p, NULL);
      if (rc != CYAML_OK) return qun_error_set(err, QUN_EFAIL, "starter profile %s: %s", profile, first.message);
      fill_in(p);
      *out = p;
      return 0;
    }
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", s->name);
  }
  return qun_error_set(err, QUN_ENOTFOUND, "no starter profile \"%.60s\"; there are: %s", profile, names);
}

static int write_whole(const char *path, const char *bytes, size_t n) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  while (n > 0) {
    ssize_t w = write(fd, bytes, n);
    if (w < 0 && errno == EINTR) continue;
    if (w < 0) break;
    bytes += w;
    n -= (size_t)w;
  }
  int rc = n > 0 || fsync(fd) < 0 ? -1 : 0;
  return close(fd) < 0 ? -1 : rc;
}

static int sync_dir(const char *dir) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  int rc = fsync(fd);
  close(fd);
  return rc;
}

int qun_profile_save(const struct qun_profile *p, const char *dir, struct qun_error *err) {
  char path[4096], next[4096];
  char *bytes = NULL;
  size_t n = 0;
  struct qun_error first = {0};
  cyaml_config_t config = config_with(&first);
  cyaml_err_t rc = qun_yaml_save(&bytes, &n, &config, &profile_schema, p);
  snprintf(path, sizeof path, "%s/tenant.yaml", dir);
  snprintf(next, sizeof next, "%s/tenant.yaml.new", dir);
  if (rc != CYAML_OK)
    return qun_error_set(err, QUN_EFAIL, "%s: %s", path, first.message[0] ? first.message : cyaml_strerror(rc));
  int bad = write_whole(next, bytes, n) < 0 || rename(next, path) < 0 || sync_dir(dir) < 0;
  if (bad) qun_error_set(err, QUN_EFAIL, "%s: %m", path);
  config.mem_fn(config.mem_ctx, bytes, 0);
  return bad ? QUN_EFAIL : 0;
}

struct qun_profile *qun_profile_copy(const struct qun_profile *p) {
  char *bytes = NULL;
  size_t n = 0;
  struct qun_error first = {0};
  struct qun_profile *copy = NULL;
  cyaml_config_t config = config_with(&first);
  if (qun_yaml_save(&bytes, &n, &config, &profile_schema, p) != CYAML_OK) return NULL;
  if (cyaml_load_data((const uint8_t *)bytes, n, &config, &profile_schema, (cyaml_data_t **)&copy, NULL) != CYAML_OK)
    copy = NULL;
  config.mem_fn(config.mem_ctx, bytes, 0);
  return copy;
}

void qun_profile_destroy(struct qun_profile *p) {
  struct qun_error first = {0};
  cyaml_config_t config = config_with(&first);
  if (p) cyaml_free(&config, &profile_schema, p, 0);
}

static int set_text(char **at, const char *value) {
  char *copy = strdup(value);
  if (!copy) return QUN_EFAIL;
  free(*at);
  *at = copy;
  return 0;
}

static int set_bool(bool *at, const char *key, const char *value, struct qun_error *err) {
  bool yes = strcmp(value, "true") == 0;
  if (!yes && strcmp(value, "false") != 0)
    return qun_error_set(err, QUN_EINVAL, "%s must be true or false (got \"%.40s\")", key, value);
  *at = yes;
  return 0;
}

static int set_number(uint64_t *at, const char *key, const char *value, uint64_t least, uint64_t most,
                      struct qun_error *err) {
  char *end = NULL;
  errno = 0;
  unsigned long long n = strtoull(value, &end, 10);
  if (value[0] < '0' || value[0] > '9' || *end || errno || n < least || n > most)
    return qun_error_set(err, QUN_EINVAL, "%s must be a whole number from %llu to %llu (got \"%.40s\")", key,
                         (unsigned long long)least, (unsigned long long)most, value);
  *at = n;
  return 0;
}

static int set_plugin_setting(struct qun_profile *p, const char *key, const char *value, struct qun_error *err) {
  for (uint32_t i = 0; i < p->settings_count; i++) {
    if (strcmp(p->settings[i].name, key) == 0) return set_text(&p->settings[i].value, value);
  }
  struct qun_profile_setting *all = realloc(p->settings, (p->settings_count + 1) * sizeof *all);
  if (!all) return qun_error_set(err, QUN_EFAIL, "out of memory");
  p->settings = all;
  all[p->settings_count] = (struct qun_profile_setting){strdup(key), strdup(value)};
  if (!all[p->settings_count].name || !all[p->settings_count].value)
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  p->settings_count++;
  return 0;
}

int qun_profile_set(struct qun_profile *p, const char *key, const char *value, struct qun_error *err) {
  const struct {
    const char *key;
    char **at;
    size_t min, max;
  } texts[] = {{"title", &p->title, 1, 200},     {"locale", &p->locale, 2, 40},  {"zone", &p->zone, 2, 60},
               {"currency", &p->currency, 3, 3}, {"country", &p->country, 2, 2}, {"sector", &p->sector, 1, 40}};
  if (strchr(key, '.')) return set_plugin_setting(p, key, value, err);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    size_t n = strlen(value);
    if (strcmp(key, texts[i].key) != 0) continue;
    if (n < texts[i].min || n > texts[i].max)
      return qun_error_set(err, QUN_EINVAL, "%s must be %zu to %zu bytes long (got %zu)", key, texts[i].min,
                           texts[i].max, n);
    return set_text(texts[i].at, value);
  }
  if (strcmp(key, "seal_text") == 0) return set_bool(&p->seal_text, key, value, err);
#define X(name, least, most, otherwise, what)                                                                          \
  if (strcmp(key, #name) == 0) return set_number(&p->name, key, value, least, most, err);
  QUN_PROFILE_NUMBERS(X)
#undef X
#define X(name, least, most, otherwise, what) #name ", "
  return qun_error_set(
      err, QUN_EINVAL,
      "no setting \"%.60s\"; a profile has title, locale, zone, currency, country, sector, seal_text, " QUN_PROFILE_NUMBERS(
          X) "and plugin.key for a plugin's",
      key);
#undef X
}

const char *qun_profile_get(const struct qun_profile *p, const char *setting) {
  for (uint32_t i = 0; i < p->settings_count; i++) {
    if (strcmp(p->settings[i].name, setting) == 0) return p->settings[i].value;
  }
  return NULL;
}
