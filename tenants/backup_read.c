/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/backup_internal.h"
#include "tenants/strict_json.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
  const char *path;
  int fd;
  uint64_t size;
  struct qun__frames frames;
};

static int damaged(const struct file *f, const char *part, const char *what, struct qun_error *err) {
  return qun_error_set(err, QUN_EINVAL, "backup %s: %s: %s", f->path, part, what);
}

static int read_at(const struct file *f, void *to, size_t n, uint64_t at, struct qun_error *err) {
  char *p = to;
  while (n) {
    ssize_t got = pread(f->fd, p, n, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return qun_error_set(err, QUN_EFAIL, "backup %s: cannot be read: %s", f->path, strerror(errno));
    if (got == 0) return damaged(f, "index", "the file ends too early", err);
    p += got;
    at += (uint64_t)got;
    n -= (size_t)got;
  }
  return 0;
}

/* ---- the index */

static int read_hex(unsigned char out[QUN_BACKUP_SUM], const cJSON *object, struct qun_error *err) {
  const char *hex = NULL;
  size_t n = 0;
  int rc = qun__json_text(&hex, object, "blake2b", err);
  if (rc) return rc;
  if (strlen(hex) == 2 * QUN_BACKUP_SUM &&
      sodium_hex2bin(out, QUN_BACKUP_SUM, hex, 2 * QUN_BACKUP_SUM, NULL, &n, NULL) == 0 && n == QUN_BACKUP_SUM)
    return 0;
  return qun_error_set(err, QUN_EINVAL, "blake2b: not the hex of 32 bytes");
}

static int read_frame(struct qun__frames *frames, const cJSON *item, struct qun_error *err) {
  const char *name = NULL;
  if (frames->count == sizeof frames->items / sizeof frames->items[0])
    return qun_error_set(err, QUN_EINVAL, "too many parts");
  struct qun__frame *f = &frames->items[frames->count];
  uint64_t expected = frames->count ? f[-1].at + f[-1].size : 0;
  int rc = qun__json_text(&name, item, "name", err);
  if (!rc) rc = qun__json_number(&f->at, item, "at", err);
  if (!rc) rc = qun__json_number(&f->size, item, "size", err);
  if (!rc) rc = read_hex(f->sum, item, err);
  if (rc) return rc;
  if (strlen(name) >= sizeof f->name || f->at != expected) return qun_error_set(err, QUN_EINVAL, "no such part");
  strcpy(f->name, name);
  frames->count++;
  return 0;
}

static int parse_index(struct file *f, const char *text, size_t n, struct qun_error *err) {
  const char *format = NULL;
  const cJSON *item;
  cJSON *json = qun__json_read(qun_slice_of(text, n), err);
  int rc = json ? qun__json_text(&format, json, "format", err) : QUN_EINVAL;
  if (!rc && strcmp(format, QUN__BACKUP_INDEX_FORMAT) != 0)
    rc = qun_error_set(err, QUN_EUNSUPPORTED, "format %.40s: made by another version of Qun", format);
  const cJSON *list = rc ? NULL : cJSON_GetObjectItemCaseSensitive(json, "frames");
  cJSON_ArrayForEach(item, list) {
    if (!rc) rc = read_frame(&f->frames, item, err);
  }
  cJSON_Delete(json);
  if (rc) qun_error_prefix(err, "backup %s: index", f->path);
  return rc;
}

static int read_index(struct file *f, struct qun_error *err) {
  unsigned char tail[QUN__INDEX_TAIL], head[8], sum[QUN_BACKUP_SUM];
  static const char none[] = "this is no whole backup: its end is missing or damaged";
  if (f->size < sizeof tail + sizeof head) return damaged(f, "index", none, err);
  int rc = read_at(f, tail, sizeof tail, f->size - sizeof tail, err);
  if (rc) return rc;
  uint64_t n = qun__get_le32(tail + QUN_BACKUP_SUM);
  if (n > QUN__INDEX_MAX || n + sizeof tail + sizeof head > f->size) return damaged(f, "index", none, err);
  uint64_t at = f->size - sizeof tail - n - sizeof head;
  char *text = malloc((size_t)n + 1);
  if (!text) return qun_error_set(err, QUN_EFAIL, "backup %s: out of memory", f->path);
  rc = read_at(f, head, sizeof head, at, err);
  if (!rc) rc = read_at(f, text, (size_t)n, at + sizeof head, err);
  crypto_generichash(sum, sizeof sum, (const unsigned char *)text, n, NULL, 0);
  if (!rc && (memcmp(sum, tail, sizeof sum) != 0 || qun__get_le32(head) != QUN__SKIP_MAGIC ||
              qun__get_le32(head + 4) != n + sizeof tail))
    rc = damaged(f, "index", none, err);
  if (!rc) rc = parse_index(f, text, (size_t)n, err);
  free(text);
  if (rc) return rc;
  const struct qun__frame *last = f->frames.count ? &f->frames.items[f->frames.count - 1] : NULL;
  if (!last || last->at + last->size != at) return damaged(f, "index", "it does not cover the file", err);
  return 0;
}

static int open_file(struct file *f, const char *path, struct qun_error *err) {
  struct stat st;
  memset(f, 0, sizeof *f);
  f->path = path;
  if (sodium_init() < 0) return qun_error_set(err, QUN_EFAIL, "libsodium cannot start: no source of randomness");
  f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (f->fd < 0)
    return qun_error_set(err, errno == ENOENT ? QUN_ENOTFOUND : QUN_EFAIL, "backup %s: cannot be opened: %s", path,
                         strerror(errno));
  int rc = 0;
  if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode))
    rc = qun_error_set(err, QUN_EINVAL, "backup %s: this is no plain file", path);
  f->size = rc ? 0 : (uint64_t)st.st_size;
  if (!rc) rc = read_index(f, err);
  if (rc) close(f->fd);
  return rc;
}

