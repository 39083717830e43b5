/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded: notes what a power cut would keep of the files below some folders, so that image.py can build a disk as a
 * cut could have left it. Nothing is held back while the process runs; it sees its own writes as ever.
 *
 *   QUN_CUT_ROOTS      folders, divided by ':'; whole paths
 *   QUN_CUT_NOTES      folder for the notes, on the same file system, made by image.py
 *   QUN_CUT_WRITEBACK  of 1,000 writes, how many also reach the disk by themselves, as pages of a cache do
 *
 * In the notes, files are named by their inode; a second link in keep/ pins it, so that no number is used twice.
 *   keep/N    the file as the process sees it, also when its name is gone
 *   synced/N  the bytes that a sync made last
 *   dirty/N   struct notes: the synced size and a bit for each 4 KiB page written since
 *   ops       names made, moved and removed, and folders synced, in order; a line each, fields divided by tabs
 *
 * Notes are in shared memory and files: a killed process leaves them as they are, like the page cache they stand for. The
 * functions below go to the kernel directly, so that no other interceptor comes between.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES_MAX = 1 << 20, SLOTS = 1 << 16, ROOTS = 4, PIECE = 1 << 16 };

struct notes {
  int64_t size;   /* synced */
  int64_t mapped; /* written through memory, too: any page may differ */
  unsigned char head[PAGE - 16];
  unsigned char bits[PAGES_MAX / 8];
};

struct slot {
  struct slot *next;
  ino_t ino;
  pthread_mutex_t lock;
  int live, synced;
  struct notes *notes;
};

static struct {
  pthread_mutex_t lock;
  struct slot *slots[SLOTS];
  char roots[ROOTS][PATH_MAX];
  size_t roots_count;
  dev_t device;
  int keep, synced, dirty, ops;
  unsigned writeback;
  uint64_t random;
} cut = {.lock = PTHREAD_MUTEX_INITIALIZER, .keep = -1};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
  char line[PATH_MAX + 200];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  dprintf(STDERR_FILENO, "powercut: %s: %m\n", line);
  _exit(99);
}

/* ---------------------------------------------------------------- what is watched */

static bool watched_path(const char *path) {
  for (size_t i = 0; i < cut.roots_count; i++) {
    size_t n = strlen(cut.roots[i]);
    if (strncmp(path, cut.roots[i], n) == 0 && (path[n] == '/' || path[n] == '\0')) return true;
  }
  return false;
}

static bool watched_fd(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  return watched_path(path);
}

static int raw_open(int dir, const char *path, int flags, mode_t mode) {
  return (int)syscall(SYS_openat, dir, path, flags, mode);
}

static int notes_file(int folder, ino_t ino, int flags) {
  char name[32];
  snprintf(name, sizeof name, "%llu", (unsigned long long)ino);
  int fd = raw_open(folder, name, flags | O_CLOEXEC, 0600);
  if (fd < 0) die("note %s", name);
  return fd;
}

