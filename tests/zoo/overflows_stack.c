/* SPDX-License-Identifier: Apache-2.0 */
/* Recurses until its stack ends. */
#include "animal.h"

static int deeper(volatile int *from, int depth) {
  volatile int here[64];
  if (depth == INT32_MAX) return 0;
  here[depth % 64] = depth + (from ? from[0] : 0);
  return deeper(here, depth + 1) + here[0];
}

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)a;
  (void)ctx;
  (void)event;
  return deeper(NULL, 0);
}

ANIMAL("overflows_stack", deed)
