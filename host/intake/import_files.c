/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/import_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zip.h>

enum { FILE_MAX = 64 * 1024 * 1024, FILES_MAX = 1000000 };

struct item {
  char *path; /* in the archive, or on disk */
  uint64_t size;
};

struct qun__files {
  zip_t *zip; /* NULL: a folder */
  struct item *items;
  size_t count, cap;
};

static int add(struct qun__files *f, const char *path, uint64_t size) {
  if (f->count == FILES_MAX) return QUN_OK;
  if (f->count == f->cap) {
    size_t cap = f->cap ? 2 * f->cap : 64;
    struct item *items = realloc(f->items, cap * sizeof *items);
    if (!items) return QUN_EFAIL;
    f->items = items;
    f->cap = cap;
  }
  f->items[f->count].path = strdup(path);
  f->items[f->count].size = size;
  return f->items[f->count].path ? (f->count++, QUN_OK) : QUN_EFAIL;
}

static int list_zip(struct qun__files *f) {
  zip_int64_t n = zip_get_num_entries(f->zip, 0);
  for (zip_int64_t i = 0; i < n; i++) {
    zip_stat_t st;
    if (zip_stat_index(f->zip, (zip_uint64_t)i, 0, &st) != 0 || !(st.valid & ZIP_STAT_NAME)) {
      if (add(f, "", 0) < 0) return QUN_EFAIL; /* keeps the numbers of the archive */
      continue;
    }
    if (add(f, st.name, st.valid & ZIP_STAT_SIZE ? st.size : 0) < 0) return QUN_EFAIL;
  }
  return QUN_OK;
}

/* Files of a folder and, one level down, of its folders. Links are not followed. */
static int list_folder(struct qun__files *f, const char *path, int deep) {
  DIR *dir = opendir(path);
  struct dirent *entry;
  int rc = QUN_OK;
  if (!dir) return QUN_EINVAL;
  while (rc >= 0 && (entry = readdir(dir))) {
    struct stat st;
    char *full;
    if (entry->d_name[0] == '.') continue;
    if (asprintf(&full, "%s/%s", path, entry->d_name) < 0) {
      rc = QUN_EFAIL;
      break;
    }
    if (lstat(full, &st) == 0 && S_ISREG(st.st_mode))
      rc = add(f, full, (uint64_t)st.st_size);
    else if (deep && S_ISDIR(st.st_mode))
      rc = list_folder(f, full, 0);
    free(full);
  }
  closedir(dir);
  return rc;
}

int qun__files_open(struct qun__files **out, const char *path, struct qun_error *err) {
  struct qun__files *f = calloc(1, sizeof *f);
  struct stat st;
  int code = 0, rc;
  if (!f) return qun_error_set(err, QUN_EFAIL, "out of memory");
  if (stat(path, &st) != 0) {
    rc = qun_error_set(err, errno == ENOENT ? QUN_ENOTFOUND : QUN_EINVAL, "%s: %s", path, strerror(errno));
    goto fail;
  }
  if (S_ISDIR(st.st_mode)) {
    rc = list_folder(f, path, 1);
    if (rc < 0) qun_error_set(err, rc, "%s: the folder cannot be read", path);
  } else {
    f->zip = zip_open(path, ZIP_RDONLY, &code);
    if (!f->zip) {
      zip_error_t why;
      zip_error_init_with_code(&why, code);
      rc = qun_error_set(err, QUN_EINVAL, "%s: no zip archive: %s", path, zip_error_strerror(&why));
      zip_error_fini(&why);
      goto fail;
    }
    rc = list_zip(f);
    if (rc < 0) qun_error_set(err, rc, "out of memory");
  }
  if (rc < 0) goto fail;
  *out = f;
  return QUN_OK;
fail:
  qun__files_close(f);
  return rc;
}

void qun__files_close(struct qun__files *f) {
  if (!f) return;
  if (f->zip) zip_discard(f->zip);
  for (size_t i = 0; i < f->count; i++) free(f->items[i].path);
  free(f->items);
  free(f);
}

size_t qun__files_count(const struct qun__files *f) {
  return f->count;
}

const char *qun__files_name(const struct qun__files *f, size_t index) {
  const char *path = f->items[index].path, *last = strrchr(path, '/');
  if (!last) return path;
  while (last > path && last[-1] != '/') last--;
  return last;
}

uint64_t qun__files_size(const struct qun__files *f, size_t index) {
  return f->items[index].size;
}

static int read_zip(struct qun__files *f, size_t index, struct qun_pack *out, struct qun_error *err) {
  char buf[16384];
  zip_int64_t n;
  zip_file_t *file = zip_fopen_index(f->zip, index, 0);
  if (!file) return qun_error_set(err, QUN_EINVAL, "cannot be unpacked: %s", zip_strerror(f->zip));
  while ((n = zip_fread(file, buf, sizeof buf)) > 0 && out->len <= FILE_MAX) /* a zip may lie about its size */
    qun_pack_raw(out, qun_slice_of(buf, (size_t)n));
  zip_fclose(file);
  return n < 0 ? qun_error_set(err, QUN_EINVAL, "the zip data is damaged") : QUN_OK;
}

static int read_file(struct qun__files *f, size_t index, struct qun_pack *out, struct qun_error *err) {
  char buf[16384];
  size_t n;
  FILE *file = fopen(f->items[index].path, "rbe");
  if (!file) return qun_error_set(err, QUN_EINVAL, "%s", strerror(errno));
  while ((n = fread(buf, 1, sizeof buf, file)) > 0 && out->len <= FILE_MAX) qun_pack_raw(out, qun_slice_of(buf, n));
  int bad = ferror(file);
  fclose(file);
  return bad ? qun_error_set(err, QUN_EINVAL, "cannot be read to its end") : QUN_OK;
}

int qun__files_read(struct qun__files *f, size_t index, struct qun_pack *out, struct qun_error *err) {
  qun_pack_clear(out);
  int rc = f->zip ? read_zip(f, index, out, err) : read_file(f, index, out, err);
  if (rc < 0) return rc;
  if (out->failed) return qun_error_set(err, QUN_EFAIL, "out of memory");
  if (out->len > FILE_MAX) return qun_error_set(err, QUN_EINVAL, "longer than 64 MiB");
  return QUN_OK;
}
