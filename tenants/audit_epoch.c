/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/audit_epoch.h"

enum { RECORDS_A_COMMIT = 8192 };

static const char label[] = "qun-leaf/1 epoch\n";

void qun_leaf_epoch(struct qun_pack *out, uint64_t epoch, qun_slice checkpoint) {
  unsigned char number[8];
  qun_be64(number, epoch);
  qun_pack_raw(out, qun_str(label));
  qun_pack_raw(out, qun_slice_of(number, sizeof number));
  qun_pack_raw(out, checkpoint);
}

int qun_audit_epoch_leaf(const struct qun_view *v, qun_slice *leaf) {
  return qun_view_get(v, QUN_TABLE_AUDIT, qun_str("e"), leaf);
}

/* Drops the old tree; hashes of redacted records stay. */
static int clear(struct qun_store *s, struct qun_error *err) {
  MDB_txn *txn;
  MDB_cursor *cursor = NULL;
  MDB_val key, value;
  int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
  if (rc) return qun_store_error(err, rc, "drop the audit tree");
  rc = mdb_cursor_open(txn, s->dbi[QUN_TABLE_AUDIT], &cursor);
  while (!rc && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
    if (key.mv_size == 9 && *(const char *)key.mv_data == 'h') continue;
    rc = mdb_cursor_del(cursor, 0);
  }
  if (cursor) mdb_cursor_close(cursor);
  if (rc == MDB_NOTFOUND)
    rc = mdb_txn_commit(txn);
  else
    mdb_txn_abort(txn);
  return rc ? qun_store_error(err, rc, "drop the audit tree") : 0;
}

static int first_leaf(struct qun_audit_tail *tail, struct qun_batch *b, uint64_t epoch, qun_slice checkpoint) {
  unsigned char hash[QUN_HASH_SIZE], number[8];
  struct qun_pack leaf;
  qun_pack_init(&leaf);
  qun_leaf_epoch(&leaf, epoch, checkpoint);
  qun_be64(number, epoch);
  qun_merkle_leaf(qun_pack_slice(&leaf), hash);
  int rc = leaf.failed ? QUN_EFAIL : qun_batch_put(b, QUN_TABLE_AUDIT, qun_str("e"), qun_pack_slice(&leaf));
  if (rc == 0) rc = qun_batch_put(b, QUN_TABLE_META, qun_str("epoch"), qun_slice_of(number, 8));
  if (rc == 0) rc = qun__audit_add_leaf(tail, b, hash);
  qun_pack_fini(&leaf);
  return rc;
}

struct building {
  const struct qun_vault *vault;
  struct qun_audit_tail tail;
  struct qun_head head;
  qun_audit_kind kind;
  void *arg;
  uint64_t epoch;
  qun_slice checkpoint;
};

static int append_records(struct building *g, struct qun_batch *b, uint64_t from, uint64_t to, struct qun_error *err) {
  int rc = 0;
  for (uint64_t seq = from; seq <= to && rc == 0; seq++) {
    unsigned char hash[QUN_HASH_SIZE], key[8];
    qun_slice bytes;
    qun_be64(key, seq);
    rc = qun_view_get(&b->view, QUN_TABLE_LOG, qun_slice_of(key, 8), &bytes);
    if (rc == 0) rc = qun__audit_record_hash(&b->view, g->vault, seq, hash);
    if (rc < 0) return qun_error_set(err, QUN_ECONFLICT, "record %llu cannot be read", (unsigned long long)seq);
    unsigned kind = g->kind(g->arg, bytes);
    rc = qun_audit_append(&g->tail, b, seq, hash, (kind & QUN_AUDIT_GOVERNS) != 0, (kind & QUN_AUDIT_AUDITS) != 0);
  }
  return rc < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch") : 0;
}

/* The records (from-1, to] in one commit; with the first one also the epoch's leaf. */
static int build_some(struct building *g, struct qun_store *s, uint64_t from, uint64_t to, struct qun_error *err) {
  struct qun_batch b = {0};
  int rc = qun_batch_begin(&b, s, err);
  if (rc < 0) return rc;
  if (from == 1 && first_leaf(&g->tail, &b, g->epoch, g->checkpoint) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  if (rc == 0) rc = append_records(g, &b, from, to, err);
  g->head.tree_size = g->tail.border.size;
  if (rc == 0 && qun_head_write(&b, &g->head) < 0) rc = qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  if (rc == 0) rc = qun_batch_commit(&b, NULL, NULL, err);
  qun_batch_end(&b);
  return rc;
}

int qun_audit_begin_epoch(struct qun_store *s, const struct qun_vault *vault, uint64_t epoch, qun_slice checkpoint,
                          qun_audit_kind kind, void *arg, struct qun_error *err) {
  struct building g = {.vault = vault, .kind = kind, .arg = arg, .epoch = epoch, .checkpoint = checkpoint};
  struct qun_view v;
  int rc = clear(s, err);
  if (rc == 0) rc = qun_view_begin(&v, s, err);
  if (rc < 0) return rc;
  if (qun_head_read(&v, &g.head) < 0) rc = qun_error_set(err, QUN_ECONFLICT, "the store's head is damaged");
  qun_view_end(&v);
  qun_merkle_border_init(&g.tail.border);
  qun_group_init(&g.tail.group, 1);
  for (uint64_t from = 1; rc == 0 && (from <= g.head.seq || from == 1); from += RECORDS_A_COMMIT) {
    uint64_t to = g.head.seq - from >= RECORDS_A_COMMIT && g.head.seq > from ? from + RECORDS_A_COMMIT - 1 : g.head.seq;
    rc = build_some(&g, s, from, to, err);
  }
  return rc;
}
