/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/ledger.h"

#include "host/ops/json.h"
#include "tenants/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 16 << 20 };

struct qun_ledger {
  pthread_mutex_t lock;
  char dir[PATH_MAX - 16];
  int fd;
  struct qun_ledger_entry *entries;
  uint32_t count, cap, unread;
};

static const char *const kinds[] = {[QUN_LEDGER_CRASH] = "crash",
                                    [QUN_LEDGER_HANG] = "hang",
                                    [QUN_LEDGER_RELEASE] = "release",
                                    [QUN_LEDGER_VERSION] = "version",
                                    [QUN_LEDGER_BACK] = "back"};
enum { KINDS = (int)(sizeof kinds / sizeof *kinds) };

/* The texts of a line. */
static const struct {
  const char *name;
  size_t at, room;
} texts[] = {
#define TEXT(member)                                                                                                   \
  { #member, offsetof(struct qun_ledger_entry, member), sizeof((struct qun_ledger_entry){0}).member }
    TEXT(plugin), TEXT(version), TEXT(sum), TEXT(tenant), TEXT(callback), TEXT(what), TEXT(event), TEXT(stack),
#undef TEXT
};
enum { TEXTS = (int)(sizeof texts / sizeof *texts) };

/* ---------------------------------------------------------------- lines */

static int write_line(struct qun_pack *out, const struct qun_ledger_entry *e) {
  struct qun_pack p;
  char key[17];
  uint32_t n = 5;
  qun_pack_init(&p);
  size_t at = qun_pack_open_map(&p);
  qun_pack_kv_int(&p, "at", e->at_ms);
  qun_pack_kv_cstr(&p, "kind", kinds[e->kind]);
  qun_pack_kv_bool(&p, "isolated", e->isolated);
  qun_pack_kv_int(&p, "seq", (int64_t)e->seq);
  snprintf(key, sizeof key, "%016" PRIx64, e->key);
  qun_pack_kv_cstr(&p, "key", key);
  for (int i = 0; i < TEXTS; i++) {
    const char *text = (const char *)e + texts[i].at;
    if (!*text) continue;
    qun_pack_kv_cstr(&p, texts[i].name, text);
    n++;
  }
  qun_pack_close(&p, at, n);
  int rc = p.failed ? QUN_EFAIL : qun_msgpack_to_json(out, qun_pack_slice(&p), false, NULL);
  if (rc == 0) qun_pack_raw(out, qun_str("\n"));
  qun_pack_fini(&p);
  return rc < 0 || out->failed ? QUN_EFAIL : 0;
}

static bool read_line(struct qun_ledger_entry *e, qun_slice line) {
  struct qun_pack p;
  memset(e, 0, sizeof *e);
  qun_pack_init(&p);
  bool fine = qun_json_to_msgpack(&p, line, NULL) == 0;
  qun_slice map = qun_pack_slice(&p);
  for (int i = 1; fine && i < KINDS; i++)
    if (qun_slice_is(qun_mp_str(map, "kind"), kinds[i])) e->kind = (enum qun_ledger_kind)i;
  if (fine) {
    char key[17] = "";
    qun_slice digits = qun_mp_str(map, "key");
    e->at_ms = qun_mp_int(map, "at", 0);
    e->isolated = qun_mp_bool(map, "isolated", 0) != 0;
    e->seq = (uint64_t)qun_mp_int(map, "seq", 0);
    if (digits.len == 16) memcpy(key, digits.ptr, 16);
    e->key = strtoull(key, NULL, 16);
  }
  for (int i = 0; fine && i < TEXTS; i++) {
    qun_slice text = qun_mp_str(map, texts[i].name);
    size_t n = text.len < texts[i].room - 1 ? (size_t)text.len : texts[i].room - 1;
    if (n) memcpy((char *)e + texts[i].at, text.ptr, n);
  }
  qun_pack_fini(&p);
  return fine && e->kind && e->plugin[0];
}

static struct qun_ledger_entry *add_entry(struct qun_ledger *l) {
  if (l->count == l->cap) {
    uint32_t cap = l->cap ? l->cap * 2 : 16;
    struct qun_ledger_entry *grown = realloc(l->entries, cap * sizeof *grown);
    if (!grown) return NULL;
    l->entries = grown;
    l->cap = cap;
  }
  return &l->entries[l->count++];
}

/* ---------------------------------------------------------------- the file */

static int take_lines(struct qun_ledger *l, const char *text, size_t size) {
  for (const char *at = text, *end = text + size; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) { /* a torn last line */
      l->unread++;
      break;
    }
    struct qun_ledger_entry *e = add_entry(l);
    if (!e) return QUN_EFAIL;
    if (!read_line(e, qun_slice_of(at, (size_t)(stop - at)))) {
      l->count--;
      l->unread++;
    }
    at = stop + 1;
  }
  return 0;
}

