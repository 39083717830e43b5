/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which plugins hear of which event type, found by the type's name. Built at engine start from the manifests; read only
 * after that.
 */
#ifndef QUN_HOST_ENGINE_SUBSCRIPTIONS_H
#define QUN_HOST_ENGINE_SUBSCRIPTIONS_H

#include "host/plugins/plugin_set.h"

struct qun_hearers {
  const struct qun_type_view *type;
  uint32_t plugins; /* bit n: plugin n of the set subscribes */
  qun_slice *texts; /* names of its fields that are TEXT */
  uint32_t texts_count;
  bool has_members; /* a field is a MEMBER */
};

struct qun_subscriptions;

/* QUN_EFAIL: out of memory. */
int qun_subscriptions_create(struct qun_subscriptions **out, const struct qun_plugin_set *plugins);
void qun_subscriptions_destroy(struct qun_subscriptions *v);
/* NULL: no such type. */
const struct qun_hearers *qun_subscriptions_find(const struct qun_subscriptions *v, qun_slice type);

#endif
