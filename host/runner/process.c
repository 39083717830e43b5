/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/process.h"

#include <services/services.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 30000, ABOVE = 16 /* of the descriptors that the runner begins with */ };

int64_t qun_runner_clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void qun_runner_program(char out[4096]) {
  static const char *const tries[] = {"qun-runner", "../bin/qun-runner", "../libexec/qun/qun-runner"};
  char exe[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  exe[n > 0 ? n : 0] = '\0';
  char *slash = strrchr(exe, '/');
  if (slash) *slash = '\0';
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    snprintf(out, 4096, "%.3900s/%s", exe, tries[i]);
    if (access(out, X_OK) == 0) return;
  }
}

/* ---------------------------------------------------------------- levels */

void qun_runner_level_text(const struct qun_runner_level *l, char out[64]) {
  int n = 0;
  if (l->landlock) n = snprintf(out, 64, "landlock %u", l->landlock);
  if (l->seccomp) n += snprintf(out + n, 64 - (size_t)n, "%sseccomp", n ? ", " : "");
  if (l->rlimits) n += snprintf(out + n, 64 - (size_t)n, "%srlimits", n ? ", " : "");
  if (!n) snprintf(out, 64, "none");
}

static int check_word(const struct qun_runner_level *l, const char *word, struct qun_error *err) {
  unsigned least = 1;
  char end = 0;
  bool landlock = strcmp(word, "landlock") == 0 || sscanf(word, "landlock>=%u%c", &least, &end) == 1;
  if (!landlock && strcmp(word, "seccomp") != 0 && strcmp(word, "rlimits") != 0 && strcmp(word, "none") != 0)
    return qun_error_set(err, QUN_EINVAL, "sandbox_require: \"%.40s\" is not landlock>=N, seccomp, rlimits or none",
                         word);
  bool met = landlock                       ? l->landlock >= least
             : strcmp(word, "seccomp") == 0 ? l->seccomp
             : strcmp(word, "rlimits") == 0 ? l->rlimits
                                            : true;
  char text[64];
  qun_runner_level_text(l, text);
  return met ? 0 : qun_error_set(err, QUN_EDENIED, "sandbox_require asks for %s; this system gives: %s", word, text);
}

int qun_runner_level_check(const struct qun_runner_level *l, const char *require, struct qun_error *err) {
  char words[256], *rest = words, *word;
  int rc = 0;
  snprintf(words, sizeof words, "%s", require);
  while (rc == 0 && (word = strsep(&rest, ", "))) rc = *word ? check_word(l, word, err) : 0;
  return rc;
}

/* What the runner says of itself came before any code of the plugin; the kernel's word counts where it has one. */
static bool kernel_says_filtered(pid_t pid) {
  char path[64], line[128];
  bool privileges = false, filter = false;
  snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
  FILE *f = fopen(path, "re");
  while (f && fgets(line, sizeof line, f)) {
    if (strncmp(line, "NoNewPrivs:\t1", 13) == 0) privileges = true;
    if (strncmp(line, "Seccomp:\t2", 10) == 0) filter = true;
  }
  if (f) fclose(f);
  return privileges && filter;
}

/* ---------------------------------------------------------------- the process */

struct ends {
  int socket[2], page, library;
};

static void ends_close(struct ends *e) {
  int all[] = {e->socket[0], e->socket[1], e->page, e->library};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] >= 0) close(all[i]);
}

/* Moves a descriptor out of the way of the numbers that the runner begins with. */
static int lift(int *fd) {
  int high = fcntl(*fd, F_DUPFD_CLOEXEC, ABOVE);
  if (high < 0) return -1;
  close(*fd);
  *fd = high;
  return 0;
}

