/* SPDX-License-Identifier: Apache-2.0 */
/* Asks with tenants' handles that it was never given. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  int worst = QUN_EDENIED;
  (void)event;
  for (qun_handle wrong = 0; wrong < 4096; wrong++) {
    qun_slice value;
    if (wrong == ctx->tenant) continue;
    int rc = a->store->get(a->host, wrong, qun_str("messages"), &value);
    if (rc != QUN_EDENIED) worst = rc == QUN_ENOTFOUND ? 0 : rc;
    rc = a->store->put(a->host, wrong, qun_str("stolen"), qun_str("x"), 0);
    if (rc != QUN_EDENIED) worst = rc;
  }
  return worst;
}

ANIMAL("forges_handle", deed)
