/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files read and written whole: manifests, indexes, the operator's lists. Blocking; any thread.
 */
#ifndef QUN_HOST_PLUGINS_SMALL_FILE_H
#define QUN_HOST_PLUGINS_SMALL_FILE_H

#include "tenants/error.h"

#include <qun/msgpack.h>

/* Appends the bytes of a regular file of at most `most` bytes, and a NUL behind them that does not count. QUN_ENOTFOUND: it is not there.
   QUN_EINVAL: no regular file, or larger. QUN_EFAIL. */
int qun__small_file_read(struct qun_pack *out, const char *path, size_t most, struct qun_error *err);
/* Writes FILE.new, syncs it and takes the place of FILE; whoever reads sees the old bytes or the new. QUN_EFAIL. */
int qun__small_file_replace(const char *path, qun_slice bytes, unsigned mode, struct qun_error *err);

#endif
