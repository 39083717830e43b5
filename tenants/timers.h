/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of a tenant's plugins, on the tenant's clock; ordered by (due, plugin, name) (DECISIONS 7). Table TIMERS:
 *   "d" due (signed big-endian) plugin 0 name  -> data
 *   "n" plugin 0 name                          -> due
 */
#ifndef QUN_TENANTS_TIMERS_H
#define QUN_TENANTS_TIMERS_H

#include "tenants/batch.h"

enum { QUN_TIMER_NAME_MAX = 64 };

struct qun_timer_row {
  int64_t due_ms;
  qun_slice plugin, name, data; /* borrowed from the view */
};

/* Sets or moves a timer. QUN_EINVAL: the name is empty, too long or has a NUL. */
int qun_timer_set(struct qun_batch *b, const char *plugin, qun_slice name, int64_t due_ms, qun_slice data);
/* Fine when there is none. */
int qun_timer_cancel(struct qun_batch *b, const char *plugin, qun_slice name);
/* The next one due, of one plugin or (NULL) of all. QUN_ENOTFOUND. */
int qun_timer_next(const struct qun_view *v, const char *plugin, struct qun_timer_row *row);
/* Cancels all of a plugin's timers. */
int qun_timer_cancel_all(struct qun_batch *b, const char *plugin);

#endif
