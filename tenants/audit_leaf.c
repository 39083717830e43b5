/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/audit_leaf.h"

static const char record_label[] = "qun-leaf/1 record\n", group_label[] = "qun-leaf/1 group\n";

enum { RECORD_LABEL = sizeof record_label - 1, GROUP_LABEL = sizeof group_label - 1 };

_Static_assert(QUN_LEAF_RECORD_SIZE == RECORD_LABEL + 8 + QUN_HASH_SIZE, "size of a record's leaf");
_Static_assert(QUN_LEAF_GROUP_SIZE == GROUP_LABEL + 8 + 4 + QUN_HASH_SIZE, "size of a group's leaf");

static void put_number(unsigned char *at, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; i--, value >>= 8) at[i] = (unsigned char)value;
}

void qun_record_hash(const unsigned char salt[32], qun_slice bytes, unsigned char out[QUN_HASH_SIZE]) {
  struct qun_sha256 s;
  qun_sha256_init(&s);
  qun_sha256_update(&s, salt, 32);
  qun_sha256_update(&s, bytes.ptr, bytes.len);
  qun_sha256_final(&s, out);
}

void qun_leaf_record(uint64_t seq, const unsigned char record_hash[QUN_HASH_SIZE],
                     unsigned char out[QUN_LEAF_RECORD_SIZE]) {
  memcpy(out, record_label, RECORD_LABEL);
  put_number(out + RECORD_LABEL, seq, 8);
  memcpy(out + RECORD_LABEL + 8, record_hash, QUN_HASH_SIZE);
}

void qun_leaf_group(uint64_t first, uint32_t count, const unsigned char root[QUN_HASH_SIZE],
                    unsigned char out[QUN_LEAF_GROUP_SIZE]) {
  memcpy(out, group_label, GROUP_LABEL);
  put_number(out + GROUP_LABEL, first, 8);
  put_number(out + GROUP_LABEL + 8, count, 4);
  memcpy(out + GROUP_LABEL + 12, root, QUN_HASH_SIZE);
}

void qun_leaf_record_hash(uint64_t seq, const unsigned char record_hash[QUN_HASH_SIZE],
                          unsigned char out[QUN_HASH_SIZE]) {
  unsigned char leaf[QUN_LEAF_RECORD_SIZE];
  qun_leaf_record(seq, record_hash, leaf);
  qun_merkle_leaf((qun_slice){leaf, sizeof leaf}, out);
}

void qun_leaf_group_hash(uint64_t first, uint32_t count, const unsigned char root[QUN_HASH_SIZE],
                         unsigned char out[QUN_HASH_SIZE]) {
  unsigned char leaf[QUN_LEAF_GROUP_SIZE];
  qun_leaf_group(first, count, root, leaf);
  qun_merkle_leaf((qun_slice){leaf, sizeof leaf}, out);
}

uint64_t qun_group_first(uint64_t seq) {
  return (seq - 1) / QUN_GROUP_SIZE * QUN_GROUP_SIZE + 1;
}

/* ---- a group */

void qun_group_init(struct qun_group *g, uint64_t first) {
  g->first = first;
  qun_merkle_border_init(&g->border);
}

bool qun_group_add(struct qun_group *g, const unsigned char record_hash[QUN_HASH_SIZE]) {
  unsigned char leaf[QUN_HASH_SIZE];
  qun_merkle_leaf((qun_slice){record_hash, QUN_HASH_SIZE}, leaf);
  qun_merkle_border_add(&g->border, leaf, NULL, NULL);
  return g->border.size == QUN_GROUP_SIZE;
}

bool qun_group_add_each(struct qun_group *g, const unsigned char (*record_hashes)[QUN_HASH_SIZE], uint32_t n,
                        struct qun_sha256_lanes *lanes) {
  unsigned char texts[QUN_GROUP_SIZE][1 + QUN_HASH_SIZE], hashes[QUN_GROUP_SIZE][QUN_HASH_SIZE];
  qun_slice in[QUN_GROUP_SIZE];
  for (uint32_t i = 0; i < n; i++) { /* qun_merkle_leaf of each */
    texts[i][0] = 0x00;
    memcpy(texts[i] + 1, record_hashes[i], QUN_HASH_SIZE);
    in[i] = qun_slice_of(texts[i], sizeof texts[i]);
  }
  qun_sha256_of_each(lanes, in, hashes, n);
  qun_merkle_border_add_each(&g->border, hashes, n, lanes);
  return g->border.size == QUN_GROUP_SIZE;
}

