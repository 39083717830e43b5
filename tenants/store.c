/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/store.h"

#include "tenants/overlay.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READERS_MAX = 512 };

static const uint64_t default_quota = 1ull << 30;

static const char *const host_tables[QUN_TABLE_PLUGIN] = {
    [QUN_TABLE_META] = "meta",       [QUN_TABLE_LOG] = "log",       [QUN_TABLE_DUP] = "dup",
    [QUN_TABLE_MEMBERS] = "members", [QUN_TABLE_TIMERS] = "timers", [QUN_TABLE_OUTBOX] = "outbox",
    [QUN_TABLE_DEAD] = "dead",       [QUN_TABLE_AUDIT] = "audit",   [QUN_TABLE_BRIDGE] = "bridge",
};

void qun__store_met(struct qun_store *s, int status) {
  char reason[120];
  if (status != MDB_CORRUPTED && status != MDB_PAGE_NOTFOUND && status != MDB_CURSOR_FULL) return;
  if (atomic_exchange(&s->damaged, true) || !s->dir) return;
  snprintf(reason, sizeof reason, "the store is damaged (%s)", mdb_strerror(status));
  qun_store_mark(s->dir, reason, NULL);
}

int qun_store_error(struct qun_error *err, int status, const char *what) {
  if (status == MDB_NOTFOUND) return qun_error_set(err, QUN_ENOTFOUND, "%s: not found", what);
  if (status == MDB_MAP_FULL)
    return qun_error_set(err, QUN_EQUOTA, "%s: the tenant's byte quota and its reserve are used up", what);
  return qun_error_set(err, QUN_EFAIL, "%s: %s", what, mdb_strerror(status));
}

/* Opens all tables in one transaction: one that reads when they are there, else one that makes them. */
int qun__store_tables(struct qun_store *s, const struct qun_store_options *o, unsigned flags) {
  MDB_txn *txn;
  unsigned create = flags & MDB_RDONLY ? 0u : (unsigned)MDB_CREATE;
  int rc = mdb_txn_begin(s->env, NULL, flags, &txn);
  if (rc) return rc;
  for (uint32_t t = 0; t < QUN_TABLE_PLUGIN && !rc; t++) rc = mdb_dbi_open(txn, host_tables[t], create, &s->dbi[t]);
  for (uint32_t i = 0; i < o->plugins_count && !rc; i++) {
    char name[80];
    snprintf(name, sizeof name, "ks.%s", o->plugins[i]);
    rc = mdb_dbi_open(txn, name, create, &s->dbi[QUN_TABLE_PLUGIN + i]);
  }
  if (rc) {
    mdb_txn_abort(txn);
    return rc;
  }
  s->tables = QUN_TABLE_PLUGIN + o->plugins_count;
  return mdb_txn_commit(txn);
}

/* The name in ".../NAME/store". */
static void set_tag(struct qun_store *s, const char *dir) {
  size_t n = strlen(dir), end = n > 6 && strcmp(dir + n - 6, "/store") == 0 ? n - 6 : 0, at = end;
  while (at > 0 && dir[at - 1] != '/') at--;
  if (end - at < sizeof s->tag) memcpy(s->tag, dir + at, end - at);
}

/* Pages behind the end of a file that was cut short would kill whoever reads them; as holes they are damage that LMDB
 * reports. The file may also be short because the last pages of a commit were not needed: then they are free. */
static int fill_end(const struct qun_store *s, const MDB_envinfo *info) {
  MDB_stat pages;
  struct stat st;
  int fd, rc = mdb_env_stat(s->env, &pages);
  if (!rc) rc = mdb_env_get_fd(s->env, &fd);
  if (rc) return rc;
  off_t size = (off_t)pages.ms_psize, need = (off_t)(info->me_last_pgno + 1) * size;
  if (fstat(fd, &st) < 0) return errno;
  if (st.st_size >= need) return 0;
  if (ftruncate(fd, need) < 0) return errno;
  if (qun__store_end_is_free(s->env, (size_t)(st.st_size / size), info->me_last_pgno)) return 0;
  return ftruncate(fd, st.st_size) < 0 ? errno : MDB_CORRUPTED;
}

static size_t map_for(uint64_t quota) {
  return (size_t)((quota + quota / 4 + 65535) & ~65535ull);
}

