/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/batch.h"

#include <errno.h>

int qun_batch_begin_in(struct qun_batch *b, struct qun_store *s, struct qun_overlay *room, struct qun_error *err) {
  int rc = qun_view_begin(&b->view, s, err);
  b->commit = 0;
  if (rc < 0) {
    qun_overlay_destroy(room);
    return rc;
  }
  b->view.overlay = room ? room : qun_overlay_create();
  if (b->view.overlay) return 0;
  qun_view_end(&b->view);
  return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
}

int qun_batch_begin(struct qun_batch *b, struct qun_store *s, struct qun_error *err) {
  return qun_batch_begin_in(b, s, NULL, err);
}

struct qun_overlay *qun_batch_end_keep(struct qun_batch *b) {
  struct qun_overlay *room = b->view.overlay;
  if (room && b->commit) qun_overlay_carry(room);
  if (room && !b->commit) qun_overlay_clear(room);
  b->view.overlay = NULL;
  b->commit = 0;
  qun_view_end(&b->view);
  return room;
}

void qun_batch_end(struct qun_batch *b) {
  qun_overlay_destroy(b->view.overlay);
  qun_view_end(&b->view);
}

int qun_batch_put(struct qun_batch *b, unsigned table, qun_slice key, qun_slice value) {
  return qun_overlay_put(b->view.overlay, table, key, value);
}

int qun_batch_del(struct qun_batch *b, unsigned table, qun_slice key) {
  return qun_overlay_del(b->view.overlay, table, key);
}

/* Rows come in key order, so that most of them are on the page where the cursor stands. */
static int flush_row(void *arg, const struct qun_overlay_row *row) {
  MDB_cursor *cursor = arg;
  MDB_val key = {(size_t)row->key.len, (void *)(uintptr_t)row->key.ptr};
  MDB_val value = {(size_t)row->value.len, (void *)(uintptr_t)row->value.ptr};
  if (row->state == QUN_OVERLAY_PUT) return mdb_cursor_put(cursor, &key, &value, 0);
  int rc = mdb_cursor_get(cursor, &key, NULL, MDB_SET);
  if (!rc) rc = mdb_cursor_del(cursor, 0);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

static int flush_table(const struct qun_batch *b, MDB_txn *txn, unsigned table) {
  MDB_cursor *cursor;
  int rc = mdb_cursor_open(txn, b->view.store->dbi[table], &cursor);
  if (rc) return rc;
  rc = qun_overlay_each(b->view.overlay, table, flush_row, cursor);
  mdb_cursor_close(cursor);
  return rc == QUN_EFAIL ? ENOMEM : rc;
}

static int failed(struct qun_store *s, int status, const char *what, struct qun_error *err) {
  qun__store_met(s, status);
  return qun_store_error(err, status, what);
}

int qun_batch_commit(struct qun_batch *b, qun_batch_flush flush, void *arg, struct qun_error *err) {
  struct qun_store *s = b->view.store;
  MDB_txn *txn;
  int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
  if (rc) return failed(s, rc, "begin a commit", err);
  for (unsigned t = 0; t < s->tables && !rc; t++) {
    if (qun_overlay_count(b->view.overlay, t)) rc = flush_table(b, txn, t);
  }
  if (!rc && flush) rc = flush(arg, s, txn);
  if (rc) {
    mdb_txn_abort(txn);
    return failed(s, rc, "write a batch", err);
  }
  size_t number = mdb_txn_id(txn);
  rc = mdb_txn_commit(txn);
  if (rc) return failed(s, rc, "commit a batch", err);
  MDB_envinfo info; /* a commit without changes leaves no trace, and its number goes to the next one */
  b->commit = mdb_env_info(s->env, &info) == 0 && info.me_last_txnid == number ? number : 0;
  return 0;
}
