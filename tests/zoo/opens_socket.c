/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a socket. */
#include "animal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  (void)a;
  (void)ctx;
  (void)event;
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

ANIMAL("opens_socket", deed)
