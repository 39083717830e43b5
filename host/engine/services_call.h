/* SPDX-License-Identifier: Apache-2.0 */
/* The services that reach other plugins and package files; the check of emitted events. Used by services.c and the
 * readers. */
#ifndef QUN_HOST_ENGINE_SERVICES_CALL_H
#define QUN_HOST_ENGINE_SERVICES_CALL_H

#include "host/engine/runtime.h"

/* The scope of the callback that runs, if the tenant's handle is that callback's; else NULL. */
struct qun_scope *qun__scope_of(const struct qun_host *host, qun_handle tenant);

extern const struct qun_store_v1 qun__store_v1;
extern const struct qun_store_v2 qun__store_v2;
extern const struct qun_call_v1 qun__call_v1;
extern const struct qun_package_v1 qun__package_v1;
extern const struct qun_http_v1 qun__http_v1;
extern const struct qun_http_client_v1 qun__http_client_v1;
extern const struct qun_work_v1 qun__work_v1;
extern const struct qun_secrets_v1 qun__secrets_v1;
extern const struct qun_intercept_v1 qun__intercept_v1;

struct qun_outbox_entry;
/* Whether another live plugin has a say in such a row: it is then made an intercepted one. */
bool qun__intercept(const struct qun_instance *in, const struct qun_scope *scope, struct qun_outbox_entry *row);
/* Asks it. QUN_EFAIL: out of memory. */
int qun__intercept_ask(const struct qun_instance *in, struct qun_scope *scope, const struct qun_outbox_entry *row);

/* The plugin that offers a service, and its entry. QUN_ENOTFOUND. */
int qun__service_owner(const struct qun_plugin_set *plugins, qun_slice service, uint32_t *plugin,
                       const struct qun_manifest_service **entry);
/* Checks an emitted event against its type: bounds, a map, known fields of the right kinds, required ones there.
 * QUN_EINVAL with a message. */
int qun__emit_check(const struct qun_type_view *type, const struct qun_emit *event, char message[256]);

#endif
