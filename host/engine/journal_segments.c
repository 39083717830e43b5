/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/journal_segments.h"

#include "tenants/folder.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { ZEROS = 1 << 20, HEAD_BYTES = 40 };
static const char magic[8] = "QUNJRN1";

uint64_t qun_segment_seed(const unsigned char uuid[16]) {
  return XXH3_64bits(uuid, 16);
}

/* ---------------------------------------------------------------- heads */

static void head_write(unsigned char head[HEAD_BYTES], const unsigned char uuid[16], uint64_t first) {
  uint64_t le = htole64(first);
  memcpy(head, magic, 8);
  memcpy(head + 8, uuid, 16);
  memcpy(head + 24, &le, 8);
  le = htole64(XXH3_64bits(head, 32));
  memcpy(head + 32, &le, 8);
}

static void head_read(struct qun_segment *g) {
  unsigned char head[HEAD_BYTES];
  uint64_t first, sum;
  if (pread(g->fd, head, sizeof head, 0) != (ssize_t)sizeof head || memcmp(head, magic, 8) != 0) return;
  memcpy(&first, head + 24, 8);
  memcpy(&sum, head + 32, 8);
  if (le64toh(sum) != XXH3_64bits(head, 32) || first == 0) return;
  memcpy(g->uuid, head + 8, 16);
  g->first = le64toh(first);
  g->used = true;
}

/* ---------------------------------------------------------------- files */

static int write_all(int fd, const void *bytes, size_t n, size_t at) {
  const char *p = bytes;
  while (n > 0) {
    ssize_t done = pwrite(fd, p, n, (off_t)at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return -1;
    p += done;
    at += (size_t)done;
    n -= (size_t)done;
  }
  return 0;
}

static int zero(int fd, size_t from, size_t to) {
  void *zeros = calloc(1, ZEROS);
  int rc = zeros ? 0 : -1;
  for (size_t at = from; at < to && rc == 0; at += ZEROS)
    rc = write_all(fd, zeros, to - at < ZEROS ? to - at : ZEROS, at);
  free(zeros);
  return rc;
}

static int is_segment(const struct dirent *d) {
  unsigned slot;
  int end = 0;
  return sscanf(d->d_name, "%4u.seg%n", &slot, &end) == 1 && end == 8 && d->d_name[8] == '\0';
}

static int open_slot(struct qun_segments *s, const char *name, struct qun_error *err) {
  struct stat st;
  struct qun_segment g = {.slot = (uint32_t)strtoul(name, NULL, 10), .dirty = true};
  g.fd = openat(s->dir_fd, name, O_RDWR | O_CLOEXEC);
  if (g.fd < 0) return qun_error_set(err, QUN_EFAIL, "journal %s/%s cannot be opened: %m", s->dir, name);
  head_read(&g);
  bool whole = fstat(g.fd, &st) == 0 && (size_t)st.st_size == s->size;
  if (!whole && !g.used) { /* half made, or of another size */
    close(g.fd);
    unlinkat(s->dir_fd, name, 0);
    return 0;
  }
  s->all[s->count++] = g;
  return 0;
}

int qun_segments_open(struct qun_segments *s, const char *data_dir, size_t size, struct qun_error *err) {
  struct dirent **names = NULL;
  memset(s, 0, sizeof *s);
  s->size = size;
  snprintf(s->dir, sizeof s->dir, "%s/journal", data_dir);
  s->dir_fd = -1;
  int rc = qun_folder_make(s->dir, err);
  /* a process that was killed may have made folder and segments without syncing their names */
  if (rc == 0) rc = qun_folder_sync(data_dir, err);
  if (rc == 0) rc = qun_folder_sync(s->dir, err);
  if (rc < 0) return rc;
  s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s->dir_fd < 0) return qun_error_set(err, QUN_EFAIL, "folder %s cannot be opened: %m", s->dir);
  int n = scandir(s->dir, &names, is_segment, alphasort);
  for (int i = 0; i < n; i++) {
    if (rc == 0 && s->count < QUN_SEGMENTS_MAX) rc = open_slot(s, names[i]->d_name, err);
    free(names[i]);
  }
  free(names);
  return rc;
}

void qun_segments_close(struct qun_segments *s) {
  for (uint32_t i = 0; i < s->count; i++) close(s->all[i].fd);
  if (s->dir_fd >= 0) close(s->dir_fd);
  s->count = 0;
  s->dir_fd = -1;
}