/* ---- checksums of the frames */

static int check_frame(const struct file *f, const struct qun__frame *frame, unsigned char *block,
                       qun_backup_progress each, void *arg, struct qun_error *err) {
  crypto_generichash_state state;
  unsigned char sum[QUN_BACKUP_SUM];
  crypto_generichash_init(&state, NULL, 0, sizeof sum);
  for (uint64_t done = 0; done < frame->size;) {
    size_t n = frame->size - done < QUN__BACKUP_BUFFER ? (size_t)(frame->size - done) : QUN__BACKUP_BUFFER;
    int rc = read_at(f, block, n, frame->at + done, err);
    if (rc) return rc;
    crypto_generichash_update(&state, block, n);
    done += n;
    if (each) each(arg, frame->at + done, f->size);
  }
  crypto_generichash_final(&state, sum, sizeof sum);
  if (memcmp(sum, frame->sum, sizeof sum) == 0) return 0;
  return damaged(f, frame->name, "damaged: its bytes are not those that were written (wrong checksum)", err);
}

static int check_all(const struct file *f, qun_backup_progress each, void *arg, struct qun_error *err) {
  unsigned char *block = malloc(QUN__BACKUP_BUFFER);
  int rc = block ? 0 : qun_error_set(err, QUN_EFAIL, "backup %s: out of memory", f->path);
  for (uint32_t i = 0; i < f->frames.count && !rc; i++) rc = check_frame(f, &f->frames.items[i], block, each, arg, err);
  free(block);
  return rc;
}

int qun_backup_check(const char *path, qun_backup_progress each, void *arg, struct qun_error *err) {
  struct file f;
  int rc = open_file(&f, path, err);
  if (rc) return rc;
  rc = check_all(&f, each, arg, err);
  close(f.fd);
  return rc;
}

/* ---- the archive. libarchive reads a range of the file: one frame, or all of them. */

struct source {
  const struct file *file;
  uint64_t at, end;
  unsigned char *block;
};

static la_ssize_t on_read(struct archive *a, void *arg, const void **bytes) {
  struct source *s = arg;
  size_t n = s->end - s->at < QUN__BACKUP_BUFFER ? (size_t)(s->end - s->at) : QUN__BACKUP_BUFFER;
  struct qun_error err;
  *bytes = s->block;
  if (n && read_at(s->file, s->block, n, s->at, &err)) {
    archive_set_error(a, EIO, "%s", err.message);
    return -1;
  }
  s->at += n;
  return (la_ssize_t)n;
}

