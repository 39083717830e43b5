/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/key_redo.h"
#include "tenants/vault_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  FILE_SIZE = 4 * 1024 * 1024,
  LIFE = 16,
  HEAD = QUN__MAGIC_SIZE + LIFE + QUN__SUM_SIZE,
  PART_HEAD = 8 + QUN__SUM_SIZE,
  TENANT = 64,
  BODY_HEAD = TENANT + 8 + 8
};

struct redo_file {
  int fd; /* -1: not made yet */
  unsigned char life[LIFE];
  size_t at; /* next byte; HEAD: empty */
  bool unsynced;
};

struct qun_key_redo {
  struct qun_key_dir dir;
  struct redo_file files[2];
  int in_use;
  struct qun_pack pack; /* parts that are not written yet */
};

static int cannot(const struct qun_key_redo *r, int which, const char *what, struct qun_error *err) {
  return qun_error_set(err, QUN_EFAIL, "%s/members.redo%d: cannot %s: %s", r->dir.path, which, what, strerror(errno));
}

static void name_of(char out[24], int which) {
  snprintf(out, 24, "members.redo%d", which);
}

/* ---- a file's life */

/* Empty, with a life of its own: what stood in it is no part of it. */
static int renew(struct qun_key_redo *r, int which, bool sync, struct qun_error *err) {
  struct redo_file *f = &r->files[which];
  unsigned char head[HEAD];
  memcpy(head, "QUNREDO\n", QUN__MAGIC_SIZE);
  randombytes_buf(f->life, LIFE);
  memcpy(head + QUN__MAGIC_SIZE, f->life, LIFE);
  qun__key_sum_put(head, HEAD);
  f->at = HEAD;
  f->unsynced = !sync;
  if (qun__pwrite_all(f->fd, head, HEAD, 0) != 0) return cannot(r, which, "write", err);
  return !sync || fdatasync(f->fd) == 0 ? 0 : cannot(r, which, "sync", err);
}

/* Filled with zeros ahead: overwriting syncs twice as fast as appending. */
static int make(struct qun_key_redo *r, int which, struct qun_error *err) {
  struct redo_file *f = &r->files[which];
  char name[24];
  name_of(name, which);
  void *zeros = calloc(1, FILE_SIZE);
  if (!zeros) return qun_error_set(err, QUN_EFAIL, "%s: out of memory", r->dir.path);
  int rc = qun__key_file_create(&f->fd, &r->dir, name, err);
  if (rc == 0 && (qun__pwrite_all(f->fd, zeros, FILE_SIZE, 0) != 0 || fsync(f->fd) != 0))
    rc = cannot(r, which, "fill", err);
  free(zeros);
  if (rc == 0) rc = qun__key_dir_sync(&r->dir, err);
  return rc < 0 ? rc : renew(r, which, true, err);
}

/* ---- after a crash */

static void sum_of(const unsigned char life[LIFE], const unsigned char *body, size_t n,
                   unsigned char out[QUN__SUM_SIZE]) {
  crypto_generichash(out, QUN__SUM_SIZE, body, n, life, LIFE);
}

/* Writes one part to its place. A tenant that is gone, or whose keys were wrapped anew since, has no use for it. */
static int redo_part(struct qun_key_redo *r, const unsigned char *body, size_t n, struct qun_error *err) {
  char tenant[TENANT + 1] = "", path[600];
  struct qun_key_dir dir;
  int fd = -1;
  memcpy(tenant, body, TENANT);
  uint64_t generation = qun__get_u64(body + TENANT), first = qun__get_u64(body + TENANT + 8), now = 0;
  if (strchr(tenant, '/') || tenant[0] == '.') return 0;
  snprintf(path, sizeof path, "%s/%s", r->dir.path, tenant);
  int rc = qun__key_dir_open(&dir, path, err);
  if (rc < 0) return rc == QUN_ENOTFOUND ? 0 : rc;
  rc = qun__members_place(&dir, &fd, &now, err);
  if (rc == 0 && now == generation) rc = qun__members_put(&dir, fd, first, body + BODY_HEAD, n - BODY_HEAD, err);
  if (fd >= 0) close(fd);
  qun__key_dir_close(&dir);
  return rc;
}

static int redo_file(struct qun_key_redo *r, int which, struct qun_error *err) {
  struct redo_file *f = &r->files[which];
  unsigned char sum[QUN__SUM_SIZE], *bytes = malloc(FILE_SIZE);
  int rc = 0;
  if (!bytes) return qun_error_set(err, QUN_EFAIL, "%s: out of memory", r->dir.path);
  long long len = qun__pread_all(f->fd, bytes, FILE_SIZE, 0);
  size_t size = len < 0 ? 0 : (size_t)len, at = HEAD;
  if (len < 0) rc = cannot(r, which, "read", err);
  if (size < HEAD || !qun__key_sum_right(bytes, HEAD, "QUNREDO\n")) at = size;
  while (rc == 0 && at + PART_HEAD + BODY_HEAD <= size) {
    uint64_t n = qun__get_u64(bytes + at);
    const unsigned char *body = bytes + at + PART_HEAD;
    if (n < BODY_HEAD || n > size - at - PART_HEAD) break;
    sum_of(bytes + QUN__MAGIC_SIZE, body, (size_t)n, sum);
    if (memcmp(sum, bytes + at + 8, QUN__SUM_SIZE) != 0) break;
    rc = redo_part(r, body, (size_t)n, err);
    at += PART_HEAD + (size_t)n;
  }
  free(bytes);
  return rc;
}