static int make_ends(struct ends *e, struct qun_page **page, int library, struct qun_error *err) {
  *e = (struct ends){{-1, -1}, -1, -1};
  e->page = memfd_create("qun-runner-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  e->library = fcntl(library, F_DUPFD_CLOEXEC, ABOVE);
  if (e->page < 0 || e->library < 0 || ftruncate(e->page, QUN_PAGE_SIZE) < 0 ||
      fcntl(e->page, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0 ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->socket) < 0 || lift(&e->socket[1]) < 0 ||
      lift(&e->page) < 0 || fcntl(e->socket[0], F_SETFL, O_NONBLOCK) < 0)
    return qun_error_set(err, QUN_EFAIL, "no descriptors for a runner: %m");
  void *at = mmap(NULL, QUN_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, e->page, 0);
  if (at == MAP_FAILED) return qun_error_set(err, QUN_EFAIL, "no memory for a runner: %m");
  *page = at;
  return 0;
}

static int spawn(struct qun_runner *r, const struct ends *e, const struct qun_runner_options *o,
                 struct qun_error *err) {
  char parent[24], memory[24], cpu[24];
  char name[] = "qun-runner";
  char *argv[] = {name, parent, memory, cpu, NULL};
  char *envp[] = {NULL};
  sigset_t none, all;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attr;
  snprintf(parent, sizeof parent, "%ld", (long)getpid());
  snprintf(memory, sizeof memory, "%llu", (unsigned long long)o->memory_bytes);
  snprintf(cpu, sizeof cpu, "%llu", (unsigned long long)o->cpu_s);
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, e->socket[1], QUN_RUNNER_FD_SOCKET);
  posix_spawn_file_actions_adddup2(&files, e->library, QUN_RUNNER_FD_LIBRARY);
  posix_spawn_file_actions_adddup2(&files, e->page, QUN_RUNNER_FD_PAGE);
  posix_spawnattr_init(&attr);
  posix_spawnattr_setsigmask(&attr, &none);
  posix_spawnattr_setsigdefault(&attr, &all);
  posix_spawnattr_setpgroup(&attr, 0);
  posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  int status = posix_spawn(&r->pid, o->program, &files, &attr, argv, envp);
  posix_spawnattr_destroy(&attr);
  posix_spawn_file_actions_destroy(&files);
  if (status == 0) return 0;
  r->pid = 0;
  return qun_error_set(err, QUN_EFAIL, "%s cannot be started: %s", o->program, strerror(status));
}

void qun_runner_kill(struct qun_runner *r) {
  if (r->pid > 0) {
    kill(r->pid, SIGKILL);
    while (waitpid(r->pid, &r->how, 0) < 0 && errno == EINTR) continue;
  }
  r->pid = 0;
  if (r->fd >= 0) close(r->fd);
  r->fd = -1;
}

void qun_runner_destroy(struct qun_runner *r) {
  if (!r) return;
  qun_runner_kill(r);
  if (r->page) munmap(r->page, QUN_PAGE_SIZE);
  qun_wire_in_fini(&r->in);
  qun_pack_fini(&r->out);
  free(r);
}

void qun_runner_how(const struct qun_runner *r, char out[96]) {
  int sig = WIFSIGNALED(r->how) ? WTERMSIG(r->how) : 0;
  const char *name = sig ? sigabbrev_np(sig) : NULL;
  if (sig == SIGSYS)
    snprintf(out, 96, "a forbidden system call (SIGSYS)");
  else if (sig == SIGKILL)
    snprintf(out, 96, "SIGKILL: ended by the host, or for memory or processor time");
  else if (name)
    snprintf(out, 96, "SIG%s", name);
  else if (sig)
    snprintf(out, 96, "signal %d", sig);
  else
    snprintf(out, 96, "it ended by itself, exit code %d", WEXITSTATUS(r->how));
}

