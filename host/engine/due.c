/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/due.h"

#include <errno.h>
#include <fcntl.h>
#include <qun/msgpack.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUM = 32, COLUMNS = 5, FILE_MAX = 1 << 30 };

static const char magic[8] = {'Q', 'U', 'N', 'D', 'U', 'E', '1', '\n'};

void qun_dues_init(struct qun_dues *d) {
  memset(d, 0, sizeof *d);
}

void qun_dues_fini(struct qun_dues *d) {
  struct qun_due *due, *next;
  HASH_ITER(hh, d->all, due, next) {
    HASH_DEL(d->all, due);
    free(due);
  }
  free(d->heap);
  memset(d, 0, sizeof *d);
}

struct qun_due *qun_dues_find(const struct qun_dues *d, const char *tenant) {
  struct qun_due *due = NULL;
  HASH_FIND_STR(d->all, tenant, due);
  return due;
}

struct qun_due *qun_dues_add(struct qun_dues *d, const char *tenant) {
  struct qun_due *due = qun_dues_find(d, tenant);
  if (due) return due;
  due = calloc(1, sizeof *due);
  if (!due) return NULL;
  snprintf(due->tenant, sizeof due->tenant, "%s", tenant);
  due->at = INT64_MAX;
  HASH_ADD_STR(d->all, tenant, due);
  return due;
}

/* ---------------------------------------------------------------- the heap */

static bool before(const struct qun_due *a, const struct qun_due *b) {
  return a->at != b->at ? a->at < b->at : strcmp(a->tenant, b->tenant) < 0;
}

static void put(struct qun_dues *d, uint32_t place, struct qun_due *due) {
  d->heap[place] = due;
  due->place = place;
}

static void settle(struct qun_dues *d, uint32_t place) {
  struct qun_due *due = d->heap[place];
  while (place > 1 && before(due, d->heap[place / 2])) {
    put(d, place, d->heap[place / 2]);
    place /= 2;
  }
  for (uint32_t child; (child = place * 2) <= d->count; place = child) {
    if (child < d->count && before(d->heap[child + 1], d->heap[child])) child++;
    if (!before(d->heap[child], due)) break;
    put(d, place, d->heap[child]);
  }
  put(d, place, due);
}

static void take_out(struct qun_dues *d, struct qun_due *due) {
  uint32_t place = due->place;
  struct qun_due *last = d->heap[d->count--];
  due->place = 0;
  if (last == due) return;
  put(d, place, last);
  settle(d, place);
}

int qun_dues_wake_at(struct qun_dues *d, struct qun_due *due, int64_t at) {
  due->at = at;
  if (at == INT64_MAX) {
    if (due->place) take_out(d, due);
    return 0;
  }
  if (!due->place) {
    if (d->count + 2 > d->cap) {
      uint32_t cap = d->cap ? d->cap * 2 : 64;
      struct qun_due **heap = realloc(d->heap, cap * sizeof *heap);
      if (!heap) return QUN_EFAIL;
      d->heap = heap;
      d->cap = cap;
    }
    put(d, ++d->count, due);
  }
  settle(d, due->place);
  return 0;
}

struct qun_due *qun_dues_first(const struct qun_dues *d) {
  return d->count ? d->heap[1] : NULL;
}

void qun_dues_drop(struct qun_dues *d, struct qun_due *due) {
  if (due->place) take_out(d, due);
  HASH_DEL(d->all, due);
  free(due);
}

/* ---------------------------------------------------------------- the file: magic, msgpack rows, BLAKE2b-256 */

