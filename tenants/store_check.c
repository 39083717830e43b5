/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/store_check.h"

#include "tenants/folder.h"
#include "tenants/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK "DAMAGED"

/* For a signal handler of this thread; nothing else depends on it. */
static _Thread_local char last_used[QUN_STORE_TAG_SIZE];

const char *qun_store_last_used(void) {
  return last_used;
}

void qun__store_use(const struct qun_store *s) {
  memcpy(last_used, s->tag, sizeof last_used);
}

/* ---------------------------------------------------------------- the walk */

/* Touches each byte. */
static unsigned char sum_of(MDB_val v) {
  const unsigned char *p = v.mv_data;
  unsigned char sum = 0;
  for (size_t i = 0; i < v.mv_size; i++) sum = (unsigned char)(sum ^ p[i]);
  return sum;
}

struct walk {
  MDB_txn *txn;
  unsigned char sum; /* so that the reading is not left out */
  struct qun_error *err;
};

static int wrong(struct walk *w, const char *table, const char *what) {
  return qun_error_set(w->err, QUN_ECONFLICT, "table %s: %s", table, what);
}

/* Rows of one table, in the order of their keys. */
static int walk_rows(struct walk *w, MDB_dbi dbi, const char *table) {
  MDB_cursor *cursor;
  MDB_val key, value, last = {0};
  MDB_stat st;
  size_t rows = 0;
  int rc = mdb_stat(w->txn, dbi, &st);
  if (!rc) rc = mdb_cursor_open(w->txn, dbi, &cursor);
  if (rc) return wrong(w, table, mdb_strerror(rc));
  int bad = 0;
  while (!bad && !(rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
    if (rows++ && mdb_cmp(w->txn, dbi, &last, &key) >= 0) bad = wrong(w, table, "its keys are out of order");
    w->sum = (unsigned char)(w->sum ^ sum_of(key) ^ sum_of(value));
    last = key;
  }
  mdb_cursor_close(cursor);
  if (bad) return bad;
  if (rc != MDB_NOTFOUND) return wrong(w, table, mdb_strerror(rc));
  return rows == st.ms_entries ? 0 : wrong(w, table, "rows are missing");
}

static int walk_table(struct walk *w, MDB_val name) {
  char table[80];
  MDB_dbi dbi;
  if (name.mv_size >= sizeof table) return wrong(w, "?", "its name is too long");
  memcpy(table, name.mv_data, name.mv_size);
  table[name.mv_size] = '\0';
  int rc = mdb_dbi_open(w->txn, table, 0, &dbi);
  return rc ? wrong(w, table, mdb_strerror(rc)) : walk_rows(w, dbi, table);
}

static int walk_all(struct walk *w) {
  MDB_dbi names;
  MDB_cursor *cursor;
  MDB_val key, value;
  int bad = walk_rows(w, 0, "of free pages");
  int rc = bad ? 0 : mdb_dbi_open(w->txn, NULL, 0, &names);
  if (!rc && !bad) rc = mdb_cursor_open(w->txn, names, &cursor);
  if (rc || bad) return bad ? bad : wrong(w, "of tables", mdb_strerror(rc));
  while (!bad && !(rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) bad = walk_table(w, key);
  mdb_cursor_close(cursor);
  return bad || rc == MDB_NOTFOUND ? bad : wrong(w, "of tables", mdb_strerror(rc));
}

int qun_store_walk(const char *dir, struct qun_error *err) {
  MDB_env *env = NULL;
  struct walk w = {.err = err};
  int rc = mdb_env_create(&env);
  if (!rc) rc = mdb_env_set_maxdbs(env, QUN_TABLES_MAX);
  if (!rc) rc = mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600);
  if (!rc) rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &w.txn);
  rc = rc ? qun_error_set(err, QUN_ECONFLICT, "%s", mdb_strerror(rc)) : walk_all(&w);
  if (w.txn) mdb_txn_abort(w.txn);
  if (env) mdb_env_close(env);
  return rc;
}

/* ---------------------------------------------------------------- the end of a file */

/* The first list of free pages from transaction *id on: how many of them are not before page `from`. Each search begins
 * at the root: LMDB ends the process when a walk from page to page meets a hole. */
static int next_free(MDB_txn *txn, size_t *id, size_t from, size_t *found) {
  MDB_cursor *cursor;
  MDB_val key = {sizeof *id, id}, value;
  size_t number, count = 0;
  int rc = mdb_cursor_open(txn, 0, &cursor);
  if (rc) return rc;
  rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  if (!rc && (key.mv_size != sizeof *id || value.mv_size < sizeof count)) rc = MDB_CORRUPTED;
  if (!rc) {
    memcpy(id, key.mv_data, sizeof *id);
    memcpy(&count, value.mv_data, sizeof count);
    if (count > value.mv_size / sizeof count - 1) rc = MDB_CORRUPTED;
  }
  for (size_t i = 1; !rc && i <= count; i++) {
    memcpy(&number, (const char *)value.mv_data + i * sizeof number, sizeof number);
    *found += number >= from;
  }
  mdb_cursor_close(cursor);
  return rc;
}

bool qun__store_end_is_free(MDB_env *env, size_t from, size_t last) {
  MDB_txn *txn;
  size_t id = 0, found = 0;
  if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn)) return false;
  int rc = next_free(txn, &id, from, &found);
  while (!rc && id++ < SIZE_MAX) rc = next_free(txn, &id, from, &found);
  mdb_txn_abort(txn);
  return rc == MDB_NOTFOUND && found == last + 1 - from;
}

/* ---------------------------------------------------------------- the mark */

static int mark_path(char out[PATH_MAX], const char *dir, struct qun_error *err) {
  int n = snprintf(out, PATH_MAX, "%s/" MARK, dir);
  return n > 0 && n < PATH_MAX ? 0 : qun_error_set(err, QUN_EINVAL, "the path of store %s is too long", dir);
}

int qun_store_mark(const char *dir, const char *reason, struct qun_error *err) {
  char path[PATH_MAX];
  int rc = mark_path(path, dir, err);
  if (rc < 0) return rc;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  size_t n = strlen(reason);
  bool bad = fd < 0 || write(fd, reason, n) != (ssize_t)n || fsync(fd) < 0;
  if (bad) rc = qun_error_set(err, QUN_EFAIL, "%s cannot be written: %m", path);
  if (fd >= 0) close(fd);
  return rc < 0 ? rc : qun_folder_sync(dir, err);
}

int qun__store_marked(const char *dir, struct qun_error *err) {
  char path[PATH_MAX], reason[200];
  int rc = mark_path(path, dir, err);
  int fd = rc < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return rc;
  ssize_t n = read(fd, reason, sizeof reason - 1);
  close(fd);
  reason[n > 0 ? n : 0] = '\0';
  return qun_error_set(err, QUN_ECONFLICT, "parked: %s; restore it from a backup, or remove %s to try it again", reason,
                       path);
}
