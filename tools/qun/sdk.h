/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the SDK is: its template and its CMake package. Installed, it stands beside the program (PREFIX/bin/qun, PREFIX/share/qun-sdk); in a
 * build tree it is the source tree's sdk/. Blocking; one thread.
 */
#ifndef QUN_TOOLS_QUN_SDK_H
#define QUN_TOOLS_QUN_SDK_H

#include "tenants/error.h"

#include <limits.h>

struct qun_sdk {
  char prefix[PATH_MAX];       /* for CMAKE_PREFIX_PATH; "" in a build tree, where nothing is installed */
  char template_dir[PATH_MAX]; /* folder of what `qun plugin new` writes */
};

/* `prefix` NULL: beside the program. QUN_ENOTFOUND says where it was looked for. */
int qun_sdk_find(struct qun_sdk *sdk, const char *prefix, struct qun_error *err);

/* Writes the template as a new plugin into the folder `dir`, which must not be there or be empty. `id` has the form of a manifest's id; `title`: words for
   people. QUN_EINVAL, QUN_ECONFLICT, QUN_EFAIL. */
int qun_sdk_generate(const struct qun_sdk *sdk, const char *dir, const char *id, const char *title,
                     struct qun_error *err);

#endif
