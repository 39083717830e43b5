/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/bundle_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static const char head[] = "qun-bundle/1";

enum { HEX = 2 * QUN_SHA256_SIZE, PARTS_MAX = 4 };

bool qun__bundle_path_fits(const char *path) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (strlen(path) > QUN_BUNDLE_PATH_MAX) return false;
  for (int parts = 1; parts <= PARTS_MAX; parts++) {
    size_t n = strspn(path, allowed);
    if (n == 0 || path[0] == '.') return false;
    if (!path[n]) return true;
    if (path[n] != '/') return false;
    path += n + 1;
  }
  return false;
}

int qun__bundle_entry_order(const void *a, const void *b) {
  const struct qun__bundle_entry *one = a, *other = b;
  return strcmp(one->path, other->path);
}

void qun__manifest_write(struct qun_pack *out, const struct qun__manifest *m) {
  char hex[HEX + 1], size[32];
  qun_pack_raw(out, qun_str(head));
  qun_pack_raw(out, qun_str("\n"));
  qun_pack_raw(out, qun_str(m->name));
  qun_pack_raw(out, qun_str("\n"));
  for (uint32_t i = 0; i < m->count; i++) {
    const struct qun__bundle_entry *e = &m->entries[i];
    snprintf(size, sizeof size, " %llu ", (unsigned long long)e->size);
    qun_pack_raw(out, qun_str(sodium_bin2hex(hex, sizeof hex, e->hash, sizeof e->hash)));
    qun_pack_raw(out, qun_str(size));
    qun_pack_raw(out, qun_str(e->path));
    qun_pack_raw(out, qun_str("\n"));
  }
}

static bool lower_hex(const char *text, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!strchr("0123456789abcdef", text[i]) || !text[i]) return false;
  return true;
}

static bool read_entry(struct qun__bundle_entry *e, qun_slice line) {
  const char *at = line.ptr, *space;
  size_t n;
  if (line.len < HEX + 4 || !lower_hex(at, HEX) || at[HEX] != ' ') return false;
  if (sodium_hex2bin(e->hash, sizeof e->hash, at, HEX, NULL, &n, NULL) != 0 || n != sizeof e->hash) return false;
  at += HEX + 1;
  size_t left = (size_t)line.len - HEX - 1;
  space = memchr(at, ' ', left);
  if (!space || !qun__decimal(&e->size, qun_slice_of(at, (size_t)(space - at)))) return false;
  left -= (size_t)(space - at) + 1;
  if (left == 0 || left > QUN_BUNDLE_PATH_MAX || memchr(space + 1, '\0', left)) return false;
  memcpy(e->path, space + 1, left);
  e->path[left] = '\0';
  return qun__bundle_path_fits(e->path) && strcmp(e->path, "MANIFEST") != 0;
}

int qun__manifest_read(struct qun__manifest *out, qun_slice text, struct qun_error *err) {
  struct qun__manifest m = {.count = 0};
  qun_slice line, rest = text;
  if (!qun__line(&line, &rest) || !qun_slice_is(line, head))
    return qun_error_set(err, QUN_EINVAL, "line 1: not %s", head);
  if (!qun__line(&line, &rest) || line.len == 0 || line.len > QUN_KEY_NAME_MAX)
    return qun_error_set(err, QUN_EINVAL, "line 2: not the name of a key");
  memcpy(m.name, line.ptr, (size_t)line.len);
  m.entries = calloc(QUN_BUNDLE_FILES_MAX, sizeof *m.entries);
  if (!m.entries) return qun_error_set(err, QUN_EFAIL, "out of memory");
  int code = 0;
  while (!code && qun__line(&line, &rest)) {
    if (m.count == QUN_BUNDLE_FILES_MAX)
      code = qun_error_set(err, QUN_EINVAL, "more than %d files", QUN_BUNDLE_FILES_MAX);
    else if (!read_entry(&m.entries[m.count], line))
      code = qun_error_set(err, QUN_EINVAL, "line %u: not of the form hash, size, path", m.count + 3);
    else if (m.count && qun__bundle_entry_order(&m.entries[m.count - 1], &m.entries[m.count]) >= 0)
      code = qun_error_set(err, QUN_EINVAL, "line %u: paths are not in order", m.count + 3);
    else
      m.count++;
  }
  if (code)
    qun__manifest_fini(&m);
  else
    *out = m;
  return code;
}

void qun__manifest_fini(struct qun__manifest *m) {
  free(m->entries);
  m->entries = NULL;
  m->count = 0;
}

struct qun__bundle_entry *qun__manifest_find(const struct qun__manifest *m, const char *path) {
  struct qun__bundle_entry want;
  if (strlen(path) >= sizeof want.path) return NULL;
  strcpy(want.path, path);
  return bsearch(&want, m->entries, m->count, sizeof want, qun__bundle_entry_order);
}
