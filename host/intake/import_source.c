/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a file, unpacked from zstd if it is that, and its lines. */
#include "host/intake/import_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zstd.h>

enum { RAW = 128 * 1024 };

struct qun__source {
  FILE *file;
  char *path;
  uint64_t done, total;
  ZSTD_DStream *zstd; /* NULL: plain */
  size_t frame_left;  /* what zstd still expects: 0 at a frame's end */
  char raw[RAW];
  ZSTD_inBuffer in;
  bool ended; /* the file's end was read */
  struct qun_error err;
  char *buf; /* lines: bytes not yet given */
  size_t from, to, cap;
};

static int fail(struct qun__source *s, int code, const char *what) {
  return qun_error_set(&s->err, code, "%s: %s", s->path, what);
}

static int open_zstd(struct qun__source *s) {
  static const unsigned char magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
  unsigned char head[4];
  size_t n = fread(head, 1, sizeof head, s->file);
  rewind(s->file);
  if (n < sizeof head || memcmp(head, magic, sizeof head) != 0) return QUN_OK;
  s->zstd = ZSTD_createDStream();
  if (!s->zstd) return QUN_EFAIL;
  ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, 27); /* 128 MiB: what `zstd --ultra` needs, and no more */
  return QUN_OK;
}

int qun__source_open(struct qun__source **out, const char *path, struct qun_error *err) {
  struct stat st;
  struct qun__source *s = calloc(1, sizeof *s);
  int rc = QUN_EFAIL;
  if (!s || !(s->path = strdup(path))) {
    qun_error_set(err, QUN_EFAIL, "out of memory");
    goto out;
  }
  s->file = fopen(path, "rb");
  if (!s->file || fstat(fileno(s->file), &st) != 0) {
    rc = qun_error_set(err, errno == ENOENT ? QUN_ENOTFOUND : QUN_EINVAL, "%s: %s", path, strerror(errno));
    goto out;
  }
  s->total = st.st_size > 0 ? (uint64_t)st.st_size : 0;
  if (open_zstd(s) < 0) {
    qun_error_set(err, QUN_EFAIL, "out of memory");
    goto out;
  }
  *out = s;
  return QUN_OK;
out:
  qun__source_close(s);
  return rc;
}

void qun__source_close(struct qun__source *s) {
  if (!s) return;
  if (s->file) fclose(s->file);
  ZSTD_freeDStream(s->zstd);
  free(s->path);
  free(s->buf);
  free(s);
}

const struct qun_error *qun__source_error(const struct qun__source *s) {
  return &s->err;
}

void qun__source_progress(const struct qun__source *s, uint64_t *done, uint64_t *total) {
  *done = s->done;
  *total = s->total;
}

static ptrdiff_t read_raw(struct qun__source *s, void *buf, size_t size) {
  size_t n = fread(buf, 1, size, s->file);
  if (n == 0 && ferror(s->file)) return fail(s, QUN_EFAIL, strerror(errno));
  s->done += n;
  return (ptrdiff_t)n;
}

static ptrdiff_t read_zstd(struct qun__source *s, void *buf, size_t size) {
  ZSTD_outBuffer out = {buf, size, 0};
  while (out.pos == 0) {
    if (s->in.pos == s->in.size && !s->ended) {
      ptrdiff_t n = read_raw(s, s->raw, sizeof s->raw);
      if (n < 0) return n;
      s->ended = n == 0;
      s->in = (ZSTD_inBuffer){s->raw, (size_t)n, 0};
    }
    if (s->ended && s->in.pos == s->in.size && s->frame_left == 0) return 0;
    size_t before = s->in.pos;
    size_t left = ZSTD_decompressStream(s->zstd, &out, &s->in);
    if (ZSTD_isError(left))
      return qun_error_set(&s->err, QUN_EINVAL, "%s: the zstd data is damaged: %s", s->path, ZSTD_getErrorName(left));
    s->frame_left = left;
    if (s->ended && out.pos == 0 && before == s->in.pos && left != 0)
      return fail(s, QUN_EINVAL, "the zstd data is cut off");
  }
  return (ptrdiff_t)out.pos;
}

ptrdiff_t qun__source_read(void *source, void *buf, size_t size) {
  struct qun__source *s = source;
  if (s->err.code != 0) return s->err.code;
  return s->zstd ? read_zstd(s, buf, size) : read_raw(s, buf, size);
}

/* ---------------------------------------------------------------- lines */

/* More bytes behind those that wait. 1, 0 at the end, or less. */
static int fill(struct qun__source *s) {
  if (s->from > 0) {
    memmove(s->buf, s->buf + s->from, s->to - s->from);
    s->to -= s->from;
    s->from = 0;
  }
  if (!s->buf) {
    s->cap = QUN__RECORD_MAX + RAW;
    s->buf = malloc(s->cap);
    if (!s->buf) return fail(s, QUN_EFAIL, "out of memory");
  }
  size_t room = s->cap - s->to < RAW ? s->cap - s->to : RAW;
  ptrdiff_t n = qun__source_read(s, s->buf + s->to, room);
  if (n <= 0) return (int)n;
  s->to += (size_t)n;
  return 1;
}

/* Gives the first bytes of an endless line and drops the rest. */
static int skip_line(struct qun__source *s, qun_slice *line) {
  int rc = 1;
  char *end = NULL;
  static const size_t shown = 200;
  size_t keep = s->from + shown;
  while (!end && rc > 0) {
    s->to = keep;
    s->from = 0;
    size_t room = s->cap - s->to < RAW ? s->cap - s->to : RAW;
    ptrdiff_t n = qun__source_read(s, s->buf + s->to, room);
    rc = n > 0 ? 1 : 0; /* an error comes with the next line */
    if (n > 0) {
      end = memchr(s->buf + s->to, '\n', (size_t)n);
      s->to += (size_t)n;
    }
  }
  *line = qun_slice_of(s->buf + keep - shown, shown);
  s->from = end ? (size_t)(end + 1 - s->buf) : s->to;
  return QUN_EQUOTA;
}

int qun__source_line(struct qun__source *s, qun_slice *line, struct qun_error *err) {
  size_t looked = s->from;
  for (;;) {
    char *end = s->buf ? memchr(s->buf + looked, '\n', s->to - looked) : NULL;
    size_t n = end ? (size_t)(end - s->buf) - s->from : s->to - s->from;
    if (n > QUN__RECORD_MAX) return skip_line(s, line);
    if (end) {
      *line = qun_slice_of(s->buf + s->from, n > 0 && end[-1] == '\r' ? n - 1 : n);
      s->from += n + 1;
      return 1;
    }
    size_t waiting = s->to - s->from;
    int rc = fill(s);
    looked = s->from + waiting;
    if (rc > 0) continue;
    if (rc < 0) return qun_error_set(err, s->err.code, "%s", s->err.message);
    if (waiting == 0) return 0;
    *line = qun_slice_of(s->buf + s->from, waiting); /* the last line has no end */
    s->from = s->to;
    return 1;
  }
}
