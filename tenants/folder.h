/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that outlast a power cut. The name of a file or folder is on the disk once its folder was synced, not when the
 * file was. Blocking. Any thread.
 */
#ifndef QUN_TENANTS_FOLDER_H
#define QUN_TENANTS_FOLDER_H

#include "tenants/error.h"

/* Syncs the names in a folder. QUN_EFAIL. */
int qun_folder_sync(const char *path, struct qun_error *err);
/* Makes a folder (mode 0700) that may be there already, and syncs its name. QUN_EFAIL: it cannot be made. */
int qun_folder_make(const char *path, struct qun_error *err);
/* Moves a folder or file within one folder and syncs both names; nothing is replaced. QUN_ECONFLICT: `to` is there. */
int qun_folder_move(const char *from, const char *to, struct qun_error *err);

#endif
