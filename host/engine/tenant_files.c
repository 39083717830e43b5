/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/tenant_files.h"

#include "tenants/folder.h"
#include "tenants/meta.h"
#include "tenants/remove_tree.h"
#include "tenants/vault.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ASIDE_NEW ".new-"
#define ASIDE_DELETED ".deleted-"

static int path_of(char out[PATH_MAX], const struct qun_tenant_files *f, const char *prefix, const char *name,
                   struct qun_error *err) {
  int n = snprintf(out, PATH_MAX, "%s/tenants/%s%s", f->data_dir, prefix, name);
  return n > 0 && n < PATH_MAX ? 0 : qun_error_set(err, QUN_EINVAL, "the path of \"%s\" is too long", f->data_dir);
}

/* The keys belong to a tenant that never was: its folder is still aside. */
static int clear_new(const struct qun_tenant_files *f, const char *name, struct qun_error *err) {
  char fresh[PATH_MAX];
  int rc = path_of(fresh, f, ASIDE_NEW, name, err);
  if (rc < 0 || access(fresh, F_OK) != 0) return rc;
  rc = qun_vault_destroy(f->keys_dir, name, err);
  if (rc == 0 && qun_remove_tree(fresh) != 0) rc = qun_error_set(err, QUN_EFAIL, "%s cannot be removed: %m", fresh);
  return rc;
}

/* LMDB makes its files without syncing their names. */
static int make_store(const char *dir, const struct qun_store_options *options, struct qun_error *err) {
  char path[PATH_MAX];
  struct qun_store *store = NULL;
  unsigned char incarnation[16];
  int n = snprintf(path, sizeof path, "%s/store", dir);
  if (n < 0 || (size_t)n >= sizeof path) return qun_error_set(err, QUN_EINVAL, "the path of \"%s\" is too long", dir);
  int rc = qun_store_open(&store, path, options, err);
  if (rc == 0) rc = qun_meta_init(store, incarnation, err);
  qun_store_close(store);
  if (rc == 0) rc = qun_folder_sync(path, err);
  return rc < 0 ? rc : qun_folder_sync(dir, err);
}

int qun_tenant_files_make(const struct qun_tenant_files *f, const struct qun_profile *p,
                          const struct qun_store_options *options, struct qun_error *err) {
  char dir[PATH_MAX], fresh[PATH_MAX];
  int rc = path_of(dir, f, "", p->name, err);
  if (rc == 0) rc = path_of(fresh, f, ASIDE_NEW, p->name, err);
  if (rc == 0 && access(dir, F_OK) == 0) rc = qun_error_set(err, QUN_ECONFLICT, "tenant %s exists", p->name);
  if (rc == 0) rc = clear_new(f, p->name, err);
  if (rc < 0) return rc;
  rc = qun_folder_make(fresh, err); /* before the keys: it says that they are not in use yet */
  if (rc == 0) rc = qun_profile_save(p, fresh, err);
  if (rc == 0) rc = make_store(fresh, options, err);
  if (rc == 0) rc = qun_vault_create(f->keys_dir, p->name, err);
  if (rc == QUN_ECONFLICT) { /* keys of another tenant of that name: not ours to remove */
    qun_remove_tree(fresh);
    return rc;
  }
  if (rc == 0) rc = qun_folder_move(fresh, dir, err);
  if (rc < 0) clear_new(f, p->name, NULL);
  return rc;
}

int qun_tenant_files_remove(const struct qun_tenant_files *f, const char *name, struct qun_error *err) {
  char dir[PATH_MAX], gone[PATH_MAX];
  int rc = path_of(dir, f, "", name, err);
  if (rc == 0) rc = path_of(gone, f, ASIDE_DELETED, name, err);
  if (rc == 0) rc = qun_vault_destroy(f->keys_dir, name, err);
  if (rc == 0) qun_remove_tree(gone);
  if (rc == 0) rc = qun_folder_move(dir, gone, err);
  if (rc == 0 && qun_remove_tree(gone) != 0) rc = qun_error_set(err, QUN_EFAIL, "%s cannot be removed: %m", gone);
  return rc;
}

int qun_tenant_files_tidy(const struct qun_tenant_files *f, struct qun_error *err) {
  char path[PATH_MAX];
  struct dirent *entry;
  int rc = path_of(path, f, "", "", err);
  if (rc < 0) return rc;
  DIR *all = opendir(path);
  if (!all) return qun_error_set(err, QUN_EFAIL, "folder %s cannot be read: %m", path);
  while (rc == 0 && (entry = readdir(all))) {
    const char *name = entry->d_name;
    if (strncmp(name, ASIDE_NEW, strlen(ASIDE_NEW)) == 0) rc = clear_new(f, name + strlen(ASIDE_NEW), err);
    if (strncmp(name, ASIDE_DELETED, strlen(ASIDE_DELETED)) == 0) {
      rc = path_of(path, f, "", name, err);
      if (rc == 0 && qun_remove_tree(path) != 0) rc = qun_error_set(err, QUN_EFAIL, "%s cannot be removed: %m", path);
    }
  }
  closedir(all);
  if (rc == 0) rc = path_of(path, f, "", "", err);
  return rc < 0 ? rc : qun_folder_sync(path, err);
}