static struct slot *slot_open(ino_t ino) {
  struct slot *s = calloc(1, sizeof *s);
  if (!s) die("memory");
  s->ino = ino;
  pthread_mutex_init(&s->lock, NULL);
  s->live = notes_file(cut.keep, ino, O_RDONLY);
  s->synced = notes_file(cut.synced, ino, O_RDWR | O_CREAT);
  int fd = notes_file(cut.dirty, ino, O_RDWR | O_CREAT);
  if (syscall(SYS_ftruncate, fd, sizeof *s->notes) < 0) die("note of %llu", (unsigned long long)ino);
  s->notes = (void *)syscall(SYS_mmap, NULL, sizeof *s->notes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (s->notes == MAP_FAILED) die("note of %llu", (unsigned long long)ino);
  close(fd);
  struct slot **at = &cut.slots[ino % SLOTS];
  s->next = *at;
  *at = s;
  return s;
}

/* Pins the inode of a file that is open and watched. *fresh: nobody had; its name is not noted. */
static struct slot *slot_make(int fd, ino_t ino, bool *fresh) {
  char link[64], name[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  snprintf(name, sizeof name, "%llu", (unsigned long long)ino);
  *fresh = syscall(SYS_linkat, AT_FDCWD, link, cut.keep, name, AT_SYMLINK_FOLLOW) == 0;
  if (!*fresh && errno != EEXIST) die("pin %llu", (unsigned long long)ino);
  return slot_open(ino);
}

static struct slot *slot_find(ino_t ino) {
  struct slot *s = cut.slots[ino % SLOTS];
  while (s && s->ino != ino) s = s->next;
  return s;
}

/* The slot of an open file, locked; NULL: not watched. */
static struct slot *slot_of(int fd, struct stat *st) {
  if (cut.keep < 0 || fstat(fd, st) < 0 || !S_ISREG(st->st_mode) || st->st_dev != cut.device) return NULL;
  pthread_mutex_lock(&cut.lock);
  struct slot *s = slot_find(st->st_ino);
  bool fresh = false;
  if (!s && watched_fd(fd)) s = slot_make(fd, st->st_ino, &fresh);
  if (fresh) die("a file was opened unseen");
  pthread_mutex_unlock(&cut.lock);
  if (s) pthread_mutex_lock(&s->lock);
  return s;
}

/* ---------------------------------------------------------------- pages */

static void mark(struct slot *s, int64_t from, int64_t len) {
  for (int64_t page = from / PAGE; page * PAGE < from + len; page++) {
    if (page >= PAGES_MAX) die("file %llu is too large", (unsigned long long)s->ino);
    s->notes->bits[page / 8] |= (unsigned char)(1u << page % 8);
  }
}

static void copy_range(struct slot *s, int64_t from, int64_t len) {
  static _Thread_local unsigned char buf[PIECE];
  while (len > 0) {
    ssize_t n = (ssize_t)syscall(SYS_pread64, s->live, buf, len < PIECE ? (size_t)len : PIECE, from);
    if (n < 0 || (n > 0 && syscall(SYS_pwrite64, s->synced, buf, (size_t)n, from) != n))
      die("copy of %llu", (unsigned long long)s->ino);
    if (n == 0) return;
    from += n;
    len -= n;
  }
}

static void set_size(struct slot *s, int64_t size) {
  if (syscall(SYS_ftruncate, s->synced, size) < 0) die("size of %llu", (unsigned long long)s->ino);
  s->notes->size = size;
}

/* Everything written so far is on the disk. */
static void sync_all(struct slot *s) {
  struct stat st;
  if (fstat(s->live, &st) < 0) die("stat of %llu", (unsigned long long)s->ino);
  int64_t pages = (st.st_size + PAGE - 1) / PAGE;
  set_size(s, st.st_size);
  for (int64_t page = 0; page < pages; page++) {
    if (!s->notes->mapped && page % 8 == 0 && !s->notes->bits[page / 8]) {
      page += 7;
      continue;
    }
    if (s->notes->mapped || s->notes->bits[page / 8] >> page % 8 & 1) copy_range(s, page * PAGE, PAGE);
  }
  memset(s->notes->bits, 0, (size_t)(pages + 7) / 8);
}

/* O_DSYNC: these bytes are, others of the file need not be. */
static void sync_range(struct slot *s, int64_t from, int64_t len) {
  if (from + len > s->notes->size) set_size(s, from + len);
  copy_range(s, from / PAGE * PAGE, len + from % PAGE);
}

static bool writes_back(void) {
  cut.random ^= cut.random << 13;
  cut.random ^= cut.random >> 7;
  cut.random ^= cut.random << 17;
  return cut.random % 1000 < cut.writeback;
}

static bool syncs(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_DSYNC);
}

/* A write of `len` bytes at `at` is about to happen; where < 0: at the file's own position. */
static int64_t begin_write(struct slot *s, int fd, const struct stat *st, int64_t at, size_t len) {
  if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? st->st_size : (int64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
  mark(s, at, (int64_t)len);
  return at;
}

static void end_write(struct slot *s, int fd, int64_t at, ssize_t n) {
  int why = errno;
  if (n > 0 && syncs(fd))
    sync_range(s, at, n);
  else if (n > 0 && cut.writeback && writes_back() && at + n <= s->notes->size)
    copy_range(s, at / PAGE * PAGE, n + at % PAGE);
  pthread_mutex_unlock(&s->lock);
  errno = why;
}

/* ---------------------------------------------------------------- names */

struct place {
  ino_t folder;
  char name[NAME_MAX + 1];
};

/* The folder that holds `path`, if it is watched. */
static bool place_of(struct place *p, int dir, const char *path) {
  char parent[PATH_MAX];
  struct stat st;
  if (cut.keep < 0 || !path || strlen(path) >= sizeof parent) return false;
  strcpy(parent, path);
  for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--) parent[n - 1] = '\0';
  char *slash = strrchr(parent, '/');
  const char *name = slash ? slash + 1 : parent;
  if (strlen(name) > NAME_MAX) return false;
  memcpy(p->name, name, strlen(name) + 1);
  if (slash)
    slash[slash == parent] = '\0';
  else
    strcpy(parent, ".");
  int fd = raw_open(dir, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  bool ok = fd >= 0 && watched_fd(fd) && fstat(fd, &st) == 0;
  if (ok) p->folder = st.st_ino;
  if (fd >= 0) close(fd);
  return ok;
}

__attribute__((format(printf, 1, 2))) static void note_op(const char *format, ...) {
  char line[2 * PATH_MAX];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (syscall(SYS_write, cut.ops, line, (size_t)n) != n) die("ops");
}

/* Operations on names are noted in the order in which they happen. */
static void names_begin(void) {
  pthread_mutex_lock(&cut.lock);
}

static int names_end(long rc) {
  int why = errno;
  pthread_mutex_unlock(&cut.lock);
  errno = why;
  return (int)rc;
}

static unsigned long long number(ino_t ino) {
  return (unsigned long long)ino;
}

static ino_t ino_at(int dir, const char *path) {
  struct stat st;
  return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

/* ---------------------------------------------------------------- start */

static int notes_folder(const char *notes, const char *name, int flags) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", notes, name);
  int fd = raw_open(AT_FDCWD, path, flags | O_CLOEXEC, 0600);
  if (fd < 0) die("%s", path);
  return fd;
}

__attribute__((constructor)) static void start(void) {
  const char *notes = getenv("QUN_CUT_NOTES"), *roots = getenv("QUN_CUT_ROOTS"), *back = getenv("QUN_CUT_WRITEBACK");
  struct timespec now;
  struct stat st;
  if (!notes || !roots) return;
  while (*roots && cut.roots_count < ROOTS) {
    size_t n = strcspn(roots, ":");
    snprintf(cut.roots[cut.roots_count++], PATH_MAX, "%.*s", (int)n, roots);
    roots += n + (roots[n] == ':');
  }
  cut.synced = notes_folder(notes, "synced", O_RDONLY | O_DIRECTORY);
  cut.dirty = notes_folder(notes, "dirty", O_RDONLY | O_DIRECTORY);
  cut.ops = notes_folder(notes, "ops", O_WRONLY | O_APPEND | O_CREAT);
  int keep = notes_folder(notes, "keep", O_RDONLY | O_DIRECTORY);
  if (fstat(keep, &st) < 0) die("%s", notes);
  clock_gettime(CLOCK_MONOTONIC, &now);
  cut.device = st.st_dev;
  cut.writeback = back ? (unsigned)atoi(back) : 0;
  cut.random = ((uint64_t)now.tv_nsec << 20 ^ (uint64_t)getpid()) | 1;
  cut.keep = keep; /* from here on */
}

/* ---------------------------------------------------------------- the C library's names */

#define SHOWN __attribute__((visibility("default")))
#define MODE(flags, mode)                                                                                              \
  do {                                                                                                                 \
    va_list args;                                                                                                      \
    va_start(args, flags);                                                                                             \
    if ((flags) & (O_CREAT | O_TMPFILE)) (mode) = va_arg(args, mode_t);                                                \
    va_end(args);                                                                                                      \
  } while (0)

static int watched_open(int dir, const char *path, int flags, mode_t mode) {
  struct place p;
  struct stat st;
  if (cut.keep < 0 || !(flags & (O_CREAT | O_TRUNC)) || !place_of(&p, dir, path))
    return raw_open(dir, path, flags, mode);
  names_begin();
  bool fresh = false; /* also if a process was killed between making and noting it */
  int fd = raw_open(dir, path, flags & ~O_TRUNC, mode);
  if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
    struct slot *s = slot_find(st.st_ino);
    if (!s) s = slot_make(fd, st.st_ino, &fresh);
    if (fresh) note_op("C\t%llu\t%llu\t%s\n", number(p.folder), number(st.st_ino), p.name);
    if ((flags & O_TRUNC) && st.st_size > 0) {
      pthread_mutex_lock(&s->lock);
      mark(s, 0, st.st_size);
      if (syscall(SYS_ftruncate, fd, 0) < 0) die("truncation of %s", path);
      pthread_mutex_unlock(&s->lock);
    }
  }
  return names_end(fd);
}

SHOWN int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  MODE(flags, mode);
  return watched_open(AT_FDCWD, path, flags, mode);
}

