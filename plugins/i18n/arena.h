/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is given out piece by piece and released at once. */
#ifndef QUN_PLUGINS_I18N_ARENA_H
#define QUN_PLUGINS_I18N_ARENA_H

#include <stddef.h>

struct qun__chunk;

struct qun__arena {
  struct qun__chunk *chunks;
};

/* NULL when memory ran out. Aligned for any type, not zeroed. */
void *qun__arena_take(struct qun__arena *a, size_t size);
/* A copy with a NUL behind it. */
char *qun__arena_copy(struct qun__arena *a, const void *bytes, size_t len);
void qun__arena_fini(struct qun__arena *a);

#endif
