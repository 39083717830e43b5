/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breadcrumbs: which plugin each thread is in, kept where it outlasts the process. <data>/plugins/crumbs is mapped
 * memory: a plugin is entered by a few stores to it, and whoever starts after a crash reads there whose callback ran, for
 * which tenant and which record. A signal handler or the watchdog adds what the thread does not write itself.
 *
 * A runtime (one thread at a time) has a crumb of its own; each library that was loaded has a row with its name.
 */
#ifndef QUN_HOST_PLUGINS_CRUMBS_H
#define QUN_HOST_PLUGINS_CRUMBS_H

#include "tenants/error.h"

#include <qun/plugin.h>

#include <stdatomic.h>
#include <stdbool.h>

enum qun_callback {
  QUN_CALLBACK_NONE = 0,
  QUN_CALLBACK_LOAD, /* constructors of the library, and its entry */
  QUN_CALLBACK_CREATE,
  QUN_CALLBACK_DESTROY,
  QUN_CALLBACK_TENANT,
  QUN_CALLBACK_TENANT_CLOSE,
  QUN_CALLBACK_EVENT,
  QUN_CALLBACK_TIMER,
  QUN_CALLBACK_REQUEST,
  QUN_CALLBACKS
};
/* "load", "create", "on_event", ... */
const char *qun_callback_name(enum qun_callback callback);

/* How a callback came to its end. */
enum qun_crumb_mark {
  QUN_MARK_NONE = 0,
  QUN_MARK_CRASH, /* a signal of the thread's own: `number` */
  QUN_MARK_EXIT,  /* it ended the process */
  QUN_MARK_HANG   /* it overstayed: `number` is milliseconds */
};

enum { QUN_CRUMB_TEXT = 128, QUN_CRUMB_FRAMES = 24, QUN_CRUMB_NAME = 32 };

/* In mapped memory. The first part is written by the thread at each entry. */
struct qun_crumb {
  _Atomic uint32_t callback; /* enum qun_callback */
  _Atomic uint32_t code;     /* row of the library */
  _Atomic uint64_t entered;  /* counts entries */
  uint64_t seq;              /* record of the log, or the log's end for a request */
  const void *what;          /* struct qun_event, qun_timer or qun_request, by callback; of this process only */
  char tenant[64];           /* its name; "": none, or a replay */
  _Atomic uint32_t limit_ms; /* how long the callback may take; 0: as the host says */
  _Atomic int32_t thread;    /* the kernel's number of the thread that is in it */
  _Atomic uint32_t taken;

  /* by the handler or the watchdog */
  _Atomic int32_t mark;
  int32_t number;
  uint64_t key;              /* of the event: the same at each try; 0: not known */
  char text[QUN_CRUMB_TEXT]; /* the event for people: type, source and id */
  _Atomic uint64_t asked;    /* entry whose stack is wanted */
  _Atomic uint32_t stayed_ms;
  _Atomic int32_t frames_count;
  void *frames[QUN_CRUMB_FRAMES];
  char stack[256]; /* the frames for people */
};

/* What a life of the process left: who was in a callback as it ended. */
struct qun_crumb_left {
  enum qun_crumb_mark mark;
  enum qun_callback callback;
  int number;
  uint64_t seq, key;
  char plugin[QUN_CRUMB_NAME], version[QUN_CRUMB_NAME];
  char sum[17]; /* first half of the library's hash, hex */
  bool trusted;
  char tenant[64], text[QUN_CRUMB_TEXT], stack[256];
};

struct qun_crumbs;

/* Maps the page, reads what is left in it and begins anew. Holds for one process at a time: call with the data folder's
 * lock. Blocking. QUN_EFAIL. */
int qun_crumbs_open(struct qun_crumbs **out, const char *data_dir, struct qun_error *err);
/* All crumbs must have been given back. NULL is fine. */
void qun_crumbs_close(struct qun_crumbs *c);
/* What the life before left, until the close. */
const struct qun_crumb_left *qun_crumbs_left(const struct qun_crumbs *c, uint32_t *count);

