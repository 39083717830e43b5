/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/spool.h"

#include "host/ops/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLAIN_MAX = 110 }; /* of the name before ".jsonl": room for '.', 16 hex digits and ".jsonl" */

static bool is_plain(const char *s, uint64_t i) {
  char c = s[i];
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         (c == '.' && i > 0);
}

void qun_spool_name(char out[QUN_SPOOL_NAME_SIZE], qun_slice target) {
  static const char digits[] = "0123456789ABCDEF";
  const char *s = target.ptr;
  size_t n = 0;
  uint64_t i = 0;
  for (; i < target.len && n + 3 <= PLAIN_MAX; i++) {
    unsigned char c = (unsigned char)s[i];
    if (is_plain(s, i)) {
      out[n++] = s[i];
      continue;
    }
    out[n++] = '%';
    out[n++] = digits[c >> 4];
    out[n++] = digits[c & 15];
  }
  if (i < target.len) {
    unsigned char hash[crypto_generichash_BYTES_MIN];
    char hex[sizeof hash * 2 + 1];
    crypto_generichash(hash, sizeof hash, target.ptr, target.len, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    n += (size_t)snprintf(out + n, QUN_SPOOL_NAME_SIZE - n, "%%%.16s", hex);
  }
  if (n == 0) n = (size_t)snprintf(out, QUN_SPOOL_NAME_SIZE, "%%");
  snprintf(out + n, QUN_SPOOL_NAME_SIZE - n, ".jsonl");
}

static int line_of(struct qun_pack *line, const struct qun_delivery_row *row, struct qun_error *err) {
  char id[QUN_DELIVERY_ID_SIZE];
  struct qun_pack p;
  qun_delivery_row_id(id, row);
  qun_pack_init(&p);
  qun_pack_map(&p, 6);
  qun_pack_kv_cstr(&p, "id", id);
  qun_pack_kv_str(&p, "plugin", row->plugin);
  qun_pack_kv_str(&p, "key", row->key);
  qun_pack_kv_str(&p, "target", row->target);
  qun_pack_kv_int(&p, "due", row->due_ms);
  qun_pack_cstr(&p, "body");
  qun_pack_raw(&p, row->body);
  int rc = p.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                    : qun_msgpack_to_json(line, qun_pack_slice(&p), false, err);
  qun_pack_raw(line, qun_str("\n"));
  qun_pack_fini(&p);
  return rc == 0 && line->failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : rc;
}

/* A crash may have left half a line: the next one begins on a line of its own. */
static int begin_line(int fd) {
  char last = '\n';
  off_t end = lseek(fd, 0, SEEK_END);
  if (end < 0) return -1;
  if (end > 0 && pread(fd, &last, 1, end - 1) != 1) return -1;
  return last == '\n' || write(fd, "\n", 1) == 1 ? 0 : -1;
}

static int append(int fd, qun_slice line) {
  const char *at = line.ptr;
  uint64_t left = line.len;
  if (begin_line(fd) < 0) return -1;
  while (left > 0) {
    ssize_t n = write(fd, at, (size_t)left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    at += n;
    left -= (uint64_t)n;
  }
  return fsync(fd);
}

static int open_file(int *file, const char *data_dir, const struct qun_delivery_row *row, struct qun_error *err) {
  char dir[4096], name[QUN_SPOOL_NAME_SIZE];
  int n = snprintf(dir, sizeof dir, "%s/tenants/%s/spool", data_dir, row->tenant);
  if (n < 0 || (size_t)n >= sizeof dir) return qun_error_set(err, QUN_EINVAL, "the path of the spool is too long");
  if (mkdir(dir, 0700) != 0 && errno != EEXIST) return qun_error_set(err, QUN_EFAIL, "%s: %m", dir);
  int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (at < 0) return qun_error_set(err, QUN_EFAIL, "%s: %m", dir);
  qun_spool_name(name, row->target);
  *file = openat(at, name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  int rc = *file < 0 ? qun_error_set(err, QUN_EFAIL, "%s/%s: %m", dir, name) : 0;
  if (rc == 0 && fsync(at) != 0) { /* the name itself must last */
    rc = qun_error_set(err, QUN_EFAIL, "%s: %m", dir);
    close(*file);
  }
  close(at);
  return rc;
}

void qun_spool_send(const char *data_dir, const struct qun_delivery_row *row, struct qun_send_outcome *out) {
  struct qun_error err = {0};
  struct qun_pack line;
  int fd = -1;
  qun_pack_init(&line);
  if (line_of(&line, row, &err) < 0) {
    qun_send_answer(out, QUN_SEND_FAILED, "the row cannot be written as JSON: %s", err.message);
  } else if (open_file(&fd, data_dir, row, &err) < 0) {
    qun_send_answer(out, QUN_SEND_LATER, "%s", err.message);
  } else {
    if (append(fd, qun_pack_slice(&line)) < 0)
      qun_send_answer(out, QUN_SEND_LATER, "the spool cannot be written: %m");
    else
      out->code = QUN_SEND_SENT;
    close(fd);
  }
  qun_pack_fini(&line);
}
