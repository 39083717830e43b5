/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/private_file.h"

#include "tenants/key_file.h"

#include <qun/plugin.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20 };

int qun__private_read(char **text, size_t *len, const char *path, const char *name, struct qun_error *err) {
  struct qun_key_dir dir;
  struct stat st;
  int fd = -1;
  char *bytes = NULL;
  int rc = qun__key_dir_open(&dir, path, err);
  if (rc < 0) return rc;
  rc = qun__key_file_open(&fd, &dir, name, O_RDONLY, err);
  if (rc == 0 && (fstat(fd, &st) != 0 || st.st_size > FILE_MAX))
    rc = qun_error_set(err, QUN_EINVAL, "%s/%s is larger than %d bytes", path, name, FILE_MAX);
  if (rc == 0 && !(bytes = malloc((size_t)st.st_size + 1))) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) {
    long long n = qun__pread_all(fd, bytes, (size_t)st.st_size, 0);
    if (n < 0) rc = qun_error_set(err, QUN_EFAIL, "%s/%s: %m", path, name);
    *len = n < 0 ? 0 : (size_t)n;
  }
  if (fd >= 0) close(fd);
  qun__key_dir_close(&dir);
  if (rc == 0) {
    bytes[*len] = '\0';
    *text = bytes;
  } else {
    free(bytes);
  }
  return rc;
}

int qun__private_path(char path[480], const char *keys_dir, const char *tenant, struct qun_error *err) {
  int n = snprintf(path, 480, "%s/%s", keys_dir, tenant);
  if (n < 0 || n >= 480) return qun_error_set(err, QUN_EINVAL, "the path of tenant %s's keys is too long", tenant);
  return 0;
}

void qun__private_keep_line(cyaml_log_t level, void *ctx, const char *format, va_list args) {
  struct qun_error *err = ctx;
  (void)level;
  vsnprintf(err->message, sizeof err->message, format, args);
  err->message[strcspn(err->message, "\n")] = '\0';
}
