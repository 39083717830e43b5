/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a process. */
#include "animal.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)a;
  (void)ctx;
  (void)event;
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  if (pid < 0) return errno;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
  }
  return 0;
}

ANIMAL("forks", deed)