static int open_archive(struct archive **out, struct source *s, struct qun_error *err) {
  struct archive *a = archive_read_new();
  s->block = malloc(QUN__BACKUP_BUFFER);
  if (a && s->block && archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
      archive_read_support_format_tar(a) == ARCHIVE_OK && archive_read_open(a, s, NULL, on_read, NULL) == ARCHIVE_OK) {
    *out = a;
    return 0;
  }
  qun_error_set(err, QUN_EINVAL, "backup %s: %s", s->file->path, a ? archive_error_string(a) : "out of memory");
  if (a) archive_read_free(a);
  free(s->block);
  return QUN_EINVAL;
}

static int read_entry(struct qun_pack *out, struct archive *a, size_t most) {
  char block[8192];
  la_ssize_t n;
  while ((n = archive_read_data(a, block, sizeof block)) > 0 && out->len <= most)
    qun_pack_raw(out, qun_slice_of(block, (size_t)n));
  return n < 0 || out->len > most || out->failed ? -1 : 0;
}

static int manifest_of(struct qun_pack *text, const struct file *f, struct qun_error *err) {
  struct archive_entry *entry;
  struct archive *a = NULL;
  const struct qun__frame *frame = NULL;
  for (uint32_t i = 0; i < f->frames.count; i++) {
    if (strcmp(f->frames.items[i].name, QUN__BACKUP_MANIFEST) == 0) frame = &f->frames.items[i];
  }
  if (!frame) return damaged(f, QUN__BACKUP_MANIFEST, "missing", err);
  struct source s = {.file = f, .at = frame->at, .end = frame->at + frame->size};
  int rc = open_archive(&a, &s, err);
  if (rc) return rc;
  if (archive_read_next_header(a, &entry) != ARCHIVE_OK ||
      strcmp(archive_entry_pathname(entry), QUN__BACKUP_MANIFEST) != 0 || read_entry(text, a, QUN__INDEX_MAX) < 0)
    rc = damaged(f, QUN__BACKUP_MANIFEST, "it cannot be unpacked", err);
  archive_read_free(a);
  free(s.block);
  return rc;
}

int qun_backup_manifest(struct qun_pack *text, const char *path, struct qun_error *err) {
  struct file f;
  int rc = open_file(&f, path, err);
  if (rc) return rc;
  rc = manifest_of(text, &f, err);
  close(f.fd);
  return rc;
}

/* ---- unpacking */

struct unpacking {
  const struct file *file;
  const char *dir;
  cJSON *parts; /* of the manifest */
  uint32_t count;
  uint64_t done, total;
  qun_backup_progress each;
  void *arg;
};

static int make_file(int *fd, const struct unpacking *u, const char *name, struct qun_error *err) {
  char path[PATH_MAX];
  const char *slash = strchr(name, '/');
  if (slash) {
    snprintf(path, sizeof path, "%s/%.*s", u->dir, (int)(slash - name), name);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
      return qun_error_set(err, QUN_EFAIL, "%s: cannot be made: %s", path, strerror(errno));
  }
  snprintf(path, sizeof path, "%s/%s", u->dir, name);
  *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  return *fd < 0 ? qun_error_set(err, QUN_EFAIL, "%s: cannot be made: %s", path, strerror(errno)) : 0;
}

