/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/api_internal.h"

#include <stdlib.h>

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

const char *qun__decode(struct qun_arena *arena, const char *text, size_t len, bool form) {
  char *out = qun_arena_alloc(arena, len + 1);
  size_t n = 0;
  if (!out) return NULL;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < len ? hex(text[i + 1]) : -1;
      int low = i + 2 < len ? hex(text[i + 2]) : -1;
      if (high < 0 || low < 0) return NULL;
      c = (char)(high << 4 | low);
      i += 2;
    } else if (c == '+' && form) {
      c = ' ';
    }
    out[n++] = c;
  }
  out[n] = '\0';
  return qun_utf8_valid(qun_slice_of(out, n)) ? out : NULL;
}

/* The next segment of a path, without its slash. 0 at the end. */
static int next_segment(const char **at, const char **segment, size_t *len) {
  if (**at != '/') return 0;
  *segment = *at + 1;
  *len = strcspn(*segment, "/");
  *at = *segment + *len;
  return 1;
}

int qun__path_match(const char *path, const char *pattern, struct qun_arena *arena,
                    const char *params[QUN__PARAMS_MAX]) {
  const char *segment, *want;
  size_t len, want_len;
  int param = 0;
  for (;;) {
    if (!strcmp(pattern, "/{*}") && path[0] == '/' && path[1] && param < QUN__PARAMS_MAX) {
      params[param] = path;
      return 1;
    }
    int more = next_segment(&path, &segment, &len);
    if (more != next_segment(&pattern, &want, &want_len)) return 0;
    if (!more) return *path == '\0' && *pattern == '\0';
    /* Split before decoding, so that an encoded slash stays inside its segment. */
    const char *text = qun__decode(arena, segment, len, false);
    if (!text) return QUN_EINVAL;
    if (want_len > 0 && want[0] == '{') {
      if (*text == '\0' || param == QUN__PARAMS_MAX) return 0;
      params[param++] = text;
    } else if (strlen(text) != want_len || memcmp(text, want, want_len) != 0) {
      return 0;
    }
  }
}

static bool known(const struct qun__route *route, const char *name) {
  for (const struct qun__param *p = route->params; p && p->name; p++)
    if (p->where == QUN__IN_QUERY && !strcmp(p->name, name)) return true;
  return !strcmp(name, "locale");
}

int qun__query_read(struct qun__call *c) {
  const char *at = c->req->query;
  while (at && *at) {
    size_t len = strcspn(at, "&");
    const char *equals = memchr(at, '=', len);
    size_t name_len = equals ? (size_t)(equals - at) : len;
    const char *name = qun__decode(&c->arena, at, name_len, true);
    const char *value = equals ? qun__decode(&c->arena, equals + 1, len - name_len - 1, true) : "";
    at += len + (at[len] == '&');
    if (len == 0) continue;
    if (!name || !value) return qun_error_set(&c->err, QUN_EINVAL, "the query is not percent-encoded UTF-8");
    if (!strstr(c->route->pattern, "/{*}") && !known(c->route, name))
      return qun_error_set(&c->err, QUN_EINVAL, "this path has no query parameter \"%.100s\"", name);
    if (qun__query(c, name))
      return qun_error_set(&c->err, QUN_EINVAL, "query parameter \"%.100s\" is given twice", name);
    if (c->query_count == QUN__QUERY_MAX)
      return qun_error_set(&c->err, QUN_EINVAL, "there are too many query parameters");
    c->query[c->query_count++] = (struct qun__pair){name, value};
  }
  for (const struct qun__param *p = c->route->params; p && p->name; p++)
    if (p->where == QUN__IN_QUERY && p->required && !qun__query(c, p->name))
      return qun_error_set(&c->err, QUN_EINVAL, "query parameter \"%s\" is missing: %s", p->name, p->doc);
  return 0;
}

const char *qun__query(const struct qun__call *c, const char *name) {
  for (uint32_t i = 0; i < c->query_count; i++)
    if (!strcmp(c->query[i].name, name)) return c->query[i].value;
  return NULL;
}

int qun__query_uint(struct qun__call *c, const char *name, uint64_t otherwise, uint64_t max, uint64_t *out) {
  const char *text = qun__query(c, name);
  char *end;
  if (!text) {
    *out = otherwise;
    return 0;
  }
  unsigned long long n = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || strlen(text) > 19 || n > max)
    return qun_error_set(&c->err, QUN_EINVAL, "query parameter \"%s\" must be a whole number of 0 to %llu", name,
                         (unsigned long long)max);
  *out = n;
  return 0;
}

const char *qun__locale(struct qun__call *c) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  const char *text = qun__query(c, "locale");
  if (!text) text = c->req->accept_language;
  if (!text) return NULL;
  while (*text == ' ') text++;
  size_t len = strspn(text, allowed);
  if (len == 0 || len > 35 || (text[len] && !strchr(",; ", text[len]))) return NULL;
  qun_slice copy = qun_arena_copy(&c->arena, qun_slice_of(text, len));
  return copy.ptr;
}
