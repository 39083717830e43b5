/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/backup_internal.h"
#include "tenants/state_hash.h"

#include <archive.h>
#include <archive_entry.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { LEVEL = 3 };

struct part {
  char name[QUN_BACKUP_NAME];
  uint64_t size;
  unsigned char sum[QUN_BACKUP_SUM];
};

struct qun_backup_writer {
  char path[PATH_MAX], temporary[PATH_MAX];
  int fd;
  struct archive *archive;
  ZSTD_CCtx *zstd;
  unsigned char *buffer;
  crypto_generichash_state sum; /* of the frame that is being written */
  uint64_t written;
  int error; /* errno of the first write that failed: nothing is written any more */
  struct qun__frames frames;
  struct part parts[QUN_BACKUP_PARTS_MAX];
  uint32_t parts_count;
};

/* ---- small things */

bool qun__part_name_fits(const char *name) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
  size_t n = strspn(name, allowed);
  const char *slash = strchr(name, '/');
  if (n < 1 || n >= QUN_BACKUP_NAME || name[n] || name[0] == '.' || name[0] == '/') return false;
  return !slash || (slash[1] && slash[1] != '.' && !strchr(slash + 1, '/'));
}

int qun__write_all(int fd, const void *bytes, size_t n) {
  const char *p = bytes;
  while (n) {
    ssize_t done = write(fd, p, n);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return -1;
    p += done;
    n -= (size_t)done;
  }
  return 0;
}

void qun__put_le32(unsigned char out[4], uint32_t v) {
  for (int i = 0; i < 4; i++) out[i] = (unsigned char)(v >> (8 * i));
}

