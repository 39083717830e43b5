/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's keys as files: copied out while nothing changes them, staged and moved in whole. */
#include "tenants/erasures.h"
#include "tenants/vault_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_key_file(const char *name) {
  static const char *const names[] = {"tenant.key",   "members.keys", "signer.key",
                                      "signer.state", "tokens.yaml",  "erased.list"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(name, names[i]) == 0) return true;
  return false;
}

static int export_file(struct qun_vault *v, const char *name,
                       int (*each)(void *, const char *, qun_slice, struct qun_error *), void *arg,
                       struct qun_error *err) {
  struct stat st;
  int fd;
  int rc = qun__key_file_open(&fd, &v->dir, name, O_RDONLY, err);
  if (rc) return rc;
  unsigned char *bytes = NULL;
  if (fstat(fd, &st) < 0 || !(bytes = malloc((size_t)st.st_size + 1)) ||
      qun__pread_all(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
    rc = qun_error_set(err, QUN_EFAIL, "%s/%s: cannot be read", v->dir.path, name);
  if (rc == 0) rc = each(arg, name, qun_slice_of(bytes, (size_t)st.st_size), err);
  if (bytes) sodium_memzero(bytes, (size_t)st.st_size);
  free(bytes);
  close(fd);
  return rc;
}

int qun_vault_export(struct qun_vault *v, int (*each)(void *, const char *, qun_slice, struct qun_error *), void *arg,
                     struct qun_error *err) {
  struct dirent **names = NULL;
  int rc = 0;
  pthread_mutex_lock(&v->lock);
  int n = scandir(v->dir.path, &names, NULL, alphasort);
  if (n < 0) rc = qun_error_set(err, QUN_EFAIL, "%s: cannot list the keys folder: %s", v->dir.path, strerror(errno));
  for (int i = 0; i < n; i++) {
    if (rc == 0 && is_key_file(names[i]->d_name)) rc = export_file(v, names[i]->d_name, each, arg, err);
    free(names[i]);
  }
  free(names);
  pthread_mutex_unlock(&v->lock);
  return rc;
}

/* ---- moving in */

int qun_vault_exists(const char *keys_dir, const char *tenant) {
  char path[480];
  struct stat st;
  return qun__vault_path(path, sizeof path, keys_dir, "", tenant, NULL) == 0 && stat(path, &st) == 0 &&
         S_ISDIR(st.st_mode);
}

int qun_vault_stage(char path[480], const char *keys_dir, const char *tenant, struct qun_error *err) {
  struct qun_key_dir root;
  int rc = qun__vault_path(path, 480, keys_dir, ".new.", tenant, err);
  if (rc) return rc;
  if (mkdir(keys_dir, 0700) != 0 && errno != EEXIST)
    return qun_error_set(err, QUN_EFAIL, "%s: cannot create: %s", keys_dir, strerror(errno));
  rc = qun__key_dir_open(&root, keys_dir, err);
  if (rc) return rc;
  qun__key_dir_close(&root);
  rc = qun__vault_wipe(path, err);
  if (!rc && mkdir(path, 0700) != 0) rc = qun_error_set(err, QUN_EFAIL, "%s: cannot create: %s", path, strerror(errno));
  return rc;
}

void qun_vault_unstage(const char *keys_dir, const char *tenant) {
  char path[480];
  if (qun__vault_path(path, sizeof path, keys_dir, ".new.", tenant, NULL) == 0) qun__vault_wipe(path, NULL);
}

/* Erasures that the keys in place know of count for ever. */
static int keep_erasures(const char *fresh, const char *path, struct qun_error *err) {
  struct qun_erasures known;
  int rc = qun__erasures_load(&known, path, err);
  if (rc) return rc;
  if (known.count) rc = qun__erasures_add(fresh, known.items, known.count, err);
  qun_erasures_fini(&known);
  return rc;
}

int qun_vault_install(const char *keys_dir, const char *tenant, struct qun_error *err) {
  char path[480], fresh[480];
  struct qun_key_dir root;
  struct stat st;
  int rc = qun__vault_path(path, sizeof path, keys_dir, "", tenant, err);
  if (!rc) rc = qun__vault_path(fresh, sizeof fresh, keys_dir, ".new.", tenant, err);
  if (!rc && stat(fresh, &st) != 0) rc = qun_error_set(err, QUN_ENOTFOUND, "%s: there is nothing staged", fresh);
  if (!rc) rc = qun__key_dir_open(&root, keys_dir, err);
  if (rc) return rc;
  bool there = stat(path, &st) == 0;
  if (there) rc = keep_erasures(fresh, path, err);
  if (!rc && renameat2(AT_FDCWD, fresh, AT_FDCWD, path, there ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0)
    rc = qun_error_set(err, QUN_EFAIL, "%s: cannot be moved in place: %s", fresh, strerror(errno));
  if (!rc) rc = qun__key_dir_sync(&root, err);
  if (!rc && there) rc = qun__vault_wipe(fresh, err);
  qun__key_dir_close(&root);
  return rc;
}
