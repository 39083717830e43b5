/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/merkle.h"

#include <criterion/criterion.h>

enum { MOST = 70, LEVELS = 8 };

/* The definition of RFC 6962 section 2.1, by recursion over the leaves: what the stored tree is held against. */
static void by_definition(const unsigned char (*leaves)[QUN_HASH_SIZE], uint64_t n, unsigned char out[QUN_HASH_SIZE]) {
  unsigned char left[QUN_HASH_SIZE], right[QUN_HASH_SIZE];
  uint64_t k = 1;
  if (n == 0) {
    qun_merkle_empty(out);
    return;
  }
  if (n == 1) {
    memcpy(out, leaves[0], QUN_HASH_SIZE);
    return;
  }
  while (k * 2 < n) k *= 2;
  by_definition(leaves, k, left);
  by_definition(leaves + k, n - k, right);
  qun_merkle_node(left, right, out);
}

static struct tree {
  unsigned char nodes[LEVELS][MOST][QUN_HASH_SIZE];
  unsigned char roots[MOST + 1][QUN_HASH_SIZE];
  unsigned fetched;
  uint64_t size;
} tree;

static int store(void *arg, uint32_t level, uint64_t index, const unsigned char hash[QUN_HASH_SIZE]) {
  struct tree *t = arg;
  cr_assert(level < LEVELS && index < MOST);
  memcpy(t->nodes[level][index], hash, QUN_HASH_SIZE);
  return 0;
}

static int fetch(void *arg, uint32_t level, uint64_t index, unsigned char out[QUN_HASH_SIZE]) {
  struct tree *t = arg;
  cr_assert(level < LEVELS && ((index + 1) << level) <= t->size, "asked for a subtree that is not complete");
  memcpy(out, t->nodes[level][index], QUN_HASH_SIZE);
  t->fetched++;
  return 0;
}

