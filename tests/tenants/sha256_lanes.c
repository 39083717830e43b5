/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/audit_leaf.h"

#include <criterion/criterion.h>

enum { MANY = 70, LONGEST = 700 };

static void fill(unsigned char *at, size_t n, uint32_t x) {
  for (size_t i = 0; i < n; i++) at[i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 24);
}

/* Messages of all lengths around the ends of blocks, in batches of all sizes. */
Test(tenants_sha256_lanes, hashes_each_message_as_one_alone) {
  static unsigned char text[LONGEST + MANY], out[MANY][QUN_SHA256_SIZE], one[QUN_SHA256_SIZE];
  unsigned char key[QUN_SHA256_SIZE];
  struct qun_hmac_sha256 hmac;
  struct qun_sha256_lanes *lanes = qun_sha256_lanes_create();
  qun_slice in[MANY];
  fill(text, sizeof text, 1);
  fill(key, sizeof key, 2);
  qun_hmac_sha256_init(&hmac, key);
  for (uint32_t n = 0; n <= MANY; n++) {
    for (uint32_t i = 0; i < n; i++) in[i] = qun_slice_of(text + i, (n * 31 + i * 7) % LONGEST);
    qun_sha256_of_each(lanes, in, out, n);
    for (uint32_t i = 0; i < n; i++) {
      qun_sha256_of(in[i], one);
      cr_assert_eq(memcmp(out[i], one, sizeof one), 0, "message %u of %u, %u bytes", i, n, (unsigned)in[i].len);
    }
    qun_hmac_sha256_of_each(lanes, &hmac, in, out, n);
    for (uint32_t i = 0; i < n; i++) {
      qun_hmac_sha256_of(&hmac, in[i], one);
      cr_assert_eq(memcmp(out[i], one, sizeof one), 0, "keyed message %u of %u, %u bytes", i, n, (unsigned)in[i].len);
    }
  }
  qun_sha256_lanes_destroy(lanes);
}

Test(tenants_sha256_lanes, grows_a_group_by_parts_as_by_single_records) {
  static unsigned char hashes[QUN_GROUP_SIZE][QUN_HASH_SIZE];
  struct qun_sha256_lanes *lanes = qun_sha256_lanes_create();
  for (uint32_t i = 0; i < QUN_GROUP_SIZE; i++) fill(hashes[i], QUN_HASH_SIZE, i + 3);
  for (uint32_t seed = 1; seed < 60; seed++) {
    struct qun_group parts, singles;
    uint32_t x = seed, upto = seed == 1 ? QUN_GROUP_SIZE : QUN_GROUP_SIZE - seed;
    qun_group_init(&parts, 1);
    qun_group_init(&singles, 1);
    for (uint32_t at = 0, n; at < upto; at += n) {
      x = x * 1664525u + 1013904223u;
      n = seed == 1 ? upto : 1 + (x >> 20) % 90;
      if (n > upto - at) n = upto - at;
      bool full = qun_group_add_each(&parts, (const unsigned char(*)[QUN_HASH_SIZE])hashes + at, n, lanes);
      cr_assert_eq(full, at + n == QUN_GROUP_SIZE);
      for (uint32_t i = at; i < at + n; i++) qun_group_add(&singles, hashes[i]);
      unsigned char a[QUN_HASH_SIZE], b[QUN_HASH_SIZE];
      qun_group_root(&parts, a);
      qun_group_root(&singles, b);
      cr_assert_eq(parts.border.size, singles.border.size);
      cr_assert_eq(memcmp(a, b, sizeof a), 0, "after %u records", at + n);
    }
  }
  qun_sha256_lanes_destroy(lanes);
}
