/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/supervisor.h"

#include "host/engine/tenant.h"
#include "host/qund/backoff.h"
#include "host/qund/crash.h"
#include "host/qund/handover.h"
#include "host/qund/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_COULD_NOT = 3, EXIT_NO_PROGRAM = 127 };

struct supervisor {
  const struct qun_log *log;
  char **argv;
  struct qun_qund_sockets sockets;
  struct qun_qund_handover handover; /* for the next worker */
  struct qun_qund_backoff backoff;
  sigset_t mask; /* as this process got it: the workers' */
  int signals;   /* signalfd */
  int status;    /* what the worker writes when it serves; -1: it has */
  pid_t worker;  /* 0: none */
  int64_t started_ms;
  bool serving;                     /* the worker does */
  bool ended;                       /* it has stopped in order */
  bool again;                       /* and wants another one to come */
  bool in_plugin;                   /* the crashed thread was in a plugin */
  char suspect[QUN_STORE_TAG_SIZE]; /* the tenant that the crashed thread had in use; "": not known */
  char blamed[QUN_STORE_TAG_SIZE];  /* the one before */
  uint32_t blamed_times;
  bool stopping; /* told to */
};

static int64_t steady_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* sd_notify(3): one datagram. Without a service manager there is nobody to tell. */
static void tell_manager(const char *state) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  const char *path = getenv("NOTIFY_SOCKET");
  size_t len = path ? strlen(path) : 0;
  if (!len || len >= sizeof to.sun_path) return;
  memcpy(to.sun_path, path, len);
  if (path[0] == '@') to.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
  close(fd);
}

/* ---- a worker comes */

static void keep_open(int fd) {
  if (fd >= 0) fcntl(fd, F_SETFD, 0);
}

/* In the child: the same program again. Nothing of the parent's is touched between fork and exec. */
static void become_worker(struct supervisor *s, pid_t parent, int status) {
  char text[QUN_QUND_HANDOVER_SIZE];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_COULD_NOT); /* it died before that */
  s->handover.status = status;
  qun_qund_handover_format(text, &s->handover);
  setenv(QUN_QUND_HANDOVER, text, 1);
  unsetenv("NOTIFY_SOCKET");
  keep_open(s->sockets.tcp);
  keep_open(s->sockets.api);
  keep_open(s->sockets.intake);
  keep_open(status);
  sigprocmask(SIG_SETMASK, &s->mask, NULL);
  execv("/proc/self/exe", s->argv);
  _exit(EXIT_NO_PROGRAM);
}

static int start_worker(struct supervisor *s, struct qun_error *err) {
  int ends[2];
  pid_t self = getpid();
  if (pipe2(ends, O_CLOEXEC) < 0) return qun_error_set(err, QUN_EFAIL, "no pipe to a worker: %m");
  s->started_ms = steady_ms();
  s->serving = s->ended = s->again = s->in_plugin = false;
  s->suspect[0] = '\0';
  s->worker = fork();
  if (s->worker == 0) become_worker(s, self, ends[1]);
  close(ends[1]);
  s->status = ends[0];
  if (s->worker > 0) return 0;
  s->worker = 0;
  close(ends[0]);
  s->status = -1;
  return qun_error_set(err, QUN_EFAIL, "a worker cannot be started: %m");
}

/* ---- what happens meanwhile */

static void note_serving(struct supervisor *s) {
  s->serving = true;
  if (!s->handover.announced) tell_manager("READY=1");
  s->handover.announced = true;
}

/* One write of the worker at a time, or the first with the next: that it serves or has stopped, or the tenant that a
   thread had in use as it crashed. */
static void read_status(struct supervisor *s) {
  char said[2 * QUN_STORE_TAG_SIZE], *at = said;
  ssize_t n = read(s->status, said, sizeof said - 1);
  if (n <= 0) { /* it has ended, or is about to */
    close(s->status);
    s->status = -1;
    return;
  }
  said[n] = '\0';
  for (; *at == QUN_QUND_SAYS_SERVING || *at == QUN_QUND_SAYS_ENDED || *at == QUN_QUND_SAYS_AGAIN; at++) {
    if (*at == QUN_QUND_SAYS_SERVING) note_serving(s);
    s->ended |= *at == QUN_QUND_SAYS_ENDED;
    s->again |= *at == QUN_QUND_SAYS_AGAIN;
  }
  if (*at != QUN_QUND_SAYS_CRASH && *at != QUN_QUND_SAYS_PLUGIN) return;
  s->in_plugin = *at == QUN_QUND_SAYS_PLUGIN;
  snprintf(s->suspect, sizeof s->suspect, "%s", at + 1);
}

/* Clients that come now shall be refused, not left waiting. */
static void pass_on(struct supervisor *s, int signal) {
  if (!s->stopping) {
    tell_manager("STOPPING=1");
    qun_qund_sockets_shut(&s->sockets);
  }
  s->stopping = true;
  if (s->worker > 0) kill(s->worker, signal);
}

/* Takes what there is; true: the worker has ended, and how is in *how. */
static bool read_signals(struct supervisor *s, int *how) {
  struct signalfd_siginfo info;
  while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info)
    if (info.ssi_signo != SIGCHLD) pass_on(s, (int)info.ssi_signo);
  return s->worker > 0 && waitpid(s->worker, how, WNOHANG) == s->worker;
}