static int write_data(struct unpacking *u, struct archive *a, int fd, uint64_t size, const char *name,
                      unsigned char sum[QUN_BACKUP_SUM], struct qun_error *err) {
  crypto_generichash_state state;
  unsigned char *block = malloc(QUN__BACKUP_BUFFER);
  uint64_t got = 0;
  la_ssize_t n = 0;
  int rc = block ? 0 : qun_error_set(err, QUN_EFAIL, "out of memory");
  crypto_generichash_init(&state, NULL, 0, QUN_BACKUP_SUM);
  while (!rc && (n = archive_read_data(a, block, QUN__BACKUP_BUFFER)) > 0) {
    crypto_generichash_update(&state, block, (unsigned long long)n);
    got += (uint64_t)n;
    if (qun__write_all(fd, block, (size_t)n) < 0)
      rc = qun_error_set(err, QUN_EFAIL, "%s/%s: cannot be written: %s", u->dir, name, strerror(errno));
    if (u->each) u->each(u->arg, u->done + got, u->total);
  }
  if (!rc && n < 0) rc = damaged(u->file, name, archive_error_string(a), err);
  if (!rc && got != size) rc = damaged(u->file, name, "it is not as long as the manifest says", err);
  if (!rc && fsync(fd) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "%s/%s: cannot be synced: %s", u->dir, name, strerror(errno));
  crypto_generichash_final(&state, sum, QUN_BACKUP_SUM);
  u->done += got;
  free(block);
  return rc;
}

static int unpack_one(struct unpacking *u, struct archive *a, const struct archive_entry *entry_const,
                      struct qun_error *err) {
  struct archive_entry *entry = (struct archive_entry *)(uintptr_t)entry_const;
  const char *name = archive_entry_pathname(entry);
  unsigned char sum[QUN_BACKUP_SUM], wanted[QUN_BACKUP_SUM];
  uint64_t size = 0;
  int fd = -1;
  if (!name || !qun__part_name_fits(name) || archive_entry_filetype(entry) != AE_IFREG)
    return damaged(u->file, name ? name : "a part", "no name for a part", err);
  if (strcmp(name, QUN__BACKUP_MANIFEST) == 0) return 0;
  const cJSON *part = cJSON_GetObjectItemCaseSensitive(u->parts, name);
  if (!part) return damaged(u->file, name, "the manifest does not list it", err);
  int rc = qun__json_number(&size, part, "size", err);
  if (!rc) rc = read_hex(wanted, part, err);
  if (rc) return rc;
  rc = make_file(&fd, u, name, err);
  if (rc) return rc;
  rc = write_data(u, a, fd, size, name, sum, err);
  close(fd);
  if (!rc && memcmp(sum, wanted, sizeof sum) != 0) rc = damaged(u->file, name, "it is not what the manifest says", err);
  u->count++;
  return rc;
}

static int unpack_all(struct unpacking *u, struct qun_error *err) {
  struct source s = {.file = u->file, .at = 0};
  const struct qun__frame *last = &u->file->frames.items[u->file->frames.count - 1];
  struct archive *a = NULL;
  struct archive_entry *entry;
  s.end = last->at + last->size;
  int rc = open_archive(&a, &s, err), status = ARCHIVE_OK;
  if (rc) return rc;
  while (!rc && (status = archive_read_next_header(a, &entry)) == ARCHIVE_OK) rc = unpack_one(u, a, entry, err);
  if (!rc && status != ARCHIVE_EOF) rc = damaged(u->file, "archive", archive_error_string(a), err);
  if (!rc && (int)u->count != cJSON_GetArraySize(u->parts))
    rc = damaged(u->file, "archive", "a part that the manifest lists is missing", err);
  archive_read_free(a);
  free(s.block);
  return rc;
}

int qun_backup_unpack(const char *path, const char *dir, qun_backup_progress each, void *arg, struct qun_error *err) {
  struct file f;
  struct qun_pack text;
  int rc = open_file(&f, path, err);
  if (rc) return rc;
  struct unpacking u = {.file = &f, .dir = dir, .each = each, .arg = arg};
  qun_pack_init(&text);
  rc = check_all(&f, NULL, NULL, err);
  if (!rc) rc = manifest_of(&text, &f, err);
  cJSON *json = rc ? NULL : qun__json_read(qun_pack_slice(&text), err);
  if (!rc && !json) rc = QUN_EINVAL;
  if (!rc) {
    const cJSON *part;
    u.parts = cJSON_GetObjectItemCaseSensitive(json, "parts");
    cJSON_ArrayForEach(part, u.parts) {
      uint64_t size = 0;
      if (qun__json_number(&size, part, "size", NULL) == 0) u.total += size;
    }
    rc = unpack_all(&u, err);
  }
  cJSON_Delete(json);
  qun_pack_fini(&text);
  close(f.fd);
  return rc;
}
