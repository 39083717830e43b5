/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions that can change a result: Qun, ICU, Unicode, time zone data and each plugin. Equal state hashes are promised within one set of them; another set is a
 * qun.runtime record in the log before anything else is applied (DECISIONS 1, 8). Table META keeps the set of the newest such record as "runtime".
 */
#ifndef QUN_HOST_ENGINE_VERSIONS_H
#define QUN_HOST_ENGINE_VERSIONS_H

#include "host/plugins/plugin_set.h"

#include <qun/msgpack.h>

/* Appends the data of a qun.runtime record: {versions: {part: version}}. Any thread. */
void qun_versions_pack(struct qun_pack *out, const struct qun_plugin_set *plugins);

#endif