/* Waits until the worker has ended. */
static int watch_worker(struct supervisor *s) {
  int how = 0;
  bool ended = false;
  while (!ended) {
    struct pollfd on[2] = {{.fd = s->signals, .events = POLLIN}, {.fd = s->status, .events = POLLIN}};
    if (poll(on, 2, -1) < 0 && errno != EINTR) continue;
    if (s->status >= 0 && on[1].revents) read_status(s);
    if (on[0].revents) ended = read_signals(s, &how);
  }
  while (s->status >= 0) read_status(s);
  s->worker = 0;
  return how;
}

/* ---- a worker goes */

static void name_end(char *out, size_t room, int how) {
  const char *name = WIFSIGNALED(how) ? sigabbrev_np(WTERMSIG(how)) : NULL;
  if (name)
    snprintf(out, room, "SIG%s%s", name, WCOREDUMP(how) ? " (core dumped)" : "");
  else if (WIFSIGNALED(how))
    snprintf(out, room, "signal %d", WTERMSIG(how));
  else
    snprintf(out, room, "exit code %d", WEXITSTATUS(how));
}

/* True: that was the last worker, and *status is what to exit with. */
static bool is_final(const struct supervisor *s, int how, int *status) {
  int code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
  *status = s->stopping && code < 0 ? 0 : code;
  if (s->stopping || (code == 0 && s->ended)) return true;
  /* a reason that another worker would meet again */
  return !s->serving && (code == EXIT_USAGE || code == EXIT_COULD_NOT || code == EXIT_NO_PROGRAM);
}

/* Waits before the next worker; a signal to stop ends it. */
static void wait_ms(struct supervisor *s, int64_t ms) {
  int64_t until = steady_ms() + ms;
  for (int64_t left = ms; left > 0 && !s->stopping; left = until - steady_ms()) {
    struct pollfd on = {.fd = s->signals, .events = POLLIN};
    int how;
    if (poll(&on, 1, (int)left) > 0) read_signals(s, &how);
  }
}

static void note_crash(struct supervisor *s, int how) {
  int64_t now = steady_ms(), lived = now - s->started_ms;
  int64_t wait = qun_qund_backoff_crash(&s->backoff, now, lived);
  s->handover.restarts++;
  s->handover.died_ms = now;
  name_end(s->handover.reason, sizeof s->handover.reason, how);
  if (wait)
    qun_log_line(s->log, QUN_LOG_ERROR,
                 "worker ended by %s after %" PRId64 " ms; workers crash over and over, the next one starts in %" PRId64
                 " s",
                 s->handover.reason, lived, wait / 1000);
  else
    qun_log_line(s->log, QUN_LOG_WARN, "worker ended by %s after %" PRId64 " ms; starting another", s->handover.reason,
                 lived);
  wait_ms(s, wait);
}

/* The worker has made room for another one. */
static void note_change(struct supervisor *s) {
  s->handover.died_ms = steady_ms();
  snprintf(s->handover.reason, sizeof s->handover.reason, "a wish of its own");
}

/* Another process looks into the store, and marks it if need be: this one must not crash. */
static void check_suspect(struct supervisor *s) {
  char text[QUN_STORE_TAG_SIZE + 16];
  if (!qun_tenant_name_valid(s->suspect)) return;
  bool again = strcmp(s->blamed, s->suspect) == 0 && steady_ms() - s->started_ms < QUN_QUND_CRASH_WINDOW_MS;
  s->blamed_times = again ? s->blamed_times + 1 : 1;
  memcpy(s->blamed, s->suspect, sizeof s->blamed);
  if (s->in_plugin && s->blamed_times < 2) return; /* the plugin's doing, until it looks like the store's */
  snprintf(text, sizeof text, "%s %" PRIu32, s->suspect, s->in_plugin ? 0 : s->blamed_times);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv(QUN_QUND_CHECK, text, 1);
    sigprocmask(SIG_SETMASK, &s->mask, NULL);
    execv("/proc/self/exe", s->argv);
    _exit(EXIT_NO_PROGRAM);
  }
  while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
  }
}

static int run(struct supervisor *s, int *status, struct qun_error *err) {
  for (;;) {
    int rc = start_worker(s, err);
    if (rc < 0) return rc;
    int how = watch_worker(s);
    if (is_final(s, how, status)) return 0;
    if (s->again && WIFEXITED(how) && WEXITSTATUS(how) == 0) {
      note_change(s);
      continue;
    }
    check_suspect(s);
    note_crash(s, how);
    *status = 0;
    if (s->stopping) return 0;
  }
}

int qun_qund_supervise(int *status, const struct qun_qund_settings *settings, const struct qun_log *log, char **argv,
                       struct qun_error *err) {
  static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
  struct supervisor *s = calloc(1, sizeof *s); /* large: paths */
  sigset_t set;
  if (!s) return qun_error_set(err, QUN_EFAIL, "there is no memory for the supervisor");
  s->log = log;
  s->argv = argv;
  s->status = -1;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) sigaddset(&set, caught[i]);
  sigprocmask(SIG_BLOCK, &set, &s->mask);
  s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  int rc = s->signals < 0 ? qun_error_set(err, QUN_EFAIL, "no signals can be taken: %m") : 0;
  if (rc == 0) rc = qun_qund_sockets_open(&s->sockets, settings, err);
  if (rc == 0) {
    s->handover.tcp = s->sockets.tcp;
    s->handover.api = s->sockets.api;
    s->handover.intake = s->sockets.intake;
    rc = run(s, status, err);
  }
  qun_qund_sockets_close(&s->sockets);
  if (s->signals >= 0) close(s->signals);
  free(s);
  return rc;
}