static uint32_t free_slot(const struct qun_segments *s) {
  for (uint32_t slot = 0;; slot++) {
    bool taken = false;
    for (uint32_t i = 0; i < s->count; i++) taken |= s->all[i].slot == slot;
    if (!taken) return slot;
  }
}

int qun_segments_add(struct qun_segments *s, struct qun_error *err) {
  char name[24];
  if (s->count == QUN_SEGMENTS_MAX)
    return qun_error_set(err, QUN_EAGAIN, "the journal has %d segments and no more are made", QUN_SEGMENTS_MAX);
  struct qun_segment g = {.slot = free_slot(s)};
  snprintf(name, sizeof name, "%04u.seg", g.slot);
  g.fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_TRUNC, 0600);
  if (g.fd < 0) return qun_error_set(err, QUN_EFAIL, "journal %s/%s cannot be made: %m", s->dir, name);
  if (zero(g.fd, 0, s->size) < 0 || fsync(g.fd) < 0 || fsync(s->dir_fd) < 0) {
    int rc = qun_error_set(err, QUN_EFAIL, "journal %s/%s cannot be filled: %m", s->dir, name);
    close(g.fd);
    unlinkat(s->dir_fd, name, 0);
    return rc;
  }
  s->all[s->count++] = g;
  return 0;
}

struct qun_segment *qun_segments_free(struct qun_segments *s) {
  for (uint32_t i = 0; i < s->count; i++) {
    if (!s->all[i].used) return &s->all[i];
  }
  return NULL;
}

/* ---------------------------------------------------------------- one segment */

int qun_segment_begin(struct qun_segment *g, const unsigned char uuid[16], uint64_t first, struct qun_error *err) {
  unsigned char head[HEAD_BYTES];
  head_write(head, uuid, first);
  if (write_all(g->fd, head, sizeof head, 0) < 0)
    return qun_error_set(err, QUN_EFAIL, "journal segment %04u cannot be written: %m", g->slot);
  memcpy(g->uuid, uuid, 16);
  g->first = first;
  g->last = 0;
  g->at = QUN_SEGMENT_HEAD;
  g->used = g->dirty = true;
  return 0;
}

int qun_segment_write(struct qun_segment *g, qun_slice bytes, struct qun_error *err) {
  if (write_all(g->fd, bytes.ptr, (size_t)bytes.len, g->at) < 0)
    return qun_error_set(err, QUN_EFAIL, "journal segment %04u cannot be written: %m", g->slot);
  g->at += (size_t)bytes.len;
  return 0;
}

int qun_segment_sync(const struct qun_segment *g, struct qun_error *err) {
  if (fdatasync(g->fd) == 0) return 0;
  return qun_error_set(err, QUN_EFAIL, "journal segment %04u cannot be synced: %m", g->slot);
}

int qun_segment_release(struct qun_segment *g, bool scrub, struct qun_error *err) {
  static const unsigned char none[16] = {0};
  unsigned char head[HEAD_BYTES];
  struct stat st;
  head_write(head, none, 0);
  int rc = 0;
  if (scrub) rc = fstat(g->fd, &st) < 0 || zero(g->fd, QUN_SEGMENT_HEAD, (size_t)st.st_size) < 0 ? -1 : 0;
  if (rc == 0) rc = write_all(g->fd, head, sizeof head, 0);
  if (rc == 0 && scrub) rc = fdatasync(g->fd);
  if (rc < 0) return qun_error_set(err, QUN_EFAIL, "journal segment %04u cannot be freed: %m", g->slot);
  g->used = false;
  if (scrub) g->dirty = false;
  g->first = g->last = 0;
  return 0;
}

const void *qun_segment_map(const struct qun_segment *g, size_t *len) {
  struct stat st;
  if (fstat(g->fd, &st) < 0 || st.st_size <= QUN_SEGMENT_HEAD) return NULL;
  const void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, g->fd, 0);
  if (p == MAP_FAILED) return NULL;
  *len = (size_t)st.st_size;
  return p;
}

void qun_segments_tidy(struct qun_segments *s) {
  for (uint32_t i = 0; i < s->count;) {
    struct stat st;
    char name[24];
    if (s->all[i].used || (fstat(s->all[i].fd, &st) == 0 && (size_t)st.st_size == s->size)) {
      i++;
      continue;
    }
    snprintf(name, sizeof name, "%04u.seg", s->all[i].slot);
    close(s->all[i].fd);
    unlinkat(s->dir_fd, name, 0);
    s->all[i] = s->all[--s->count];
  }
}
