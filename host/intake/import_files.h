/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to intake: files of an export that is a zip archive or a folder. Names have no leading folder of the
 * archive. */
#ifndef QUN_HOST_INTAKE_IMPORT_FILES_H
#define QUN_HOST_INTAKE_IMPORT_FILES_H

#include "tenants/error.h"

#include <qun/msgpack.h>

struct qun__files;

/* QUN_EINVAL: no folder and no zip archive. */
int qun__files_open(struct qun__files **out, const char *path, struct qun_error *err);
void qun__files_close(struct qun__files *f);
size_t qun__files_count(const struct qun__files *f);
/* "general/2026-11-21.json": at most the last two parts of the name. */
const char *qun__files_name(const struct qun__files *f, size_t index);
uint64_t qun__files_size(const struct qun__files *f, size_t index);
/* The whole content into `out` (cleared first). QUN_EINVAL: larger than 64 MiB, encrypted or damaged. */
int qun__files_read(struct qun__files *f, size_t index, struct qun_pack *out, struct qun_error *err);

#endif
