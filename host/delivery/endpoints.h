/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints of a tenant's webhooks, written by the operator beside the tenant's keys (mode 0600), since they hold
 * secrets: <keys>/<tenant>/endpoints.yaml
 *   endpoints:
 *     - {name: crm, url: "https://example.com/hook", secret: "whsec_<base64 of 24 to 64 bytes>"}
 * An endpoint that answered 410 is switched off: its name and URL are remembered in endpoints.off beside it, a line
 * each, until the operator gives it another URL or removes the line. Blocking.
 */
#ifndef QUN_HOST_DELIVERY_ENDPOINTS_H
#define QUN_HOST_DELIVERY_ENDPOINTS_H

#include "tenants/error.h"

#include <qun/plugin.h>

#include <stdbool.h>

enum { QUN_ENDPOINT_URL_SIZE = 1024, QUN_ENDPOINT_SECRET_MAX = 64 };

struct qun_endpoint {
  char name[208];
  char url[QUN_ENDPOINT_URL_SIZE];
  unsigned char secret[QUN_ENDPOINT_SECRET_MAX];
  size_t secret_len;
  bool off;
};

/* Reads the endpoint of that name. QUN_ENOTFOUND: no such endpoint or no file; QUN_EDENIED: others may read the file;
   QUN_EINVAL says what is wrong in it. Wipe with qun_endpoint_fini. */
int qun_endpoint_read(struct qun_endpoint *out, const char *keys_dir, const char *tenant, qun_slice name,
                      struct qun_error *err);
/* Forgets the secret. */
void qun_endpoint_fini(struct qun_endpoint *endpoint);
/* Switches it off for good. */
int qun_endpoint_switch_off(const struct qun_endpoint *endpoint, const char *keys_dir, const char *tenant,
                            struct qun_error *err);

#endif