uint64_t qun_runner_cpu_ms(const struct qun_runner *r) {
  clockid_t clock;
  struct timespec t;
  if (r->pid <= 0 || clock_getcpuclockid(r->pid, &clock) != 0 || clock_gettime(clock, &t) < 0) return 0;
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- frames */

static bool waits(const struct qun_runner *r) {
  return r->out.len > r->out_from;
}

void qun_runner_push(struct qun_runner *r) {
  while (waits(r)) {
    ssize_t n = send(r->fd, r->out.buf + r->out_from, r->out.len - r->out_from, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return; /* full, or closed: reading says which */
    r->out_from += (size_t)n;
  }
  qun_pack_clear(&r->out);
  r->out_from = 0;
}

/* 0: something happened, or the time is over; QUN_EGONE: closed. */
static int pull(struct qun_runner *r, int64_t deadline_ms, struct qun_error *err) {
  int64_t left = deadline_ms - qun_runner_clock_ms();
  struct pollfd on = {.fd = r->fd, .events = (short)(POLLIN | (waits(r) ? POLLOUT : 0))};
  size_t room;
  if (left < 0) left = 0;
  if (poll(&on, 1, left > INT_MAX ? INT_MAX : (int)left) <= 0 || !(on.revents & ~POLLOUT)) return 0;
  void *at = qun_wire_room(&r->in, &room);
  if (!at) return qun_error_set(err, QUN_EFAIL, "out of memory for what a runner sends");
  ssize_t n = recv(r->fd, at, room, 0);
  if (n > 0) qun_wire_came(&r->in, (size_t)n);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return 0;
  return qun_error_set(err, QUN_EGONE, "the runner is gone");
}

int qun_runner_next(struct qun_runner *r, struct qun_frame *frame, int64_t deadline_ms, struct qun_error *err) {
  const char *why = NULL;
  if (r->fd < 0) return qun_error_set(err, QUN_EGONE, "the runner is gone");
  if (r->out.failed) return qun_error_set(err, QUN_EFAIL, "out of memory for what a runner is sent");
  for (;;) {
    int rc = qun_wire_take(&r->in, frame, &why);
    if (rc < 0) return qun_error_set(err, QUN_EINVAL, "it sent a frame that %s", why);
    if (rc > 0) return 1;
    qun_runner_push(r);
    rc = pull(r, deadline_ms, err);
    if (rc < 0) return rc;
    rc = qun_wire_take(&r->in, frame, &why);
    if (rc > 0) return 1;
    if (rc < 0) return qun_error_set(err, QUN_EINVAL, "it sent a frame that %s", why);
    if (qun_runner_clock_ms() >= deadline_ms) return qun_error_set(err, QUN_EAGAIN, "it did not answer in time");
  }
}

/* ---------------------------------------------------------------- the beginning of its life */

static int take_hello(struct qun_runner *r, const struct qun_frame *f, struct qun_error *err) {
  struct qun_unpack u;
  qun_slice hash;
  uint32_t n;
  int seccomp, rlimits;
  qun_unpack_init(&u, f->args);
  if (f->type != QUN_WIRE_NOTE || f->method != QUN_WIRE_HELLO || !qun_unpack_array(&u, &n) || n != 4 ||
      !qun_unpack_str(&u, &hash) || !qun__wire_u32(&u, &r->level.landlock) || !qun_unpack_bool(&u, &seccomp) ||
      !qun_unpack_bool(&u, &rlimits))
    return qun_error_set(err, QUN_EFAIL, "its first words are not a runner's");
  if (!qun_slice_is(hash, QUN__SERVICES_HASH))
    return qun_error_set(err, QUN_EFAIL, "qun-runner is of another build than this host: install both together");
  r->level.seccomp = seccomp && kernel_says_filtered(r->pid);
  r->level.rlimits = rlimits != 0;
  return 0;
}

static void ask_open(struct qun_runner *r, const struct qun_runner_plugin *p) {
  size_t at = qun_wire_begin(&r->out, QUN_WIRE_CALL, 1, QUN_WIRE_OPEN);
  qun_pack_array(&r->out, 3);
  qun_pack_cstr(&r->out, p->id);
  qun_pack_cstr(&r->out, p->version);
  qun_pack_array(&r->out, p->requires_count);
  for (uint32_t i = 0; i < p->requires_count; i++) qun_pack_cstr(&r->out, p->requires[i]);
  qun_wire_end(&r->out, at);
}

static int take_answer(const struct qun_frame *f, struct qun_error *err) {
  struct qun_unpack u;
  qun_slice message;
  int32_t code;
  uint32_t n;
  qun_unpack_init(&u, f->args);
  if (f->type != QUN_WIRE_ANSWER || f->method != QUN_WIRE_OPEN || !qun_unpack_array(&u, &n) || n != 2 ||
      !qun__wire_i32(&u, &code) || !qun_unpack_str(&u, &message))
    return qun_error_set(err, QUN_EINVAL, "it answered something that was not asked");
  if (code >= 0) return 0;
  return qun_error_set(err, code, "%.*s", (int)(message.len > 400 ? 400 : message.len), (const char *)message.ptr);
}

static int greet(struct qun_runner *r, const struct qun_runner_options *o, const struct qun_runner_plugin *p,
                 struct qun_error *err) {
  struct qun_frame f;
  int64_t until = qun_runner_clock_ms() + START_MS;
  int rc = qun_runner_next(r, &f, until, err);
  if (rc > 0) rc = take_hello(r, &f, err);
  if (rc == 0) rc = qun_runner_level_check(&r->level, o->require ? o->require : "", err);
  if (rc < 0) return rc;
  ask_open(r, p);
  rc = qun_runner_next(r, &f, until, err);
  return rc < 0 ? rc : take_answer(&f, err);
}

int qun_runner_start(struct qun_runner **out, const struct qun_runner_options *o, const struct qun_runner_plugin *p,
                     struct qun_error *err) {
  struct ends ends;
  struct qun_runner *r = calloc(1, sizeof *r);
  if (!r) return qun_error_set(err, QUN_EFAIL, "out of memory");
  r->fd = -1;
  qun_pack_init(&r->out);
  int rc = make_ends(&ends, &r->page, p->library, err);
  if (rc == 0) rc = spawn(r, &ends, o, err);
  if (rc == 0) {
    r->fd = ends.socket[0];
    ends.socket[0] = -1;
  }
  ends_close(&ends);
  if (rc == 0) rc = greet(r, o, p, err);
  if (rc < 0 && r->fd >= 0) {
    char how[96];
    qun_runner_kill(r);
    qun_runner_how(r, how);
    if (rc == QUN_EGONE) qun_error_set(err, QUN_EGONE, "it died while it was loaded: %s", how);
  }
  if (rc < 0)
    qun_runner_destroy(r);
  else
    *out = r;
  return rc;
}
