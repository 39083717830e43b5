/* SPDX-License-Identifier: Apache-2.0 */
/* Ends the process, in order, as if it were its own. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)a;
  (void)ctx;
  (void)event;
  exit(0);
}

ANIMAL("exits", deed)
