/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All event types a host knows: the core table of qun/events.h and the types of loaded manifests, by name. Filled while plugins load; read only after.
 */
#ifndef QUN_HOST_PLUGINS_VOCABULARY_H
#define QUN_HOST_PLUGINS_VOCABULARY_H

#include "host/plugins/plugin_set.h"

struct qun__vocabulary;

/* With the core types in it. NULL when memory ran out. */
struct qun__vocabulary *qun__vocabulary_create(void);
/* NULL is fine. */
void qun__vocabulary_destroy(struct qun__vocabulary *v);
/* Whether the types of a manifest are all new. QUN_ECONFLICT names the one that is there already and whose it is. */
int qun__vocabulary_check(const struct qun__vocabulary *v, const struct qun_manifest *m, struct qun_error *err);
/* Adds the types of a manifest that was checked and outlives it. QUN_EFAIL: memory ran out. */
int qun__vocabulary_add(struct qun__vocabulary *v, const struct qun_manifest *m, struct qun_error *err);
/* NULL: unknown. */
const struct qun_type_view *qun__vocabulary_find(const struct qun__vocabulary *v, qun_slice name);

#endif