uint32_t qun__get_le32(const unsigned char in[4]) {
  return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

/* ---- frames: what libarchive writes goes through zstd into the file */

static int compress(struct qun_backup_writer *w, const void *bytes, size_t n, ZSTD_EndDirective how) {
  ZSTD_inBuffer in = {bytes, n, 0};
  size_t left;
  do {
    ZSTD_outBuffer out = {w->buffer, QUN__BACKUP_BUFFER, 0};
    left = ZSTD_compressStream2(w->zstd, &out, &in, how);
    if (ZSTD_isError(left)) {
      errno = EIO;
      return -1;
    }
    if (out.pos == 0) continue;
    if (qun__write_all(w->fd, w->buffer, out.pos) < 0) return -1;
    crypto_generichash_update(&w->sum, w->buffer, out.pos);
    w->written += out.pos;
  } while (how == ZSTD_e_continue ? in.pos < in.size : left != 0);
  return 0;
}

/* A failure is kept here and not told to libarchive, which frees all it has only when its writes succeed. */
static la_ssize_t on_write(struct archive *a, void *arg, const void *bytes, size_t n) {
  struct qun_backup_writer *w = arg;
  (void)a;
  if (!w->error && compress(w, bytes, n, ZSTD_e_continue) < 0) w->error = errno;
  return (la_ssize_t)n;
}

static void frame_begin(struct qun_backup_writer *w, const char *name) {
  struct qun__frame *f = &w->frames.items[w->frames.count];
  snprintf(f->name, sizeof f->name, "%s", name);
  f->at = w->written;
  crypto_generichash_init(&w->sum, NULL, 0, QUN_BACKUP_SUM);
}

static int frame_end(struct qun_backup_writer *w) {
  struct qun__frame *f = &w->frames.items[w->frames.count];
  if (!w->error && compress(w, NULL, 0, ZSTD_e_end) < 0) w->error = errno;
  if (w->error) return -1;
  f->size = w->written - f->at;
  crypto_generichash_final(&w->sum, f->sum, sizeof f->sum);
  w->frames.count++;
  return 0;
}

static int cannot(const struct qun_backup_writer *w, const char *what, struct qun_error *err) {
  const char *why = w->error                        ? strerror(w->error)
                    : archive_errno(w->archive) > 0 ? archive_error_string(w->archive)
                                                    : strerror(errno);
  return qun_error_set(err, QUN_EFAIL, "backup %s: %s cannot be written: %s", w->path, what, why);
}

/* ---- begin */

static int start(struct qun_backup_writer *w, struct qun_error *err) {
  w->buffer = malloc(QUN__BACKUP_BUFFER);
  w->zstd = ZSTD_createCCtx();
  w->archive = archive_write_new();
  if (!w->buffer || !w->zstd || !w->archive) return qun_error_set(err, QUN_EFAIL, "backup %s: out of memory", w->path);
  ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
  ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
  if (archive_write_set_format_pax_restricted(w->archive) != ARCHIVE_OK ||
      archive_write_add_filter_none(w->archive) != ARCHIVE_OK ||
      archive_write_set_bytes_per_block(w->archive, 0) != ARCHIVE_OK || /* frames end where parts end */
      archive_write_open(w->archive, w, NULL, on_write, NULL) != ARCHIVE_OK)
    return qun_error_set(err, QUN_EFAIL, "backup %s: %s", w->path, archive_error_string(w->archive));
  w->fd = mkostemp(w->temporary, O_CLOEXEC);
  if (w->fd >= 0) return 0;
  w->temporary[0] = '\0';
  return qun_error_set(err, QUN_EFAIL, "backup %s: cannot make a file there: %s", w->path, strerror(errno));
}

int qun_backup_begin(struct qun_backup_writer **out, const char *path, struct qun_error *err) {
  if (sodium_init() < 0) return qun_error_set(err, QUN_EFAIL, "libsodium cannot start: no source of randomness");
  if (strlen(path) + 8 > PATH_MAX) return qun_error_set(err, QUN_EINVAL, "backup %.80s...: the path is too long", path);
  struct qun_backup_writer *w = calloc(1, sizeof *w);
  if (!w) return qun_error_set(err, QUN_EFAIL, "backup %s: out of memory", path);
  w->fd = -1;
  snprintf(w->path, sizeof w->path, "%s", path);
  snprintf(w->temporary, sizeof w->temporary, "%s.XXXXXX", path);
  int rc = start(w, err);
  if (rc < 0)
    qun_backup_abort(w);
  else
    *out = w;
  return rc;
}

static void free_writer(struct qun_backup_writer *w) {
  w->error = ECANCELED; /* closing the archive writes its end */
  if (w->archive) archive_write_free(w->archive);
  if (w->zstd) ZSTD_freeCCtx(w->zstd);
  if (w->fd >= 0) close(w->fd);
  free(w->buffer);
  free(w);
}

void qun_backup_abort(struct qun_backup_writer *w) {
  if (!w) return;
  if (w->temporary[0] && w->fd >= 0) unlink(w->temporary);
  free_writer(w);
}

/* ---- parts */

static int header(struct qun_backup_writer *w, const char *name, uint64_t size) {
  struct archive_entry *entry = archive_entry_new();
  if (!entry) return -1;
  archive_entry_set_pathname(entry, name);
  archive_entry_set_size(entry, (la_int64_t)size);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0600);
  int rc = archive_write_header(w->archive, entry);
  archive_entry_free(entry);
  return rc == ARCHIVE_OK && !w->error ? 0 : -1;
}

static int data(struct qun_backup_writer *w, const void *bytes, size_t n) {
  return n == 0 || (archive_write_data(w->archive, bytes, n) == (la_ssize_t)n && !w->error) ? 0 : -1;
}

static int part_begin(struct qun_backup_writer *w, const char *name, uint64_t size, struct qun_error *err) {
  if (w->parts_count == QUN_BACKUP_PARTS_MAX || !qun__part_name_fits(name))
    return qun_error_set(err, QUN_EINVAL, "backup %s: \"%.80s\" cannot be a part", w->path, name);
  frame_begin(w, name);
  return header(w, name, size) < 0 ? cannot(w, name, err) : 0;
}

static int part_end(struct qun_backup_writer *w, const char *name, struct qun_error *err) {
  return archive_write_finish_entry(w->archive) == ARCHIVE_OK && frame_end(w) == 0 ? 0 : cannot(w, name, err);
}