static int read_all(int fd, char **text, size_t *size) {
  struct stat st;
  size_t have = 0;
  if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) return QUN_EFAIL;
  char *buffer = malloc((size_t)st.st_size + 1);
  if (!buffer) return QUN_EFAIL;
  while (have < (size_t)st.st_size) {
    ssize_t n = read(fd, buffer + have, (size_t)st.st_size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += (size_t)n;
  }
  *text = buffer;
  *size = have;
  return 0;
}

static int write_synced(int fd, const struct qun_pack *p) {
  const unsigned char *at = p->buf;
  size_t left = p->len;
  while (left > 0) {
    ssize_t n = write(fd, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return QUN_EFAIL;
    at += n;
    left -= (size_t)n;
  }
  return fdatasync(fd) < 0 ? QUN_EFAIL : 0;
}

/* The newest lines take the place of the file: it had a torn line, or has grown long. */
static int rewrite(struct qun_ledger *l, struct qun_error *err) {
  char path[PATH_MAX], aside[PATH_MAX];
  struct qun_pack p;
  uint32_t drop = l->count > QUN_LEDGER_LINES_MAX / 2 ? l->count - QUN_LEDGER_LINES_MAX / 2 : 0;
  snprintf(path, sizeof path, "%s/ledger", l->dir);
  snprintf(aside, sizeof aside, "%s/ledger.new", l->dir);
  if (l->count <= QUN_LEDGER_LINES_MAX) drop = 0;
  memmove(l->entries, l->entries + drop, (l->count - drop) * sizeof *l->entries);
  l->count -= drop;
  qun_pack_init(&p);
  int rc = 0;
  for (uint32_t i = 0; i < l->count && rc == 0; i++) rc = write_line(&p, &l->entries[i]);
  int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 || rc < 0 || write_synced(fd, &p) < 0 || rename(aside, path) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "%s cannot be written: %s", aside, strerror(errno));
  if (fd >= 0) close(fd);
  qun_pack_fini(&p);
  return rc < 0 ? rc : qun_folder_sync(l->dir, err);
}

