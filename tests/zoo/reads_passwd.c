/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a file that is none of its business. */
#include "animal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  char text[16];
  int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  (void)a;
  (void)ctx;
  (void)event;
  if (fd < 0) return errno;
  ssize_t n = read(fd, text, sizeof text);
  close(fd);
  return n > 0 ? 0 : EIO;
}

ANIMAL("reads_passwd", deed)
