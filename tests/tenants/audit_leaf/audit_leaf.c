/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/audit_proof.h"

#include <criterion/criterion.h>

static unsigned char hashes[QUN_GROUP_SIZE][QUN_HASH_SIZE];

static void fill(void) {
  for (unsigned i = 0; i < QUN_GROUP_SIZE; i++) {
    unsigned char salt[32] = {(unsigned char)i, 1};
    qun_record_hash(salt, (qun_slice){&i, sizeof i}, hashes[i]);
  }
}

TestSuite(tenants_audit_leaf, .init = fill);

static const unsigned char (*all(void))[QUN_HASH_SIZE] {
  return (const unsigned char(*)[QUN_HASH_SIZE])hashes;
}

static void root_of(uint32_t count, unsigned char out[QUN_HASH_SIZE]) {
  struct qun_group g;
  qun_group_init(&g, 1);
  for (uint32_t i = 0; i < count; i++) qun_group_add(&g, hashes[i]);
  qun_group_root(&g, out);
}

Test(tenants_audit_leaf, leaf_bytes_are_as_the_header_says) {
  unsigned char leaf[QUN_LEAF_RECORD_SIZE], group[QUN_LEAF_GROUP_SIZE];
  qun_leaf_record(0x0102030405060708u, hashes[3], leaf);
  cr_expect(memcmp(leaf, "qun-leaf/1 record\n\1\2\3\4\5\6\7\10", 26) == 0);
  cr_expect(memcmp(leaf + 26, hashes[3], QUN_HASH_SIZE) == 0);
  qun_leaf_group(257, 256, hashes[4], group);
  cr_expect(memcmp(group, "qun-leaf/1 group\n\0\0\0\0\0\0\1\1\0\0\1\0", 29) == 0);
  cr_expect(memcmp(group + 29, hashes[4], QUN_HASH_SIZE) == 0);
}

Test(tenants_audit_leaf, groups_start_at_every_256th_sequence) {
  cr_expect(qun_group_first(1) == 1 && qun_group_first(256) == 1 && qun_group_first(257) == 257 &&
            qun_group_first(512) == 257);
}

Test(tenants_audit_leaf, a_group_is_full_at_256_and_not_before) {
  struct qun_group g;
  qun_group_init(&g, 1);
  for (unsigned i = 0; i < QUN_GROUP_SIZE; i++) cr_expect(qun_group_add(&g, hashes[i]) == (i == 255), "record %u", i);
}

/* A tree of three leaves: a governing record, the group, another governing record. */
static void prove_in_tree(struct qun_bound *b, unsigned char root[QUN_HASH_SIZE]) {
  unsigned char leaves[3][QUN_HASH_SIZE], small[QUN_HASH_SIZE], pair[QUN_HASH_SIZE];
  root_of(QUN_GROUP_SIZE, small);
  qun_leaf_record_hash(7, hashes[6], leaves[0]);
  qun_leaf_group_hash(1, QUN_GROUP_SIZE, small, leaves[1]);
  qun_leaf_record_hash(300, hashes[9], leaves[2]);
  qun_merkle_node(leaves[0], leaves[1], pair);
  qun_merkle_node(pair, leaves[2], root);
  b->proof.count = 2;
  b->leaf = b->kind == QUN_BOUND_RECORD ? 0 : 1;
  memcpy(b->proof.hashes[0], leaves[b->leaf ? 0 : 1], QUN_HASH_SIZE);
  memcpy(b->proof.hashes[1], leaves[2], QUN_HASH_SIZE);
}

static void refused(const struct qun_bound *b, const unsigned char *root, const char *what) {
  struct qun_error err = {0};
  cr_expect(qun_bound_verify(b, 3, root, &err) == QUN_EINVAL, "%s was accepted", what);
  cr_expect(strstr(err.message, "record "), "%s: '%s' names no record", what, err.message);
}

Test(tenants_audit_leaf, a_governing_record_is_proved_by_its_own_leaf) {
  unsigned char root[QUN_HASH_SIZE];
  struct qun_bound b = {.kind = QUN_BOUND_RECORD, .seq = 7}, bad;
  memcpy(b.hash, hashes[6], QUN_HASH_SIZE);
  prove_in_tree(&b, root);
  cr_expect(qun_bound_verify(&b, 3, root, NULL) == 0);
  bad = b;
  bad.seq = 8;
  refused(&bad, root, "another sequence");
  bad = b;
  bad.hash[31] ^= 1;
  refused(&bad, root, "another record hash");
  bad = b;
  bad.leaf = 2;
  refused(&bad, root, "another leaf");
  bad = b;
  bad.kind = QUN_BOUND_OPEN;
  refused(&bad, root, "an open record");
}

