/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/erasures.h"
#include "tenants/vault_internal.h"

#include <qun/msgpack.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char list_name[] = "erased.list", first_line[] = "qun-erased/1\n";

enum { HEX = 2 * QUN_PSEUDONYM_SIZE };

static int read_text(struct qun_pack *out, const char *path, struct qun_error *err) {
  struct qun_key_dir dir;
  char block[4096];
  int fd = -1;
  ssize_t n = 0;
  int rc = qun__key_dir_open(&dir, path, err);
  if (rc) return rc;
  rc = qun__key_file_open(&fd, &dir, list_name, O_RDONLY, err);
  qun__key_dir_close(&dir);
  if (rc) return rc;
  while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0) qun_pack_raw(out, qun_slice_of(block, (size_t)n));
  }
  close(fd);
  return n < 0 || out->failed ? qun_error_set(err, QUN_EFAIL, "%s/%s: cannot be read", path, list_name) : 0;
}

static bool read_line(struct qun_erasure *out, const char *line) {
  size_t n = 0;
  char *end;
  if (sodium_hex2bin(out->pseudonym, sizeof out->pseudonym, line, HEX, NULL, &n, NULL) != 0 || n != QUN_PSEUDONYM_SIZE)
    return false;
  if (line[HEX] != ' ') return false;
  out->at_ms = strtoll(line + HEX + 1, &end, 10);
  return *end == '\n' && end != line + HEX + 1;
}

static int parse(struct qun_erasures *e, const char *text, const char *path, struct qun_error *err) {
  uint32_t number = 1, cap = 0;
  if (strncmp(text, first_line, sizeof first_line - 1) != 0)
    return qun_error_set(err, QUN_EINVAL, "%s/%s: line 1 is not \"qun-erased/1\"", path, list_name);
  for (const char *at = strchr(text, '\n') + 1; *at; at = strchr(at, '\n') + 1) {
    number++;
    if (e->count == cap) {
      cap = cap ? cap * 2 : 32;
      void *grown = realloc(e->items, cap * sizeof *e->items);
      if (!grown) return qun_error_set(err, QUN_EFAIL, "out of memory");
      e->items = grown;
    }
    if (!strchr(at, '\n') || !read_line(&e->items[e->count], at))
      return qun_error_set(err, QUN_EINVAL, "%s/%s: line %u is no entry", path, list_name, number);
    e->count++;
  }
  return 0;
}

int qun__erasures_load(struct qun_erasures *out, const char *dir, struct qun_error *err) {
  struct qun_erasures e = {0};
  struct qun_error why = {0};
  struct qun_pack text;
  qun_pack_init(&text);
  int rc = read_text(&text, dir, &why);
  if (rc == 0) {
    qun_pack_raw(&text, qun_slice_of("", 1));
    rc = text.failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : parse(&e, (const char *)text.buf, dir, err);
  } else if (rc == QUN_ENOTFOUND) {
    rc = 0; /* nobody was erased */
  } else {
    rc = qun_error_set(err, rc, "%s", why.message);
  }
  qun_pack_fini(&text);
  if (rc < 0)
    qun_erasures_fini(&e);
  else
    *out = e;
  return rc;
}

static bool has(const struct qun_erasures *e, const struct qun_erasure *item) {
  for (uint32_t i = 0; i < e->count; i++) {
    if (e->items[i].at_ms == item->at_ms && memcmp(e->items[i].pseudonym, item->pseudonym, QUN_PSEUDONYM_SIZE) == 0)
      return true;
  }
  return false;
}

static void put_line(struct qun_pack *out, const struct qun_erasure *item) {
  char hex[HEX + 1], line[HEX + 32];
  sodium_bin2hex(hex, sizeof hex, item->pseudonym, QUN_PSEUDONYM_SIZE);
  int n = snprintf(line, sizeof line, "%s %lld\n", hex, (long long)item->at_ms);
  qun_pack_raw(out, qun_slice_of(line, (size_t)n));
}

int qun__erasures_add(const char *path, const struct qun_erasure *items, uint32_t count, struct qun_error *err) {
  struct qun_erasures known;
  struct qun_key_dir dir;
  struct qun_pack text;
  int rc = qun__erasures_load(&known, path, err);
  if (rc) return rc;
  qun_pack_init(&text);
  qun_pack_raw(&text, qun_str(first_line));
  for (uint32_t i = 0; i < known.count; i++) put_line(&text, &known.items[i]);
  for (uint32_t i = 0; i < count; i++) {
    if (!has(&known, &items[i])) put_line(&text, &items[i]);
  }
  rc = text.failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : qun__key_dir_open(&dir, path, err);
  if (rc == 0) {
    rc = qun__key_file_replace(&dir, list_name, text.buf, text.len, err);
    qun__key_dir_close(&dir);
  }
  qun_pack_fini(&text);
  qun_erasures_fini(&known);
  return rc;
}

int qun_erasures_load(struct qun_erasures *out, const char *keys_dir, const char *tenant, struct qun_error *err) {
  char path[480];
  int rc = qun__vault_path(path, sizeof path, keys_dir, "", tenant, err);
  return rc ? rc : qun__erasures_load(out, path, err);
}

int qun_erasures_load_staged(struct qun_erasures *out, const char *keys_dir, const char *tenant,
                             struct qun_error *err) {
  char path[480];
  int rc = qun__vault_path(path, sizeof path, keys_dir, ".new.", tenant, err);
  return rc ? rc : qun__erasures_load(out, path, err);
}

int qun_erasures_add(const char *keys_dir, const char *tenant, const struct qun_erasure *items, uint32_t count,
                     struct qun_error *err) {
  char path[480];
  int rc = qun__vault_path(path, sizeof path, keys_dir, "", tenant, err);
  return rc ? rc : qun__erasures_add(path, items, count, err);
}

void qun_erasures_fini(struct qun_erasures *e) {
  free(e->items);
  memset(e, 0, sizeof *e);
}
