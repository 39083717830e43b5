/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static int read_all(struct qun_pack *out, int fd, size_t most) {
  char part[8192];
  size_t total = 0;
  for (;;) {
    ssize_t n = read(fd, part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return (int)n;
    total += (size_t)n;
    if (total > most) {
      errno = EFBIG;
      return -1;
    }
    qun_pack_raw(out, qun_slice_of(part, (size_t)n));
  }
}

int qun__small_file_read(struct qun_pack *out, const char *path, size_t most, struct qun_error *err) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return qun_error_set(err, errno == ENOENT ? QUN_ENOTFOUND : QUN_EFAIL, "%s: %s", path, strerror(errno));
  int rc = 0;
  if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)most)
    rc = qun_error_set(err, QUN_EINVAL, "%s: not a file of at most %zu %s", path, most < MIB ? most : most / MIB,
                       most < MIB ? "bytes" : "MiB");
  else if (read_all(out, fd, most) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "%s: %s", path, strerror(errno));
  close(fd);
  if (rc < 0) return rc;
  qun_pack_raw(out, qun_slice_of("", 1));
  if (out->failed) return qun_error_set(err, QUN_EFAIL, "%s: out of memory", path);
  out->len--;
  return 0;
}

static int write_synced(const char *path, qun_slice bytes, unsigned mode) {
  const char *at = bytes.ptr;
  size_t left = (size_t)bytes.len;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return -1;
  while (left > 0) {
    ssize_t n = write(fd, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    at += n;
    left -= (size_t)n;
  }
  int bad = left > 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0;
  return close(fd) < 0 || bad ? -1 : 0;
}

static void sync_above(const char *path) {
  char dir[PATH_MAX];
  snprintf(dir, sizeof dir, "%s", path);
  char *slash = strrchr(dir, '/');
  if (slash) *slash = '\0';
  int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

int qun__small_file_replace(const char *path, qun_slice bytes, unsigned mode, struct qun_error *err) {
  char fresh[PATH_MAX];
  if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
    return qun_error_set(err, QUN_EFAIL, "%.200s...: the path is too long", path);
  if (write_synced(fresh, bytes, mode) < 0 || rename(fresh, path) < 0)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
  sync_above(path);
  return 0;
}
