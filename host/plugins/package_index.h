/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `index` of a package: which files are in it, and their SHA-256. This text is what is signed.
 *
 *     qun-package/1
 *     id weekly-quiz
 *     version 1.0.0
 *     arch x86_64-linux-gnu
 *     file <SHA-256, hexadecimal> <bytes> <path>     one a file, paths in bytewise order
 *
 * It has one spelling: what is read and written again is the same bytes. All functions: any thread, no blocking.
 */
#ifndef QUN_HOST_PLUGINS_PACKAGE_INDEX_H
#define QUN_HOST_PLUGINS_PACKAGE_INDEX_H

#include "tenants/error.h"

#include <qun/msgpack.h>

#include <stdbool.h>

enum { QUN_PACKAGE_FILES_MAX = 4096, QUN_PACKAGE_INDEX_MAX = 1 << 20 };

struct qun_package_file {
  char *path;
  uint64_t size;
  unsigned char sha256[32];
};

struct qun_package_index {
  char id[32], version[32], arch[32];
  struct qun_package_file *files;
  uint32_t count;
};

/* QUN_EINVAL names the line. Fini what was read. */
int qun_package_index_read(struct qun_package_index *index, qun_slice text, struct qun_error *err);
void qun_package_index_fini(struct qun_package_index *index);
/* Appends the text; sorts the files. */
void qun_package_index_write(struct qun_pack *out, struct qun_package_index *index);
/* Adds a file; false: memory ran out, or there are too many. */
bool qun_package_index_add(struct qun_package_index *index, const char *path, uint64_t size,
                           const unsigned char sha256[32]);
/* NULL: not in it. */
const struct qun_package_file *qun_package_index_find(const struct qun_package_index *index, const char *path);

/* The kind of machine that this program is for, such as x86_64-linux-gnu. */
extern const char qun_package_arch[];

#endif
