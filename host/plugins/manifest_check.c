/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/manifest_check.h"

#include <sys/stat.h>

#include <stdio.h>
#include <string.h>

enum { TYPE_NAME_MAX = 64, VERSION_MAX = 31 };

static bool lower(char c) {
  return c >= 'a' && c <= 'z';
}

static bool digit(char c) {
  return c >= '0' && c <= '9';
}

/* Length of the name at the beginning of `text`; 0: none. */
static size_t name_span(const char *text) {
  size_t n = 0;
  if (!lower(text[0])) return 0;
  while (lower(text[n]) || digit(text[n]) || text[n] == '_' || text[n] == '-') n++;
  return n;
}

bool qun__is_name(const char *text, size_t most) {
  size_t n = name_span(text);
  return n > 0 && n <= most && text[n] == 0;
}

bool qun__is_type_name(const char *text) {
  if (strlen(text) > TYPE_NAME_MAX) return false;
  for (;;) {
    size_t n = name_span(text);
    if (n == 0) return false;
    if (text[n] == 0) return true;
    if (text[n] != '.') return false;
    text += n + 1;
  }
}

bool qun__is_version(const char *text) {
  if (strlen(text) > VERSION_MAX) return false;
  for (int part = 0; part < 3; part++) {
    size_t n = strspn(text, "0123456789");
    if (n == 0) return false;
    text += n;
    if (part < 2 && *text++ != '.') return false;
  }
  if (*text == 0) return true;
  return text[0] == '-' && text[1] && strspn(text + 1, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(text + 1);
}

bool qun__is_library(const char *text) {
  size_t n = strlen(text);
  return n > 3 && n < 100 && strcmp(text + n - 3, ".so") == 0 && !strchr(text, '/') && text[0] != '.';
}

static bool one_of(const char *text, const char *const *names) {
  for (; *names; names++)
    if (strcmp(text, *names) == 0) return true;
  return false;
}

bool qun__is_role(const char *text) {
  static const char *const roles[] = {"auditor", "operator", "owner", "agency", "plugin", NULL};
  return one_of(text, roles);
}

bool qun__is_isolation(const char *text) {
  static const char *const ways[] = {"any", "in-process", "isolated", NULL};
  return one_of(text, ways);
}

bool qun__is_route_method(const char *text) {
  static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", NULL};
  return one_of(text, methods);
}

const char *qun__wrong_route(const char *text) {
  static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  unsigned names = 0;
  if (strlen(text) > 120) return "must have at most 120 bytes";
  for (const char *at = text;; at++) {
    size_t n = strcspn(at, "/");
    bool name = n > 2 && at[0] == '{' && at[n - 1] == '}';
    const char *from = name ? at + 1 : at;
    size_t len = name ? n - 2 : n;
    if (len == 0 || strspn(from, fine) < len || (!name && from[0] == '.'))
      return "must be segments such as boards/{week}";
    if (name && ++names > 3) return "has more than three names";
    at += n;
    if (!*at) return NULL;
  }
}

const char *qun__wrong_header(const char *text) {
  static const char fine[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
  static const char *const kept[] = {
      "cookie", "authorization", "host",   "connection", "content-length", "transfer-encoding", "upgrade",
      "te",     "trailer",       "expect", NULL};
  size_t n = strlen(text);
  if (n == 0 || n > 64 || strspn(text, fine) != n) return "must be the name of a header in lower case";
  if (one_of(text, kept) || strncmp(text, "proxy-", 6) == 0) return "is a header that no plugin is given";
  return NULL;
}

bool qun__is_packaged(const char *dir, const char *path) {
  char file[4096];
  struct stat st;
  if (snprintf(file, sizeof file, "%s/%s", dir, path) >= (int)sizeof file) return false;
  return lstat(file, &st) == 0 && S_ISREG(st.st_mode);
}

enum qun_field_kind qun__field_kind(const char *text) {
  static const char *const names[] = {
      [QUN_FIELD_STR] = "str",       [QUN_FIELD_INT] = "int",   [QUN_FIELD_BOOL] = "bool", [QUN_FIELD_TIME] = "time",
      [QUN_FIELD_MEMBER] = "member", [QUN_FIELD_LIST] = "list", [QUN_FIELD_MAP] = "map"};
  for (unsigned i = QUN_FIELD_STR; i <= QUN_FIELD_MAP; i++)
    if (strcmp(text, names[i]) == 0) return (enum qun_field_kind)i;
  return 0;
}

enum qun_setting_kind qun__setting_kind(const char *text) {
  static const char *const names[] = {
      [QUN_SETTING_INT] = "int",   [QUN_SETTING_RATIO] = "ratio",   [QUN_SETTING_MONEY] = "money",
      [QUN_SETTING_BOOL] = "bool", [QUN_SETTING_STRING] = "string", [QUN_SETTING_LIST] = "list"};
  for (unsigned i = QUN_SETTING_INT; i <= QUN_SETTING_LIST; i++)
    if (strcmp(text, names[i]) == 0) return (enum qun_setting_kind)i;
  return 0;
}

int qun__core_type(const char *name, uint32_t *flags) {
#define ROW(type, type_flags, doc) {type, type_flags, doc},
  static const struct qun_event_type_info types[] = {QUN_EVENT_TYPES(ROW)};
#undef ROW
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (strcmp(types[i].name, name) != 0) continue;
    *flags = types[i].flags;
    return 1;
  }
  return 0;
}

const char *qun__wrong_id(const char *text) {
  return qun__is_name(text, 31) ? NULL : "is no id of a plugin";
}

const char *qun__wrong_service_id(const char *text) {
  size_t n = strcspn(text, "/");
  const char *revision = text[n] ? text + n + 1 : "";
  char name[TYPE_NAME_MAX + 1];
  if (n > TYPE_NAME_MAX || !*revision || strspn(revision, "0123456789") != strlen(revision))
    return "must be a service id such as qun.store/1";
  memcpy(name, text, n);
  name[n] = 0;
  return qun__is_type_name(name) ? NULL : "must be a service id such as qun.store/1";
}

const char *qun__wrong_personal(const char *text) {
  return strcmp(text, "text") == 0 ? NULL : "must be text";
}

const char *qun__wrong_type(const char *text) {
  return qun__is_type_name(text) ? NULL : "is no event type";
}

const char *qun__wrong_subscription(const char *text) {
  return strcmp(text, "*") == 0 ? NULL : qun__wrong_type(text);
}

const char *qun__wrong_path(const char *text) {
  static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
  if (strlen(text) > 200 || strspn(text, fine) != strlen(text)) return "must be letters, digits, . _ - and /";
  if (text[0] == '/' || strstr(text, "..") || strstr(text, "//")) return "must be a path inside the package";
  return NULL;
}

const char *qun__wrong_locale(const char *text) {
  size_t n = strlen(text);
  if (strncmp(text, "locales/", 8) != 0 || n < 12 || strcmp(text + n - 3, ".po") != 0)
    return "must be locales/<language>.po";
  return qun__wrong_path(text);
}