static int load(struct qun_ledger *l, const char *path, struct qun_error *err) {
  char *text = NULL;
  size_t size = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return 0;
  int rc = fd < 0 || read_all(fd, &text, &size) < 0 || take_lines(l, text, size) < 0 ? QUN_EFAIL : 0;
  if (rc < 0) qun_error_set(err, rc, "%s cannot be read: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
  free(text);
  return rc;
}

int qun_ledger_open(struct qun_ledger **out, const char *data_dir, struct qun_error *err) {
  char path[PATH_MAX];
  struct qun_ledger *l = calloc(1, sizeof *l);
  if (!l) return qun_error_set(err, QUN_EFAIL, "out of memory");
  pthread_mutex_init(&l->lock, NULL);
  l->fd = -1;
  snprintf(l->dir, sizeof l->dir, "%s/plugins", data_dir);
  snprintf(path, sizeof path, "%s/ledger", l->dir);
  int rc = qun_folder_make(l->dir, err);
  if (rc == 0) rc = load(l, path, err);
  if (rc == 0 && (l->unread || l->count > QUN_LEDGER_LINES_MAX)) rc = rewrite(l, err);
  if (rc < 0)
    qun_ledger_close(l);
  else
    *out = l;
  return rc;
}

void qun_ledger_close(struct qun_ledger *l) {
  if (!l) return;
  if (l->fd >= 0) close(l->fd);
  pthread_mutex_destroy(&l->lock);
  free(l->entries);
  free(l);
}

uint32_t qun_ledger_unread(const struct qun_ledger *l) {
  return l->unread;
}

/* ---------------------------------------------------------------- adding */

/* The file is made with the first line: a host whose plugins behave has none. */
static int append(struct qun_ledger *l, const struct qun_ledger_entry *e, struct qun_error *err) {
  char path[PATH_MAX];
  struct qun_pack p;
  int rc = 0;
  snprintf(path, sizeof path, "%s/ledger", l->dir);
  if (l->fd < 0) {
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0) return qun_error_set(err, QUN_EFAIL, "%s cannot be opened: %s", path, strerror(errno));
    rc = qun_folder_sync(l->dir, err);
  }
  qun_pack_init(&p);
  if (rc == 0 && (write_line(&p, e) < 0 || write_synced(l->fd, &p) < 0))
    rc = qun_error_set(err, QUN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
  qun_pack_fini(&p);
  return rc;
}

static int add_locked(struct qun_ledger *l, const struct qun_ledger_entry *entry, struct qun_error *err) {
  struct qun_ledger_entry *e = add_entry(l);
  if (!e) return qun_error_set(err, QUN_EFAIL, "out of memory");
  *e = *entry;
  return append(l, e, err);
}

int qun_ledger_add(struct qun_ledger *l, const struct qun_ledger_entry *entry, struct qun_error *err) {
  pthread_mutex_lock(&l->lock);
  int rc = add_locked(l, entry, err);
  pthread_mutex_unlock(&l->lock);
  return rc;
}

static struct qun_ledger_entry entry_of(int64_t now_ms, enum qun_ledger_kind kind, const char *plugin,
                                        const char *version, const char *sum) {
  struct qun_ledger_entry e = {.at_ms = now_ms, .kind = kind};
  snprintf(e.plugin, sizeof e.plugin, "%s", plugin);
  snprintf(e.version, sizeof e.version, "%s", version);
  snprintf(e.sum, sizeof e.sum, "%s", sum);
  return e;
}

int qun_ledger_crash(struct qun_ledger *l, int64_t now_ms, const char *plugin, const char *version, const char *sum,
                     const char *tenant, uint64_t seq, const char *what, struct qun_error *err) {
  struct qun_ledger_entry e = entry_of(now_ms, QUN_LEDGER_CRASH, plugin, version, sum);
  e.isolated = true;
  e.seq = seq;
  snprintf(e.tenant, sizeof e.tenant, "%s", tenant);
  snprintf(e.what, sizeof e.what, "%s", what);
  return qun_ledger_add(l, &e, err);
}

int qun_ledger_runs(struct qun_ledger *l, int64_t now_ms, const char *plugin, const char *version, const char *sum,
                    struct qun_error *err) {
  bool other = false, known = false;
  struct qun_ledger_entry e = entry_of(now_ms, QUN_LEDGER_VERSION, plugin, version, sum);
  pthread_mutex_lock(&l->lock);
  for (uint32_t i = 0; i < l->count; i++) {
    if (strcmp(l->entries[i].plugin, plugin) != 0) continue;
    bool same = strcmp(l->entries[i].sum, sum) == 0;
    known |= same;
    other |= !same;
  }
  int rc = other && !known ? add_locked(l, &e, err) : 0;
  pthread_mutex_unlock(&l->lock);
  return rc;
}

/* ---------------------------------------------------------------- what follows from it */

static bool is_strike(const struct qun_ledger_entry *e) {
  return e->kind == QUN_LEDGER_CRASH || e->kind == QUN_LEDGER_HANG;
}

void qun_ledger_sentence(const struct qun_ledger_entry *e, char *out, size_t room) {
  size_t n = (size_t)snprintf(out, room, "%s %s %s (%s)", e->plugin, e->version,
                              e->kind == QUN_LEDGER_HANG ? "hung" : "crashed", e->what);
  if (n < room && e->callback[0]) n += (size_t)snprintf(out + n, room - n, " in %s", e->callback);
  if (n < room && e->tenant[0]) n += (size_t)snprintf(out + n, room - n, ", tenant %s", e->tenant);
  if (n < room && e->seq) n += (size_t)snprintf(out + n, room - n, ", record %" PRIu64, e->seq);
  if (n < room && e->event[0]) n += (size_t)snprintf(out + n, room - n, " (%s)", e->event);
  if (n < room && e->stack[0]) snprintf(out + n, room - n, ", at %s", e->stack);
}

/* Strikes of one library, one after the other. */
struct count {
  int64_t times[QUN_LEDGER_STRIKES];
  uint32_t strikes;
  int64_t trial_ms; /* since when it is on trial; 0: not */
  bool out;
  const struct qun_ledger_entry *last;
};

static void strike(struct count *c, const struct qun_ledger_entry *e) {
  c->times[c->strikes++ % QUN_LEDGER_STRIKES] = e->at_ms;
  int64_t first = c->times[c->strikes % QUN_LEDGER_STRIKES]; /* the place that the next one takes has the oldest */
  bool many = c->strikes >= QUN_LEDGER_STRIKES && e->at_ms - first <= QUN_LEDGER_WINDOW_MS;
  bool trial = c->trial_ms && e->at_ms - c->trial_ms <= QUN_LEDGER_WINDOW_MS;
  c->out |= many || trial;
  c->last = e;
}

static bool concerns(const struct qun_ledger_entry *e, bool isolated, const char *tenant) {
  if (e->kind == QUN_LEDGER_RELEASE) return !e->tenant[0] || (isolated && tenant && strcmp(e->tenant, tenant) == 0);
  return e->isolated == isolated && (!isolated || !tenant || strcmp(e->tenant, tenant) == 0);
}

bool qun_ledger_is_out(struct qun_ledger *l, const char *plugin, const char *sum, bool isolated, const char *tenant,
                       char reason[QUN_LEDGER_REASON]) {
  struct count c = {0};
  pthread_mutex_lock(&l->lock);
  for (uint32_t i = 0; i < l->count; i++) {
    const struct qun_ledger_entry *e = &l->entries[i];
    if (strcmp(e->plugin, plugin) != 0) continue;
    bool mine = !e->sum[0] || !sum[0] || strcmp(e->sum, sum) == 0;
    if (e->kind == QUN_LEDGER_VERSION ? strcmp(e->sum, sum) == 0
                                      : e->kind == QUN_LEDGER_RELEASE && concerns(e, isolated, tenant))
      c = (struct count){.trial_ms = e->at_ms};
    else if (mine && is_strike(e) && concerns(e, isolated, tenant))
      strike(&c, e);
  }
  if (c.out && reason) {
    char sentence[QUN_LEDGER_REASON - 40];
    qun_ledger_sentence(c.last, sentence, sizeof sentence);
    if (c.trial_ms && c.strikes < QUN_LEDGER_STRIKES)
      snprintf(reason, QUN_LEDGER_REASON, "came down on trial: %s", sentence);
    else
      snprintf(reason, QUN_LEDGER_REASON, "came down %d times in 60 min: %s", QUN_LEDGER_STRIKES, sentence);
  }
  pthread_mutex_unlock(&l->lock);
  return c.out;
}

bool qun_ledger_last(struct qun_ledger *l, const char *plugin, struct qun_ledger_entry *out) {
  bool found = false;
  pthread_mutex_lock(&l->lock);
  for (uint32_t i = l->count; i > 0 && !found; i--) {
    found = is_strike(&l->entries[i - 1]) && strcmp(l->entries[i - 1].plugin, plugin) == 0;
    if (found) *out = l->entries[i - 1];
  }
  pthread_mutex_unlock(&l->lock);
  return found;
}

uint32_t qun_ledger_count(struct qun_ledger *l, const char *plugin) {
  uint32_t n = 0;
  pthread_mutex_lock(&l->lock);
  for (uint32_t i = 0; i < l->count; i++) n += is_strike(&l->entries[i]) && !strcmp(l->entries[i].plugin, plugin);
  pthread_mutex_unlock(&l->lock);
  return n;
}

static bool same_event(const struct qun_ledger_entry *a, const struct qun_ledger_entry *b) {
  if (!is_strike(a) || !is_strike(b) || strcmp(a->plugin, b->plugin) != 0 || strcmp(a->tenant, b->tenant) != 0)
    return false;
  return a->key && b->key ? a->key == b->key : a->seq && a->seq == b->seq;
}

static bool is_poison(const struct qun_ledger *l, uint32_t at) {
  const struct qun_ledger_entry *e = &l->entries[at];
  uint32_t n = 1;
  bool handler = strcmp(e->callback, qun_callback_name(QUN_CALLBACK_EVENT)) == 0 ||
                 strcmp(e->callback, qun_callback_name(QUN_CALLBACK_TIMER)) == 0 || (e->isolated && !e->callback[0]);
  if (!is_strike(e) || !e->tenant[0] || !handler) return false;
  for (uint32_t i = 0; i < at; i++) n += same_event(&l->entries[i], e);
  return n == QUN_LEDGER_POISON; /* once for each event */
}

int qun_ledger_poison_each(struct qun_ledger *l, int (*each)(void *, const struct qun_ledger_entry *), void *arg) {
  int rc = 0;
  pthread_mutex_lock(&l->lock);
  for (uint32_t i = 0; i < l->count && rc == 0; i++)
    if (is_poison(l, i)) rc = each(arg, &l->entries[i]);
  pthread_mutex_unlock(&l->lock);
  return rc;
}
