/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/watchdog.h"

#include "host/engine/quarantine.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CRUMBS_MOST = 512, TICK_LEAST_MS = 20, TICK_MOST_MS = 500, STACK_WAIT_MS = 2000, FRAMES_SHOWN = 6 };

/* What is known of a crumb's callback. */
struct watch {
  uint64_t entered;
  int64_t stayed_ms;
  bool told;
};

struct qun__watchdog {
  struct qun__watchdog_options o;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool stop;
  int64_t tick_ms;
  struct watch watches[CRUMBS_MOST];
};

static int stack_signal(void) {
  return SIGRTMIN + 5;
}

/* On the thread that hangs: only it can read what it is at. */
static void on_stack_signal(int number, siginfo_t *info, void *context) {
  struct qun_crumb *c = qun__crumb_here;
  int why = errno;
  (void)number;
  (void)context;
  bool asked = c && info->si_code == SI_TKILL && info->si_pid == getpid();
  if (asked && atomic_load(&c->asked) == atomic_load(&c->entered) && !atomic_load(&c->frames_count)) {
    int n = backtrace(c->frames, QUN_CRUMB_FRAMES);
    qun_crumb_mark(c, QUN_MARK_HANG, (int)atomic_load(&c->stayed_ms));
    atomic_store(&c->frames_count, n > 0 ? n : 1);
  }
  errno = why;
}

/* ---------------------------------------------------------------- the stack, for people */

static void name_frame(char *out, size_t room, void *frame, const char *plugin) {
  Dl_info at;
  if (!dladdr(frame, &at) || !at.dli_fname) {
    snprintf(out, room, "?");
    return;
  }
  const char *slash = strrchr(at.dli_fname, '/'), *file = slash ? slash + 1 : at.dli_fname;
  char library[64];
  bool memory = strncmp(at.dli_fname, "/proc/", 6) == 0; /* libraries of plugins are opened from sealed memory */
  snprintf(library, sizeof library, "%s%s", memory ? plugin : file, memory ? ".so" : "");
  unsigned long offset = (unsigned long)((const char *)frame - (const char *)at.dli_fbase);
  if (at.dli_sname)
    snprintf(out, room, "%s (%s+0x%lx)", at.dli_sname, library, offset);
  else
    snprintf(out, room, "%s+0x%lx", library, offset);
}

/* The first two are the handler and the kernel's way back. */
static void name_stack(struct qun_crumb *c, const char *plugin) {
  size_t n = 0;
  int count = atomic_load(&c->frames_count);
  for (int i = 2; i < count && i < 2 + FRAMES_SHOWN && n < sizeof c->stack; i++) {
    char frame[96];
    name_frame(frame, sizeof frame, c->frames[i], plugin);
    n += (size_t)snprintf(c->stack + n, sizeof c->stack - n, "%s%s", i > 2 ? " < " : "", frame);
  }
}

/* False: the thread does not answer, or has come back. */
static bool take_stack(const struct qun__watchdog *w, struct qun_crumb *c, uint64_t entered) {
  const struct timespec pause = {.tv_nsec = 2000000};
  atomic_store(&c->frames_count, 0);
  atomic_store(&c->asked, entered);
  c->stack[0] = '\0';
  if (syscall(SYS_tgkill, getpid(), atomic_load(&c->thread), stack_signal()) < 0) return false;
  for (int waited = 0; waited < STACK_WAIT_MS && !atomic_load(&c->frames_count); waited += 2) nanosleep(&pause, NULL);
  atomic_store(&c->asked, 0);
  if (!atomic_load(&c->frames_count)) return false;
  name_stack(c, qun_crumbs_plugin(w->o.crumbs, atomic_load(&c->code)));
  return true;
}

/* ---------------------------------------------------------------- what is done about it */

