/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/crumbs.h"

#include "tenants/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { CODES = 512, CRUMBS = 192, TAKEN = 1, TAKEN_PRIVATE = 2 };

/* Another layout is another file: what an older host left means nothing to a newer one. */
static const char magic[16] = "qun crumbs 1";

struct code {
  char plugin[QUN_CRUMB_NAME], version[QUN_CRUMB_NAME];
  char sum[17];
  bool trusted;
};

struct page {
  char magic[16];
  struct code codes[CODES];
  _Alignas(64) struct qun_crumb crumbs[CRUMBS];
};

struct qun_crumbs {
  struct page *page;
  pthread_mutex_t lock; /* codes and taking */
  uint32_t codes;
  struct qun_crumb_left *left;
  uint32_t left_count;
};

/* What a signal handler and an exit handler go by: they get no argument. */
_Thread_local struct qun_crumb *qun__crumb_here;
_Thread_local int32_t qun__crumb_thread;

/* A stack that ends leaves none for the handler: each thread that runs plugins has another one. */
static void give_stack(void) {
  static _Thread_local char room[32768];
  stack_t now, other = {.ss_sp = room, .ss_size = sizeof room};
  if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE)) sigaltstack(&other, NULL);
}

int32_t qun__crumb_thread_of(void) {
  qun__crumb_thread = (int32_t)gettid();
  give_stack();
  return qun__crumb_thread;
}

const char *qun_callback_name(enum qun_callback callback) {
  static const char *const names[QUN_CALLBACKS] = {
      [QUN_CALLBACK_NONE] = "none",          [QUN_CALLBACK_LOAD] = "load",
      [QUN_CALLBACK_CREATE] = "create",      [QUN_CALLBACK_DESTROY] = "destroy",
      [QUN_CALLBACK_TENANT] = "on_tenant",   [QUN_CALLBACK_TENANT_CLOSE] = "on_tenant_close",
      [QUN_CALLBACK_EVENT] = "on_event",     [QUN_CALLBACK_TIMER] = "on_timer",
      [QUN_CALLBACK_REQUEST] = "on_request",
  };
  return callback < QUN_CALLBACKS ? names[callback] : "?";
}

/* ---------------------------------------------------------------- what was left */

static void keep_text(char *to, const char *from, size_t size) {
  memcpy(to, from, size - 1);
  to[size - 1] = '\0';
  for (char *c = to; *c; c++)
    if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e) *c = '?'; /* cut texts may be no UTF-8 */
}

/* The file may hold anything: it was written by a process that crashed. */
static void read_left(struct qun_crumb_left *l, const struct page *page, const struct qun_crumb *c) {
  uint32_t code = atomic_load(&c->code), callback = atomic_load(&c->callback);
  const struct code *of = &page->codes[code < CODES ? code : CODES - 1];
  int32_t mark = atomic_load(&c->mark);
  *l = (struct qun_crumb_left){.mark = mark >= QUN_MARK_CRASH && mark <= QUN_MARK_HANG ? (enum qun_crumb_mark)mark
                                                                                       : QUN_MARK_NONE,
                               .callback = callback < QUN_CALLBACKS ? (enum qun_callback)callback : QUN_CALLBACK_NONE,
                               .number = c->number,
                               .seq = c->seq,
                               .key = c->key,
                               .trusted = of->trusted != 0};
  keep_text(l->plugin, of->plugin, sizeof l->plugin);
  keep_text(l->version, of->version, sizeof l->version);
  keep_text(l->sum, of->sum, sizeof l->sum);
  keep_text(l->tenant, c->tenant, sizeof l->tenant);
  keep_text(l->text, c->text, sizeof l->text);
  keep_text(l->stack, c->stack, sizeof l->stack);
}

void qun_crumbs_read(const struct qun_crumbs *c, const struct qun_crumb *crumb, struct qun_crumb_left *out) {
  read_left(out, c->page, crumb);
}

static int read_page(struct qun_crumbs *c) {
  if (memcmp(c->page->magic, magic, sizeof magic) != 0) return 0;
  c->left = calloc(CRUMBS, sizeof *c->left);
  if (!c->left) return QUN_EFAIL;
  for (uint32_t i = 0; i < CRUMBS; i++) {
    const struct qun_crumb *crumb = &c->page->crumbs[i];
    if (atomic_load(&crumb->callback) || atomic_load(&crumb->mark))
      read_left(&c->left[c->left_count++], c->page, crumb);
  }
  return 0;
}

const struct qun_crumb_left *qun_crumbs_left(const struct qun_crumbs *c, uint32_t *count) {
  *count = c->left_count;
  return c->left;
}

/* ---------------------------------------------------------------- open, close */

static int map_file(struct page **out, const char *path, struct qun_error *err) {
  void *at = MAP_FAILED;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0 && ftruncate(fd, sizeof(struct page)) == 0)
    at = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  int why = errno;
  if (fd >= 0) close(fd);
  if (at == MAP_FAILED) return qun_error_set(err, QUN_EFAIL, "%s cannot be mapped: %s", path, strerror(why));
  *out = at;
  return 0;
}

