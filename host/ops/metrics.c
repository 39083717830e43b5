/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/metrics.h"

#include <inttypes.h>
#include <stdio.h>

static const struct metric_info {
  const char *name, *type, *help;
} table[QUN_METRIC_COUNT] = {
#define X(id, metric, kind, text) [QUN_METRIC_##id] = {.name = metric, .type = kind, .help = text},
    QUN_METRICS(X)
#undef X
};

void qun_metric_add(struct qun_metrics *m, enum qun_metric metric, int64_t n) {
  if (m) atomic_fetch_add_explicit(&m->values[metric], n, memory_order_relaxed);
}

void qun_metric_set(struct qun_metrics *m, enum qun_metric metric, int64_t n) {
  if (m) atomic_store_explicit(&m->values[metric], n, memory_order_relaxed);
}

int64_t qun_metric_get(const struct qun_metrics *m, enum qun_metric metric) {
  return atomic_load_explicit(&m->values[metric], memory_order_relaxed);
}

void qun_metrics_write(const struct qun_metrics *m, struct qun_pack *out) {
  for (int i = 0; i < QUN_METRIC_COUNT; i++) {
    char text[512];
    const struct metric_info *info = &table[i];
    int n = snprintf(text, sizeof text, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", info->name, info->help,
                     info->name, info->type, info->name, qun_metric_get(m, (enum qun_metric)i));
    qun_pack_raw(out, qun_slice_of(text, (size_t)n));
  }
}