/* A row for a library that is about to be loaded. Any thread. When the rows are used up the last one is shared. */
uint32_t qun_crumbs_code(struct qun_crumbs *c, const char *plugin, const char *version, const unsigned char sha256[32],
                         bool trusted);
/* The name of a row. */
const char *qun_crumbs_plugin(const struct qun_crumbs *c, uint32_t code);
/* A crumb of one's own; when `c` is NULL or all are taken, one that nobody reads. NULL: out of memory. Any thread. */
struct qun_crumb *qun_crumbs_take(struct qun_crumbs *c);
/* NULL is fine. */
void qun_crumbs_give(struct qun_crumb *crumb);
/* The nth crumb, for the watchdog; NULL past the last. */
struct qun_crumb *qun_crumbs_nth(struct qun_crumbs *c, uint32_t n);

/* What it says, as the next life would read it. */
void qun_crumbs_read(const struct qun_crumbs *c, const struct qun_crumb *crumb, struct qun_crumb_left *out);

/* The crumb of the callback that this thread is in; NULL: in none. For signal handlers: read, and then marked. */
extern _Thread_local struct qun_crumb *qun__crumb_here;
/* The kernel's number of this thread. */
extern _Thread_local int32_t qun__crumb_thread;
int32_t qun__crumb_thread_of(void);
/* Marks it and copies what only this process can read. Safe in a signal handler. */
void qun_crumb_mark(struct qun_crumb *crumb, enum qun_crumb_mark mark, int number);
/* A number that is the same for the same event at each try: FNV-1a over type, source, id and subject; a timer's over its
 * name and when it fired. Never 0. */
uint64_t qun_crumb_event_key(qun_slice type, qun_slice source, qun_slice id, qun_slice subject);
uint64_t qun_crumb_timer_key(const struct qun_timer *timer);

/* What a nested callback restores. */
struct qun_crumb_was {
  struct qun_crumb *here;
  const void *what;
  uint64_t seq;
  char tenant[64];
  uint32_t callback, code, limit_ms;
};

/* A callback begins. */
static inline struct qun_crumb_was qun_crumb_enter(struct qun_crumb *c, uint32_t code, enum qun_callback callback,
                                                   const char tenant[64], uint64_t seq, const void *what,
                                                   uint32_t limit_ms) {
  struct qun_crumb_was was = {.here = qun__crumb_here,
                              .what = c->what,
                              .seq = c->seq,
                              .callback = atomic_load_explicit(&c->callback, memory_order_relaxed),
                              .code = atomic_load_explicit(&c->code, memory_order_relaxed),
                              .limit_ms = atomic_load_explicit(&c->limit_ms, memory_order_relaxed)};
  if (was.callback) memcpy(was.tenant, c->tenant, sizeof was.tenant); /* a call of one plugin by another */
  uint64_t entered = atomic_load_explicit(&c->entered, memory_order_relaxed) + 1;
  c->seq = seq;
  c->what = what;
  memcpy(c->tenant, tenant, sizeof c->tenant);
  atomic_store_explicit(&c->code, code, memory_order_relaxed);
  atomic_store_explicit(&c->limit_ms, limit_ms, memory_order_relaxed);
  atomic_store_explicit(&c->thread, qun__crumb_thread ? qun__crumb_thread : qun__crumb_thread_of(),
                        memory_order_relaxed);
  atomic_store_explicit(&c->entered, entered, memory_order_relaxed);
  qun__crumb_here = c;
  atomic_store_explicit(&c->callback, (uint32_t)callback, memory_order_release);
  return was;
}

/* It has come back. */
static inline void qun_crumb_leave(struct qun_crumb *c, const struct qun_crumb_was *was) {
  atomic_store_explicit(&c->callback, was->callback, memory_order_release);
  qun__crumb_here = was->here;
  c->seq = was->seq;
  c->what = was->what;
  if (was->callback) memcpy(c->tenant, was->tenant, sizeof c->tenant);
  atomic_store_explicit(&c->code, was->code, memory_order_relaxed);
  atomic_store_explicit(&c->limit_ms, was->limit_ms, memory_order_relaxed);
}

#endif
