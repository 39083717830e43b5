/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that plugins have the host use (qun.secrets/1, qun.http_client/1), written by the operator beside the tenant's keys, mode 0600:
 * <keys>/<tenant>/secrets.yaml
 *   secrets:
 *     - {name: api, plugin: engagement, host: api.example.com, value: "..."}    filled into requests to that host alone
 *     - {name: callback, plugin: engagement, value: "..."}                      for signatures alone
 * Read each time, so that a change counts at once. Blocking.
 */
#ifndef QUN_HOST_DELIVERY_SECRETS_H
#define QUN_HOST_DELIVERY_SECRETS_H

#include "tenants/error.h"

#include <qun/msgpack.h>

/* Appends `text` to `out` with each {{secret:NAME}} replaced by that plugin's secret for that host ("api.example.com", with a port if the URL has
   one). QUN_EDENIED: it is bound to another host, or to none. QUN_ENOTFOUND: there is no such secret. QUN_EINVAL: the file, or a secret that could not stand in a header. */
int qun_secrets_fill(struct qun_pack *out, const char *keys_dir, const char *tenant, qun_slice plugin, qun_slice host,
                     qun_slice text, struct qun_error *err);
/* 0: `signature` is what the algorithm (QUN_SECRET_*) makes of `message` with the plugin's secret. QUN_EDENIED: it is not. QUN_ENOTFOUND, QUN_EINVAL. */
int qun_secrets_verify(const char *keys_dir, const char *tenant, qun_slice plugin, qun_slice name, uint32_t algorithm,
                       qun_slice message, qun_slice signature, struct qun_error *err);
/* Overwrites what a filled text had. */
void qun_secrets_wipe(struct qun_pack *filled);

#endif