int qun_key_redo_open(struct qun_key_redo **out, const char *keys_dir, struct qun_error *err) {
  struct qun_key_redo *r = calloc(1, sizeof *r);
  if (!r) return qun_error_set(err, QUN_EFAIL, "out of memory");
  r->files[0].fd = r->files[1].fd = -1;
  r->dir.fd = -1;
  qun_pack_init(&r->pack);
  int rc = qun__key_dir_open(&r->dir, keys_dir, err);
  for (int i = 0; i < 2 && rc == 0; i++) {
    char name[24];
    name_of(name, i);
    rc = qun__key_file_open(&r->files[i].fd, &r->dir, name, O_RDWR, err);
    if (rc == QUN_ENOTFOUND) {
      rc = 0;
      continue;
    }
    if (rc == 0) rc = redo_file(r, i, err);
    if (rc == 0) rc = renew(r, i, true, err);
  }
  if (rc < 0)
    qun_key_redo_close(r);
  else
    *out = r;
  return rc;
}

void qun_key_redo_close(struct qun_key_redo *r) {
  if (!r) return;
  for (int i = 0; i < 2; i++) {
    if (r->files[i].fd >= 0) close(r->files[i].fd);
  }
  if (r->dir.fd >= 0) qun__key_dir_close(&r->dir);
  qun_pack_fini(&r->pack);
  free(r);
}

/* ---- adding */

int qun_key_redo_add(struct qun_key_redo *r, struct qun_vault *v, const char *tenant, struct qun_error *err) {
  struct redo_file *f = &r->files[r->in_use];
  unsigned char head[PART_HEAD] = {0}, name[TENANT] = {0};
  size_t start = r->pack.len, used = (f->fd < 0 ? HEAD : f->at) + start + PART_HEAD + BODY_HEAD;
  int rc = f->fd < 0 ? make(r, r->in_use, err) : 0;
  if (rc < 0) return rc;
  memcpy(name, tenant, strnlen(tenant, TENANT));
  qun_pack_raw(&r->pack, qun_slice_of(head, sizeof head));
  qun_pack_raw(&r->pack, qun_slice_of(name, sizeof name));
  rc = qun_vault_hand_over(v, &r->pack, used < FILE_SIZE ? FILE_SIZE - used : 0, err);
  if (rc > 0 && r->pack.failed) rc = qun_error_set(err, QUN_EFAIL, "%s: out of memory", r->dir.path);
  if (rc <= 0) { /* nothing new, or refused */
    r->pack.len = start;
    return rc;
  }
  unsigned char *part = r->pack.buf + start;
  size_t body = r->pack.len - start - PART_HEAD;
  qun__put_u64(part, body);
  sum_of(f->life, part + PART_HEAD, body, part + 8);
  return 0;
}

int qun_key_redo_sync(struct qun_key_redo *r, struct qun_error *err) {
  struct redo_file *f = &r->files[r->in_use];
  if (r->pack.len && qun__pwrite_all(f->fd, r->pack.buf, r->pack.len, (long long)f->at) != 0)
    return cannot(r, r->in_use, "write", err);
  f->unsynced |= r->pack.len > 0;
  f->at += r->pack.len;
  qun_pack_clear(&r->pack);
  if (!f->unsynced || f->fd < 0) return 0;
  if (fdatasync(f->fd) != 0) return cannot(r, r->in_use, "sync", err);
  f->unsynced = false;
  return 0;
}

/* ---- turns */

static bool is_empty(const struct redo_file *f) {
  return f->fd < 0 || f->at == HEAD;
}

bool qun_key_redo_wants_turn(const struct qun_key_redo *r) {
  return r->files[r->in_use].at > FILE_SIZE / 2 && is_empty(&r->files[!r->in_use]);
}

bool qun_key_redo_turn(struct qun_key_redo *r) {
  if (!is_empty(&r->files[!r->in_use])) return false;
  r->in_use = !r->in_use;
  return true;
}

int qun_key_redo_settle(struct qun_key_redo *r, bool scrub, struct qun_error *err) {
  int which = !r->in_use;
  struct redo_file *f = &r->files[which];
  if (f->fd < 0) return 0;
  if (scrub && qun__key_file_zero(f->fd) != 0) return cannot(r, which, "zero", err);
  return is_empty(f) && !scrub ? 0 : renew(r, which, scrub, err);
}
