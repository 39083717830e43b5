/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/limits.h"

#include <malloc.h>
#include <sys/resource.h>

enum {
  /* Each LMDB environment allocates 2 MiB of which it touches a few pages. glibc's own threshold grows with the first of
     them that is freed; after that they come from the heap, zeroed, and all 2 MiB are resident. Batches' memory stays
     below, so that it is not given back and faulted in again with each. */
  MAP_FROM = 3 << 19,
  TRIM_ABOVE = 64 << 20
};

void qun_qund_limits_raise(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  mallopt(M_MMAP_THRESHOLD, MAP_FROM);
  mallopt(M_TRIM_THRESHOLD, TRIM_ABOVE);
}
