/* SPDX-License-Identifier: Apache-2.0 */
/* qun.secrets/1: in requests alone, since what the operator keeps beside the keys is no part of the log. */
#include "host/delivery/secrets.h"
#include "host/engine/services_call.h"

#include <stdio.h>

static int secrets_verify(const struct qun_host *host, qun_handle tenant, const char *name, uint32_t algorithm,
                          qun_slice message, qun_slice signature) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  struct qun_error err = {0};
  if (!scope || scope->mode != QUN_MODE_REQUEST || !scope->view || scope->batch || !scope->slot->tenant ||
      !in->runtime->keys_dir)
    return QUN_EDENIED;
  int rc = qun_secrets_verify(in->runtime->keys_dir, scope->slot->name, qun_str(in->plugin->manifest->id),
                              qun_str(name), algorithm, message, signature, &err);
  if (rc < 0) snprintf(scope->message, sizeof in->message, "%.250s", err.message);
  return rc;
}

const struct qun_secrets_v1 qun__secrets_v1 = {.struct_size = sizeof qun__secrets_v1, .verify = secrets_verify};