/* xorshift: the same bits on every run */
static uint64_t next_random(void) {
  static uint64_t state = 0x9e3779b97f4a7c15u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static void grow(void) {
  struct qun_merkle_border border;
  qun_merkle_border_init(&border);
  for (uint64_t i = 0; i <= MOST; i++) {
    unsigned char leaf[QUN_HASH_SIZE];
    uint64_t data = next_random();
    qun_merkle_border_root(&border, tree.roots[i]);
    if (i == MOST) break;
    qun_merkle_leaf((qun_slice){&data, sizeof data}, leaf);
    cr_assert(qun_merkle_border_add(&border, leaf, store, &tree) == 0);
    tree.size = i + 1;
  }
}

TestSuite(tenants_merkle, .init = grow);

Test(tenants_merkle, every_root_is_that_of_the_definition) {
  for (uint64_t n = 0; n <= MOST; n++) {
    unsigned char root[QUN_HASH_SIZE];
    by_definition((const unsigned char(*)[QUN_HASH_SIZE])tree.nodes[0], n, root);
    cr_expect(memcmp(root, tree.roots[n], QUN_HASH_SIZE) == 0, "border, size %llu", (unsigned long long)n);
    cr_assert(qun_merkle_root(root, fetch, &tree, n) == 0);
    cr_expect(memcmp(root, tree.roots[n], QUN_HASH_SIZE) == 0, "stored, size %llu", (unsigned long long)n);
  }
}

Test(tenants_merkle, a_loaded_border_goes_on_like_the_one_that_was_kept) {
  for (uint64_t n = 0; n < MOST; n++) {
    struct qun_merkle_border border;
    unsigned char root[QUN_HASH_SIZE];
    cr_assert(qun_merkle_border_load(&border, fetch, &tree, n) == 0);
    cr_assert(qun_merkle_border_add(&border, tree.nodes[0][n], NULL, NULL) == 0);
    qun_merkle_border_root(&border, root);
    cr_expect(memcmp(root, tree.roots[n + 1], QUN_HASH_SIZE) == 0, "size %llu", (unsigned long long)n);
  }
}

/* Every proof with one thing wrong is refused: a bit, a hash too many or too few, another leaf, place or size. */
static void spoil_inclusion(uint64_t i, uint64_t n, const struct qun_proof *p) {
  const unsigned char *leaf = tree.nodes[0][i], *root = tree.roots[n];
  struct qun_proof bad;
  for (uint32_t k = 0; k < p->count; k++) {
    bad = *p;
    bad.hashes[k][next_random() % QUN_HASH_SIZE] ^= (unsigned char)(1u << next_random() % 8);
    cr_expect(qun_merkle_verify(i, n, leaf, &bad, root, NULL) == QUN_EINVAL);
  }
  bad = *p;
  memcpy(bad.hashes[bad.count++], root, QUN_HASH_SIZE);
  cr_expect(qun_merkle_verify(i, n, leaf, &bad, root, NULL) == QUN_EINVAL, "a hash too many");
  if (p->count) {
    bad.count -= 2;
    cr_expect(qun_merkle_verify(i, n, leaf, &bad, root, NULL) == QUN_EINVAL, "a hash too few");
    memmove(bad.hashes[0], p->hashes[1], (p->count - 1u) * QUN_HASH_SIZE);
    cr_expect(qun_merkle_verify(i, n, leaf, &bad, root, NULL) == QUN_EINVAL, "its first hash missing");
  }
  if (n > 1) cr_expect(qun_merkle_verify((i + 1) % n, n, leaf, p, root, NULL) == QUN_EINVAL, "another place");
  if (n > 1)
    cr_expect(qun_merkle_verify(i, n, tree.nodes[0][(i + 1) % n], p, root, NULL) == QUN_EINVAL, "another leaf");
  cr_expect(qun_merkle_verify(i, n, leaf, p, tree.roots[n - 1], NULL) == QUN_EINVAL, "another root");
}

Test(tenants_merkle, every_leaf_of_every_size_is_proved_by_few_nodes_and_spoilt_proofs_are_refused) {
  struct qun_proof p;
  for (uint64_t n = 1; n <= MOST; n++) {
    for (uint64_t i = 0; i < n; i++) {
      tree.fetched = 0;
      cr_assert(qun_merkle_prove(&p, fetch, &tree, i, n) == 0);
      cr_expect(tree.fetched <= 14, "%u nodes read", tree.fetched);
      cr_expect(qun_merkle_verify(i, n, tree.nodes[0][i], &p, tree.roots[n], NULL) == 0, "leaf %llu of %llu",
                (unsigned long long)i, (unsigned long long)n);
      spoil_inclusion(i, n, &p);
    }
    cr_expect(qun_merkle_prove(&p, fetch, &tree, n, n) == QUN_EINVAL);
  }
}

static void spoil_consistency(uint64_t from, uint64_t to, const struct qun_proof *p) {
  const unsigned char *a = tree.roots[from], *b = tree.roots[to];
  struct qun_proof bad;
  for (uint32_t k = 0; k < p->count; k++) {
    bad = *p;
    bad.hashes[k][next_random() % QUN_HASH_SIZE] ^= (unsigned char)(1u << next_random() % 8);
    cr_expect(qun_merkle_verify_consistency(from, to, a, b, &bad, NULL) == QUN_EINVAL);
  }
  bad = *p;
  memcpy(bad.hashes[bad.count++], b, QUN_HASH_SIZE);
  cr_expect(qun_merkle_verify_consistency(from, to, a, b, &bad, NULL) == QUN_EINVAL, "a hash too many");
  if (p->count) {
    bad.count -= 2;
    cr_expect(qun_merkle_verify_consistency(from, to, a, b, &bad, NULL) == QUN_EINVAL, "a hash too few");
  }
  if (from == to) return;
  cr_expect(qun_merkle_verify_consistency(from, to, b, a, p, NULL) == QUN_EINVAL, "roots swapped");
  cr_expect(qun_merkle_verify_consistency(to, from, b, a, p, NULL) == QUN_EINVAL, "backwards");
  cr_expect(qun_merkle_verify_consistency(from - 1, to, a, b, p, NULL) == QUN_EINVAL, "another old size");
}

Test(tenants_merkle, every_pair_of_sizes_is_proved_consistent_and_spoilt_proofs_are_refused) {
  struct qun_proof p;
  for (uint64_t to = 1; to <= MOST; to++) {
    for (uint64_t from = 1; from <= to; from++) {
      tree.fetched = 0;
      cr_assert(qun_merkle_prove_consistency(&p, fetch, &tree, from, to) == 0);
      cr_expect(tree.fetched <= 14, "%u nodes read", tree.fetched);
      cr_expect(qun_merkle_verify_consistency(from, to, tree.roots[from], tree.roots[to], &p, NULL) == 0,
                "%llu to %llu", (unsigned long long)from, (unsigned long long)to);
      spoil_consistency(from, to, &p);
    }
  }
  cr_expect(qun_merkle_prove_consistency(&p, fetch, &tree, 5, 4) == QUN_EINVAL);
  cr_assert(qun_merkle_prove_consistency(&p, fetch, &tree, 0, 4) == 0);
  cr_expect(p.count == 0);
  cr_expect(qun_merkle_verify_consistency(0, 4, tree.roots[0], tree.roots[4], &p, NULL) == QUN_EINVAL);
  cr_expect(qun_merkle_verify_consistency(0, 0, tree.roots[0], tree.roots[0], &p, NULL) == 0);
}

static int refuse(void *arg, uint32_t level, uint64_t index, const unsigned char hash[QUN_HASH_SIZE]) {
  (void)arg, (void)index, (void)hash;
  return level == 1 ? QUN_EFAIL : 0;
}

Test(tenants_merkle, a_border_stays_as_it_was_when_a_node_cannot_be_stored) {
  struct qun_merkle_border border, before;
  qun_merkle_border_init(&border);
  cr_assert(qun_merkle_border_add(&border, tree.nodes[0][0], refuse, NULL) == 0);
  before = border;
  cr_expect(qun_merkle_border_add(&border, tree.nodes[0][1], refuse, NULL) == QUN_EFAIL);
  cr_expect(memcmp(&before, &border, sizeof border) == 0);
}

Test(tenants_merkle, refuses_what_overflows) {
  struct qun_proof none = {.count = 0}, full = {.count = QUN_PROOF_MAX};
  const unsigned char *leaf = tree.nodes[0][0];
  cr_expect(qun_merkle_verify(0, 0, leaf, &none, leaf, NULL) == QUN_EINVAL);
  cr_expect(qun_merkle_verify(UINT64_MAX, 1, leaf, &none, leaf, NULL) == QUN_EINVAL);
  cr_expect(qun_merkle_verify(UINT64_MAX - 1, UINT64_MAX, leaf, &full, leaf, NULL) == QUN_EINVAL);
  cr_expect(qun_merkle_verify_consistency(1, UINT64_MAX, leaf, leaf, &full, NULL) == QUN_EINVAL);
  cr_expect(qun_merkle_verify_consistency(UINT64_MAX - 1, UINT64_MAX, leaf, leaf, &full, NULL) == QUN_EINVAL);
}
