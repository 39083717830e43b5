/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/package_zip.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

/* ---------------------------------------------------------------- in */

/* One entry. Its size is what the archive says, and no more is read. */
static int read_entry(struct qun_package *p, zip_t *z, zip_uint64_t nth, const char *path, struct qun_error *err) {
  zip_stat_t st;
  zip_stat_init(&st);
  if (zip_stat_index(z, nth, 0, &st) < 0 || !(st.valid & ZIP_STAT_NAME) || !(st.valid & ZIP_STAT_SIZE))
    return qun_error_set(err, QUN_EINVAL, "%s: entry %llu cannot be read", path, (unsigned long long)nth);
  if (st.size > QUN_PACKAGE_BYTES_MAX - p->total)
    return qun_error_set(err, QUN_EINVAL, "%s: %.100s: a package has at most 256 MiB", path, st.name);
  if (st.valid & ZIP_STAT_ENCRYPTION_METHOD && st.encryption_method != ZIP_EM_NONE)
    return qun_error_set(err, QUN_EINVAL, "%s: %.100s is encrypted", path, st.name);
  zip_file_t *f = zip_fopen_index(z, nth, 0);
  char *bytes = f ? malloc((size_t)st.size + 1) : NULL;
  int rc = bytes && zip_fread(f, bytes, st.size + 1) == (zip_int64_t)st.size ? 0 : QUN_EINVAL;
  if (rc < 0)
    qun_error_set(err, rc, "%s: %.100s is damaged", path, st.name);
  else if (qun_package_part_of(p, st.name).ptr)
    rc = qun_error_set(err, QUN_EINVAL, "%s: %.100s is there twice", path, st.name);
  else
    rc = qun_package_put(p, st.name, qun_slice_of(bytes, (size_t)st.size), err);
  if (f) zip_fclose(f);
  free(bytes);
  return rc;
}

int qun__package_read_zip(struct qun_package *p, const char *path, struct qun_error *err) {
  int why = 0;
  zip_t *z = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &why);
  if (!z) return qun_error_set(err, QUN_EINVAL, "%s is no package: no zip archive that is whole", path);
  zip_int64_t n = zip_get_num_entries(z, 0);
  int rc = n > QUN_PACKAGE_FILES_MAX + 2
               ? qun_error_set(err, QUN_EINVAL, "%s: a package has at most %d files", path, QUN_PACKAGE_FILES_MAX)
               : 0;
  for (zip_int64_t i = 0; rc == 0 && i < n; i++) rc = read_entry(p, z, (zip_uint64_t)i, path, err);
  zip_discard(z);
  return rc;
}

/* ---------------------------------------------------------------- out */

static int by_path(const void *a, const void *b) {
  return strcmp((*(const struct qun_package_part *const *)a)->path, (*(const struct qun_package_part *const *)b)->path);
}

/* 1980-01-01 00:00, the first time that a zip archive knows: when and where it was packed leaves no trace. */
enum { DOS_DATE = 1 << 5 | 1, DOS_TIME = 0 };

static int write_entry(zip_t *z, const struct qun_package_part *part) {
  zip_source_t *source = zip_source_buffer(z, part->bytes.buf, part->bytes.len, 0);
  zip_int64_t nth = source ? zip_file_add(z, part->path, source, ZIP_FL_ENC_UTF_8) : -1;
  if (nth < 0) {
    zip_source_free(source);
    return -1;
  }
  return zip_file_set_dostime(z, (zip_uint64_t)nth, DOS_TIME, DOS_DATE, 0) |
         zip_set_file_compression(z, (zip_uint64_t)nth, ZIP_CM_DEFLATE, 9) |
         zip_file_set_external_attributes(z, (zip_uint64_t)nth, 0, ZIP_OPSYS_UNIX, (zip_uint32_t)0100644 << 16);
}

int qun_package_write(const struct qun_package *p, const char *path, struct qun_error *err) {
  char fresh[PATH_MAX];
  int why = 0, bad = 0;
  if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
    return qun_error_set(err, QUN_EINVAL, "%.200s...: the path is too long", path);
  const struct qun_package_part **order = calloc((size_t)p->count + 1, sizeof *order);
  zip_t *z = order ? zip_open(fresh, ZIP_CREATE | ZIP_TRUNCATE, &why) : NULL;
  for (uint32_t i = 0; z && i < p->count; i++) order[i] = &p->parts[i];
  if (z) qsort(order, p->count, sizeof *order, by_path);
  for (uint32_t i = 0; z && !bad && i < p->count; i++) bad = write_entry(z, order[i]);
  free(order);
  if (z && bad) zip_discard(z);
  if (!z || bad || zip_close(z) < 0 || rename(fresh, path) < 0) {
    unlink(fresh);
    return qun_error_set(err, QUN_EFAIL, "%s cannot be written", path);
  }
  return 0;
}
