/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin dev DIR: builds a plugin's project, runs it in a host of its own over a scratch data directory with a tenant "dev", and does so again whenever a
 * source changes. The tenant stays, so that a changed plugin meets what is in the log.
 */
#include "tenants/remove_tree.h"
#include "tools/qun/cli.h"
#include "tools/qun/sdk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SETTLE_MS = 200, WORDS_MAX = 16 };

struct dev {
  const struct qun_cli *cli;
  struct qun_sdk sdk;
  char dir[PATH_MAX], build[PATH_MAX], packages[PATH_MAX], bin[PATH_MAX], top[32], data[64];
  pid_t host;
  int watch, signals;
  bool tenant; /* it was made */
};

static void say(const struct dev *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct dev *d, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(d->cli->out, format, args);
  va_end(args);
  fputc('\n', d->cli->out);
  fflush(d->cli->out);
}

/* ---------------------------------------------------------------- programs */

/* In a child: with the signals as they were before dev took them, and ended with it. */
static void become(const char *const *words, int out) {
  sigset_t none;
  char *argv[WORDS_MAX + 1] = {NULL};
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (out >= 0) dup2(out, STDOUT_FILENO);
  for (int i = 0; i < WORDS_MAX && words[i]; i++) argv[i] = strdup(words[i]);
  execvp(argv[0], argv);
  dprintf(STDERR_FILENO, "qun: %s cannot be run: %s\n", words[0], strerror(errno));
  _exit(127);
}

/* Runs a program to its end; its output goes to stderr. True: it went well. */
static bool run(const struct dev *d, const char *const *words) {
  int status = 0;
  fflush(d->cli->out);
  pid_t child = fork();
  if (child == 0) become(words, STDERR_FILENO);
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool build(struct dev *d) {
  char cache[PATH_MAX + 16], prefix[PATH_MAX + 32];
  snprintf(cache, sizeof cache, "%s/CMakeCache.txt", d->build);
  snprintf(prefix, sizeof prefix, "-DCMAKE_PREFIX_PATH=%s", d->sdk.prefix);
  const char *configure[] = {"cmake", "-S", d->dir, "-B", d->build, prefix, NULL};
  const char *make[] = {"cmake", "--build", d->build, NULL};
  return (access(cache, F_OK) == 0 || run(d, configure)) && run(d, make);
}

/* ---------------------------------------------------------------- the host */

static void stop_host(struct dev *d) {
  if (d->host <= 0) return;
  kill(d->host, SIGTERM);
  waitpid(d->host, NULL, 0);
  d->host = 0;
}

/* Starts qund and waits until it says that it serves, or ends. */
static bool start_host(struct dev *d) {
  char program[PATH_MAX + 8], line[512];
  int ends[2];
  snprintf(program, sizeof program, "%s/qund", d->bin);
  const char *words[] = {program, "--data",      d->data, "--plugins",         d->packages,      "--listen",
                         "off",   "--log-level", "warn",  "--allow-untrusted", "--no-supervise", NULL};
  if (pipe(ends) < 0) return false;
  fflush(d->cli->out);
  d->host = fork();
  if (d->host == 0) {
    close(ends[0]);
    become(words, ends[1]);
  }
  close(ends[1]);
  FILE *said = fdopen(ends[0], "r");
  bool ready = d->host > 0 && said && fgets(line, sizeof line, said) && strncmp(line, "qund ready", 10) == 0;
  if (said) fclose(said);
  if (!ready) stop_host(d);
  return ready;
}

static bool qun(const struct dev *d, const char *a, const char *b, const char *c, const char *e) {
  char program[PATH_MAX + 8];
  snprintf(program, sizeof program, "%s/qun", d->bin);
  const char *words[] = {program, "--data", d->data, a, b, c, e, NULL};
  return run(d, words);
}

/* Switches every package that was built on for the tenant. */
static bool enable_all(const struct dev *d) {
  struct dirent **names = NULL;
  int n = scandir(d->packages, &names, NULL, alphasort);
  bool fine = n >= 0;
  for (int i = 0; i < n; i++) {
    if (names[i]->d_name[0] != '.') fine &= qun(d, "plugin", "enable", "dev", names[i]->d_name);
    free(names[i]);
  }
  free(names);
  return fine;
}

static bool round_of(struct dev *d) {
  stop_host(d);
  if (!build(d)) return say(d, "not built; waiting for a change"), false;
  if (!start_host(d)) return say(d, "the host does not start; waiting for a change"), false;
  if (!d->tenant) d->tenant = qun(d, "tenant", "create", "dev", NULL);
  if (!d->tenant || !enable_all(d)) return say(d, "not loaded; `qun --data %s plugin list` says why", d->data), false;
  say(d, "loaded; try: qun --data %s event send dev -", d->data);
  return true;
}

/* ---------------------------------------------------------------- changes */

static void watch_tree(const struct dev *d, const char *dir) {
  char path[PATH_MAX];
  struct dirent **names = NULL;
  inotify_add_watch(d->watch, dir, IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM);
  int n = scandir(dir, &names, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    if (names[i]->d_type == DT_DIR && names[i]->d_name[0] != '.' &&
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name) < (int)sizeof path && strcmp(path, d->build) != 0)
      watch_tree(d, path);
    free(names[i]);
  }
  free(names);
}