Test(tenants_audit_leaf, every_record_of_a_group_is_proved_through_the_groups_leaf) {
  unsigned char root[QUN_HASH_SIZE];
  for (uint32_t i = 0; i < QUN_GROUP_SIZE; i++) {
    struct qun_bound b = {.kind = QUN_BOUND_GROUP, .seq = i + 1, .first = 1, .count = QUN_GROUP_SIZE}, bad;
    memcpy(b.hash, hashes[i], QUN_HASH_SIZE);
    cr_assert(qun_group_prove(&b.path, all(), QUN_GROUP_SIZE, i) == 0);
    prove_in_tree(&b, root);
    cr_expect(qun_bound_verify(&b, 3, root, NULL) == 0, "record %u", i + 1);
    bad = b;
    bad.seq = b.seq % QUN_GROUP_SIZE + 1;
    refused(&bad, root, "another sequence");
    bad = b;
    bad.path.hashes[i % 8][0] ^= 1;
    refused(&bad, root, "another path");
    bad = b;
    bad.first = 257;
    refused(&bad, root, "another group");
    bad = b;
    bad.first = 2;
    refused(&bad, root, "a group that does not start at 1, 257, ...");
    bad = b;
    bad.count = 255;
    refused(&bad, root, "another count");
  }
}

Test(tenants_audit_leaf, every_record_of_a_tail_of_any_length_is_proved_by_the_tails_root) {
  unsigned char root[QUN_HASH_SIZE];
  for (uint32_t count = 1; count < 70; count++) {
    root_of(count, root);
    for (uint32_t i = 0; i < count; i++) {
      struct qun_bound b = {.kind = QUN_BOUND_TAIL, .seq = i + 1, .first = 1, .count = count}, bad;
      memcpy(b.hash, hashes[i], QUN_HASH_SIZE);
      cr_assert(qun_group_prove(&b.path, all(), count, i) == 0);
      cr_expect(qun_bound_verify_tail(&b, 1, count, root, NULL) == 0);
      cr_expect(qun_bound_verify_tail(&b, 1, count + 1, root, NULL) == QUN_EINVAL);
      bad = b;
      bad.hash[0] ^= 1;
      cr_expect(qun_bound_verify_tail(&bad, 1, count, root, NULL) == QUN_EINVAL);
    }
  }
}

Test(tenants_audit_leaf, a_proof_survives_msgpack) {
  static const enum qun_bound_kind kinds[] = {QUN_BOUND_RECORD, QUN_BOUND_GROUP, QUN_BOUND_TAIL, QUN_BOUND_OPEN};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    unsigned char salt[32] = {9}, salt_back[32];
    struct qun_bound b = {.kind = kinds[i], .seq = 12}, back;
    struct qun_pack p;
    memcpy(b.hash, hashes[11], QUN_HASH_SIZE);
    if (b.kind == QUN_BOUND_GROUP || b.kind == QUN_BOUND_TAIL) {
      b.first = 1;
      b.count = 20;
      cr_assert(qun_group_prove(&b.path, all(), 20, 11) == 0);
    }
    if (b.kind == QUN_BOUND_GROUP || b.kind == QUN_BOUND_RECORD) {
      b.leaf = 3;
      cr_assert(qun_group_prove(&b.proof, all(), 9, 3) == 0);
    }
    if (b.kind == QUN_BOUND_TAIL) b.by = 21;
    qun_pack_init(&p);
    qun_bound_write(&p, &b, i % 2 ? salt : NULL);
    cr_assert(qun_mp_valid(qun_pack_slice(&p), 4));
    cr_assert(qun_bound_read(&back, salt_back, qun_pack_slice(&p), NULL) == 0);
    struct qun_pack again;
    qun_pack_init(&again);
    qun_bound_write(&again, &back, i % 2 ? salt_back : NULL);
    cr_expect(qun_slice_eq(qun_pack_slice(&p), qun_pack_slice(&again)));
    qun_pack_fini(&again);
    cr_expect(salt_back[0] == (i % 2 ? 9 : 0));
    qun_pack_fini(&p);
  }
}

Test(tenants_audit_leaf, a_proof_with_a_key_missing_is_refused_by_name) {
  struct qun_error err;
  struct qun_bound b;
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "kind", "record");
  qun_pack_kv_int(&p, "seq", 4);
  cr_expect(qun_bound_read(&b, NULL, qun_pack_slice(&p), &err) == QUN_EINVAL);
  cr_expect(strstr(err.message, "hash"), "%s", err.message);
  qun_pack_fini(&p);
}
