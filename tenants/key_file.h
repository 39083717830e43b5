/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files with keys in a folder that only their owner may enter. Internal to the vault. All functions block; paths
 * in messages are "<folder>/<name>".
 */
#ifndef QUN_TENANTS_KEY_FILE_H
#define QUN_TENANTS_KEY_FILE_H

#include "tenants/error.h"

#include <stddef.h>

struct qun_key_dir {
  int fd;
  char path[480];
};

/* Opens a folder and checks that it is the caller's own and closed to all others. QUN_ENOTFOUND; QUN_EDENIED says which
 * chmod mends it. */
int qun__key_dir_open(struct qun_key_dir *dir, const char *path, struct qun_error *err);
void qun__key_dir_close(struct qun_key_dir *dir);
int qun__key_dir_sync(const struct qun_key_dir *dir, struct qun_error *err);

/* Opens a regular file of the caller's own, mode 0600 or less, never through a link. `flags`: O_RDONLY or O_RDWR. */
int qun__key_file_open(int *fd, const struct qun_key_dir *dir, const char *name, int flags, struct qun_error *err);
/* Reads a file of exactly `size` bytes. QUN_EINVAL: it has another size. */
int qun__key_file_read(const struct qun_key_dir *dir, const char *name, void *bytes, size_t size,
                       struct qun_error *err);
/* Makes a new file 0600 (an old one of that name is wiped first). The caller closes *fd. */
int qun__key_file_create(int *fd, const struct qun_key_dir *dir, const char *name, struct qun_error *err);
/* Makes a new file with these bytes and syncs it. */
int qun__key_file_write(const struct qun_key_dir *dir, const char *name, const void *bytes, size_t size,
                        struct qun_error *err);
int qun__key_file_rename(const struct qun_key_dir *dir, const char *from, const char *to, struct qun_error *err);
/* write to "<name>.new", rename, sync the folder. */
int qun__key_file_replace(const struct qun_key_dir *dir, const char *name, const void *bytes, size_t size,
                          struct qun_error *err);
/* Overwrites with zeros and syncs; the best that can be done above a file system (copy-on-write ones keep the old
 * blocks). */
int qun__key_file_zero(int fd);
/* zero, unlink. Nothing there is fine. */
int qun__key_file_wipe(const struct qun_key_dir *dir, const char *name, struct qun_error *err);

int qun__pwrite_all(int fd, const void *bytes, size_t size, long long at);
/* Bytes read (fewer only at the end of the file), or -1. */
long long qun__pread_all(int fd, void *bytes, size_t size, long long at);

#endif