int qun_crumbs_open(struct qun_crumbs **out, const char *data_dir, struct qun_error *err) {
  char path[PATH_MAX];
  struct qun_crumbs *c = calloc(1, sizeof *c);
  if (!c) return qun_error_set(err, QUN_EFAIL, "out of memory");
  pthread_mutex_init(&c->lock, NULL);
  snprintf(path, sizeof path, "%s/plugins", data_dir);
  int rc = qun_folder_make(path, err);
  snprintf(path, sizeof path, "%s/plugins/crumbs", data_dir);
  if (rc == 0) rc = map_file(&c->page, path, err);
  if (rc == 0 && read_page(c) < 0) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc < 0) {
    qun_crumbs_close(c);
    return rc;
  }
  memset(c->page, 0, sizeof *c->page);
  memcpy(c->page->magic, magic, sizeof magic);
  *out = c;
  return 0;
}

void qun_crumbs_close(struct qun_crumbs *c) {
  if (!c) return;
  if (c->page) munmap(c->page, sizeof *c->page);
  pthread_mutex_destroy(&c->lock);
  free(c->left);
  free(c);
}

/* ---------------------------------------------------------------- rows and crumbs */

uint32_t qun_crumbs_code(struct qun_crumbs *c, const char *plugin, const char *version, const unsigned char sha256[32],
                         bool trusted) {
  if (!c) return 0;
  pthread_mutex_lock(&c->lock);
  uint32_t row = c->codes < CODES ? c->codes++ : CODES - 1;
  struct code *code = &c->page->codes[row];
  memset(code, 0, sizeof *code);
  snprintf(code->plugin, sizeof code->plugin, "%s", plugin);
  snprintf(code->version, sizeof code->version, "%s", version);
  for (size_t i = 0; i < 8; i++) snprintf(code->sum + 2 * i, 3, "%02x", sha256[i]);
  code->trusted = trusted;
  pthread_mutex_unlock(&c->lock);
  return row;
}

const char *qun_crumbs_plugin(const struct qun_crumbs *c, uint32_t code) {
  return c && code < CODES ? c->page->codes[code].plugin : "?";
}

static struct qun_crumb *take_private(void) {
  struct qun_crumb *crumb = aligned_alloc(64, (sizeof *crumb + 63) / 64 * 64);
  if (!crumb) return NULL;
  memset(crumb, 0, sizeof *crumb);
  atomic_store(&crumb->taken, TAKEN_PRIVATE);
  return crumb;
}

struct qun_crumb *qun_crumbs_take(struct qun_crumbs *c) {
  struct qun_crumb *crumb = NULL;
  if (!c) return take_private();
  pthread_mutex_lock(&c->lock);
  for (uint32_t i = 0; i < CRUMBS && !crumb; i++) {
    if (atomic_load(&c->page->crumbs[i].taken)) continue;
    crumb = &c->page->crumbs[i];
    atomic_store(&crumb->taken, TAKEN);
  }
  pthread_mutex_unlock(&c->lock);
  return crumb ? crumb : take_private();
}

void qun_crumbs_give(struct qun_crumb *crumb) {
  if (!crumb) return;
  if (atomic_load(&crumb->taken) == TAKEN_PRIVATE)
    free(crumb);
  else
    atomic_store(&crumb->taken, 0);
}

struct qun_crumb *qun_crumbs_nth(struct qun_crumbs *c, uint32_t n) {
  return n < CRUMBS ? &c->page->crumbs[n] : NULL;
}

/* ---------------------------------------------------------------- in a signal handler */

struct line {
  char *at;
  size_t room;
};

static void add(struct line *l, const char *text, size_t len) {
  for (size_t i = 0; i < len && l->room > 1; i++, l->room--) *l->at++ = text[i];
  *l->at = '\0';
}

static void add_named(struct line *l, const char *name, qun_slice value) {
  if (!value.len) return;
  add(l, name, strlen(name));
  add(l, value.ptr, value.len);
}

static uint64_t fnv(uint64_t h, qun_slice s) {
  const unsigned char *p = s.ptr;
  for (uint64_t i = 0; i < s.len; i++) h = (h ^ p[i]) * 1099511628211ull;
  return (h ^ 0xff) * 1099511628211ull; /* so that ("ab", "c") is not ("a", "bc") */
}

uint64_t qun_crumb_event_key(qun_slice type, qun_slice source, qun_slice id, qun_slice subject) {
  uint64_t h = fnv(fnv(fnv(fnv(14695981039346656037ull, type), source), id), subject);
  return h ? h : 1;
}

uint64_t qun_crumb_timer_key(const struct qun_timer *timer) {
  return qun_crumb_event_key(qun_str("qun.timer"), qun_slice_of(&timer->due_ms, sizeof timer->due_ms), qun_str(""),
                             timer->name);
}

static void mark_event(struct qun_crumb *c, struct line *l, const struct qun_event *e) {
  c->key = qun_crumb_event_key(e->type, e->source, e->id, e->subject);
  add_named(l, "", e->type);
  add_named(l, " ", e->id);
  add_named(l, " of ", e->source);
}

void qun_crumb_mark(struct qun_crumb *c, enum qun_crumb_mark mark, int number) {
  struct line l = {c->text, sizeof c->text};
  uint32_t callback = atomic_load_explicit(&c->callback, memory_order_relaxed);
  if (atomic_load(&c->mark)) return; /* the first says why */
  c->number = number;
  atomic_store(&c->mark, (int32_t)mark); /* what follows may crash in its turn */
  if (!c->what) return;
  if (callback == QUN_CALLBACK_EVENT) mark_event(c, &l, c->what);
  if (callback == QUN_CALLBACK_TIMER) {
    const struct qun_timer *t = c->what;
    c->key = qun_crumb_timer_key(t);
    add_named(&l, "timer ", t->name);
  }
  if (callback == QUN_CALLBACK_REQUEST) add_named(&l, "call of ", ((const struct qun_request *)c->what)->service);
}
