/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/audit_log.h"

#include "tenants/record.h"

static qun_slice node_key(unsigned char key[10], uint32_t level, uint64_t index) {
  key[0] = 't';
  key[1] = (unsigned char)level;
  qun_be64(key + 2, index);
  return qun_slice_of(key, 10);
}

static qun_slice number_key(unsigned char key[9], char kind, uint64_t n) {
  key[0] = (unsigned char)kind;
  qun_be64(key + 1, n);
  return qun_slice_of(key, 9);
}

static int fetch(void *arg, uint32_t level, uint64_t index, unsigned char out[QUN_HASH_SIZE]) {
  const struct qun_view *v = arg;
  unsigned char key[10];
  qun_slice value;
  if (qun_view_get(v, QUN_TABLE_AUDIT, node_key(key, level, index), &value) < 0 || value.len != QUN_HASH_SIZE)
    return QUN_EFAIL;
  memcpy(out, value.ptr, QUN_HASH_SIZE);
  return 0;
}

static int store(void *arg, uint32_t level, uint64_t index, const unsigned char hash[QUN_HASH_SIZE]) {
  struct qun_batch *b = arg;
  unsigned char key[10];
  return qun_batch_put(b, QUN_TABLE_AUDIT, node_key(key, level, index), qun_slice_of(hash, QUN_HASH_SIZE));
}

static void *reader(const struct qun_view *v) {
  return (void *)(uintptr_t)v; /* fetch only reads it */
}

static int number_at(const struct qun_view *v, char kind, uint64_t n, uint64_t *out) {
  unsigned char key[9];
  qun_slice value;
  int rc = qun_view_get(v, QUN_TABLE_AUDIT, number_key(key, kind, n), &value);
  if (rc < 0) return rc;
  if (value.len != 8) return QUN_EFAIL;
  *out = qun_be64_read(value.ptr);
  return 0;
}

static int record_at(const struct qun_view *v, uint64_t seq, qun_slice *bytes) {
  unsigned char key[8];
  qun_be64(key, seq);
  return qun_view_get(v, QUN_TABLE_LOG, qun_slice_of(key, 8), bytes);
}

static int hash_at(const struct qun_view *v, const struct qun_vault *vault, uint64_t seq,
                   unsigned char out[QUN_HASH_SIZE]) {
  unsigned char salt[32], key[9];
  qun_slice bytes;
  int rc = qun_view_get(v, QUN_TABLE_AUDIT, number_key(key, 'h', seq), &bytes);
  if (rc == 0 && bytes.len == QUN_HASH_SIZE) { /* the record was redacted: its hash is kept */
    memcpy(out, bytes.ptr, QUN_HASH_SIZE);
    return 0;
  }
  rc = record_at(v, seq, &bytes);
  if (rc < 0) return rc;
  qun_vault_salt(vault, seq, salt);
  qun_record_hash(salt, bytes, out);
  return 0;
}

int qun__audit_record_hash(const struct qun_view *v, const struct qun_vault *vault, uint64_t seq,
                           unsigned char out[QUN_HASH_SIZE]) {
  return hash_at(v, vault, seq, out);
}

/* Record hashes of a group's first `count` sequences. */
static int hashes_of(const struct qun_view *v, const struct qun_vault *vault, uint64_t first, uint32_t count,
                     unsigned char (*hashes)[QUN_HASH_SIZE]) {
  for (uint32_t i = 0; i < count; i++) {
    int rc = hash_at(v, vault, first + i, hashes[i]);
    if (rc < 0) return rc;
  }
  return 0;
}

int qun_audit_tail_load(struct qun_audit_tail *tail, const struct qun_view *v, const struct qun_vault *vault,
                        const struct qun_head *head, struct qun_error *err) {
  uint64_t first = qun_group_first(head->seq + 1);
  if (qun_merkle_border_load(&tail->border, fetch, reader(v), head->tree_size) < 0)
    return qun_error_set(err, QUN_ECONFLICT, "the audit tree of %llu leaves cannot be read",
                         (unsigned long long)head->tree_size);
  qun_group_init(&tail->group, first);
  for (uint64_t seq = first; seq <= head->seq; seq++) {
    unsigned char hash[QUN_HASH_SIZE];
    if (hash_at(v, vault, seq, hash) < 0)
      return qun_error_set(err, QUN_ECONFLICT, "record %llu cannot be read", (unsigned long long)seq);
    qun_group_add(&tail->group, hash);
  }
  return 0;
}