SHOWN int openat(int dir, const char *path, int flags, ...) {
  mode_t mode = 0;
  MODE(flags, mode);
  return watched_open(dir, path, flags, mode);
}

SHOWN int creat(const char *path, mode_t mode) {
  return watched_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

SHOWN ssize_t write(int fd, const void *bytes, size_t len) {
  struct stat st;
  struct slot *s = slot_of(fd, &st);
  if (!s) return syscall(SYS_write, fd, bytes, len);
  int64_t at = begin_write(s, fd, &st, -1, len);
  ssize_t n = syscall(SYS_write, fd, bytes, len);
  end_write(s, fd, at, n);
  return n;
}

SHOWN ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) {
  struct stat st;
  struct slot *s = slot_of(fd, &st);
  if (!s) return syscall(SYS_pwrite64, fd, bytes, len, at);
  begin_write(s, fd, &st, at, len);
  ssize_t n = syscall(SYS_pwrite64, fd, bytes, len, at);
  end_write(s, fd, at, n);
  return n;
}

static size_t total(const struct iovec *parts, int count) {
  size_t n = 0;
  for (int i = 0; i < count; i++) n += parts[i].iov_len;
  return n;
}

SHOWN ssize_t writev(int fd, const struct iovec *parts, int count) {
  struct stat st;
  struct slot *s = slot_of(fd, &st);
  if (!s) return syscall(SYS_writev, fd, parts, count);
  int64_t at = begin_write(s, fd, &st, -1, total(parts, count));
  ssize_t n = syscall(SYS_writev, fd, parts, count);
  end_write(s, fd, at, n);
  return n;
}

