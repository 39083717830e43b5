/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOAD: every wait for the disk takes QUN_SLOW_SYNC_US microseconds longer: fsync, fdatasync, msync, syncfs,
 * sync_file_range, and writes to files that were opened to be synced (O_SYNC, O_DSYNC) or that ask for it themselves
 * (RWF_SYNC, RWF_DSYNC). So a drive whose flush is slow is played to all contenders of a benchmark alike.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* The next function of this name; looked up each time, since a sync is far dearer. */
#define REAL(type, name, ...) type (*real)(__VA_ARGS__) = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static void nap(void) {
  const char *text = getenv("QUN_SLOW_SYNC_US");
  long us = text ? atol(text) : 0;
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  if (us > 0) nanosleep(&t, NULL);
}

/* Whether writes to this descriptor wait for the disk. */
static bool waits(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & (O_DSYNC | O_SYNC)) != 0;
}

EXPORT int fsync(int fd) {
  REAL(int, "fsync", int);
  int rc = real(fd);
  nap();
  return rc;
}

EXPORT int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  int rc = real(fd);
  nap();
  return rc;
}

EXPORT int syncfs(int fd) {
  REAL(int, "syncfs", int);
  int rc = real(fd);
  nap();
  return rc;
}

EXPORT int msync(void *at, size_t len, int flags) {
  REAL(int, "msync", void *, size_t, int);
  int rc = real(at, len, flags);
  if (flags & MS_SYNC) nap();
  return rc;
}

EXPORT ssize_t write(int fd, const void *bytes, size_t len) {
  REAL(ssize_t, "write", int, const void *, size_t);
  ssize_t n = real(fd, bytes, len);
  if (waits(fd)) nap();
  return n;
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  ssize_t n = real(fd, bytes, len, at);
  if (waits(fd)) nap();
  return n;
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  ssize_t n = real(fd, bytes, len, at);
  if (waits(fd)) nap();
  return n;
}

EXPORT ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) {
  REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
  ssize_t n = real(fd, pieces, count, at);
  if (waits(fd)) nap();
  return n;
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t at) {
  REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off64_t);
  ssize_t n = real(fd, pieces, count, at);
  if (waits(fd)) nap();
  return n;
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *pieces, int count, off_t at, int flags) {
  REAL(ssize_t, "pwritev2", int, const struct iovec *, int, off_t, int);
  ssize_t n = real(fd, pieces, count, at, flags);
  if ((flags & (RWF_SYNC | RWF_DSYNC)) || waits(fd)) nap();
  return n;
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *pieces, int count, off64_t at, int flags) {
  REAL(ssize_t, "pwritev64v2", int, const struct iovec *, int, off64_t, int);
  ssize_t n = real(fd, pieces, count, at, flags);
  if ((flags & (RWF_SYNC | RWF_DSYNC)) || waits(fd)) nap();
  return n;
}
