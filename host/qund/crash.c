/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/crash.h"

#include "host/engine/tenant.h"
#include "host/plugins/crumbs.h"
#include "tenants/store_check.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* ---- in the worker */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
enum { CRASHES = (int)(sizeof crashes / sizeof *crashes) };

/* A signal handler has nothing else to go by. Written once, before any thread is started. */
static struct {
  int fd;
  struct sigaction before[CRASHES];
  uintptr_t store_from, store_to; /* code of LMDB */
} watched;

static int find_store(struct dl_phdr_info *info, size_t size, void *arg) {
  uintptr_t at = (uintptr_t)arg;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, to = from + info->dlpi_phdr[i].p_memsz;
    if (info->dlpi_phdr[i].p_type != PT_LOAD || at < from || at >= to) continue;
    watched.store_from = from;
    watched.store_to = to;
    return 1;
  }
  return 0;
}

/* Where the thread was; 0 if this machine does not say. */
static uintptr_t place_of(const void *context) {
#if defined(__x86_64__)
  return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
  (void)context;
  return 0;
#endif
}

/* A page of a store that is gone, or LMDB's own code: a store's doing also while a plugin reads. */
static bool is_store(int number, const void *context) {
  uintptr_t at = place_of(context);
  return number == SIGBUS || (at >= watched.store_from && at < watched.store_to);
}

static void say(char what, bool own) {
  const char *tenant = own ? qun_store_last_used() : "";
  char text[QUN_STORE_TAG_SIZE + 1] = {what};
  size_t n = 0;
  while (n < QUN_STORE_TAG_SIZE - 1 && tenant[n]) {
    text[n + 1] = tenant[n];
    n++;
  }
  if (write(watched.fd, text, n + 1) < 0) text[0] = '\0'; /* nobody listens: then nobody is told */
}

/* There in a build with a sanitizer, which ends the process without a signal. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* After a signal it has been said already. */
static void on_report(void) {
  if (!qun__crumb_here || !atomic_load(&qun__crumb_here->mark)) say(QUN_QUND_SAYS_CRASH, true);
}

/* Returns to the same instruction, with the signal as it was before: the process ends by it, or a sanitizer reports. */
static void on_crash(int number, siginfo_t *info, void *context) {
  /* a signal that somebody else sent says nothing about what this thread was at */
  bool own = info->si_code > 0 || (info->si_code == SI_TKILL && info->si_pid == getpid());
  struct qun_crumb *crumb = own ? qun__crumb_here : NULL;
  int why = errno;
  bool plugin = crumb && !is_store(number, context);
  say(plugin ? QUN_QUND_SAYS_PLUGIN : QUN_QUND_SAYS_CRASH, own);
  for (int i = 0; i < CRASHES; i++)
    if (crashes[i] == number) sigaction(number, &watched.before[i], NULL);
  if (plugin) qun_crumb_mark(crumb, QUN_MARK_CRASH, number);
  if (info->si_code <= 0) raise(number); /* no instruction will fault again; it comes when this returns */
  errno = why;
}

/* A plugin that ends the process is not what ends it in order. */
static void on_exit_of_thread(void) {
  if (qun__crumb_here) qun_crumb_mark(qun__crumb_here, QUN_MARK_EXIT, 0);
}

void qun_qund_crash_watch(int fd) {
  struct sigaction act = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int (*in_store)(MDB_env **) = mdb_env_create;
  uintptr_t at;
  memcpy(&at, &in_store, sizeof at);
  dl_iterate_phdr(find_store, (void *)at);
  watched.fd = fd;
  for (int i = 0; i < CRASHES; i++) sigaction(crashes[i], &act, &watched.before[i]);
  atexit(on_exit_of_thread);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(on_report);
}

/* ---- in a process between two workers */

/* The walker's last words; killed: how. */
static void read_words(int fd, char *out, size_t room) {
  ssize_t n = read(fd, out, room - 1);
  out[n > 0 ? n : 0] = '\0';
}

static void walk(const char *dir, int fd) {
  struct qun_error err = {0};
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  int rc = qun_store_walk(dir, &err);
  if (rc < 0 && write(fd, err.message, strlen(err.message)) < 0) _exit(2);
  _exit(rc < 0 ? 1 : 0);
}

/* Whether the store is damaged, with a reason. A walk that takes too long decides nothing. */
static bool is_damaged(const char *dir, char *reason, size_t room) {
  int ends[2], how = 0;
  if (pipe(ends) < 0) return false;
  pid_t pid = fork();
  if (pid == 0) walk(dir, ends[1]);
  close(ends[1]);
  struct pollfd on = {.fd = ends[0], .events = POLLIN};
  bool in_time = pid > 0 && poll(&on, 1, QUN_QUND_WALK_MOST_MS) == 1; /* words, or its end */
  if (in_time) read_words(ends[0], reason, room);
  if (pid > 0 && !in_time) kill(pid, SIGKILL);
  while (pid > 0 && waitpid(pid, &how, 0) < 0 && errno == EINTR) {
  }
  close(ends[0]);
  if (!in_time || (WIFEXITED(how) && WEXITSTATUS(how) == 0)) return false;
  if (!reason[0]) snprintf(reason, room, "whoever reads it crashes");
  return true;
}

int qun_qund_crash_check(const char *data_dir, const char *suspect, const struct qun_log *log) {
  char name[QUN_STORE_TAG_SIZE], dir[PATH_MAX], why[160] = "", reason[200];
  struct qun_error err = {0};
  unsigned times = 0;
  if (sscanf(suspect, "%63s %u", name, &times) != 2 || !qun_tenant_name_valid(name)) return 2;
  int n = snprintf(dir, sizeof dir, "%s/tenants/%s/store", data_dir, name);
  if (n < 0 || (size_t)n >= sizeof dir) return 2;
  if (is_damaged(dir, why, sizeof why))
    snprintf(reason, sizeof reason, "the store is damaged (%s)", why);
  else if (times >= QUN_QUND_BLAMED_MOST)
    snprintf(reason, sizeof reason, "%u workers in a row crashed with this store in use", times);
  else
    return 0;
  if (qun_store_mark(dir, reason, &err) < 0) {
    qun_log_line(log, QUN_LOG_ERROR, "tenant %s: %s, and it cannot be marked: %s", name, reason, err.message);
    return 2;
  }
  qun_log_line(log, QUN_LOG_ERROR, "tenant %s is parked: %s; the others go on", name, reason);
  return 1;
}
