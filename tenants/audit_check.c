/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/audit_check.h"

enum { SAMPLES = 16 };

static int check_log(const struct qun_view *v, const struct qun_head *head, struct qun_error *err) {
  MDB_stat st;
  struct qun_pair last;
  if (mdb_stat(v->txn, v->store->dbi[QUN_TABLE_LOG], &st) != 0)
    return qun_error_set(err, QUN_ECONFLICT, "the log cannot be read");
  if (st.ms_entries != head->seq)
    return qun_error_set(err, QUN_ECONFLICT, "the log has %llu records where %llu belong",
                         (unsigned long long)st.ms_entries, (unsigned long long)head->seq);
  if (head->seq && (qun_view_last(v, QUN_TABLE_LOG, (qun_slice){NULL, 0}, &last) < 0 || last.key.len != 8 ||
                    qun_be64_read(last.key.ptr) != head->seq))
    return qun_error_set(err, QUN_ECONFLICT, "the log does not end with record %llu", (unsigned long long)head->seq);
  return 0;
}

/* The root over the leaves as they stand, against the one that the inner nodes give. */
static int check_tree(const struct qun_view *v, const struct qun_head *head, unsigned char root[QUN_HASH_SIZE],
                      struct qun_error *err) {
  struct qun_merkle_border border;
  unsigned char over[QUN_HASH_SIZE];
  qun_merkle_border_init(&border);
  for (uint64_t i = 0; i < head->tree_size; i++) {
    unsigned char key[10] = {'t', 0};
    qun_slice hash;
    qun_be64(key + 2, i);
    if (qun_view_get(v, QUN_TABLE_AUDIT, qun_slice_of(key, sizeof key), &hash) < 0 || hash.len != QUN_HASH_SIZE)
      return qun_error_set(err, QUN_ECONFLICT, "leaf %llu of the audit tree is missing", (unsigned long long)i);
    qun_merkle_border_add(&border, hash.ptr, NULL, NULL);
  }
  qun_merkle_border_root(&border, over);
  int rc = qun_audit_root(v, head->tree_size, root, err);
  if (rc < 0) return QUN_ECONFLICT;
  return memcmp(over, root, sizeof over) == 0
             ? 0
             : qun_error_set(err, QUN_ECONFLICT, "the leaves of the audit tree do not give its root");
}

int qun_audit_check(const struct qun_view *v, const struct qun_vault *vault, struct qun_error *err) {
  struct qun_head head;
  unsigned char root[QUN_HASH_SIZE];
  if (qun_head_read(v, &head) < 0) return qun_error_set(err, QUN_ECONFLICT, "the store's head cannot be read");
  int rc = check_log(v, &head, err);
  if (rc == 0) rc = check_tree(v, &head, root, err);
  for (uint64_t i = 0; i <= SAMPLES && rc == 0 && head.seq; i++) {
    uint64_t seq = 1 + (head.seq - 1) / SAMPLES * i;
    struct qun_bound bound;
    if (i == SAMPLES) seq = head.seq;
    rc = qun_audit_prove(&bound, v, vault, seq, head.tree_size, err);
    if (rc == 0 && (bound.kind == QUN_BOUND_RECORD || bound.kind == QUN_BOUND_GROUP))
      rc = qun_bound_verify(&bound, head.tree_size, root, err);
  }
  return rc < 0 ? QUN_ECONFLICT : 0;
}
