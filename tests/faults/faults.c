/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded: disks that are slow, full or broken, and a clock that is wrong. What is wrong stands in a file that the test
 * maps too (QUN_FAULTS names it), so that it changes while the process runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* As daemon.py packs it. */
struct faults {
  _Atomic int64_t slow_us;   /* each sync takes so much longer */
  _Atomic int64_t sync_skip; /* so many syncs of matching files pass */
  _Atomic int64_t sync_fail; /* then so many fail with EIO */
  _Atomic int64_t space;     /* so many bytes may files still grow by, then ENOSPC; < 0: as many as they like */
  _Atomic int64_t shift_ms;  /* the time of day is so much later */
  _Atomic int64_t failed;    /* counts what was refused */
  char pattern[256];         /* whole paths of the files: * matches / too */
};

static struct faults *faults;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("QUN_FAULTS");
  int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *at = (void *)syscall(SYS_mmap, NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) faults = at;
}

static bool matches(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  return fnmatch(faults->pattern, path, 0) == 0;
}

static int refuse(int why) {
  faults->failed++;
  errno = why;
  return -1;
}

/* ---- syncs */

static bool takes_one(_Atomic int64_t *count) {
  int64_t n = atomic_load(count);
  while (n > 0)
    if (atomic_compare_exchange_weak(count, &n, n - 1)) return true;
  return false;
}

static int before_sync(int fd) {
  if (!faults) return 0;
  int64_t us = faults->slow_us;
  if (us > 0) nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
  if (faults->sync_fail > 0 && matches(fd) && !takes_one(&faults->sync_skip) && takes_one(&faults->sync_fail))
    return refuse(EIO);
  return 0;
}

#define SHOWN __attribute__((visibility("default")))

SHOWN int fsync(int fd) {
  return before_sync(fd) < 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

SHOWN int fdatasync(int fd) {
  return before_sync(fd) < 0 ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* ---- writes */

/* Takes the room that a file needs to end at `end`. */
static int take_room(int fd, const struct stat *st, int64_t end) {
  if (!faults || faults->space < 0 || !S_ISREG(st->st_mode) || end <= st->st_size || !matches(fd)) return 0;
  int64_t need = end - st->st_size, left = faults->space;
  while (left >= need)
    if (atomic_compare_exchange_weak(&faults->space, &left, left - need)) return 0;
  return refuse(ENOSPC);
}

static int before_write(int fd, int64_t at, size_t len) {
  struct stat st;
  int flags = faults ? fcntl(fd, F_GETFL) : 0;
  if (!faults || (faults->space < 0 && !(flags & O_DSYNC)) || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) return 0;
  if (at < 0) at = flags & O_APPEND ? st.st_size : (int64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
  if (take_room(fd, &st, at + (int64_t)len) < 0) return -1;
  return flags & O_DSYNC ? before_sync(fd) : 0;
}

static size_t total(const struct iovec *parts, int count) {
  size_t n = 0;
  for (int i = 0; i < count; i++) n += parts[i].iov_len;
  return n;
}

SHOWN ssize_t write(int fd, const void *bytes, size_t len) {
  return before_write(fd, -1, len) < 0 ? -1 : syscall(SYS_write, fd, bytes, len);
}

SHOWN ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) {
  return before_write(fd, at, len) < 0 ? -1 : syscall(SYS_pwrite64, fd, bytes, len, at);
}

SHOWN ssize_t writev(int fd, const struct iovec *parts, int count) {
  return before_write(fd, -1, total(parts, count)) < 0 ? -1 : syscall(SYS_writev, fd, parts, count);
}

SHOWN ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  return before_write(fd, at, total(parts, count)) < 0 ? -1 : syscall(SYS_pwritev, fd, parts, count, at, 0);
}

SHOWN int fallocate(int fd, int mode, off_t at, off_t len) {
  struct stat st;
  if (faults && fstat(fd, &st) == 0 && take_room(fd, &st, at + len) < 0) return -1;
  return (int)syscall(SYS_fallocate, fd, mode, at, len);
}

SHOWN int posix_fallocate(int fd, off_t at, off_t len) {
  int why = errno, rc = fallocate(fd, 0, at, len) < 0 ? errno : 0;
  errno = why;
  return rc;
}

/* ---- the time of day */

static void shift(struct timespec *at) {
  int64_t ms = faults ? faults->shift_ms : 0;
  if (!ms) return;
  int64_t whole = (int64_t)at->tv_sec * 1000 + at->tv_nsec / 1000000 + ms;
  at->tv_sec = whole / 1000;
  at->tv_nsec = whole % 1000 * 1000000;
}

SHOWN int clock_gettime(clockid_t clock, struct timespec *at) {
  int rc = (int)syscall(SYS_clock_gettime, clock, at);
  if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(at);
  return rc;
}

SHOWN int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  *at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

SHOWN time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

SHOWN ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) __attribute__((alias("pwrite")));
SHOWN ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) __attribute__((alias("pwritev")));
SHOWN int fallocate64(int fd, int mode, off_t at, off_t len) __attribute__((alias("fallocate")));
SHOWN int posix_fallocate64(int fd, off_t at, off_t len) __attribute__((alias("posix_fallocate")));