static void report(struct qun__watchdog *w, struct qun_crumb *c, int64_t stayed_ms, uint64_t entered) {
  struct qun_crumb_left left;
  struct qun_error err = {0};
  char text[600];
  atomic_store(&c->stayed_ms, (uint32_t)stayed_ms);
  bool taken = take_stack(w, c, entered);
  if (atomic_load(&c->entered) != entered) { /* it has come back meanwhile */
    atomic_store(&c->mark, QUN_MARK_NONE);
    return;
  }
  if (!taken) {
    c->number = (int)stayed_ms;
    atomic_store(&c->mark, QUN_MARK_HANG);
  }
  if (!w->o.log) {
    fprintf(stderr, "error plugin %s hangs for %lld ms: the worker ends\n",
            qun_crumbs_plugin(w->o.crumbs, atomic_load(&c->code)), (long long)stayed_ms);
    abort();
  }
  qun_crumbs_read(w->o.crumbs, c, &left);
  atomic_store(&c->mark, QUN_MARK_NONE);
  struct qun_ledger_entry e;
  qun__ledger_entry_of(&e, &left, w->o.now(w->o.now_arg));
  qun_ledger_sentence(&e, text, sizeof text);
  fprintf(stderr, "error plugin %s\n", text);
  if (qun_ledger_add(w->o.ledger, &e, &err) < 0) fprintf(stderr, "error %s\n", err.message);
}

static void look_at(struct qun__watchdog *w, uint32_t i, struct qun_crumb *c, int64_t passed_ms) {
  struct watch *watch = &w->watches[i];
  uint64_t entered = atomic_load_explicit(&c->entered, memory_order_acquire);
  uint32_t own = atomic_load_explicit(&c->limit_ms, memory_order_relaxed);
  int64_t limit = own && own < w->o.limit_ms ? own : w->o.limit_ms;
  if (!atomic_load_explicit(&c->callback, memory_order_acquire) || entered != watch->entered) {
    *watch = (struct watch){.entered = entered};
    return;
  }
  watch->stayed_ms += passed_ms;
  if (watch->stayed_ms < limit || watch->told) return;
  watch->told = true;
  report(w, c, watch->stayed_ms, entered);
}

static int64_t steady_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A machine that slept or has no time for this thread must not make callbacks look long: a turn counts as two at most. */
static void *run(void *arg) {
  struct qun__watchdog *w = arg;
  int64_t before = steady_ms();
  pthread_mutex_lock(&w->lock);
  while (!w->stop) {
    int64_t at = steady_ms() + w->tick_ms;
    struct timespec until = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
    pthread_cond_timedwait(&w->wake, &w->lock, &until);
    int64_t now = steady_ms(), passed = now - before;
    before = now;
    if (w->stop) break;
    pthread_mutex_unlock(&w->lock);
    struct qun_crumb *c;
    for (uint32_t i = 0; i < CRUMBS_MOST && (c = qun_crumbs_nth(w->o.crumbs, i)); i++)
      look_at(w, i, c, passed < 2 * w->tick_ms ? passed : 2 * w->tick_ms);
    pthread_mutex_lock(&w->lock);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

int qun__watchdog_start(struct qun__watchdog **out, const struct qun__watchdog_options *options,
                        struct qun_error *err) {
  struct sigaction act = {.sa_sigaction = on_stack_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  struct qun__watchdog *w = calloc(1, sizeof *w);
  pthread_condattr_t monotonic;
  void *frames[2];
  if (!w) return qun_error_set(err, QUN_EFAIL, "out of memory");
  w->o = *options;
  w->tick_ms = options->limit_ms / 4 < TICK_LEAST_MS  ? TICK_LEAST_MS
               : options->limit_ms / 4 > TICK_MOST_MS ? TICK_MOST_MS
                                                      : options->limit_ms / 4;
  pthread_mutex_init(&w->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&w->wake, &monotonic);
  pthread_condattr_destroy(&monotonic);
  backtrace(frames, 2); /* loads what it needs now: a signal handler must not */
  sigaction(stack_signal(), &act, NULL);
  if (pthread_create(&w->thread, NULL, run, w) != 0) {
    free(w);
    return qun_error_set(err, QUN_EFAIL, "the watchdog's thread cannot start");
  }
  pthread_setname_np(w->thread, "qun-watchdog");
  *out = w;
  return 0;
}

void qun__watchdog_stop(struct qun__watchdog *w) {
  if (!w) return;
  pthread_mutex_lock(&w->lock);
  w->stop = true;
  pthread_cond_signal(&w->wake);
  pthread_mutex_unlock(&w->lock);
  pthread_join(w->thread, NULL);
  pthread_cond_destroy(&w->wake);
  pthread_mutex_destroy(&w->lock);
  free(w);
}
