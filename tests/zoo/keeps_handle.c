/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a tenant's handle and uses it in a callback of another tenant. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)event;
  if (!a->kept) a->kept = ctx->tenant;
  if (a->kept == ctx->tenant) return 0;
  return a->store->put(a->host, a->kept, qun_str("stolen"), qun_str("x"), 0);
}

ANIMAL("keeps_handle", deed)
