/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/psi.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct qun_error err;

static void setup(void) {
  cr_assert_geq(sodium_init(), 0);
}

TestSuite(host_bridge_psi, .init = setup);

/* Hashes of "id<n>" for n from `from` on. */
static unsigned char *hashes_of(uint32_t from, uint32_t n) {
  unsigned char *h = malloc((size_t)n * QUN_PSI_HASH_SIZE);
  for (uint32_t i = 0; i < n; i++) {
    char id[32];
    snprintf(id, sizeof id, "id%u", from + i);
    qun_psi_hash(h + (size_t)i * QUN_PSI_HASH_SIZE, qun_str("test"), 'u', qun_str(id));
  }
  return h;
}

static struct qun_psi *party(uint32_t from, uint32_t n) {
  struct qun_psi *p = NULL;
  unsigned char *h = hashes_of(from, n);
  cr_assert_eq(qun_psi_create(&p, h, n, &err), 0, "%s", err.message);
  free(h);
  return p;
}

static struct qun_pack offer_of(struct qun_psi *p) {
  struct qun_pack m;
  qun_pack_init(&m);
  cr_assert_eq(qun_psi_offer(p, &m, &err), 0);
  return m;
}

static uint32_t count_common(struct qun_psi *a, struct qun_psi *b) {
  struct qun_pack oa = offer_of(a), ob = offer_of(b), aa, ab;
  uint32_t n = 0, m = 0;
  qun_pack_init(&aa);
  qun_pack_init(&ab);
  cr_assert_eq(qun_psi_answer(a, qun_pack_slice(&ob), &aa, &err), 0, "%s", err.message);
  cr_assert_eq(qun_psi_answer(b, qun_pack_slice(&oa), &ab, &err), 0, "%s", err.message);
  cr_assert_eq(qun_psi_count(a, qun_pack_slice(&ab), &n, &err), 0, "%s", err.message);
  cr_assert_eq(qun_psi_count(b, qun_pack_slice(&aa), &m, &err), 0, "%s", err.message);
  cr_assert_eq(n, m);
  qun_pack_fini(&oa);
  qun_pack_fini(&ob);
  qun_pack_fini(&aa);
  qun_pack_fini(&ab);
  return n;
}

Test(host_bridge_psi, counts_what_two_sets_share) {
  const struct {
    uint32_t from, n, other_from, other_n, common;
  } sets[] = {{0, 50, 30, 60, 20}, {0, 10, 10, 10, 0}, {5, 40, 5, 40, 40}, {0, 1, 0, 1, 1}, {0, 100, 99, 3, 1}};
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
    struct qun_psi *a = party(sets[i].from, sets[i].n), *b = party(sets[i].other_from, sets[i].other_n);
    cr_assert_eq(count_common(a, b), sets[i].common, "set %zu", i);
    qun_psi_destroy(a);
    qun_psi_destroy(b);
  }
}

Test(host_bridge_psi, shows_other_points_each_time) {
  struct qun_psi *a = party(0, 5), *b = party(0, 5);
  struct qun_pack oa = offer_of(a), ob = offer_of(b);
  cr_assert_eq(oa.len, ob.len);
  for (uint32_t i = 0; i < 5; i++)
    for (uint32_t k = 0; k < 5; k++)
      cr_assert_neq(memcmp(oa.buf + QUN_PSI_HEAD_SIZE + 32 * i, ob.buf + QUN_PSI_HEAD_SIZE + 32 * k, 32), 0);
  qun_pack_fini(&oa);
  qun_pack_fini(&ob);
  qun_psi_destroy(a);
  qun_psi_destroy(b);
}

Test(host_bridge_psi, tells_contexts_and_kinds_of_identifiers_apart) {
  unsigned char a[64], b[64], c[64], d[64];
  qun_psi_hash(a, qun_str("x"), 'u', qun_str("13800000000"));
  qun_psi_hash(b, qun_str("x"), 'p', qun_str("13800000000"));
  qun_psi_hash(c, qun_str("y"), 'p', qun_str("13800000000"));
  qun_psi_hash(d, qun_str("x"), 'u', qun_str("13800000000"));
  cr_assert_neq(memcmp(a, b, 64), 0);
  cr_assert_neq(memcmp(b, c, 64), 0);
  cr_assert_eq(memcmp(a, d, 64), 0);
}

