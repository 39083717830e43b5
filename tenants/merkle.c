/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/merkle.h"

#include <stdbool.h>

void qun_merkle_leaf(qun_slice data, unsigned char out[QUN_HASH_SIZE]) {
  static const unsigned char prefix = 0x00;
  struct qun_sha256 s;
  qun_sha256_init(&s);
  qun_sha256_update(&s, &prefix, 1);
  qun_sha256_update(&s, data.ptr, data.len);
  qun_sha256_final(&s, out);
}

void qun_merkle_node(const unsigned char left[QUN_HASH_SIZE], const unsigned char right[QUN_HASH_SIZE],
                     unsigned char out[QUN_HASH_SIZE]) {
  unsigned char text[1 + 2 * QUN_HASH_SIZE] = {0x01};
  memcpy(text + 1, left, QUN_HASH_SIZE);
  memcpy(text + 1 + QUN_HASH_SIZE, right, QUN_HASH_SIZE);
  qun_sha256_of((qun_slice){text, sizeof text}, out);
}

void qun_merkle_empty(unsigned char out[QUN_HASH_SIZE]) {
  qun_sha256_of((qun_slice){NULL, 0}, out);
}

/* ---- growing */

void qun_merkle_border_init(struct qun_merkle_border *b) {
  memset(b, 0, sizeof *b);
}

int qun_merkle_border_load(struct qun_merkle_border *b, qun_merkle_fetch fetch, void *arg, uint64_t size) {
  qun_merkle_border_init(b);
  for (uint32_t level = 0; level < 64; level++) {
    if (!(size >> level & 1)) continue;
    int code = fetch(arg, level, (size >> level) - 1, b->nodes[level]);
    if (code < 0) return code;
  }
  b->size = size;
  return 0;
}

int qun_merkle_border_add(struct qun_merkle_border *b, const unsigned char leaf[QUN_HASH_SIZE], qun_merkle_store store,
                          void *arg) {
  unsigned char hash[QUN_HASH_SIZE];
  uint32_t level = 0;
  memcpy(hash, leaf, sizeof hash);
  int code = store ? store(arg, 0, b->size, hash) : 0;
  for (; code >= 0 && b->size >> level & 1; level++) {
    qun_merkle_node(b->nodes[level], hash, hash);
    if (store) code = store(arg, level + 1, b->size >> (level + 1), hash);
  }
  if (code < 0) return code;
  memcpy(b->nodes[level], hash, sizeof hash);
  b->size++;
  return 0;
}

enum { PAIRS = 128 };

/* hashes[i] becomes the node over hashes[2i] and hashes[2i + 1]. */
static void fold_pairs(unsigned char (*hashes)[QUN_HASH_SIZE], uint32_t pairs, struct qun_sha256_lanes *lanes) {
  unsigned char texts[PAIRS][1 + 2 * QUN_HASH_SIZE];
  qun_slice in[PAIRS];
  for (uint32_t from = 0; from < pairs; from += PAIRS) {
    uint32_t n = pairs - from < PAIRS ? pairs - from : PAIRS;
    for (uint32_t i = 0; i < n; i++) {
      texts[i][0] = 0x01;
      memcpy(texts[i] + 1, hashes[2 * (from + i)], sizeof texts[i] - 1);
      in[i] = qun_slice_of(texts[i], sizeof texts[i]);
    }
    qun_sha256_of_each(lanes, in, hashes + from, n);
  }
}

/* Level by level: the border's own node of the level comes before the new ones, and what is left over after pairing is
   the new border's. */
void qun_merkle_border_add_each(struct qun_merkle_border *b, unsigned char (*hashes)[QUN_HASH_SIZE], uint32_t n,
                                struct qun_sha256_lanes *lanes) {
  uint64_t size = b->size;
  b->size += n;
  for (uint32_t level = 0; n > 0; level++) {
    uint32_t skip = 0;
    if (size >> level & 1) { /* that one and the first new one make a pair */
      qun_merkle_node(b->nodes[level], hashes[0], hashes[0]);
      skip = 1;
    }
    uint32_t pairs = (n - skip) / 2;
    if ((n - skip) & 1) memcpy(b->nodes[level], hashes[n - 1], QUN_HASH_SIZE);
    fold_pairs(hashes + skip, pairs, lanes);
    n = pairs + skip;
  }
}

