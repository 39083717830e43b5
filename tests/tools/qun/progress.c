/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t draw(int fd_out, int fd_in, char *got, size_t room) {
  struct qun_cli cli = {.err = fdopen(fd_out, "w")};
  struct qun_progress p;
  cr_assert_not_null(cli.err);
  qun_progress_begin(&p, &cli, "acme");
  qun_progress_draw(&p, 1, 2, "note");
  qun_progress_end(&p);
  fclose(cli.err); /* then reading ends: a terminal hands on what it was given when it likes */
  size_t len = 0;
  for (ssize_t n; len < room - 1 && (n = read(fd_in, got + len, room - 1 - len)) > 0;) len += (size_t)n;
  got[len] = '\0';
  return len;
}

Test(tools_qun_progress, a_terminal_gets_a_bar_that_is_cleared) {
  char got[512];
  int host = posix_openpt(O_RDWR | O_NOCTTY);
  cr_assert(host >= 0);
  cr_assert_eq(grantpt(host), 0);
  cr_assert_eq(unlockpt(host), 0);
  int terminal = open(ptsname(host), O_RDWR | O_NOCTTY);
  cr_assert(terminal >= 0);
  size_t n = draw(terminal, host, got, sizeof got);
  cr_assert_not_null(strstr(got, "acme ["), "%s", got);
  cr_assert_not_null(strstr(got, " 50%  note"), "%s", got);
  cr_assert(n > 4 && memcmp(got + n - 4, "\r\033[K", 4) == 0);
  close(host);
}

Test(tools_qun_progress, a_pipe_gets_nothing) {
  char got[64];
  int ends[2];
  cr_assert_eq(pipe(ends), 0);
  cr_assert_eq(draw(ends[1], ends[0], got, sizeof got), 0);
  close(ends[0]);
}
