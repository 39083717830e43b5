/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/overlap_book.h"

#include "host/bridge/overlap.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 48, KEEP_DAYS = 400, FILE_MAX = QUN_PSI_MAX * QUN_MARK_SIZE + 4096 };

static const int64_t day_ms = 86400000;
static const char prefix[] = "overlap.";

static void name_of(char out[NAME_SIZE], const char *saga) {
  unsigned char hash[16];
  char hex[sizeof hash * 2 + 1];
  crypto_generichash(hash, sizeof hash, (const unsigned char *)saga, strlen(saga), NULL, 0);
  sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
  snprintf(out, NAME_SIZE, "%s%s", prefix, hex);
}

/* ---------------------------------------------------------------- open */

static int make_secret(struct qun_overlap_book *b, struct qun_error *err) {
  randombytes_buf(b->secret, sizeof b->secret);
  return qun__key_file_replace(&b->dir, "overlap.key", b->secret, sizeof b->secret, err);
}

int qun__overlap_book_open(struct qun_overlap_book *b, const char *keys_dir, const char *tenant,
                           struct qun_error *err) {
  char path[480];
  int n = snprintf(path, sizeof path, "%s/%s", keys_dir, tenant);
  memset(b, 0, sizeof *b);
  b->dir.fd = -1;
  if (n < 0 || (size_t)n >= sizeof path)
    return qun_error_set(err, QUN_EINVAL, "the path of tenant %s's keys is too long", tenant);
  int rc = qun__key_dir_open(&b->dir, path, err);
  if (rc < 0) return rc;
  rc = qun__key_file_read(&b->dir, "overlap.key", b->secret, sizeof b->secret, err);
  if (rc == QUN_ENOTFOUND) rc = make_secret(b, err);
  if (rc < 0) qun__overlap_book_close(b);
  return rc;
}

void qun__overlap_book_close(struct qun_overlap_book *b) {
  if (b->dir.path[0]) qun__key_dir_close(&b->dir);
  sodium_memzero(b, sizeof *b);
}

/* ---------------------------------------------------------------- entries */

/* A file's map; free *bytes. */
static int read_file(struct qun_overlap_book *b, const char *name, unsigned char **bytes, qun_slice *map,
                     struct qun_error *err) {
  struct stat st;
  int fd = -1;
  int rc = qun__key_file_open(&fd, &b->dir, name, O_RDONLY, err);
  if (rc < 0) return rc;
  *bytes = NULL;
  if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > FILE_MAX || !(*bytes = malloc((size_t)st.st_size)) ||
      qun__pread_all(fd, *bytes, (size_t)st.st_size, 0) != st.st_size)
    rc = qun_error_set(err, QUN_EFAIL, "%s/%s cannot be read", b->dir.path, name);
  close(fd);
  *map = qun_slice_of(*bytes, rc == 0 ? (size_t)st.st_size : 0);
  if (rc == 0 && !qun_mp_valid(*map, 4)) rc = qun_error_set(err, QUN_EINVAL, "%s/%s is damaged", b->dir.path, name);
  if (rc < 0) free(*bytes);
  return rc;
}

int qun__overlap_book_write(struct qun_overlap_book *b, const struct qun_overlap_entry *e, struct qun_error *err) {
  char name[NAME_SIZE];
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, e->ended ? 5 : 3);
  qun_pack_kv_int(&p, "at", e->at_ms);
  qun_pack_kv_cstr(&p, "partner", e->partner);
  qun_pack_cstr(&p, "marks");
  qun_pack_bin(&p, qun_slice_of(e->set->marks, (size_t)e->set->count * QUN_MARK_SIZE));
  if (e->ended) {
    qun_pack_kv_int(&p, "count", e->count);
    qun_pack_kv_int(&p, "own", e->own);
  }
  name_of(name, e->saga);
  int rc = p.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                    : qun__key_file_replace(&b->dir, name, p.buf, p.len, err);
  if (p.buf) sodium_memzero(p.buf, p.len);
  qun_pack_fini(&p);
  return rc;
}

