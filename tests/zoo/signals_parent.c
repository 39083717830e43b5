/* SPDX-License-Identifier: Apache-2.0 */
/* Asks whether it may signal the process that started its own. */
#include "animal.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)a;
  (void)ctx;
  (void)event;
  return kill(getppid(), 0) < 0 ? errno : 0;
}

ANIMAL("signals_parent", deed)
