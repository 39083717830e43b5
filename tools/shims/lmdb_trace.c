/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOAD: writes down into the file QUN_LMDB_TRACE what a process puts into its LMDB environments (lmdb_trace.h),
 * so that a benchmark can have raw LMDB write the very same keys and bytes in the same commits. A transaction's rows
 * are kept in memory until it commits; one that is aborted leaves nothing.
 */
#include "lmdb_trace.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define REAL(name, ...) int (*real)(__VA_ARGS__) = (int (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

enum { ENVS_MAX = 65536 };

struct pending {
  MDB_txn *txn;
  unsigned char *rows;
  size_t len, cap;
  struct pending *next;
};

/* A preloaded library has nobody to hand it its state. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pending *all;
static char *paths[ENVS_MAX];
static uint32_t paths_count;
static int file = -1;
static __thread int inside; /* LMDB calls its own functions by way of these */

static void give_up(const char *why) {
  fprintf(stderr, "lmdb_trace: %s\n", why);
  abort();
}

static uint32_t env_number(MDB_txn *txn) {
  const char *path = NULL;
  uint32_t i = 0;
  if (mdb_env_get_path(mdb_txn_env(txn), &path) != 0 || !path) give_up("an environment has no path");
  while (i < paths_count && strcmp(paths[i], path) != 0) i++;
  if (i == ENVS_MAX) give_up("too many environments");
  if (i == paths_count && !(paths[paths_count++] = strdup(path))) give_up("out of memory");
  return i;
}

static struct pending *pending_of(MDB_txn *txn, bool make) {
  struct pending *p = all;
  while (p && p->txn != txn) p = p->next;
  if (p || !make) return p;
  p = calloc(1, sizeof *p);
  if (!p) give_up("out of memory");
  p->txn = txn;
  p->next = all;
  all = p;
  return p;
}

static void forget(struct pending *p) {
  struct pending **at = &all;
  while (*at != p) at = &(*at)->next;
  *at = p->next;
  free(p->rows);
  free(p);
}

static void add(struct pending *p, const void *bytes, size_t len) {
  if (p->cap - p->len < len) {
    size_t cap = (p->cap ? p->cap * 2 : 65536) + len;
    unsigned char *rows = realloc(p->rows, cap);
    if (!rows) give_up("out of memory");
    p->rows = rows;
    p->cap = cap;
  }
  if (len) memcpy(p->rows + p->len, bytes, len);
  p->len += len;
}

static void note(MDB_txn *txn, enum qun_trace_kind kind, MDB_dbi table, unsigned flags, const MDB_val *key,
                 const MDB_val *value) {
  pthread_mutex_lock(&lock);
  struct pending *p = pending_of(txn, true);
  struct qun_trace_row row = {.kind = kind,
                              .env = env_number(txn),
                              .table = table,
                              .flags = flags,
                              .key = key ? key->mv_size : 0,
                              .value = value ? value->mv_size : 0};
  add(p, &row, sizeof row);
  if (key) add(p, key->mv_data, key->mv_size);
  if (value) add(p, value->mv_data, value->mv_size);
  pthread_mutex_unlock(&lock);
}

static void write_down(const struct pending *p) {
  const char *path = getenv("QUN_LMDB_TRACE");
  size_t done = 0;
  if (file < 0) file = path ? open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600) : -1;
  if (file < 0) give_up("QUN_LMDB_TRACE names no file that can be written");
  while (done < p->len) {
    ssize_t n = write(file, p->rows + done, p->len - done);
    if (n <= 0) give_up("the trace cannot be written");
    done += (size_t)n;
  }
}

EXPORT int mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *table) {
  REAL("mdb_dbi_open", MDB_txn *, const char *, unsigned, MDB_dbi *);
  inside++;
  int rc = real(txn, name, flags, table);
  inside--;
  MDB_val key = {name ? strlen(name) : 0, (void *)(uintptr_t)name};
  if (rc == 0 && !inside) note(txn, QUN_TRACE_TABLE, *table, flags, &key, NULL);
  return rc;
}