int qun_backup_add(struct qun_backup_writer *w, const char *name, qun_slice bytes, struct qun_error *err) {
  int rc = part_begin(w, name, bytes.len, err);
  if (rc < 0) return rc;
  if (data(w, bytes.ptr, (size_t)bytes.len) < 0) return cannot(w, name, err);
  struct part *p = &w->parts[w->parts_count++];
  snprintf(p->name, sizeof p->name, "%s", name);
  p->size = bytes.len;
  crypto_generichash(p->sum, sizeof p->sum, bytes.ptr, bytes.len, NULL, 0);
  return part_end(w, name, err);
}

static int copy_file(struct qun_backup_writer *w, const char *name, int fd, uint64_t size, qun_backup_progress each,
                     void *arg, unsigned char sum[QUN_BACKUP_SUM], struct qun_error *err) {
  crypto_generichash_state state;
  unsigned char *block = malloc(QUN__BACKUP_BUFFER);
  int rc = block ? 0 : qun_error_set(err, QUN_EFAIL, "backup %s: out of memory", w->path);
  crypto_generichash_init(&state, NULL, 0, QUN_BACKUP_SUM);
  for (uint64_t at = 0; at < size && rc == 0;) {
    size_t want = size - at < QUN__BACKUP_BUFFER ? (size_t)(size - at) : QUN__BACKUP_BUFFER;
    ssize_t n = pread(fd, block, want, (off_t)at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      rc = qun_error_set(err, QUN_EFAIL, "backup %s: %s cannot be read: %s", w->path, name,
                         n < 0 ? strerror(errno) : "it is shorter than it was");
    } else if (data(w, block, (size_t)n) < 0) {
      rc = cannot(w, name, err);
    } else {
      crypto_generichash_update(&state, block, (unsigned long long)n);
      at += (uint64_t)n;
      if (each) each(arg, at, size);
    }
  }
  crypto_generichash_final(&state, sum, QUN_BACKUP_SUM);
  free(block);
  return rc;
}

int qun_backup_add_file(struct qun_backup_writer *w, const char *name, int fd, uint64_t size, qun_backup_progress each,
                        void *arg, struct qun_error *err) {
  int rc = part_begin(w, name, size, err);
  if (rc < 0) return rc;
  struct part *p = &w->parts[w->parts_count];
  rc = copy_file(w, name, fd, size, each, arg, p->sum, err);
  if (rc < 0) return rc;
  snprintf(p->name, sizeof p->name, "%s", name);
  p->size = size;
  w->parts_count++;
  return part_end(w, name, err);
}

/* ---- finish */

static cJSON *json_of(struct qun_unpack *u) {
  char text[1024];
  qun_slice s, key;
  uint32_t n;
  int64_t i;
  int yes;
  if (qun_unpack_str(u, &s)) {
    snprintf(text, sizeof text, "%.*s", (int)(s.len < sizeof text ? s.len : sizeof text - 1), (const char *)s.ptr);
    return cJSON_CreateString(text);
  }
  if (qun_unpack_int(u, &i)) return cJSON_CreateNumber((double)i);
  if (qun_unpack_bool(u, &yes)) return cJSON_CreateBool(yes);
  cJSON *map = cJSON_CreateObject();
  if (!qun_unpack_map(u, &n)) return map;
  while (n-- > 0 && qun_unpack_str(u, &key)) {
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)(key.len < sizeof name ? key.len : sizeof name - 1),
             (const char *)key.ptr);
    cJSON_AddItemToObject(map, name, json_of(u));
  }
  return map;
}

static char *manifest_text(const struct qun_backup_writer *w, qun_slice about) {
  struct qun_unpack u;
  char hex[2 * QUN_BACKUP_SUM + 1];
  qun_unpack_init(&u, about);
  cJSON *json = json_of(&u), *parts = cJSON_AddObjectToObject(json, "parts");
  for (uint32_t i = 0; i < w->parts_count && parts; i++) {
    cJSON *part = cJSON_AddObjectToObject(parts, w->parts[i].name);
    qun_hex(w->parts[i].sum, QUN_BACKUP_SUM, hex);
    cJSON_AddNumberToObject(part, "size", (double)w->parts[i].size);
    cJSON_AddStringToObject(part, "blake2b", hex);
  }
  char *text = cJSON_Print(json);
  cJSON_Delete(json);
  return text;
}

