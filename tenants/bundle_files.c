/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/bundle_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 4, READ_AT_ONCE = 1 << 16 };

static int read_all(struct qun_pack *out, int fd, const char *path, struct qun_error *err) {
  unsigned char piece[READ_AT_ONCE];
  for (;;) {
    ssize_t n = read(fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return qun_error_set(err, QUN_EFAIL, "%s: cannot read: %s", path, strerror(errno));
    if (n == 0) break;
    if (out->len + (size_t)n > QUN_BUNDLE_FILE_MAX)
      return qun_error_set(err, QUN_EINVAL, "%s: larger than %d MiB", path, QUN_BUNDLE_FILE_MAX >> 20);
    qun_pack_raw(out, qun_slice_of(piece, (size_t)n));
  }
  return out->failed ? qun_error_set(err, QUN_EFAIL, "%s: out of memory", path) : 0;
}

int qun__bundle_read(struct qun_pack *out, int dir, const char *path, struct qun_error *err) {
  struct stat st;
  int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return qun_error_set(err, QUN_ENOTFOUND, "%s: missing", path);
  if (fd < 0 && errno == ELOOP) return qun_error_set(err, QUN_EINVAL, "%s: a link, not a plain file", path);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "%s: cannot open: %s", path, strerror(errno));
  int code;
  if (fstat(fd, &st) != 0)
    code = qun_error_set(err, QUN_EFAIL, "%s: cannot look at it: %s", path, strerror(errno));
  else if (!S_ISREG(st.st_mode))
    code = qun_error_set(err, QUN_EINVAL, "%s: not a plain file", path);
  else
    code = read_all(out, fd, path, err);
  close(fd);
  return code;
}

struct walk {
  struct qun__manifest *manifest;
  qun__bundle_each each;
  void *arg;
  int root;
};

static int check_file(struct walk *w, const char *path, struct qun_error *err) {
  unsigned char hash[QUN_SHA256_SIZE];
  struct qun__bundle_entry *entry = qun__manifest_find(w->manifest, path);
  struct qun_pack bytes;
  if (strcmp(path, "MANIFEST") == 0) return 0;
  if (!entry) return qun_error_set(err, QUN_EINVAL, "%s: not listed in MANIFEST", path);
  qun_pack_init(&bytes);
  int code = qun__bundle_read(&bytes, w->root, path, err);
  if (!code && bytes.len != entry->size)
    code = qun_error_set(err, QUN_EINVAL, "%s: %zu bytes long, MANIFEST says %llu", path, bytes.len,
                         (unsigned long long)entry->size);
  if (!code) {
    qun_sha256_of(qun_pack_slice(&bytes), hash);
    if (memcmp(hash, entry->hash, sizeof hash) != 0)
      code = qun_error_set(err, QUN_EINVAL, "%s: altered: its SHA-256 is not the one in MANIFEST", path);
  }
  entry->seen = true;
  if (!code && w->each) code = w->each(w->arg, path, qun_pack_slice(&bytes), err);
  qun_pack_fini(&bytes);
  return code;
}

static int walk_dir(struct walk *w, const char *prefix, int depth, struct qun_error *err);

static int check_name(struct walk *w, const char *prefix, int depth, int dir, const char *name, struct qun_error *err) {
  char path[QUN_BUNDLE_PATH_MAX + 1];
  struct stat st;
  int n = snprintf(path, sizeof path, "%s%s", prefix, name);
  if (n < 0 || (size_t)n >= sizeof path)
    return qun_error_set(err, QUN_EINVAL, "%s%.100s: a path too long to be listed", prefix, name);
  if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return qun_error_set(err, QUN_EFAIL, "%s: cannot look at it: %s", path, strerror(errno));
  if (S_ISREG(st.st_mode)) return check_file(w, path, err);
  if (S_ISLNK(st.st_mode)) return qun_error_set(err, QUN_EINVAL, "%s: a link, not a plain file", path);
  if (!S_ISDIR(st.st_mode)) return qun_error_set(err, QUN_EINVAL, "%s: not a plain file", path);
  if (depth == DEPTH_MAX || (size_t)n + 1 >= sizeof path)
    return qun_error_set(err, QUN_EINVAL, "%s: a folder too deep to be listed", path);
  path[n] = '/';
  path[n + 1] = '\0';
  return walk_dir(w, path, depth + 1, err);
}

/* `prefix` is empty or ends with a slash. A folder without a file in it is one that MANIFEST does not list. */
static int walk_dir(struct walk *w, const char *prefix, int depth, struct qun_error *err) {
  struct dirent *entry;
  bool empty = true;
  int fd = openat(w->root, *prefix ? prefix : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *names = fd < 0 ? NULL : fdopendir(fd);
  if (!names) {
    if (fd >= 0) close(fd);
    return qun_error_set(err, QUN_EFAIL, "%s: cannot list: %s", *prefix ? prefix : "the bundle", strerror(errno));
  }
  int code = 0;
  while (!code && (entry = readdir(names))) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    empty = false;
    code = check_name(w, prefix, depth, dirfd(names), entry->d_name, err);
  }
  closedir(names);
  if (!code && empty) code = qun_error_set(err, QUN_EINVAL, "%s: an empty folder, not listed in MANIFEST", prefix);
  return code;
}

int qun__bundle_walk(int dir, struct qun__manifest *m, qun__bundle_each each, void *arg, struct qun_error *err) {
  struct walk w = {.manifest = m, .each = each, .arg = arg, .root = dir};
  int code = walk_dir(&w, "", 1, err);
  for (uint32_t i = 0; !code && i < m->count; i++)
    if (!m->entries[i].seen)
      code = qun_error_set(err, QUN_EINVAL, "%s: missing, though MANIFEST lists it", m->entries[i].path);
  return code;
}
