/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/settings.h"

#include <ctype.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <qun/plugin.h>
#include <stdlib.h>
#include <string.h>

static const struct setting {
  const char *name, *fallback, *placeholder, *help;
  enum qun_qund_kind kind;
  uint64_t least, most;
  size_t offset;
} table[] = {
#define X(member, type, otherwise, low, high, value, text)                                                             \
  {.name = #member,                                                                                                    \
   .fallback = otherwise,                                                                                              \
   .placeholder = value,                                                                                               \
   .help = text,                                                                                                       \
   .kind = QUN_QUND_##type,                                                                                            \
   .least = low,                                                                                                       \
   .most = high,                                                                                                       \
   .offset = offsetof(struct qun_qund_settings, member)},
    QUN_QUND_SETTINGS(X)
#undef X
};

enum { SETTINGS = (int)(sizeof table / sizeof *table) };

static const cyaml_schema_field_t file_fields[] = {
#define X(member, type, otherwise, low, high, value, text)                                                             \
  CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct qun_qund_settings, member, 0,       \
                         CYAML_UNLIMITED),
    QUN_QUND_SETTINGS(X)
#undef X
        CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct qun_qund_settings, file_fields)};

static char **place(struct qun_qund_settings *s, const struct setting *setting) {
  return (char **)(void *)((char *)s + setting->offset);
}

void qun_qund_settings_fini(struct qun_qund_settings *s) {
  for (int i = 0; i < SETTINGS; i++) {
    free(*place(s, &table[i]));
    *place(s, &table[i]) = NULL;
  }
}

static int put(struct qun_qund_settings *s, const struct setting *setting, const char *value, struct qun_error *err) {
  char *copy = strdup(value);
  if (!copy) return qun_error_set(err, QUN_EFAIL, "there is no memory for the settings");
  free(*place(s, setting));
  *place(s, setting) = copy;
  return 0;
}

/* ---- values */

static int parse_number(const char *text, bool size, uint64_t *out) {
  char *end;
  if (!isdigit((unsigned char)*text)) return -1;
  errno = 0;
  unsigned long long n = strtoull(text, &end, 10);
  unsigned shift = 0;
  if (size && *end) {
    const char *at = strchr("KMG", toupper((unsigned char)*end));
    if (!at || !*at) return -1;
    shift = 10 * (unsigned)(at - "KMG" + 1);
    end++;
  }
  if (errno || *end || n > UINT64_MAX >> shift) return -1;
  *out = n << shift;
  return 0;
}

uint64_t qun_qund_number(const char *text) {
  uint64_t n = 0;
  if (!strcmp(text, "true")) return 1;
  return parse_number(text, true, &n) == 0 ? n : 0;
}

static int check(const struct setting *setting, const char *value, struct qun_error *err) {
  uint64_t n;
  if (setting->kind == QUN_QUND_BOOL) {
    if (!strcmp(value, "true") || !strcmp(value, "false")) return 0;
    return qun_error_set(err, QUN_EINVAL, "%s must be true or false, not \"%s\"", setting->name, value);
  }
  if (setting->kind == QUN_QUND_TEXT)
    return *value ? 0 : qun_error_set(err, QUN_EINVAL, "%s must not be empty", setting->name);
  if (parse_number(value, setting->kind == QUN_QUND_SIZE, &n) < 0 || n < setting->least || n > setting->most)
    return qun_error_set(err, QUN_EINVAL, "%s must be %llu to %llu, not \"%s\"", setting->name,
                         (unsigned long long)setting->least, (unsigned long long)setting->most, value);
  return 0;
}

/* ---- the command line */

/* "--body-limit" and "--body_limit" are the same. */
static bool same_name(const char *name, size_t len, const char *option) {
  if (strlen(name) != len) return false;
  for (size_t i = 0; i < len; i++)
    if (name[i] != (option[i] == '-' ? '_' : option[i])) return false;
  return true;
}

static const struct setting *find(const char *option, size_t len) {
  for (int i = 0; i < SETTINGS; i++)
    if (same_name(table[i].name, len, option)) return &table[i];
  return NULL;
}

struct line {
  int argc, at;
  char **argv;
  const char *config;
};