int qun__audit_add_leaf(struct qun_audit_tail *tail, struct qun_batch *b, const unsigned char leaf[QUN_HASH_SIZE]) {
  return qun_merkle_border_add(&tail->border, leaf, store, b);
}

static int add_leaf(struct qun_audit_tail *tail, struct qun_batch *b, char kind, uint64_t n,
                    const unsigned char leaf[QUN_HASH_SIZE]) {
  unsigned char key[9], value[8];
  qun_be64(value, tail->border.size);
  int rc = qun_batch_put(b, QUN_TABLE_AUDIT, number_key(key, kind, n), qun_slice_of(value, 8));
  return rc < 0 ? rc : qun_merkle_border_add(&tail->border, leaf, store, b);
}

/* What a marked record adds besides its place in the group. */
static int add_marked(struct qun_audit_tail *tail, struct qun_batch *b, uint64_t seq,
                      const unsigned char hash[QUN_HASH_SIZE], unsigned char marks) {
  unsigned char leaf[QUN_HASH_SIZE], value[8];
  int rc = 0;
  if (marks & QUN_MARK_GOVERNS) {
    qun_leaf_record_hash(seq, hash, leaf);
    rc = add_leaf(tail, b, 'r', seq, leaf);
  }
  if (rc < 0 || !(marks & QUN_MARK_AUDITS)) return rc;
  qun_be64(value, seq);
  return qun_batch_put(b, QUN_TABLE_AUDIT, qun_str("a"), qun_slice_of(value, 8));
}

static int close_group(struct qun_audit_tail *tail, struct qun_batch *b) {
  unsigned char leaf[QUN_HASH_SIZE], root[QUN_HASH_SIZE];
  qun_group_root(&tail->group, root);
  qun_leaf_group_hash(tail->group.first, QUN_GROUP_SIZE, root, leaf);
  int rc = add_leaf(tail, b, 'g', tail->group.first, leaf);
  qun_group_init(&tail->group, tail->group.first + QUN_GROUP_SIZE);
  return rc;
}

int qun_audit_append_each(struct qun_audit_tail *tail, struct qun_batch *b, uint64_t seq,
                          const unsigned char (*hashes)[QUN_HASH_SIZE], const unsigned char *marks, uint32_t n,
                          struct qun_sha256_lanes *lanes) {
  int rc = 0;
  for (uint32_t from = 0, upto; from < n && rc == 0; from = upto) {
    uint32_t room = QUN_GROUP_SIZE - (uint32_t)tail->group.border.size;
    upto = n - from < room ? n : from + room;
    for (uint32_t i = from; i < upto && rc == 0; i++)
      if (marks[i]) rc = add_marked(tail, b, seq + i, hashes[i], marks[i]);
    if (rc == 0 && qun_group_add_each(&tail->group, hashes + from, upto - from, lanes)) rc = close_group(tail, b);
  }
  return rc;
}

int qun_audit_append(struct qun_audit_tail *tail, struct qun_batch *b, uint64_t seq,
                     const unsigned char hash[QUN_HASH_SIZE], bool governs, bool audits) {
  unsigned char marks = (unsigned char)((governs ? QUN_MARK_GOVERNS : 0) | (audits ? QUN_MARK_AUDITS : 0));
  unsigned char hashes[1][QUN_HASH_SIZE];
  memcpy(hashes[0], hash, QUN_HASH_SIZE);
  return qun_audit_append_each(tail, b, seq, (const unsigned char(*)[QUN_HASH_SIZE])hashes, &marks, 1, NULL);
}

int qun_audit_root(const struct qun_view *v, uint64_t size, unsigned char root[QUN_HASH_SIZE], struct qun_error *err) {
  if (qun_merkle_root(root, fetch, reader(v), size) < 0)
    return qun_error_set(err, QUN_EINVAL, "the audit tree has fewer than %llu leaves", (unsigned long long)size);
  return 0;
}

