/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is decided about packages before any of their code runs: whether a manifest fits this host and the others beside it, and in which
 * order plugins load. Pure, over manifests in memory.
 */
#ifndef QUN_HOST_PLUGINS_RESOLVE_H
#define QUN_HOST_PLUGINS_RESOLVE_H

#include "host/plugins/plugin_set.h"

struct qun__candidate {
  char *dir;
  struct qun_manifest *manifest; /* NULL when it could not be read */
  bool installed;                /* from the data directory */
  struct qun_package_verdict verdict;
  char reason[sizeof((struct qun_refused_plugin){0}).reason]; /* why it is refused; "" it is not */
};

void qun__candidate_refuse(struct qun__candidate *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Refuses what does not fit: ABI, isolation, services, ids that are there twice, `after` that names nobody or goes in a circle, subscriptions to types
   that nobody defines. */
void qun__resolve(struct qun__candidate *candidates, uint32_t count);
/* Writes the places of those not refused into `order`, each after what it names in `after`, else by id; answers how many. */
uint32_t qun__resolve_order(const struct qun__candidate *candidates, uint32_t count, uint32_t *order);

#endif
