/* SPDX-License-Identifier: Apache-2.0 */
/* The loader with the trust list as an argument: for tests, whose fixtures are not on the list made at build. */
#ifndef QUN_HOST_PLUGINS_PLUGIN_SET_LOAD_H
#define QUN_HOST_PLUGINS_PLUGIN_SET_LOAD_H

#include "host/plugins/plugin_set.h"
#include "host/plugins/trust.h"

/* As qun_plugin_set_load. */
int qun__plugin_set_load(struct qun_plugin_set **out, const char *dir, const struct qun__trust *trust,
                         bool allow_untrusted, struct qun_error *err);

#endif