/* One option: "--name value", "--name=value" or, for a switch, "--name" and "--no-name". */
static int read_option(struct qun_qund_settings *s, struct line *line, struct qun_error *err) {
  const char *text = line->argv[line->at++];
  if (strncmp(text, "--", 2) != 0)
    return qun_error_set(err, QUN_EINVAL, "\"%s\" is not an option; --help lists them", text);
  const char *equals = strchr(text, '=');
  size_t len = equals ? (size_t)(equals - text - 2) : strlen(text + 2);
  bool config = len == 6 && !strncmp(text + 2, "config", 6);
  const struct setting *setting = config ? NULL : find(text + 2, len);
  const char *value = equals ? equals + 1 : NULL;
  if (!config && !setting && !equals && !strncmp(text, "--no-", 5)) {
    setting = find(text + 5, strlen(text + 5));
    if (setting && setting->kind != QUN_QUND_BOOL) setting = NULL;
    value = "false";
  }
  if (!config && !setting) return qun_error_set(err, QUN_EINVAL, "there is no option \"%s\"; --help lists them", text);
  if (!value && setting && setting->kind == QUN_QUND_BOOL) value = "true";
  if (!value && line->at < line->argc) value = line->argv[line->at++];
  if (!value) return qun_error_set(err, QUN_EINVAL, "option \"%s\" needs a value", text);
  if (config) {
    line->config = value;
    return 0;
  }
  return put(s, setting, value, err);
}

/* ---- the file */

__attribute__((format(printf, 3, 0))) static void keep_line(cyaml_log_t level, void *ctx, const char *format,
                                                            va_list args) {
  struct qun_error *err = ctx;
  (void)level;
  if (err->message[0]) return; /* the first line names the cause, the others where it was met */
  vsnprintf(err->message, sizeof err->message, format, args);
  err->message[strcspn(err->message, "\n")] = '\0';
}

static int read_file(struct qun_qund_settings *s, const char *path, struct qun_error *err) {
  struct qun_error why = {0};
  struct qun_qund_settings *file = NULL;
  cyaml_config_t how = {.log_fn = keep_line,
                        .log_ctx = &why,
                        .mem_fn = cyaml_mem,
                        .log_level = CYAML_LOG_ERROR,
                        .flags = CYAML_CFG_DEFAULT};
  cyaml_err_t bad = cyaml_load_file(path, &how, &file_value, (cyaml_data_t **)&file, NULL);
  if (bad != CYAML_OK)
    return qun_error_set(err, QUN_EINVAL, "the configuration \"%s\" cannot be read: %s", path,
                         why.message[0] ? why.message : cyaml_strerror(bad));
  int rc = 0;
  for (int i = 0; i < SETTINGS && rc == 0; i++) {
    const char *value = *place(file, &table[i]);
    if (!value) continue;
    rc = check(&table[i], value, err);
    if (rc < 0)
      qun_error_prefix(err, "%s", path);
    else if (!*place(s, &table[i]))
      rc = put(s, &table[i], value, err);
  }
  cyaml_free(&how, &file_value, file, 0);
  return rc;
}

int qun_qund_settings_read(struct qun_qund_settings *s, int argc, char **argv, enum qun_qund_wish *wish,
                           struct qun_error *err) {
  struct line line = {.argc = argc, .at = 1, .argv = argv};
  int rc = 0;
  memset(s, 0, sizeof *s);
  *wish = QUN_QUND_RUN;
  while (line.at < argc && rc == 0) {
    if (!strcmp(argv[line.at], "--help")) *wish = QUN_QUND_HELP;
    if (!strcmp(argv[line.at], "--version")) *wish = QUN_QUND_VERSION;
    if (*wish) return 0;
    rc = read_option(s, &line, err);
  }
  if (rc == 0 && line.config) rc = read_file(s, line.config, err);
  for (int i = 0; i < SETTINGS && rc == 0; i++) {
    char **at = place(s, &table[i]);
    if (!*at && table[i].fallback) rc = put(s, &table[i], table[i].fallback, err);
    if (rc == 0 && *at) rc = check(&table[i], *at, err);
  }
  if (rc == 0 && !s->data) rc = qun_error_set(err, QUN_EINVAL, "--data DIR is needed");
  return rc;
}

void qun_qund_help(FILE *out) {
  fputs("Usage: qund --data DIR [OPTION...]\n"
        "Takes events of many communities in, keeps each in a store of its own, and answers reports.\n\n",
        out);
  for (int i = 0; i < SETTINGS; i++) {
    char option[64];
    const struct setting *setting = &table[i];
    snprintf(option, sizeof option, "--%s %s", setting->name, setting->placeholder);
    for (char *c = option; *c; c++)
      if (*c == '_') *c = '-';
    fprintf(out, "  %-32s%s", option, setting->help);
    if (setting->fallback) fprintf(out, " (default: %s)", setting->fallback);
    fputc('\n', out);
  }
  fputs("  --config FILE                   settings as YAML: the same names with _ for -; the command line goes first\n"
        "  --version                       print the version and exit\n"
        "  --help                          print this and exit\n\n"
        "Exit status: 0 stopped by SIGTERM, SIGINT or SIGHUP with all work done, 2 usage, 3 could not start.\n",
        out);
}