SHOWN ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  struct stat st;
  struct slot *s = slot_of(fd, &st);
  if (!s) return syscall(SYS_pwritev, fd, parts, count, at, 0);
  begin_write(s, fd, &st, at, total(parts, count));
  ssize_t n = syscall(SYS_pwritev, fd, parts, count, at, 0);
  end_write(s, fd, at, n);
  return n;
}

/* The kernel is not asked to sync: the disk is not ours to wear, and the notes are what counts. */
static int note_sync(int fd) {
  struct stat st;
  struct slot *s = slot_of(fd, &st);
  if (s) {
    sync_all(s);
    pthread_mutex_unlock(&s->lock);
    return 0;
  }
  if (cut.keep >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && watched_fd(fd)) {
    names_begin();
    note_op("S\t%llu\n", number(st.st_ino));
    return names_end(0);
  }
  return 1;
}

SHOWN int fsync(int fd) {
  return note_sync(fd) ? (int)syscall(SYS_fsync, fd) : 0;
}

SHOWN int fdatasync(int fd) {
  return note_sync(fd) ? (int)syscall(SYS_fdatasync, fd) : 0;
}

SHOWN int syncfs(int fd) {
  (void)fd;
  die("syncfs is not noted");
}

SHOWN int ftruncate(int fd, off_t size) {
  struct stat st;
  struct slot *s = slot_of(fd, &st);
  if (!s) return (int)syscall(SYS_ftruncate, fd, size);
  if (size < st.st_size) mark(s, size, st.st_size - size);
  int rc = (int)syscall(SYS_ftruncate, fd, size);
  pthread_mutex_unlock(&s->lock);
  return rc;
}

SHOWN void *mmap(void *at, size_t len, int access, int flags, int fd, off_t offset) {
  struct stat st;
  struct slot *s = fd >= 0 && (flags & MAP_SHARED) && (access & PROT_WRITE) ? slot_of(fd, &st) : NULL;
  if (s) {
    s->notes->mapped = 1;
    pthread_mutex_unlock(&s->lock);
  }
  return (void *)syscall(SYS_mmap, at, len, access, flags, fd, offset); /* NOLINT(performance-no-int-to-ptr) */
}