/* The newest qun.audit record inside the tree of `size` leaves that states a tail with `seq` in it. */
static int find_tail(const struct qun_view *v, uint64_t seq, uint64_t size, struct qun_bound *out) {
  qun_slice value, bytes;
  struct qun_record r;
  uint64_t leaf = 0;
  if (qun_view_get(v, QUN_TABLE_AUDIT, qun_str("a"), &value) < 0 || value.len != 8) return QUN_ENOTFOUND;
  uint64_t by = qun_be64_read(value.ptr);
  if (number_at(v, 'r', by, &leaf) < 0 || leaf >= size) return QUN_ENOTFOUND;
  if (record_at(v, by, &bytes) < 0 || qun_record_read(&r, by, bytes) < 0) return QUN_EFAIL;
  uint64_t first = (uint64_t)qun_mp_int(r.data, "tail_first", 0);
  uint64_t upto = (uint64_t)qun_mp_int(r.data, "upto", 0);
  if (first == 0 || seq < first || seq > upto || upto - first >= QUN_GROUP_SIZE) return QUN_ENOTFOUND;
  out->first = first;
  out->count = (uint32_t)(upto - first + 1);
  out->by = by;
  return 0;
}

static int prove_path(struct qun_bound *out, const struct qun_view *v, const struct qun_vault *vault) {
  unsigned char hashes[QUN_GROUP_SIZE][QUN_HASH_SIZE];
  int rc = hashes_of(v, vault, out->first, out->count, hashes);
  if (rc < 0) return rc;
  return qun_group_prove(&out->path, (const unsigned char(*)[QUN_HASH_SIZE])hashes, out->count,
                         (uint32_t)(out->seq - out->first));
}

int qun_audit_prove(struct qun_bound *out, const struct qun_view *v, const struct qun_vault *vault, uint64_t seq,
                    uint64_t size, struct qun_error *err) {
  memset(out, 0, sizeof *out);
  out->seq = seq;
  int rc = hash_at(v, vault, seq, out->hash);
  if (rc < 0) return qun_error_set(err, QUN_ENOTFOUND, "no record %llu", (unsigned long long)seq);
  if (number_at(v, 'r', seq, &out->leaf) == 0 && out->leaf < size) {
    out->kind = QUN_BOUND_RECORD;
    rc = qun_merkle_prove(&out->proof, fetch, reader(v), out->leaf, size);
  } else if (number_at(v, 'g', qun_group_first(seq), &out->leaf) == 0 && out->leaf < size) {
    out->kind = QUN_BOUND_GROUP;
    out->first = qun_group_first(seq);
    out->count = QUN_GROUP_SIZE;
    rc = prove_path(out, v, vault);
    if (rc == 0) rc = qun_merkle_prove(&out->proof, fetch, reader(v), out->leaf, size);
  } else if (find_tail(v, seq, size, out) == 0) {
    out->kind = QUN_BOUND_TAIL;
    out->leaf = 0;
    rc = prove_path(out, v, vault);
  } else {
    out->kind = QUN_BOUND_OPEN;
  }
  return rc < 0 ? qun_error_set(err, QUN_EFAIL, "record %llu cannot be proved in a tree of %llu leaves",
                                (unsigned long long)seq, (unsigned long long)size)
                : 0;
}

int qun_audit_prove_consistency(struct qun_proof *out, const struct qun_view *v, uint64_t from, uint64_t to,
                                struct qun_error *err) {
  int rc = qun_merkle_prove_consistency(out, fetch, reader(v), from, to);
  return rc < 0 ? qun_error_set(err, QUN_EINVAL, "no consistency proof from %llu to %llu leaves",
                                (unsigned long long)from, (unsigned long long)to)
                : 0;
}

int qun_audit_open_group(struct qun_audit_open *out, const struct qun_view *v, const struct qun_vault *vault,
                         struct qun_error *err) {
  struct qun_head head;
  struct qun_audit_tail tail;
  int rc = qun_head_read(v, &head);
  if (rc < 0) return qun_error_set(err, QUN_ECONFLICT, "the store's head cannot be read");
  rc = qun_audit_tail_load(&tail, v, vault, &head, err);
  if (rc < 0) return rc;
  memset(out, 0, sizeof *out);
  out->first = tail.group.first;
  out->count = (uint32_t)tail.group.border.size;
  out->upto = out->first + out->count - 1;
  if (out->count) qun_group_root(&tail.group, out->root);
  return 0;
}
