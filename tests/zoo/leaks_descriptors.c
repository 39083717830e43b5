/* SPDX-License-Identifier: Apache-2.0 */
/* Opens descriptors until it gets no more, at most 200, and keeps them. */
#include "animal.h"

#include <errno.h>
#include <sys/eventfd.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)a;
  (void)ctx;
  (void)event;
  for (int i = 0; i < 200; i++)
    if (eventfd(0, EFD_CLOEXEC) < 0) return errno;
  return 0;
}

ANIMAL("leaks_descriptors", deed)
