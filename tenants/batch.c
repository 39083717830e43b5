/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/batch.h"

int qun_batch_begin(struct qun_batch *b, struct qun_store *s, struct qun_error *err) {
  int rc = qun_view_begin(&b->view, s, err);
  if (rc < 0) return rc;
  b->view.overlay = qun_overlay_create();
  if (b->view.overlay) return 0;
  qun_view_end(&b->view);
  return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
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

static int flush_table(const struct qun_batch *b, MDB_txn *txn, unsigned table) {
  const struct qun_overlay *o = b->view.overlay;
  MDB_dbi dbi = b->view.store->dbi[table];
  const struct qun_overlay_row *row = qun_overlay_seek(o, table, (qun_slice){NULL, 0}, false);
  for (; row; row = qun_overlay_next(o, row)) {
    MDB_val key = {(size_t)row->key.len, (void *)(uintptr_t)row->key.ptr};
    MDB_val value = {(size_t)row->value.len, (void *)(uintptr_t)row->value.ptr};
    int rc = 0;
    if (row->state == QUN_OVERLAY_PUT) rc = mdb_put(txn, dbi, &key, &value, 0);
    if (row->state == QUN_OVERLAY_DEL) rc = mdb_del(txn, dbi, &key, NULL);
    if (rc && rc != MDB_NOTFOUND) return rc;
  }
  return 0;
}

int qun_batch_commit(struct qun_batch *b, qun_batch_flush flush, void *arg, struct qun_error *err) {
  struct qun_store *s = b->view.store;
  MDB_txn *txn;
  int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
  if (rc) return qun_store_error(err, rc, "begin a commit");
  for (unsigned t = 0; t < s->tables && !rc; t++) {
    if (qun_overlay_count(b->view.overlay, t)) rc = flush_table(b, txn, t);
  }
  if (!rc && flush) rc = flush(arg, s, txn);
  if (rc) {
    mdb_txn_abort(txn);
    return qun_store_error(err, rc, "write a batch");
  }
  rc = mdb_txn_commit(txn);
  return rc ? qun_store_error(err, rc, "commit a batch") : 0;
}
