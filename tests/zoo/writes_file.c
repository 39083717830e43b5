/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves a file behind. */
#include "animal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  int fd = open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  (void)a;
  (void)ctx;
  (void)event;
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

ANIMAL("writes_file", deed)
