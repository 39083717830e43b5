/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the entry of a plugin's library answers, checked: by the host for plugins inside it, by a runner for its own.
 */
#ifndef QUN_HOST_PLUGINS_ENTRY_H
#define QUN_HOST_PLUGINS_ENTRY_H

#include "tenants/error.h"

#include <qun/plugin.h>

/* Calls the entry (`symbol`: what dlsym answered for qun_plugin_v1) and checks magic and vtable against the manifest's id and
   version. *vtable is a whole struct of this build's size: copied min(size), zero filled. QUN_EINVAL, QUN_EUNSUPPORTED. Runs code
   of the plugin. */
int qun__entry_take(struct qun_plugin *vtable, const struct qun_magic **magic, void *symbol, const char *id,
                    const char *version, struct qun_error *err);

#endif