EXPORT int mdb_put(MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned flags) {
  REAL("mdb_put", MDB_txn *, MDB_dbi, MDB_val *, MDB_val *, unsigned);
  if ((flags & MDB_RESERVE) && !inside) give_up("MDB_RESERVE is not traced");
  inside++;
  int rc = real(txn, table, key, value, flags);
  inside--;
  if (rc == 0 && !inside) note(txn, QUN_TRACE_PUT, table, flags, key, value);
  return rc;
}

EXPORT int mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned flags) {
  REAL("mdb_cursor_put", MDB_cursor *, MDB_val *, MDB_val *, unsigned);
  if ((flags & (MDB_RESERVE | MDB_MULTIPLE)) && !inside) give_up("MDB_RESERVE and MDB_MULTIPLE are not traced");
  inside++;
  int rc = real(cursor, key, value, flags);
  inside--;
  if (rc == 0 && !inside)
    note(mdb_cursor_txn(cursor), QUN_TRACE_PUT, mdb_cursor_dbi(cursor), flags & ~(unsigned)MDB_CURRENT, key, value);
  return rc;
}

EXPORT int mdb_del(MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value) {
  REAL("mdb_del", MDB_txn *, MDB_dbi, MDB_val *, MDB_val *);
  inside++;
  int rc = real(txn, table, key, value);
  inside--;
  if (rc == 0 && !inside) note(txn, QUN_TRACE_DEL, table, 0, key, NULL);
  return rc;
}

EXPORT int mdb_cursor_del(MDB_cursor *cursor, unsigned flags) {
  REAL("mdb_cursor_del", MDB_cursor *, unsigned);
  MDB_val key, value;
  int rc = mdb_cursor_get(cursor, &key, &value, MDB_GET_CURRENT);
  char *copy = rc == 0 ? malloc(key.mv_size) : NULL;
  if (copy) memcpy(copy, key.mv_data, key.mv_size);
  inside++;
  rc = real(cursor, flags);
  inside--;
  if (rc == 0 && copy && !inside) {
    key.mv_data = copy;
    note(mdb_cursor_txn(cursor), QUN_TRACE_DEL, mdb_cursor_dbi(cursor), 0, &key, NULL);
  }
  free(copy);
  return rc;
}

EXPORT int mdb_drop(MDB_txn *txn, MDB_dbi table, int del) {
  REAL("mdb_drop", MDB_txn *, MDB_dbi, int);
  inside++;
  int rc = real(txn, table, del);
  inside--;
  if (rc == 0 && !inside) note(txn, QUN_TRACE_EMPTY, table, 0, NULL, NULL);
  return rc;
}

EXPORT int mdb_txn_commit(MDB_txn *txn) {
  REAL("mdb_txn_commit", MDB_txn *);
  pthread_mutex_lock(&lock);
  struct pending *p = pending_of(txn, false);
  if (p) {
    struct qun_trace_row row = {.kind = QUN_TRACE_COMMIT, .env = env_number(txn)};
    p->txn = NULL; /* the address may be another's as soon as this one has ended */
    add(p, &row, sizeof row);
  }
  pthread_mutex_unlock(&lock);
  inside++;
  int rc = real(txn);
  inside--;
  pthread_mutex_lock(&lock);
  if (p && rc == 0) write_down(p);
  if (p) forget(p);
  pthread_mutex_unlock(&lock);
  return rc;
}

EXPORT void mdb_txn_abort(MDB_txn *txn) {
  void (*real)(MDB_txn *) = (void (*)(MDB_txn *))dlsym(RTLD_NEXT, "mdb_txn_abort");
  pthread_mutex_lock(&lock);
  struct pending *p = txn ? pending_of(txn, false) : NULL;
  if (p) forget(p);
  pthread_mutex_unlock(&lock);
  real(txn);
}
