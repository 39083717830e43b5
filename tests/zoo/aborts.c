/* SPDX-License-Identifier: Apache-2.0 */
/* Calls abort(). */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)a;
  (void)ctx;
  (void)event;
  abort();
}

ANIMAL("aborts", deed)
