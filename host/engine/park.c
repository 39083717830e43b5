/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parked tenants: their stores cannot take what was acknowledged (disk full, damaged, quota and reserve used up). Their
 * journal entries go to <data>/journal/spill-<tenant>, synced, so that they pin no segment; nothing new is taken; the
 * others run on. The shard tries again now and then, and at the next start.
 *
 * A spill file is the line "QUNSPIL1", then for each entry the UUID of the journal's life (16 bytes) and the entry as in
 * a segment (host/engine/journal_entry.h).
 */
#include "host/engine/internal.h"
#include "host/engine/journal_entry.h"
#include "host/engine/journal_segments.h"
#include "host/engine/recover.h"

#include "tenants/meta.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = {'Q', 'U', 'N', 'S', 'P', 'I', 'L', '1'};

static void spill_path(const struct qun_engine *e, const char *tenant, char out[4200]) {
  snprintf(out, 4200, "%s/journal/spill-%s", e->data_dir, tenant);
}

static void sync_folder(const struct qun_engine *e) {
  char path[4200];
  snprintf(path, sizeof path, "%s/journal", e->data_dir);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
}

/* ---------------------------------------------------------------- state */

void qun__park_check(struct qun_engine *e, struct qun_tenant *t) {
  char path[4200];
  struct stat st;
  t->lane.checked = true;
  spill_path(e, t->name, path);
  if (t->lane.parked || stat(path, &st) < 0) return;
  t->lane.parked = true;
  atomic_fetch_add(&e->parked, 1);
  snprintf(t->lane.reason, sizeof t->lane.reason,
           "acknowledged events wait in journal/spill-%s since its store did not take them", t->name);
}

void qun__park(struct qun_shard *s, struct qun_tenant *t, const char *reason) {
  pthread_mutex_lock(&s->lock);
  if (!t->lane.parked) atomic_fetch_add(&s->engine->parked, 1);
  t->lane.parked = true;
  snprintf(t->lane.reason, sizeof t->lane.reason, "%s", reason);
  pthread_cond_broadcast(&s->room);
  pthread_mutex_unlock(&s->lock);
  fprintf(stderr, "error tenant %s is parked: %s. What was acknowledged is kept in journal/spill-%s\n", t->name, reason,
          t->name);
}

/* ---------------------------------------------------------------- the file */

static int write_whole(int fd, const void *bytes, size_t n) {
  const char *p = bytes;
  while (n > 0) {
    ssize_t done = write(fd, p, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return -1;
    p += done;
    n -= (size_t)done;
  }
  return 0;
}

int qun__park_spill(struct qun_engine *e, const struct qun_job *job, struct qun_error *err) {
  struct qun_entry entry = {.number = job->number, .now_ms = job->now_ms};
  size_t bytes = qun_entry_size(job->tenant->name, &job->batch);
  char path[4200];
  unsigned char *buf = malloc(sizeof magic + 16 + bytes), *at = buf;
  int rc = 0;
  spill_path(e, job->tenant->name, path);
  if (!buf) return qun_error_set(err, QUN_EFAIL, "out of memory for %s", path);
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
  if (end == 0) {
    memcpy(at, magic, sizeof magic);
    at += sizeof magic;
  }
  memcpy(at, e->journal_uuid, 16);
  memcpy(entry.incarnation, job->tenant->incarnation, 16);
  memcpy(entry.tenant, job->tenant->name, sizeof entry.tenant);
  qun_entry_write(at + 16, &entry, &job->batch, qun_segment_seed(e->journal_uuid));
  at += 16 + bytes;
  if (end < 0 || write_whole(fd, buf, (size_t)(at - buf)) < 0 || fdatasync(fd) < 0) {
    rc = qun_error_set(err, QUN_EFAIL, "%s cannot be written: %m", path);
    if (end >= 0 && ftruncate(fd, end) < 0) qun_error_prefix(err, "%s is torn", path);
  } else if (end == 0) {
    sync_folder(e);
  }
  if (fd >= 0) close(fd);
  free(buf);
  return rc;
}

/* ---------------------------------------------------------------- reading it */

struct spill_place {
  unsigned char uuid[16];
  uint64_t number;
};

/* The entry at *at, which moves on. False: the end, or a torn last one. */
static bool next_entry(qun_slice file, size_t *at, struct qun_entry *entry, struct spill_place *place) {
  size_t size;
  if (*at + 16 > file.len) return false;
  const unsigned char *p = (const unsigned char *)file.ptr + *at;
  memcpy(place->uuid, p, 16);
  if (qun_entry_read(entry, qun_slice_of(p + 16, file.len - *at - 16), qun_segment_seed(place->uuid), &size) < 0)
    return false;
  place->number = entry->number;
  *at += 16 + size;
  return true;
}

/* Where the entries begin that the store has not applied: behind the one it remembers, if that is here. */
static size_t behind_mark(struct qun_tenant *t, qun_slice file) {
  struct spill_place mark, place;
  struct qun_entry entry;
  struct qun_view v;
  size_t at = sizeof magic, from = at;
  if (qun_view_begin(&v, t->store, NULL) < 0) return from;
  bool known = qun_journal_mark_read(&v, mark.uuid, &mark.number);
  qun_view_end(&v);
  while (known && next_entry(file, &at, &entry, &place)) {
    if (memcmp(mark.uuid, place.uuid, 16) == 0 && place.number <= mark.number) from = at;
  }
  return from;
}

static int map_file(const char *path, qun_slice *out, struct qun_error *err) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  *out = qun_slice_of(NULL, 0);
  if (fd < 0) return errno == ENOENT ? 0 : qun_error_set(err, QUN_EFAIL, "%s cannot be opened: %m", path);
  if (fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof magic) {
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p != MAP_FAILED) *out = qun_slice_of(p, (size_t)st.st_size);
  }
  close(fd);
  return 0;
}

