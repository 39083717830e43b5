/* SPDX-License-Identifier: Apache-2.0 */
/* Maps all the memory that it can get, up to 8 GiB; touches none of it. */
#include "animal.h"

#include <errno.h>
#include <sys/mman.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  static const size_t block = (size_t)64 << 20;
  (void)a;
  (void)ctx;
  (void)event;
  for (int i = 0; i < 128; i++) {
    if (mmap(NULL, block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
      return errno;
  }
  return 0;
}

ANIMAL("hogs_memory", deed)