/* An environment that is there knows the size of its map; what quota that was made for follows from it. */
static int open_env(struct qun_store *s, const char *dir, const struct qun_store_options *o) {
  unsigned flags = MDB_NOTLS | (o->scratch ? MDB_NOSYNC : 0u);
  char path[4200];
  struct stat st;
  MDB_envinfo info;
  snprintf(path, sizeof path, "%s/data.mdb", dir);
  bool there = stat(path, &st) == 0 && st.st_size > 0;
  if (o->there && !there) return MDB_INVALID;
  uint64_t quota = o->quota_bytes ? o->quota_bytes : there ? 0 : default_quota;
  int rc = mdb_env_create(&s->env);
  if (!rc) rc = mdb_env_set_maxdbs(s->env, QUN_TABLES_MAX);
  if (!rc) rc = mdb_env_set_maxreaders(s->env, READERS_MAX);
  if (!rc && quota) rc = mdb_env_set_mapsize(s->env, map_for(quota));
  if (!rc) rc = mdb_env_open(s->env, dir, flags, 0600);
  if (!rc) rc = mdb_reader_check(s->env, NULL);
  if (!rc) rc = mdb_env_info(s->env, &info);
  if (!rc && there) rc = fill_end(s, &info);
  if (rc) return rc;
  atomic_init(&s->quota_bytes, quota ? quota : info.me_mapsize / 5 * 4);
  rc = there ? qun__store_tables(s, o, MDB_RDONLY) : MDB_NOTFOUND;
  return rc == MDB_NOTFOUND ? qun__store_tables(s, o, 0) : rc;
}

int qun_store_open(struct qun_store **out, const char *dir, const struct qun_store_options *o, struct qun_error *err) {
  if (o->plugins_count > QUN_STORE_PLUGINS_MAX)
    return qun_error_set(err, QUN_EINVAL, "%u plugins: a store has keyspaces for %d", o->plugins_count,
                         QUN_STORE_PLUGINS_MAX);
  if (mkdir(dir, 0700) < 0 && errno != EEXIST)
    return qun_error_set(err, QUN_EFAIL, "store %s: cannot make the folder: %m", dir);
  int marked = qun__store_marked(dir, err);
  if (marked < 0) {
    qun_error_prefix(err, "store %s", dir);
    return marked;
  }
  struct qun_store *s = calloc(1, sizeof *s);
  if (!s) return qun_error_set(err, QUN_EFAIL, "store %s: out of memory", dir);
  set_tag(s, dir);
  s->dir = o->scratch ? NULL : strdup(dir);
  qun__store_use(s);
  pthread_mutex_init(&s->gate, NULL);
  s->scratch = o->scratch;
  while (s->stamp == 0) randombytes_buf(&s->stamp, sizeof s->stamp);
  int rc = open_env(s, dir, o);
  if (rc) {
    qun_error_set(err,
                  rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_VERSION_MISMATCH || rc == MDB_PAGE_NOTFOUND
                      ? QUN_ECONFLICT
                      : QUN_EFAIL,
                  "store %s: %s", dir, mdb_strerror(rc));
    qun_store_close(s);
    return err ? err->code : QUN_EFAIL;
  }
  MDB_stat st;
  struct stat file;
  int fd;
  mdb_env_stat(s->env, &st);
  s->page_size = st.ms_psize;
  if (mdb_env_get_fd(s->env, &fd) == 0 && fstat(fd, &file) == 0) s->inode = file.st_ino;
  *out = s;
  return 0;
}

void qun_store_lazy(struct qun_store *s, bool lazy) {
  if (s->scratch || s->lazy == lazy) return;
  mdb_env_set_flags(s->env, MDB_NOMETASYNC, lazy);
  s->lazy = lazy;
}

void qun_store_close(struct qun_store *s) {
  if (!s) return;
  if (s->env && s->lazy) mdb_env_sync(s->env, 1);
  if (s->env) mdb_env_close(s->env);
  pthread_mutex_destroy(&s->gate);
  free(s->dir);
  free(s);
}

