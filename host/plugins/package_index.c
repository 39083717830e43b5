/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/package_index.h"

#include "host/plugins/manifest_check.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
const char qun_package_arch[] = "x86_64-linux-gnu";
#elif defined(__aarch64__)
const char qun_package_arch[] = "aarch64-linux-gnu";
#elif defined(__riscv) && __riscv_xlen == 64
const char qun_package_arch[] = "riscv64-linux-gnu";
#else
#error "give this machine a name"
#endif

static const char head[] = "qun-package/1\n";

/* ---------------------------------------------------------------- files */

void qun_package_index_fini(struct qun_package_index *index) {
  for (uint32_t i = 0; i < index->count; i++) free(index->files[i].path);
  free(index->files);
  memset(index, 0, sizeof *index);
}

bool qun_package_index_add(struct qun_package_index *index, const char *path, uint64_t size,
                           const unsigned char sha256[32]) {
  if (index->count == QUN_PACKAGE_FILES_MAX) return false;
  if ((index->count & (index->count - 1)) == 0) { /* grows at powers of two */
    size_t cap = index->count ? (size_t)index->count * 2 : 1;
    struct qun_package_file *grown = realloc(index->files, cap * sizeof *grown);
    if (!grown) return false;
    index->files = grown;
  }
  struct qun_package_file *f = &index->files[index->count];
  f->path = strdup(path);
  f->size = size;
  memcpy(f->sha256, sha256, sizeof f->sha256);
  if (f->path) index->count++;
  return f->path != NULL;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const struct qun_package_file *)a)->path, ((const struct qun_package_file *)b)->path);
}

const struct qun_package_file *qun_package_index_find(const struct qun_package_index *index, const char *path) {
  for (uint32_t i = 0; i < index->count; i++)
    if (strcmp(index->files[i].path, path) == 0) return &index->files[i];
  return NULL;
}

/* ---------------------------------------------------------------- text */

void qun_package_index_write(struct qun_pack *out, struct qun_package_index *index) {
  char line[512], hash[65];
  if (index->count) qsort(index->files, index->count, sizeof *index->files, by_path);
  qun_pack_raw(out, qun_str(head));
  snprintf(line, sizeof line, "id %s\nversion %s\narch %s\n", index->id, index->version, index->arch);
  qun_pack_raw(out, qun_str(line));
  for (uint32_t i = 0; i < index->count; i++) {
    const struct qun_package_file *f = &index->files[i];
    sodium_bin2hex(hash, sizeof hash, f->sha256, sizeof f->sha256);
    snprintf(line, sizeof line, "file %s %llu %s\n", hash, (unsigned long long)f->size, f->path);
    qun_pack_raw(out, qun_str(line));
  }
}

/* Takes one line off the text into `line`, without its end. */
static bool take_line(qun_slice *text, char *line, size_t size) {
  const char *at = text->ptr;
  const char *end = text->len ? memchr(at, '\n', (size_t)text->len) : NULL;
  size_t n = end ? (size_t)(end - at) : 0;
  if (!end || n >= size || memchr(at, 0, n)) return false;
  memcpy(line, at, n);
  line[n] = '\0';
  *text = qun_slice_of(end + 1, (size_t)text->len - n - 1);
  return true;
}

static bool is_arch(const char *text) {
  size_t n = strlen(text);
  return n > 0 && n < 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static bool take_word(qun_slice *text, const char *key, char out[32], bool (*fits)(const char *)) {
  char line[80];
  size_t n = strlen(key);
  if (!take_line(text, line, sizeof line) || strncmp(line, key, n) != 0 || line[n] != ' ' || strlen(line + n + 1) > 31)
    return false;
  snprintf(out, 32, "%s", line + n + 1);
  return fits(out);
}

static bool is_id(const char *text) {
  return qun__is_name(text, 31);
}

static bool read_file_line(struct qun_package_index *index, const char *line) {
  unsigned char sum[32];
  char path[256], *end;
  size_t n;
  if (strncmp(line, "file ", 5) != 0 || strlen(line) < 5 + 64 + 4 || line[69] != ' ') return false;
  if (strspn(line + 5, "0123456789abcdef") != 64 || sodium_hex2bin(sum, 32, line + 5, 64, NULL, &n, NULL) != 0 ||
      n != 32)
    return false;
  if (line[70] < '0' || line[70] > '9') return false;
  unsigned long long size = strtoull(line + 70, &end, 10);
  if (*end != ' ' || (line[70] == '0' && end != line + 71) || end - (line + 70) > 15) return false;
  snprintf(path, sizeof path, "%s", end + 1);
  if (!*path || qun__wrong_path(path)) return false;
  if (index->count && strcmp(index->files[index->count - 1].path, path) >= 0) return false;
  return qun_package_index_add(index, path, size, sum);
}

int qun_package_index_read(struct qun_package_index *index, qun_slice text, struct qun_error *err) {
  char line[400];
  unsigned at = 5;
  memset(index, 0, sizeof *index);
  if (text.len > QUN_PACKAGE_INDEX_MAX) return qun_error_set(err, QUN_EINVAL, "the index is larger than 1 MiB");
  if (text.len < sizeof head - 1 || memcmp(text.ptr, head, sizeof head - 1) != 0)
    return qun_error_set(err, QUN_EINVAL, "the index does not begin with qun-package/1");
  text = qun_slice_of((const char *)text.ptr + sizeof head - 1, (size_t)text.len - (sizeof head - 1));
  if (!take_word(&text, "id", index->id, is_id) || !take_word(&text, "version", index->version, qun__is_version) ||
      !take_word(&text, "arch", index->arch, is_arch))
    return qun_error_set(err, QUN_EINVAL, "the index has no id, version and arch in its lines 2 to 4");
  for (; text.len > 0; at++) {
    if (take_line(&text, line, sizeof line) && read_file_line(index, line)) continue;
    qun_package_index_fini(index);
    return qun_error_set(err, QUN_EINVAL,
                         "line %u of the index is not \"file SHA-256 SIZE PATH\" in order of the paths", at);
  }
  return 0;
}
