/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUN_TOOLS_QUN_PACKAGE_ZIP_H
#define QUN_TOOLS_QUN_PACKAGE_ZIP_H

#include "tools/qun/package.h"

enum { QUN_PACKAGE_BYTES_MAX = 256 << 20 };

/* Reads a whole archive. QUN_EINVAL, QUN_ENOTFOUND, QUN_EFAIL. Blocking. */
int qun__package_read_zip(struct qun_package *p, const char *path, struct qun_error *err);

#endif
