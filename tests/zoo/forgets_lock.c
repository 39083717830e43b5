/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a lock, forgets that it has it, and waits for it for ever. */
#include "animal.h"

#include <pthread.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  (void)a;
  (void)ctx;
  (void)event;
  pthread_mutex_lock(&lock);
  pthread_mutex_lock(&lock);
  return 0;
}

ANIMAL("forgets_lock", deed)