int qun_store_grow(struct qun_store *s, uint64_t quota) {
  int rc = 0;
  if (quota <= atomic_load(&s->quota_bytes)) return 0;
  pthread_mutex_lock(&s->gate);
  atomic_store(&s->growing, true); /* who begins a view now waits for the gate */
  if (quota <= atomic_load(&s->quota_bytes))
    rc = 0;
  else if (atomic_load(&s->views) > 0)
    rc = QUN_EAGAIN;
  else if (mdb_env_set_mapsize(s->env, map_for(quota)) != 0)
    rc = QUN_EFAIL;
  else
    atomic_store(&s->quota_bytes, quota);
  atomic_store(&s->growing, false);
  pthread_mutex_unlock(&s->gate);
  return rc;
}

int qun_store_probe(const char *dir, uint64_t *txn, uint64_t *inode) {
  char path[4200];
  struct stat st;
  MDB_envinfo info;
  MDB_env *env = NULL;
  snprintf(path, sizeof path, "%s/data.mdb", dir);
  if (stat(path, &st) < 0) return QUN_ENOTFOUND;
  int rc = mdb_env_create(&env);
  if (!rc) rc = mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600);
  if (!rc) rc = mdb_env_info(env, &info);
  if (env) mdb_env_close(env);
  if (rc) return QUN_EFAIL;
  *txn = info.me_last_txnid;
  *inode = st.st_ino;
  return 0;
}

uint64_t qun_store_bytes(const struct qun_store *s) {
  MDB_envinfo info;
  mdb_env_info(s->env, &info);
  return ((uint64_t)info.me_last_pgno + 1) * s->page_size;
}

/* Counts a view in. The map grows only when it sees none, and it says that it grows before it looks. */
static void enter(struct qun_store *s) {
  atomic_fetch_add(&s->views, 1);
  if (!atomic_load(&s->growing)) return;
  atomic_fetch_sub(&s->views, 1);
  pthread_mutex_lock(&s->gate);
  atomic_fetch_add(&s->views, 1);
  pthread_mutex_unlock(&s->gate);
}

int qun_view_begin(struct qun_view *v, struct qun_store *s, struct qun_error *err) {
  memset(v, 0, sizeof *v);
  enter(s);
  qun__store_use(s);
  int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &v->txn);
  if (rc) {
    atomic_fetch_sub(&s->views, 1);
    return qun_store_error(err, rc, "begin a read");
  }
  v->store = s;
  return 0;
}

void qun_view_end(struct qun_view *v) {
  if (v->txn) {
    mdb_txn_abort(v->txn);
    atomic_fetch_sub(&v->store->views, 1);
  }
  memset(v, 0, sizeof *v);
}

static MDB_val to_val(qun_slice s) {
  return (MDB_val){.mv_size = (size_t)s.len, .mv_data = (void *)(uintptr_t)s.ptr};
}

static qun_slice to_slice(MDB_val v) {
  return (qun_slice){v.mv_data, v.mv_size};
}

/* 0, QUN_ENOTFOUND or QUN_EFAIL for what LMDB says of a read. */
static int answer(const struct qun_view *v, int rc) {
  if (rc == 0) return 0;
  if (rc == MDB_NOTFOUND) return QUN_ENOTFOUND;
  qun__store_met(v->store, rc);
  return QUN_EFAIL;
}

static int get_below(const struct qun_view *v, unsigned table, qun_slice key, qun_slice *value) {
  MDB_val k = to_val(key);
  MDB_val data;
  int rc = mdb_get(v->txn, v->store->dbi[table], &k, &data);
  if (rc) return answer(v, rc);
  *value = to_slice(data);
  return 0;
}

int qun_view_get(const struct qun_view *v, unsigned table, qun_slice key, qun_slice *value) {
  if (!v->overlay) return get_below(v, table, key, value);
  const struct qun_overlay_row *row = qun_overlay_look(v->overlay, table, key);
  if (!row) return get_below(v, table, key, value);
  if (row->state == QUN_OVERLAY_NONE) {
    int rc = get_below(v, table, key, value);
    if (rc == 0 || rc == QUN_ENOTFOUND) qun_overlay_learn(v->overlay, row, rc == 0 ? value : NULL);
    return rc;
  }
  if (row->state == QUN_OVERLAY_DEL || row->state == QUN_OVERLAY_MISSING) return QUN_ENOTFOUND;
  *value = row->value;
  return 0;
}

static bool has_prefix(qun_slice key, qun_slice prefix) {
  return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.ptr, prefix.ptr, (size_t)prefix.len) == 0);
}