SHOWN int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  struct place a, b;
  if (!place_of(&a, from_dir, from) || !place_of(&b, to_dir, to))
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
  if (flags & ~(unsigned)RENAME_NOREPLACE) die("this rename is not noted");
  names_begin();
  long rc = syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
  if (rc == 0) note_op("R\t%llu\t%s\t%llu\t%s\n", number(a.folder), a.name, number(b.folder), b.name);
  return names_end(rc);
}

SHOWN int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  return renameat2(from_dir, from, to_dir, to, 0);
}

SHOWN int rename(const char *from, const char *to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SHOWN int unlinkat(int dir, const char *path, int flags) {
  struct place p;
  if (!place_of(&p, dir, path)) return (int)syscall(SYS_unlinkat, dir, path, flags);
  names_begin();
  long rc = syscall(SYS_unlinkat, dir, path, flags);
  if (rc == 0) note_op("U\t%llu\t%s\n", number(p.folder), p.name);
  return names_end(rc);
}

SHOWN int unlink(const char *path) {
  return unlinkat(AT_FDCWD, path, 0);
}

SHOWN int rmdir(const char *path) {
  return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

SHOWN int mkdirat(int dir, const char *path, mode_t mode) {
  struct place p;
  if (!place_of(&p, dir, path)) return (int)syscall(SYS_mkdirat, dir, path, mode);
  names_begin();
  long rc = syscall(SYS_mkdirat, dir, path, mode);
  if (rc == 0) note_op("D\t%llu\t%llu\t%s\n", number(p.folder), number(ino_at(dir, path)), p.name);
  return names_end(rc);
}

SHOWN int mkdir(const char *path, mode_t mode) {
  return mkdirat(AT_FDCWD, path, mode);
}

/* The C library's own makes the folder by a call that nobody can come between. */
SHOWN char *mkdtemp(char *path) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
  size_t n = strlen(path);
  unsigned char bytes[6];
  if (n < sizeof bytes || strcmp(path + n - sizeof bytes, "XXXXXX") != 0) {
    errno = EINVAL;
    return NULL;
  }
  do {
    if (syscall(SYS_getrandom, bytes, sizeof bytes, 0) != sizeof bytes) return NULL;
    for (size_t i = 0; i < sizeof bytes; i++) path[n - sizeof bytes + i] = letters[bytes[i] % 32];
    if (mkdir(path, 0700) == 0) return path;
  } while (errno == EEXIST);
  return NULL;
}

SHOWN int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
  struct place p;
  if (!place_of(&p, to_dir, to)) return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
  names_begin();
  long rc = syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
  if (rc == 0) note_op("C\t%llu\t%llu\t%s\n", number(p.folder), number(ino_at(to_dir, to)), p.name);
  return names_end(rc);
}

SHOWN int link(const char *from, const char *to) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SHOWN int fallocate(int fd, int mode, off_t at, off_t len) {
  struct stat st;
  struct slot *s = slot_of(fd, &st);
  if (s && (mode & ~FALLOC_FL_KEEP_SIZE)) mark(s, at, len);
  int rc = (int)syscall(SYS_fallocate, fd, mode, at, len);
  if (s) pthread_mutex_unlock(&s->lock);
  return rc;
}

SHOWN int posix_fallocate(int fd, off_t at, off_t len) {
  int why = errno, rc = fallocate(fd, 0, at, len) < 0 ? errno : 0;
  errno = why;
  return rc;
}

/* On this machine the 64-bit names are the same functions. */
SHOWN int open64(const char *path, int flags, ...) __attribute__((alias("open")));
SHOWN int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));
SHOWN int creat64(const char *path, mode_t mode) __attribute__((alias("creat")));
SHOWN ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) __attribute__((alias("pwrite")));
SHOWN ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) __attribute__((alias("pwritev")));
SHOWN int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
SHOWN void *mmap64(void *at, size_t len, int access, int flags, int fd, off_t offset) __attribute__((alias("mmap")));
SHOWN int fallocate64(int fd, int mode, off_t at, off_t len) __attribute__((alias("fallocate")));
SHOWN int posix_fallocate64(int fd, off_t at, off_t len) __attribute__((alias("posix_fallocate")));
