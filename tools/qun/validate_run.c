/* SPDX-License-Identifier: Apache-2.0 */
/* A check in a process of its own. */
#include "tools/qun/validate.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_BYTES = 2000 };

/* In the child: the answer is the exit status and what stands on the pipe. */
static void be_the_check(const struct qun_check *check, struct qun_trial *t, int to, unsigned seconds) {
  dup2(to, STDERR_FILENO);
  alarm(seconds);
  int rc = check->run(t);
  if (rc < 0) dprintf(to, "%s\n", t->reason);
  _exit(rc < 0 ? 1 : 0);
}

/* All that the child says, the first of it kept. */
static void listen_to(int from, char said[SAID_BYTES]) {
  char part[512];
  size_t n = 0;
  for (;;) {
    ssize_t got = read(from, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size_t keep = (size_t)got < SAID_BYTES - 1 - n ? (size_t)got : SAID_BYTES - 1 - n;
    memcpy(said + n, part, keep);
    n += keep;
  }
  said[n] = '\0';
}

/* The line that says most: the sanitizer's, else the last. */
static const char *line_of(char *said) {
  char *found = strstr(said, "ERROR: ");
  if (!found) found = strstr(said, "runtime error: ");
  if (!found) {
    size_t n = strlen(said);
    while (n > 0 && said[n - 1] == '\n') said[--n] = '\0';
    char *last = strrchr(said, '\n');
    found = last ? last + 1 : said;
  }
  found[strcspn(found, "\n")] = '\0';
  return found;
}

int qun_check_run(const struct qun_check *check, struct qun_trial *t, unsigned seconds) {
  char said[SAID_BYTES];
  int ends[2], status = 0;
  t->reason[0] = '\0';
  fflush(NULL);
  if (pipe(ends) < 0) return snprintf(t->reason, sizeof t->reason, "no pipe: %s", strerror(errno)), -1;
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    be_the_check(check, t, ends[1], seconds);
  }
  close(ends[1]);
  listen_to(ends[0], said);
  close(ends[0]);
  if (child < 0 || waitpid(child, &status, 0) != child)
    return snprintf(t->reason, sizeof t->reason, "no process: %s", strerror(errno)), -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    snprintf(t->reason, sizeof t->reason, "it did not end within %u s", seconds);
  else if (WIFSIGNALED(status))
    snprintf(t->reason, sizeof t->reason, "it crashed (%s) %.200s", strsignal(WTERMSIG(status)), line_of(said));
  else
    snprintf(t->reason, sizeof t->reason, "%.390s", line_of(said));
  return -1;
}