int qun__park_jobs(struct qun_engine *e, struct qun_tenant *t, struct qun_job **jobs, struct qun_error *err) {
  struct spill_place place;
  struct qun_entry entry;
  struct qun_job **end = jobs;
  qun_slice file;
  char path[4200];
  spill_path(e, t->name, path);
  int rc = map_file(path, &file, err);
  if (rc < 0 || !file.len) return rc;
  size_t at = behind_mark(t, file);
  while (rc == 0 && next_entry(file, &at, &entry, &place)) {
    struct qun_job *job = NULL;
    rc = qun__recover_job(&job, e, t, &entry, err);
    if (rc < 0) break;
    job->number = 0; /* the journal need not have it any more: the commit is a synced one */
    memcpy(job->spilled.uuid, place.uuid, sizeof place.uuid);
    job->spilled.number = place.number;
    *end = job;
    end = &job->next;
  }
  munmap((void *)(uintptr_t)file.ptr, (size_t)file.len);
  return rc;
}

bool qun__park_knows(struct qun_engine *e, const char *tenant, const unsigned char uuid[16], uint64_t number) {
  struct spill_place place;
  struct qun_entry entry;
  qun_slice file;
  char path[4200];
  size_t at = sizeof magic;
  bool known = false;
  spill_path(e, tenant, path);
  if (map_file(path, &file, NULL) < 0 || !file.len) return false;
  while (!known && next_entry(file, &at, &entry, &place))
    known = place.number == number && memcmp(place.uuid, uuid, 16) == 0;
  munmap((void *)(uintptr_t)file.ptr, (size_t)file.len);
  return known;
}

int qun__park_end(struct qun_shard *s, struct qun_tenant *t, struct qun_error *err) {
  char path[4200];
  spill_path(s->engine, t->name, path);
  if (unlink(path) < 0 && errno != ENOENT) return qun_error_set(err, QUN_EFAIL, "%s cannot be removed: %m", path);
  sync_folder(s->engine);
  pthread_mutex_lock(&s->lock);
  if (t->lane.parked) atomic_fetch_sub(&s->engine->parked, 1);
  t->lane.parked = false;
  t->lane.reason[0] = '\0';
  pthread_mutex_unlock(&s->lock);
  fprintf(stderr, "info tenant %s takes events again\n", t->name);
  return 0;
}

void qun__park_forget(struct qun_engine *e, const char *tenant) {
  char path[4200];
  spill_path(e, tenant, path);
  if (unlink(path) == 0) sync_folder(e);
}

/* ---------------------------------------------------------------- trying again */

bool qun__shard_is_stuck(struct qun_shard *s, const struct qun_lane *lane) {
  pthread_mutex_lock(&s->lock);
  bool stuck = lane->stuck != 0;
  pthread_mutex_unlock(&s->lock);
  return stuck;
}

void qun__park_try(struct qun_engine *e, const char *name) {
  struct qun_tenant *t = NULL;
  struct qun_error err;
  if (qun_tenant_get(e->pool, name, &t, &err) < 0) return; /* its store does not even open: it stays parked */
  struct qun_job *job = calloc(1, sizeof *job);
  struct qun_shard *s = qun__shard_of(e, name);
  if (!job || qun__shard_reserve(s, t, 0, false, &err) < 0) {
    free(job);
    qun_tenant_put(t);
    return;
  }
  job->tenant = t;
  job->flags = QUN__JOB_UNPARK;
  qun_input_batch_init(&job->batch);
  qun__shard_put(s, job);
}

void qun__park_retry(struct qun_engine *e) {
  char path[4200];
  snprintf(path, sizeof path, "%s/journal", e->data_dir);
  DIR *dir = opendir(path);
  if (!dir) return;
  for (const struct dirent *d; (d = readdir(dir));) {
    if (strncmp(d->d_name, "spill-", 6) == 0) qun__park_try(e, d->d_name + 6);
  }
  closedir(dir);
}
