/* SPDX-License-Identifier: Apache-2.0 */
/* Backup, restore and looking the whole over, for the agency: paths are this machine's, so that a file of many gigabytes is written once. */
#include "host/engine/backup.h"
#include "host/engine/doctor.h"
#include "host/ops/api_internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* An absolute path in the body. NULL: absent; *rc says when it is none. */
static const char *path_of(struct qun__call *c, const char *name, int *rc) {
  const char *path = qun__body_text(c, name);
  if (!path) return NULL;
  if (path[0] != '/' || strlen(path) >= PATH_MAX)
    *rc = qun_error_set(&c->err, QUN_EINVAL, "\"%s\" must be an absolute path on the host's machine", name);
  return path;
}

/* Keys never lie where the data lies (DECISIONS 25). */
static int outside_data(struct qun__call *c, const char *path) {
  char folder[PATH_MAX], real[PATH_MAX], data[PATH_MAX];
  snprintf(folder, sizeof folder, "%s", path);
  *strrchr(folder, '/') = '\0';
  if (!realpath(folder[0] ? folder : "/", real) || !realpath(qun_engine_data_dir(c->engine), data))
    return qun_error_set(&c->err, QUN_EINVAL, "\"keys_path\": there is no folder %s", folder);
  size_t n = strlen(data);
  if (strncmp(real, data, n) == 0 && (real[n] == '/' || real[n] == '\0'))
    return qun_error_set(&c->err, QUN_EINVAL, "\"keys_path\" lies inside the data folder; keep keys outside");
  return 0;
}

static void answer(struct qun__call *c, int rc, int status) {
  if (rc < 0)
    qun__answer_error(c, rc, NULL);
  else
    qun__answer_map(c, status);
}

void qun__post_backup(struct qun__call *c) {
  int rc = 0;
  struct qun_engine_backup_spec spec = {.path = path_of(c, "path", &rc), .keys_path = path_of(c, "keys_path", &rc)};
  if (rc == 0 && spec.keys_path) rc = outside_data(c, spec.keys_path);
  if (rc == 0 && spec.keys_path && strcmp(spec.keys_path, spec.path) == 0)
    rc = qun_error_set(&c->err, QUN_EINVAL, "\"keys_path\" and \"path\" must be two files");
  if (rc == 0) rc = qun_engine_backup(c->engine, c->params[0], &spec, &c->out, &c->err);
  answer(c, rc, 200);
}

/* Made in the data folder without a name that lasts, so that a failure is told before the first byte is sent. */
void qun__get_backup(struct qun__call *c) {
  char path[PATH_MAX];
  struct stat st = {0};
  snprintf(path, sizeof path, "%s/.backup-XXXXXX", qun_engine_data_dir(c->engine));
  int place = mkostemp(path, O_CLOEXEC), fd = -1;
  int rc = place < 0 ? qun_error_set(&c->err, QUN_EFAIL, "%s: %m", path) : 0;
  struct qun_engine_backup_spec spec = {.path = path};
  if (rc == 0) rc = qun_engine_backup(c->engine, c->params[0], &spec, &c->out, &c->err);
  if (rc == 0) fd = open(path, O_RDONLY | O_CLOEXEC);
  if (rc == 0 && (fd < 0 || fstat(fd, &st) < 0)) rc = qun_error_set(&c->err, QUN_EFAIL, "%s: %m", path);
  if (place >= 0) {
    unlink(path);
    close(place);
  }
  if (rc == 0) {
    qun__answer_file(c, "application/zstd", fd, (uint64_t)st.st_size);
    return;
  }
  if (fd >= 0) close(fd);
  qun__answer_error(c, rc, NULL);
}

void qun__post_restore(struct qun__call *c) {
  int rc = 0;
  const char *until = qun__body_text(c, "until");
  struct qun_engine_restore_spec spec = {.path = path_of(c, "path", &rc),
                                         .keys_path = path_of(c, "keys_path", &rc),
                                         .as = qun__body_text(c, "as"),
                                         .until_ms = INT64_MAX,
                                         .replace = qun_mp_bool(qun_pack_slice(&c->in), "replace", 0)};
  if (rc == 0 && until && qun_time_parse(qun_str(until), &spec.until_ms) < 0)
    rc = qun_error_set(&c->err, QUN_EINVAL, "\"until\" must be a time such as 2026-03-01T00:00:00Z");
  if (rc == 0) rc = qun_engine_restore(c->engine, &spec, &c->out, &c->err);
  if (rc == 0) {
    char name[QUN_TOKEN_NAME_SIZE];
    struct qun_error ignored;
    qun_slice restored = qun_mp_str(qun_pack_slice(&c->out), "name");
    snprintf(name, sizeof name, "%.*s", (int)restored.len, (const char *)restored.ptr);
    qun_tokens_load(c->api->tokens, name, &ignored); /* without a file the tenant has no tokens */
  }
  answer(c, rc, 201);
}

void qun__get_doctor(struct qun__call *c) {
  answer(c, qun_engine_doctor(c->engine, &c->out, &c->err), 200);
}
