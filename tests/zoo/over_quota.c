/* SPDX-License-Identifier: Apache-2.0 */
/* Writes more than its manifest's limit, 1 MiB: 32 values of 1 MiB. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  static const size_t size = (size_t)1 << 20;
  char key[] = "fill-aa";
  int rc = 0;
  (void)event;
  char *much = (char *)calloc(1, size);
  if (!much) return QUN_EFAIL;
  for (int i = 0; i < 32 && rc == 0; i++) {
    key[6] = (char)('a' + i % 26);
    key[5] = (char)('a' + i / 26);
    rc = a->store->put(a->host, ctx->tenant, qun_str(key), qun_slice_of(much, size), 0);
  }
  free(much);
  return rc;
}

ANIMAL("over_quota", deed)