static int read_rows(struct qun_dues *d, qun_slice bytes) {
  struct qun_unpack u;
  uint32_t n, columns;
  qun_unpack_init(&u, bytes);
  if (!qun_unpack_array(&u, &n)) return QUN_EFAIL;
  while (n-- > 0) {
    struct qun_due_mark m;
    qun_slice name;
    char tenant[64];
    int64_t txn, inode;
    int outbox;
    if (!qun_unpack_array(&u, &columns) || columns != COLUMNS || !qun_unpack_str(&u, &name) ||
        name.len >= sizeof tenant || !qun_unpack_int(&u, &m.due_ms) || !qun_unpack_int(&u, &txn) ||
        !qun_unpack_int(&u, &inode) || !qun_unpack_bool(&u, &outbox))
      return QUN_EFAIL;
    snprintf(tenant, sizeof tenant, "%.*s", (int)name.len, (const char *)name.ptr);
    struct qun_due *due = qun_dues_add(d, tenant);
    if (!due) return QUN_EFAIL;
    m.txn = (uint64_t)txn;
    m.inode = (uint64_t)inode;
    m.outbox = outbox != 0;
    due->mark = m;
    due->known = true;
  }
  return 0;
}

static int check_and_read(struct qun_dues *d, const unsigned char *bytes, size_t n) {
  unsigned char sum[SUM];
  if (n < sizeof magic + SUM || memcmp(bytes, magic, sizeof magic) != 0) return QUN_ECONFLICT;
  crypto_generichash(sum, SUM, bytes, n - SUM, NULL, 0);
  if (memcmp(sum, bytes + n - SUM, SUM) != 0) return QUN_ECONFLICT;
  return read_rows(d, qun_slice_of(bytes + sizeof magic, n - SUM - sizeof magic)) < 0 ? QUN_ECONFLICT : 0;
}

int qun_dues_load(struct qun_dues *d, const char *path, struct qun_error *err) {
  struct stat st;
  int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return qun_error_set(err, errno == ENOENT ? QUN_ENOTFOUND : QUN_EFAIL, "%s: %m", path);
  unsigned char *bytes = NULL;
  size_t have = 0;
  if (fstat(fd, &st) < 0 || st.st_size > FILE_MAX || !(bytes = malloc((size_t)st.st_size + 1))) rc = QUN_EFAIL;
  while (rc == 0 && have < (size_t)st.st_size) {
    ssize_t n = read(fd, bytes + have, (size_t)st.st_size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += (size_t)n;
  }
  if (rc == 0) rc = check_and_read(d, bytes, have);
  if (rc < 0) {
    qun_dues_fini(d);
    qun_error_set(err, rc, "%s cannot be read; timers are looked up in the stores", path);
  }
  free(bytes);
  close(fd);
  return rc;
}

void qun_dues_pack(const struct qun_dues *d, struct qun_pack *p) {
  unsigned char sum[SUM];
  uint32_t n = 0;
  qun_pack_raw(p, qun_slice_of(magic, sizeof magic));
  size_t at = qun_pack_open_array(p);
  for (const struct qun_due *due = d->all; due; due = due->hh.next) {
    if (!due->known) continue;
    qun_pack_array(p, COLUMNS);
    qun_pack_cstr(p, due->tenant);
    qun_pack_int(p, due->mark.due_ms);
    qun_pack_int(p, (int64_t)due->mark.txn);
    qun_pack_int(p, (int64_t)due->mark.inode);
    qun_pack_bool(p, due->mark.outbox);
    n++;
  }
  qun_pack_close(p, at, n);
  if (p->failed) return;
  crypto_generichash(sum, SUM, p->buf, p->len, NULL, 0);
  qun_pack_raw(p, qun_slice_of(sum, SUM));
}

static int write_synced(const char *path, const unsigned char *bytes, size_t n) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  while (n > 0) {
    ssize_t w = write(fd, bytes, n);
    if (w < 0 && errno == EINTR) continue;
    if (w < 0) break;
    bytes += w;
    n -= (size_t)w;
  }
  int rc = n > 0 || fsync(fd) < 0 ? -1 : 0;
  return close(fd) < 0 ? -1 : rc;
}

int qun_dues_write(const struct qun_pack *p, const char *path, struct qun_error *err) {
  char next[4200];
  if (p->failed) return qun_error_set(err, QUN_EFAIL, "%s: out of memory", path);
  snprintf(next, sizeof next, "%s.new", path);
  if (write_synced(next, p->buf, p->len) < 0 || rename(next, path) < 0)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be written: %m", path);
  return 0;
}
