/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <qun/plugin.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int qun_folder_sync(const char *path, struct qun_error *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "folder %s cannot be opened: %m", path);
  int rc = fsync(fd) == 0 ? 0 : qun_error_set(err, QUN_EFAIL, "folder %s cannot be synced: %m", path);
  close(fd);
  return rc;
}

static int sync_parent(const char *path, struct qun_error *err) {
  char parent[PATH_MAX];
  size_t n = strlen(path);
  while (n > 1 && path[n - 1] == '/') n--;
  while (n > 0 && path[n - 1] != '/') n--;
  while (n > 1 && path[n - 1] == '/') n--;
  if (n >= sizeof parent) return qun_error_set(err, QUN_EINVAL, "the path of a folder is too long");
  memcpy(parent, n ? path : ".", n ? n : 1);
  parent[n ? n : 1] = '\0';
  return qun_folder_sync(parent, err);
}

int qun_folder_make(const char *path, struct qun_error *err) {
  if (mkdir(path, 0700) == 0) return sync_parent(path, err);
  return errno == EEXIST ? 0 : qun_error_set(err, QUN_EFAIL, "folder %s cannot be made: %m", path);
}

int qun_folder_move(const char *from, const char *to, struct qun_error *err) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return sync_parent(to, err);
  if (errno == EEXIST) return qun_error_set(err, QUN_ECONFLICT, "%s is there already", to);
  return qun_error_set(err, QUN_EFAIL, "%s cannot be moved to %s: %m", from, to);
}