static int add_manifest(struct qun_backup_writer *w, qun_slice about, struct qun_error *err) {
  char *text = manifest_text(w, about);
  if (!text) return qun_error_set(err, QUN_EFAIL, "backup %s: out of memory", w->path);
  size_t n = strlen(text);
  frame_begin(w, QUN__BACKUP_MANIFEST);
  int rc = header(w, QUN__BACKUP_MANIFEST, n) < 0 || data(w, text, n) < 0 ? cannot(w, QUN__BACKUP_MANIFEST, err) : 0;
  free(text);
  if (rc == 0) rc = part_end(w, QUN__BACKUP_MANIFEST, err);
  if (rc < 0) return rc;
  frame_begin(w, QUN__BACKUP_END);
  return archive_write_close(w->archive) == ARCHIVE_OK && frame_end(w) == 0 ? 0 : cannot(w, QUN__BACKUP_END, err);
}

static int add_index(struct qun_backup_writer *w, struct qun_error *err) {
  unsigned char head[8], tail[QUN__INDEX_TAIL];
  char hex[2 * QUN_BACKUP_SUM + 1];
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "format", QUN__BACKUP_INDEX_FORMAT);
  cJSON *list = cJSON_AddArrayToObject(json, "frames");
  for (uint32_t i = 0; i < w->frames.count && list; i++) {
    const struct qun__frame *f = &w->frames.items[i];
    cJSON *item = cJSON_CreateObject();
    qun_hex(f->sum, QUN_BACKUP_SUM, hex);
    cJSON_AddStringToObject(item, "name", f->name);
    cJSON_AddNumberToObject(item, "at", (double)f->at);
    cJSON_AddNumberToObject(item, "size", (double)f->size);
    cJSON_AddStringToObject(item, "blake2b", hex);
    cJSON_AddItemToArray(list, item);
  }
  char *text = cJSON_PrintUnformatted(json);
  cJSON_Delete(json);
  if (!text) return qun_error_set(err, QUN_EFAIL, "backup %s: out of memory", w->path);
  size_t n = strlen(text);
  qun__put_le32(head, QUN__SKIP_MAGIC);
  qun__put_le32(head + 4, (uint32_t)(n + sizeof tail));
  crypto_generichash(tail, QUN_BACKUP_SUM, (const unsigned char *)text, n, NULL, 0);
  qun__put_le32(tail + QUN_BACKUP_SUM, (uint32_t)n);
  bool bad = qun__write_all(w->fd, head, sizeof head) < 0 || qun__write_all(w->fd, text, n) < 0 ||
             qun__write_all(w->fd, tail, sizeof tail) < 0;
  free(text);
  return bad ? cannot(w, "the index", err) : 0;
}

static int sync_folder(const char *path) {
  char dir[PATH_MAX];
  snprintf(dir, sizeof dir, "%s", path);
  char *slash = strrchr(dir, '/');
  if (slash == dir) slash++;
  if (slash)
    *slash = '\0';
  else
    strcpy(dir, ".");
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  int rc = fsync(fd);
  close(fd);
  return rc;
}

int qun_backup_finish(struct qun_backup_writer *w, qun_slice about, struct qun_error *err) {
  int rc = add_manifest(w, about, err);
  if (rc == 0) rc = add_index(w, err);
  if (rc == 0 && (fsync(w->fd) < 0 || rename(w->temporary, w->path) < 0)) rc = cannot(w, "it", err);
  if (rc < 0) {
    qun_backup_abort(w);
    return rc;
  }
  if (sync_folder(w->path) < 0) rc = cannot(w, "its folder's entry", err);
  free_writer(w);
  return rc;
}
