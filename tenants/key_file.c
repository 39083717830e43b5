/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/key_file.h"

#include <qun/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct qun_error *err, const struct qun_key_dir *dir, const char *name, const char *what) {
  int code = errno == ENOENT ? QUN_ENOTFOUND : QUN_EFAIL;
  return qun_error_set(err, code, "%s/%s: %s: %s", dir->path, name, what, strerror(errno));
}

int qun__key_dir_open(struct qun_key_dir *dir, const char *path, struct qun_error *err) {
  struct stat st;
  int n = snprintf(dir->path, sizeof dir->path, "%s", path);
  dir->fd = -1;
  if (n < 0 || (size_t)n >= sizeof dir->path)
    return qun_error_set(err, QUN_EINVAL, "%.80s...: this path is too long", path);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return qun_error_set(err, QUN_ENOTFOUND, "%s: there is no such keys folder", path);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "%s: cannot open the keys folder: %s", path, strerror(errno));
  int code = 0;
  if (fstat(fd, &st) != 0)
    code = qun_error_set(err, QUN_EFAIL, "%s: cannot look at the keys folder: %s", path, strerror(errno));
  else if (st.st_uid != geteuid())
    code = qun_error_set(err, QUN_EDENIED, "%s: the keys folder belongs to user %u, not to %u who runs this", path,
                         st.st_uid, geteuid());
  else if (st.st_mode & 077)
    code = qun_error_set(err, QUN_EDENIED, "%s: others may enter this keys folder (mode %04o); run: chmod 700 %s", path,
                         st.st_mode & 07777, path);
  if (code) {
    close(fd);
    return code;
  }
  dir->fd = fd;
  return 0;
}

void qun__key_dir_close(struct qun_key_dir *dir) {
  if (dir->fd >= 0) close(dir->fd);
  dir->fd = -1;
}

int qun__key_dir_sync(const struct qun_key_dir *dir, struct qun_error *err) {
  if (fsync(dir->fd) == 0) return 0;
  return qun_error_set(err, QUN_EFAIL, "%s: cannot sync the keys folder: %s", dir->path, strerror(errno));
}

int qun__key_file_open(int *out, const struct qun_key_dir *dir, const char *name, int flags, struct qun_error *err) {
  struct stat st;
  int fd = openat(dir->fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return refuse(err, dir, name, "cannot open");
  int code = 0;
  if (fstat(fd, &st) != 0)
    code = refuse(err, dir, name, "cannot look at it");
  else if (!S_ISREG(st.st_mode))
    code = qun_error_set(err, QUN_EDENIED, "%s/%s: this is not a plain file", dir->path, name);
  else if (st.st_uid != geteuid())
    code = qun_error_set(err, QUN_EDENIED, "%s/%s: this file belongs to user %u, not to %u who runs this", dir->path,
                         name, st.st_uid, geteuid());
  else if (st.st_mode & 077)
    code =
        qun_error_set(err, QUN_EDENIED, "%s/%s: others may read or write this file (mode %04o); run: chmod 600 %s/%s",
                      dir->path, name, st.st_mode & 07777, dir->path, name);
  if (code) {
    close(fd);
    return code;
  }
  *out = fd;
  return 0;
}

int qun__pwrite_all(int fd, const void *bytes, size_t size, long long at) {
  const char *from = bytes;
  while (size) {
    ssize_t n = pwrite(fd, from, size, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    from += n;
    at += n;
    size -= (size_t)n;
  }
  return 0;
}

long long qun__pread_all(int fd, void *bytes, size_t size, long long at) {
  char *to = bytes;
  size_t got = 0;
  while (got < size) {
    ssize_t n = pread(fd, to + got, size - got, at + (long long)got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    got += (size_t)n;
  }
  return (long long)got;
}

int qun__key_file_read(const struct qun_key_dir *dir, const char *name, void *bytes, size_t size,
                       struct qun_error *err) {
  struct stat st;
  int fd;
  int code = qun__key_file_open(&fd, dir, name, O_RDONLY, err);
  if (code) return code;
  if (fstat(fd, &st) != 0 || qun__pread_all(fd, bytes, size, 0) < 0)
    code = refuse(err, dir, name, "cannot read");
  else if (st.st_size != (off_t)size)
    code = qun_error_set(err, QUN_EINVAL, "%s/%s: %lld bytes long where %zu belong", dir->path, name,
                         (long long)st.st_size, size);
  close(fd);
  return code;
}

int qun__key_file_create(int *out, const struct qun_key_dir *dir, const char *name, struct qun_error *err) {
  int code = qun__key_file_wipe(dir, name, err);
  if (code) return code;
  int fd = openat(dir->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return refuse(err, dir, name, "cannot create");
  *out = fd;
  return 0;
}

int qun__key_file_write(const struct qun_key_dir *dir, const char *name, const void *bytes, size_t size,
                        struct qun_error *err) {
  int fd;
  int code = qun__key_file_create(&fd, dir, name, err);
  if (code) return code;
  if (qun__pwrite_all(fd, bytes, size, 0) != 0 || fsync(fd) != 0) code = refuse(err, dir, name, "cannot write");
  close(fd);
  return code;
}

int qun__key_file_rename(const struct qun_key_dir *dir, const char *from, const char *to, struct qun_error *err) {
  if (renameat(dir->fd, from, dir->fd, to) == 0) return 0;
  return refuse(err, dir, from, "cannot rename");
}

int qun__key_file_replace(const struct qun_key_dir *dir, const char *name, const void *bytes, size_t size,
                          struct qun_error *err) {
  char fresh[64];
  snprintf(fresh, sizeof fresh, "%s.new", name);
  int code = qun__key_file_write(dir, fresh, bytes, size, err);
  if (!code) code = qun__key_file_rename(dir, fresh, name, err);
  if (!code) code = qun__key_dir_sync(dir, err);
  return code;
}

int qun__key_file_zero(int fd) {
  static const char zeros[4096];
  struct stat st;
  if (fstat(fd, &st) != 0) return -1;
  for (off_t at = 0; at < st.st_size; at += (off_t)sizeof zeros) {
    off_t left = st.st_size - at;
    size_t n = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
    if (qun__pwrite_all(fd, zeros, n, at) != 0) return -1;
  }
  return fsync(fd);
}

int qun__key_file_wipe(const struct qun_key_dir *dir, const char *name, struct qun_error *err) {
  struct stat st;
  if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? 0 : refuse(err, dir, name, "cannot look at it");
  if (S_ISREG(st.st_mode) && st.st_nlink == 1) {
    int fd = openat(dir->fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return refuse(err, dir, name, "cannot open");
    int bad = qun__key_file_zero(fd);
    close(fd);
    if (bad) return refuse(err, dir, name, "cannot overwrite");
  }
  if (unlinkat(dir->fd, name, 0) != 0) return refuse(err, dir, name, "cannot remove");
  return 0;
}
