/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a tenant: its folder and its keys, made and removed as a whole, on the disk before a call returns. A new
 * folder is built aside as tenants/.new-NAME; one that goes is moved aside as tenants/.deleted-NAME. What a crash leaves
 * there is cleared at the next start. The caller keeps others from the tenant meanwhile. Blocking. Any thread.
 */
#ifndef QUN_HOST_ENGINE_TENANT_FILES_H
#define QUN_HOST_ENGINE_TENANT_FILES_H

#include "tenants/profile.h"
#include "tenants/store.h"

struct qun_tenant_files {
  const char *data_dir, *keys_dir;
};

/* QUN_ECONFLICT: there is such a tenant. options: as its store is to be made. */
int qun_tenant_files_make(const struct qun_tenant_files *f, const struct qun_profile *p,
                          const struct qun_store_options *options, struct qun_error *err);
/* Keys first: what a crash leaves behind cannot be read any more. */
int qun_tenant_files_remove(const struct qun_tenant_files *f, const char *name, struct qun_error *err);
/* Clears what a crash left aside, and makes sure that the names of all tenants are on the disk. Before any other call. */
int qun_tenant_files_tidy(const struct qun_tenant_files *f, struct qun_error *err);

#endif