Test(host_bridge_psi, refuses_a_set_with_a_member_twice_or_none) {
  struct qun_psi *p = NULL;
  unsigned char *h = hashes_of(0, 3);
  memcpy(h + 2 * QUN_PSI_HASH_SIZE, h, QUN_PSI_HASH_SIZE);
  cr_assert_eq(qun_psi_create(&p, h, 3, &err), QUN_EINVAL);
  cr_assert(strstr(err.message, "twice"));
  cr_assert_eq(qun_psi_create(&p, h, 0, &err), QUN_EINVAL);
  cr_assert_eq(qun_psi_create(&p, h, QUN_PSI_MAX + 1, &err), QUN_EINVAL);
  cr_assert_null(p);
  free(h);
}

/* What `spoil` does to a good offer of three points must be refused with a sentence that has `word`. */
static void refuse(void (*spoil)(struct qun_pack *m), const char *word) {
  struct qun_psi *a = party(0, 3), *b = party(0, 3);
  struct qun_pack m = offer_of(a), out;
  qun_pack_init(&out);
  spoil(&m);
  err.message[0] = '\0';
  cr_assert_eq(qun_psi_answer(b, qun_pack_slice(&m), &out, &err), QUN_EINVAL, "%s", word);
  cr_assert(strstr(err.message, word), "%s: %s", word, err.message);
  cr_assert_eq(out.len, 0);
  qun_pack_fini(&m);
  qun_pack_fini(&out);
  qun_psi_destroy(a);
  qun_psi_destroy(b);
}

static void identity(struct qun_pack *m) {
  memset(m->buf + QUN_PSI_HEAD_SIZE, 0, 32);
}
static void twice(struct qun_pack *m) {
  memcpy(m->buf + QUN_PSI_HEAD_SIZE + 32, m->buf + QUN_PSI_HEAD_SIZE, 32);
}
static void swapped(struct qun_pack *m) {
  unsigned char t[32];
  memcpy(t, m->buf + QUN_PSI_HEAD_SIZE, 32);
  memcpy(m->buf + QUN_PSI_HEAD_SIZE, m->buf + QUN_PSI_HEAD_SIZE + 32, 32);
  memcpy(m->buf + QUN_PSI_HEAD_SIZE + 32, t, 32);
}
static void not_canonical(struct qun_pack *m) {
  memset(m->buf + QUN_PSI_HEAD_SIZE, 0xff, 32); /* over the field's prime */
}
static void negative(struct qun_pack *m) {
  m->buf[QUN_PSI_HEAD_SIZE] |= 1; /* an odd encoding stands for no element */
}
static void cut(struct qun_pack *m) {
  m->len -= 32;
}
static void longer(struct qun_pack *m) {
  qun_pack_raw(m, qun_slice_of("x", 1));
}
static void empty(struct qun_pack *m) {
  memset(m->buf + 8, 0, 4);
  m->len = QUN_PSI_HEAD_SIZE;
}
static void answer_for_offer(struct qun_pack *m) {
  m->buf[5] = 2;
}
static void huge(struct qun_pack *m) {
  memset(m->buf + 8, 0xff, 4);
}

Test(host_bridge_psi, refuses_bad_points_and_sizes) {
  refuse(identity, "identity");
  refuse(twice, "twice");
  refuse(swapped, "order");
  refuse(not_canonical, "canonical");
  refuse(negative, "canonical");
  refuse(cut, "size");
  refuse(longer, "size");
  refuse(empty, "size");
  refuse(huge, "size");
  refuse(answer_for_offer, "offer");
}

Test(host_bridge_psi, refuses_an_answer_with_another_number_of_points) {
  struct qun_psi *a = party(0, 3), *b = party(0, 4), *c = party(0, 3);
  struct qun_pack ob = offer_of(b), answer, out;
  uint32_t n = 0;
  qun_pack_init(&answer);
  qun_pack_init(&out);
  cr_assert_eq(qun_psi_count(a, qun_pack_slice(&ob), &n, &err), QUN_ECONFLICT);
  cr_assert_eq(qun_psi_answer(a, qun_pack_slice(&ob), &out, &err), 0);
  cr_assert_eq(qun_psi_answer(a, qun_pack_slice(&ob), &out, &err), QUN_ECONFLICT);
  cr_assert_eq(qun_psi_answer(c, qun_pack_slice(&ob), &answer, &err),
               0); /* four points come back to a, which offered three */
  cr_assert_eq(qun_psi_count(a, qun_pack_slice(&answer), &n, &err), QUN_EINVAL);
  cr_assert(strstr(err.message, "4 points where 3"));
  qun_pack_fini(&ob);
  qun_pack_fini(&answer);
  qun_pack_fini(&out);
  qun_psi_destroy(a);
  qun_psi_destroy(b);
  qun_psi_destroy(c);
}
