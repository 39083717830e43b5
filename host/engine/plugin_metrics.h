/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters that plugins keep for the operator (qun.metrics/1) and what the host counts of them: events, failures. Not
 * part of any result. Any thread.
 */
#ifndef QUN_HOST_ENGINE_PLUGIN_METRICS_H
#define QUN_HOST_ENGINE_PLUGIN_METRICS_H

#include <stdint.h>

struct qun_plugin_metrics;

struct qun_plugin_metrics *qun_plugin_metrics_create(void);
void qun_plugin_metrics_destroy(struct qun_plugin_metrics *m);
/* NULL `m` is fine. Names over 40 bytes or not of [a-z0-9_] are left out; at most 1,024 counters are kept. */
void qun_plugin_metrics_add(struct qun_plugin_metrics *m, const char *plugin, const char *name, uint64_t delta);
/* Calls `each` with every counter in order of plugin and name. */
void qun_plugin_metrics_each(struct qun_plugin_metrics *m,
                             void (*each)(void *arg, const char *plugin, const char *name, uint64_t value), void *arg);

#endif