/* Both sides of a merge: LMDB's cursor and the overlay's rows. */
struct merge {
  MDB_cursor *cursor;
  MDB_val key, value;
  bool below;                          /* the cursor stands on a row in range */
  int status;                          /* of the cursor's last move */
  const struct qun_overlay_row *above; /* next overlay row in range, or NULL */
};

static int merge_start(struct merge *m, const struct qun_view *v, unsigned table, qun_slice prefix, qun_slice after) {
  qun_slice from = after.len ? after : prefix;
  int rc = mdb_cursor_open(v->txn, v->store->dbi[table], &m->cursor);
  if (rc) return QUN_EFAIL;
  m->key = to_val(from);
  rc = mdb_cursor_get(m->cursor, &m->key, &m->value, from.len ? MDB_SET_RANGE : MDB_FIRST);
  if (!rc && after.len && qun_slice_eq(to_slice(m->key), after))
    rc = mdb_cursor_get(m->cursor, &m->key, &m->value, MDB_NEXT);
  m->status = rc;
  m->below = rc == 0 && has_prefix(to_slice(m->key), prefix);
  m->above = v->overlay ? qun_overlay_seek(v->overlay, table, from, after.len > 0) : NULL;
  if (m->above && !has_prefix(m->above->key, prefix)) m->above = NULL;
  return rc == 0 || rc == MDB_NOTFOUND ? 0 : answer(v, rc);
}

static void merge_step_below(struct merge *m, qun_slice prefix) {
  m->status = mdb_cursor_get(m->cursor, &m->key, &m->value, MDB_NEXT);
  m->below = m->status == 0 && has_prefix(to_slice(m->key), prefix);
}

static void merge_step_above(struct merge *m, qun_slice prefix) {
  m->above = qun_overlay_next(m->above);
  if (m->above && !has_prefix(m->above->key, prefix)) m->above = NULL;
}

int qun_view_scan(const struct qun_view *v, unsigned table, qun_slice prefix, qun_slice after, struct qun_pair *pairs,
                  uint32_t cap, uint32_t *count) {
  struct merge m = {0};
  uint32_t n = 0;
  int rc = merge_start(&m, v, table, prefix, after);
  if (rc) goto out;
  while (n < cap && (m.below || m.above)) {
    int order = !m.above ? -1 : !m.below ? 1 : qun_slice_cmp(to_slice(m.key), m.above->key);
    bool written = m.above && (m.above->state == QUN_OVERLAY_PUT || m.above->state == QUN_OVERLAY_DEL);
    if (order < 0 || (order == 0 && !written)) {
      pairs[n++] = (struct qun_pair){to_slice(m.key), to_slice(m.value)};
    } else if (m.above->state == QUN_OVERLAY_PUT) {
      pairs[n++] = (struct qun_pair){m.above->key, m.above->value};
    }
    if (order >= 0) merge_step_above(&m, prefix);
    if (order <= 0) merge_step_below(&m, prefix);
  }
  /* who goes on from the last key must come to an end, also on pages that are out of order */
  if (n > 0 && (!pairs[n - 1].key.len || (after.len && qun_slice_cmp(pairs[n - 1].key, after) <= 0)))
    m.status = MDB_CORRUPTED;
  if (m.status != 0 && m.status != MDB_NOTFOUND) rc = answer(v, m.status); /* not the end of the table */
  if (rc == 0) *count = n;
out:
  if (m.cursor) mdb_cursor_close(m.cursor);
  return rc;
}

int qun_view_last(const struct qun_view *v, unsigned table, qun_slice prefix, struct qun_pair *pair) {
  MDB_cursor *cursor;
  unsigned char past[512];
  MDB_val key, value;
  size_t n = (size_t)prefix.len;
  if (n > sizeof past || mdb_cursor_open(v->txn, v->store->dbi[table], &cursor)) return QUN_EFAIL;
  memcpy(past, prefix.ptr ? prefix.ptr : "", n);
  while (n > 0 && past[n - 1] == 0xff) n--;
  int rc;
  if (n == 0) {
    rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
  } else {
    past[n - 1]++;
    key = (MDB_val){n, past};
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    rc = mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
  }
  if (rc == 0 && !has_prefix(to_slice(key), prefix)) rc = MDB_NOTFOUND;
  if (rc == 0) *pair = (struct qun_pair){to_slice(key), to_slice(value)};
  mdb_cursor_close(cursor);
  return answer(v, rc);
}