int qun__overlap_book_find(struct qun_overlap_book *b, const char *saga, int64_t *count, int64_t *own,
                           struct qun_error *err) {
  char name[NAME_SIZE];
  unsigned char *bytes = NULL;
  qun_slice map;
  name_of(name, saga);
  int rc = read_file(b, name, &bytes, &map, err);
  if (rc < 0) return rc;
  *count = qun_mp_int(map, "count", -1);
  *own = qun_mp_int(map, "own", -1);
  free(bytes);
  return *count < 0 ? QUN_ENOTFOUND : 0;
}

/* ---------------------------------------------------------------- check */

struct tally {
  const struct qun_overlap_entry *entry;
  const struct qun_overlap_bounds *bounds;
  int64_t pair, tenant;
  bool close; /* an earlier set is nearly the same */
};

static void count_one(struct tally *t, qun_slice map) {
  struct qun_unpack u;
  qun_slice value, marks;
  bool pair = qun_slice_is(qun_mp_str(map, "partner"), t->entry->partner);
  int64_t at = qun_mp_int(map, "at", 0);
  if (at > t->entry->at_ms - QUN_OVERLAP_DAYS * day_ms) {
    t->tenant++;
    t->pair += pair;
  }
  if (!pair || !qun_mp_find(map, "marks", &value)) return;
  qun_unpack_init(&u, value);
  if (!qun_unpack_bin(&u, &marks)) return;
  uint32_t differ =
      qun__marks_differ(marks.ptr, (uint32_t)(marks.len / QUN_MARK_SIZE), t->entry->set->marks, t->entry->set->count);
  t->close |= differ > 0 && differ < t->bounds->k;
}

static int tally_file(struct qun_overlap_book *b, const char *name, struct tally *t, struct qun_error *err) {
  unsigned char *bytes = NULL;
  qun_slice map;
  int rc = read_file(b, name, &bytes, &map, err);
  if (rc < 0) return rc; /* a page that cannot be read might be the one that forbids: no count without it */
  if (qun_mp_int(map, "at", 0) < t->entry->at_ms - KEEP_DAYS * day_ms)
    qun__key_file_wipe(&b->dir, name, NULL);
  else
    count_one(t, map);
  free(bytes);
  return 0;
}

static int tally_all(struct qun_overlap_book *b, struct tally *t, struct qun_error *err) {
  char own[NAME_SIZE];
  struct dirent *d;
  int rc = 0, fd = openat(b->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = fd < 0 ? NULL : fdopendir(fd);
  if (!list) {
    if (fd >= 0) close(fd);
    return qun_error_set(err, QUN_EFAIL, "%s cannot be listed: %m", b->dir.path);
  }
  name_of(own, t->entry->saga);
  while (rc == 0 && (d = readdir(list)) != NULL) {
    bool page = strncmp(d->d_name, prefix, sizeof prefix - 1) == 0 && strlen(d->d_name) == sizeof prefix - 1 + 32;
    if (page && strcmp(d->d_name, own) != 0) rc = tally_file(b, d->d_name, t, err);
  }
  closedir(list);
  return rc;
}

int qun__overlap_book_check(struct qun_overlap_book *b, const struct qun_overlap_entry *entry,
                            const struct qun_overlap_bounds *bounds, struct qun_error *err) {
  struct tally t = {.entry = entry, .bounds = bounds};
  int rc = tally_all(b, &t, err);
  if (rc < 0) return rc;
  if (t.pair >= bounds->pair_budget)
    return qun_error_set(err, QUN_EQUOTA, "this pair's counts of %d days are used up", QUN_OVERLAP_DAYS);
  if (t.tenant >= bounds->tenant_budget)
    return qun_error_set(err, QUN_EQUOTA, "one side's counts of %d days are used up", QUN_OVERLAP_DAYS);
  if (t.close) return qun_error_set(err, QUN_EDENIED, "one of the two sets is too near to one that was counted before");
  return 0;
}
