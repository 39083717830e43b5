/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes while it answers a request. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)a;
  (void)ctx;
  (void)event;
  animal_crash();
  return 0;
}

ANIMAL_ASKED("crash_request", deed)
