/* SPDX-License-Identifier: Apache-2.0 */
/* Never comes back from a handler. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  volatile uint64_t rounds = 0;
  (void)a;
  (void)ctx;
  (void)event;
  for (;;) rounds++;
  return 0;
}

ANIMAL("loops", deed)