void qun_merkle_border_root(const struct qun_merkle_border *b, unsigned char out[QUN_HASH_SIZE]) {
  bool first = true;
  if (b->size == 0) qun_merkle_empty(out);
  for (uint32_t level = 0; level < 64; level++) {
    if (!(b->size >> level & 1)) continue;
    if (first)
      memcpy(out, b->nodes[level], QUN_HASH_SIZE);
    else
      qun_merkle_node(b->nodes[level], out, out);
    first = false;
  }
}

/* ---- over a stored tree */

/* The largest power of two below n, for n of 2 or more. */
static uint64_t split(uint64_t n) {
  return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

/* The hash of leaves [first, first + count), where `first` is a multiple of a power of two that is at least `count`:
   complete subtrees of falling size, folded from the right. */
static int range_hash(qun_merkle_fetch fetch, void *arg, uint64_t first, uint64_t count,
                      unsigned char out[QUN_HASH_SIZE]) {
  unsigned char left[QUN_HASH_SIZE];
  bool have = false;
  for (uint32_t level = 0; level < 64; level++) {
    if (!(count >> level & 1)) continue;
    uint64_t before = count >> level >> 1 << 1 << level; /* leaves in the larger subtrees to the left */
    int code = fetch(arg, level, (first + before) >> level, have ? left : out);
    if (code < 0) return code;
    if (have) qun_merkle_node(left, out, out);
    have = true;
  }
  return 0;
}

static void turn_round(struct qun_proof *p) {
  unsigned char hash[QUN_HASH_SIZE];
  for (uint32_t i = 0; i < p->count / 2; i++) {
    unsigned char *a = p->hashes[i], *b = p->hashes[p->count - 1 - i];
    memcpy(hash, a, sizeof hash);
    memcpy(a, b, sizeof hash);
    memcpy(b, hash, sizeof hash);
  }
}

int qun_merkle_root(unsigned char out[QUN_HASH_SIZE], qun_merkle_fetch fetch, void *arg, uint64_t size) {
  if (size == 0) {
    qun_merkle_empty(out);
    return 0;
  }
  return range_hash(fetch, arg, 0, size, out);
}

int qun_merkle_prove(struct qun_proof *out, qun_merkle_fetch fetch, void *arg, uint64_t index, uint64_t size) {
  struct qun_proof p = {.count = 0};
  uint64_t first = 0;
  if (index >= size) return QUN_EINVAL;
  for (uint64_t n = size; n > 1;) {
    uint64_t k = split(n);
    bool left = index - first < k;
    int code = range_hash(fetch, arg, left ? first + k : first, left ? n - k : k, p.hashes[p.count]);
    if (code < 0) return code;
    p.count++;
    if (!left) first += k;
    n = left ? k : n - k;
  }
  turn_round(&p);
  *out = p;
  return 0;
}

int qun_merkle_prove_consistency(struct qun_proof *out, qun_merkle_fetch fetch, void *arg, uint64_t from, uint64_t to) {
  struct qun_proof p = {.count = 0};
  uint64_t first = 0, m = from, n = to;
  bool whole = true; /* the subtree in hand is the old tree itself, whose root the verifier knows */
  int code = 0;
  if (from > to) return QUN_EINVAL;
  while (from > 0 && m != n) {
    uint64_t k = split(n);
    bool left = m <= k;
    code = range_hash(fetch, arg, left ? first + k : first, left ? n - k : k, p.hashes[p.count]);
    if (code < 0) return code;
    p.count++;
    if (left) {
      n = k;
    } else {
      whole = false;
      first += k;
      m -= k;
      n -= k;
    }
  }
  if (!whole) {
    code = range_hash(fetch, arg, first, n, p.hashes[p.count]);
    if (code < 0) return code;
    p.count++;
  }
  turn_round(&p);
  *out = p;
  return 0;
}

/* ---- verifying */

static int wrong_length(const struct qun_proof *proof, struct qun_error *err) {
  return qun_error_set(err, QUN_EINVAL, "the proof has %u hashes, which does not fit a tree of this size",
                       proof->count);
}

int qun_merkle_root_of_proof(unsigned char out[QUN_HASH_SIZE], uint64_t index, uint64_t size,
                             const unsigned char leaf[QUN_HASH_SIZE], const struct qun_proof *proof,
                             struct qun_error *err) {
  unsigned char hash[QUN_HASH_SIZE];
  uint64_t node = index, last = size - 1;
  if (index >= size)
    return qun_error_set(err, QUN_EINVAL, "leaf %llu is not in a tree of %llu leaves", (unsigned long long)index,
                         (unsigned long long)size);
  memcpy(hash, leaf, sizeof hash);
  for (uint32_t i = 0; i < proof->count; i++) {
    if (last == 0) return wrong_length(proof, err);
    if (node & 1 || node == last) {
      qun_merkle_node(proof->hashes[i], hash, hash);
      for (; !(node & 1) && node; node >>= 1) last >>= 1;
    } else {
      qun_merkle_node(hash, proof->hashes[i], hash);
    }
    node >>= 1;
    last >>= 1;
  }
  if (last != 0) return wrong_length(proof, err);
  memcpy(out, hash, sizeof hash);
  return 0;
}

int qun_merkle_verify(uint64_t index, uint64_t size, const unsigned char leaf[QUN_HASH_SIZE],
                      const struct qun_proof *proof, const unsigned char root[QUN_HASH_SIZE], struct qun_error *err) {
  unsigned char hash[QUN_HASH_SIZE];
  int code = qun_merkle_root_of_proof(hash, index, size, leaf, proof, err);
  if (!code && memcmp(hash, root, sizeof hash) != 0)
    code = qun_error_set(err, QUN_EINVAL, "the proof of leaf %llu leads to another root", (unsigned long long)index);
  return code;
}

/* RFC 9162 2.1.4.2 from its step 3 on: `old_root` and `new_root` are rebuilt together. */
static int rebuild_roots(uint64_t from, uint64_t to, const unsigned char from_root[QUN_HASH_SIZE],
                         const struct qun_proof *proof, unsigned char old_root[QUN_HASH_SIZE],
                         unsigned char new_root[QUN_HASH_SIZE], struct qun_error *err) {
  uint64_t node = from - 1, last = to - 1;
  bool power = (from & (from - 1)) == 0; /* then the old root itself is the first hash */
  uint32_t i = power ? 0 : 1;
  if (proof->count == 0) return wrong_length(proof, err);
  for (; node & 1; node >>= 1) last >>= 1;
  memcpy(old_root, power ? from_root : proof->hashes[0], QUN_HASH_SIZE);
  memcpy(new_root, old_root, QUN_HASH_SIZE);
  for (; i < proof->count; i++) {
    if (last == 0) return wrong_length(proof, err);
    if (node & 1 || node == last) {
      qun_merkle_node(proof->hashes[i], old_root, old_root);
      qun_merkle_node(proof->hashes[i], new_root, new_root);
      for (; !(node & 1) && node; node >>= 1) last >>= 1;
    } else {
      qun_merkle_node(new_root, proof->hashes[i], new_root);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 ? 0 : wrong_length(proof, err);
}

int qun_merkle_verify_consistency(uint64_t from, uint64_t to, const unsigned char from_root[QUN_HASH_SIZE],
                                  const unsigned char to_root[QUN_HASH_SIZE], const struct qun_proof *proof,
                                  struct qun_error *err) {
  unsigned char old_root[QUN_HASH_SIZE], new_root[QUN_HASH_SIZE];
  unsigned long long a = from, b = to;
  if (from > to) return qun_error_set(err, QUN_EINVAL, "a tree of %llu leaves cannot come before one of %llu", a, b);
  if (from == to && proof->count) return qun_error_set(err, QUN_EINVAL, "two trees of %llu leaves need no proof", a);
  if (from == to && memcmp(from_root, to_root, QUN_HASH_SIZE) != 0)
    return qun_error_set(err, QUN_EINVAL, "two trees of %llu leaves have different roots", a);
  if (from == to) return 0;
  if (from == 0) return qun_error_set(err, QUN_EINVAL, "nothing can be proved from an empty tree");
  int code = rebuild_roots(from, to, from_root, proof, old_root, new_root, err);
  if (!code && memcmp(old_root, from_root, QUN_HASH_SIZE) != 0)
    code = qun_error_set(err, QUN_EINVAL, "the consistency proof does not start from the old root of %llu leaves", a);
  if (!code && memcmp(new_root, to_root, QUN_HASH_SIZE) != 0)
    code = qun_error_set(err, QUN_EINVAL, "the consistency proof does not lead to the new root of %llu leaves", b);
  return code;
}
