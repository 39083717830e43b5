/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/bundle_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, qun_slice bytes) {
  const char *at = bytes.ptr;
  uint64_t left = bytes.len;
  while (left) {
    ssize_t n = write(fd, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    at += n;
    left -= (uint64_t)n;
  }
  return 0;
}

static int make_folders(int dir, const char *path, struct qun_error *err) {
  char folder[QUN_BUNDLE_PATH_MAX + 1];
  for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    if (mkdirat(dir, folder, 0755) != 0 && errno != EEXIST)
      return qun_error_set(err, QUN_EFAIL, "%s: cannot create: %s", folder, strerror(errno));
  }
  return 0;
}

static int write_file(int dir, const char *path, qun_slice bytes, struct qun_error *err) {
  int code = make_folders(dir, path, err);
  if (code) return code;
  int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "%s: cannot create: %s", path, strerror(errno));
  if (write_all(fd, bytes) != 0 || fsync(fd) != 0)
    code = qun_error_set(err, QUN_EFAIL, "%s: cannot write: %s", path, strerror(errno));
  close(fd);
  return code;
}

static int open_empty(int *out, const char *path, struct qun_error *err) {
  int code = 0;
  if (mkdir(path, 0755) != 0 && errno != EEXIST)
    return qun_error_set(err, QUN_EFAIL, "%s: cannot create: %s", path, strerror(errno));
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int list = fd < 0 ? -1 : dup(fd);
  DIR *names = list < 0 ? NULL : fdopendir(list);
  if (!names) {
    code = qun_error_set(err, QUN_EFAIL, "%s: cannot list: %s", path, strerror(errno));
    if (list >= 0) close(list);
  }
  for (struct dirent *entry; !code && (entry = readdir(names));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      code = qun_error_set(err, QUN_ECONFLICT, "%s: not empty (%.80s): a bundle needs a folder of its own", path,
                           entry->d_name);
  if (names) closedir(names);
  if (code && fd >= 0) close(fd);
  if (!code) *out = fd;
  return code;
}

static int fill_manifest(struct qun__manifest *m, const struct qun_bundle_file *files, uint32_t count,
                         struct qun_error *err) {
  static const char *const needed[] = {"key", "checkpoint", "evidence.json", "audit.json"};
  for (uint32_t i = 0; i < count; i++) {
    struct qun__bundle_entry *e = &m->entries[m->count++];
    if (!qun__bundle_path_fits(files[i].path) || strcmp(files[i].path, "MANIFEST") == 0)
      return qun_error_set(err, QUN_EINVAL, "'%.80s' cannot be a path in a bundle", files[i].path);
    strcpy(e->path, files[i].path);
    qun_sha256_of(files[i].bytes, e->hash);
    e->size = files[i].bytes.len;
  }
  qsort(m->entries, m->count, sizeof *m->entries, qun__bundle_entry_order);
  for (uint32_t i = 1; i < m->count; i++)
    if (strcmp(m->entries[i - 1].path, m->entries[i].path) == 0)
      return qun_error_set(err, QUN_EINVAL, "%s: given twice", m->entries[i].path);
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!qun__manifest_find(m, needed[i]))
      return qun_error_set(err, QUN_EINVAL, "%s: a bundle needs this file", needed[i]);
  return 0;
}

int qun_bundle_manifest(struct qun_pack *out, const struct qun_bundle_file *files, uint32_t count,
                        const struct qun_verifier *who, qun_note_signer sign, void *arg, struct qun_error *err) {
  struct qun__manifest m = {.count = 0};
  struct qun_pack text;
  if (count > QUN_BUNDLE_FILES_MAX)
    return qun_error_set(err, QUN_EINVAL, "a bundle of more than %d files", QUN_BUNDLE_FILES_MAX);
  m.entries = calloc(count + 1u, sizeof *m.entries);
  if (!m.entries) return qun_error_set(err, QUN_EFAIL, "out of memory");
  qun_pack_init(&text);
  strcpy(m.name, who->name);
  int code = fill_manifest(&m, files, count, err);
  if (!code) qun__manifest_write(&text, &m);
  if (!code && text.failed) code = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (!code) code = qun_note_sign(out, qun_pack_slice(&text), who, sign, arg, err);
  qun_pack_fini(&text);
  qun__manifest_fini(&m);
  return code;
}

int qun_bundle_store(const char *dir, const struct qun_bundle_file *files, uint32_t count, struct qun_error *err) {
  int fd = -1, code = 0;
  for (uint32_t i = 0; i < count; i++)
    if (!qun__bundle_path_fits(files[i].path))
      return qun_error_set(err, QUN_EINVAL, "'%.80s' cannot be a path in a bundle", files[i].path);
  code = open_empty(&fd, dir, err);
  if (code) return code;
  for (uint32_t i = 0; !code && i < count; i++) code = write_file(fd, files[i].path, files[i].bytes, err);
  if (!code && fsync(fd) != 0) code = qun_error_set(err, QUN_EFAIL, "cannot sync: %s", strerror(errno));
  if (code) qun_error_prefix(err, "%s", dir);
  close(fd);
  return code;
}
