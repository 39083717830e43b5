/* SPDX-License-Identifier: Apache-2.0 */
/* Ends the process without a word to anybody. */
#include "animal.h"

#include <unistd.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)a;
  (void)ctx;
  (void)event;
  _exit(0);
}

ANIMAL("exits_at_once", deed)