/* Waits for a change and until no more come. False: a signal asks to stop. */
static bool wait_for_change(const struct dev *d) {
  char events[4096];
  struct pollfd ready[] = {{.fd = d->signals, .events = POLLIN}, {.fd = d->watch, .events = POLLIN}};
  for (int timeout = -1;;) {
    int n = poll(ready, 2, timeout);
    if (n < 0 && errno != EINTR) return false;
    if (n == 0) return true;
    if (n > 0 && ready[0].revents) return false;
    if (n > 0 && ready[1].revents && read(d->watch, events, sizeof events) > 0) timeout = SETTLE_MS;
  }
}

static int open_dev(struct dev *d, const char *dir, struct qun_error *err) {
  char *slash;
  sigset_t stops;
  int rc = qun_sdk_find(&d->sdk, qun_args_flag(&d->cli->args, "sdk"), err);
  if (rc < 0) return rc;
  if (!realpath(dir, d->dir)) return qun_error_set(err, QUN_ENOTFOUND, "%s: %s", dir, strerror(errno));
  ssize_t n = readlink("/proc/self/exe", d->bin, sizeof d->bin - 1);
  d->bin[n > 0 ? n : 0] = '\0';
  if ((slash = strrchr(d->bin, '/'))) *slash = '\0';
  snprintf(d->top, sizeof d->top, "/tmp/qun-dev-XXXXXX");
  if (snprintf(d->build, sizeof d->build, "%s/build", d->dir) >= (int)sizeof d->build ||
      snprintf(d->packages, sizeof d->packages, "%.*s/package", (int)sizeof d->packages - 9, d->build) >=
          (int)sizeof d->packages)
    return qun_error_set(err, QUN_EINVAL, "%.200s...: the path is too long", d->dir);
  if (!mkdtemp(d->top))
    return qun_error_set(err, QUN_EFAIL, "no scratch folder can be made in /tmp: %s", strerror(errno));
  snprintf(d->data, sizeof d->data, "%s/data", d->top);
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  sigprocmask(SIG_BLOCK, &stops, NULL);
  d->signals = signalfd(-1, &stops, SFD_CLOEXEC);
  d->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (d->signals < 0 || d->watch < 0)
    return qun_error_set(err, QUN_EFAIL, "changes cannot be watched: %s", strerror(errno));
  watch_tree(d, d->dir);
  return 0;
}

int qun_cmd_plugin_dev(struct qun_cli *cli) {
  struct dev *d = calloc(1, sizeof *d);
  struct qun_error err = {0};
  if (!qun_args_flag(&cli->args, "in-process")) {
    free(d);
    return qun_cli_usage(
        cli, "the plugin will run inside the scratch host, with all that you may do yourself: say --in-process");
  }
  int rc = d ? 0 : qun_error_set(&err, QUN_EFAIL, "out of memory");
  if (rc == 0) {
    d->cli = cli;
    d->watch = d->signals = -1;
    rc = open_dev(d, qun_args_word(&cli->args, 0), &err);
  }
  bool fine = rc == 0 && round_of(d);
  while (rc == 0 && !qun_args_flag(&cli->args, "once") && wait_for_change(d)) fine = round_of(d);
  if (d) {
    stop_host(d);
    if (d->data[0]) qun_remove_tree(d->top);
    if (d->watch >= 0) close(d->watch);
    if (d->signals >= 0) close(d->signals);
  }
  free(d);
  if (rc < 0) return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  return fine ? QUN_EXIT_OK : QUN_EXIT_NO;
}