void qun_group_root(const struct qun_group *g, unsigned char out[QUN_HASH_SIZE]) {
  qun_merkle_border_root(&g->border, out);
}

/* A small tree's nodes are computed when asked for. */
static int fetch_small(void *arg, uint32_t level, uint64_t index, unsigned char out[QUN_HASH_SIZE]) {
  const unsigned char(*hashes)[QUN_HASH_SIZE] = *(const unsigned char(**)[QUN_HASH_SIZE])arg;
  struct qun_group part;
  qun_group_init(&part, 0);
  for (uint64_t i = index << level; i < (index + 1) << level; i++) qun_group_add(&part, hashes[i]);
  qun_group_root(&part, out);
  return 0;
}

int qun_group_prove(struct qun_proof *out, const unsigned char (*hashes)[QUN_HASH_SIZE], uint32_t count,
                    uint32_t index) {
  return qun_merkle_prove(out, fetch_small, &hashes, index, count);
}

/* ---- verifying */

static int small_root(const struct qun_bound *b, unsigned char out[QUN_HASH_SIZE], struct qun_error *err) {
  unsigned char leaf[QUN_HASH_SIZE];
  unsigned long long seq = b->seq;
  if (b->count > QUN_GROUP_SIZE || b->first != qun_group_first(b->first))
    return qun_error_set(err, QUN_EINVAL, "record %llu: there is no group of %u records from %llu on", seq, b->count,
                         (unsigned long long)b->first);
  if (b->seq < b->first || b->seq - b->first >= b->count)
    return qun_error_set(err, QUN_EINVAL, "record %llu: not in the group of %u records from %llu on", seq, b->count,
                         (unsigned long long)b->first);
  qun_merkle_leaf((qun_slice){b->hash, QUN_HASH_SIZE}, leaf);
  int code = qun_merkle_root_of_proof(out, b->seq - b->first, b->count, leaf, &b->path, err);
  if (code) qun_error_prefix(err, "record %llu: path in its group", seq);
  return code;
}

int qun_bound_verify(const struct qun_bound *b, uint64_t size, const unsigned char root[QUN_HASH_SIZE],
                     struct qun_error *err) {
  unsigned char leaf[QUN_HASH_SIZE], group[QUN_HASH_SIZE];
  if (b->kind == QUN_BOUND_RECORD) {
    qun_leaf_record_hash(b->seq, b->hash, leaf);
  } else if (b->kind == QUN_BOUND_GROUP) {
    int code = small_root(b, group, err);
    if (code) return code;
    qun_leaf_group_hash(b->first, b->count, group, leaf);
  } else {
    return qun_error_set(err, QUN_EINVAL, "record %llu: not bound to the tree by a leaf", (unsigned long long)b->seq);
  }
  int code = qun_merkle_verify(b->leaf, size, leaf, &b->proof, root, err);
  if (code) qun_error_prefix(err, "record %llu", (unsigned long long)b->seq);
  return code;
}

int qun_bound_verify_tail(const struct qun_bound *b, uint64_t first, uint64_t upto,
                          const unsigned char root[QUN_HASH_SIZE], struct qun_error *err) {
  unsigned char group[QUN_HASH_SIZE];
  if (b->kind != QUN_BOUND_TAIL || b->first != first || upto < first || b->count != upto - first + 1)
    return qun_error_set(err, QUN_EINVAL, "record %llu: not bound to the tail from %llu to %llu",
                         (unsigned long long)b->seq, (unsigned long long)first, (unsigned long long)upto);
  int code = small_root(b, group, err);
  if (!code && memcmp(group, root, QUN_HASH_SIZE) != 0)
    code = qun_error_set(err, QUN_EINVAL, "record %llu: its path leads to another root of the tail",
                         (unsigned long long)b->seq);
  return code;
}
