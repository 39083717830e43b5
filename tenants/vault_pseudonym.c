/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudonyms, and a memory of those that were asked for last: the same people write again and again, and keyed BLAKE2b
 * costs about 0.3 us.
 *
 * The memory is a table of slots {k0 ^ p0, k1 ^ p1, p0, p1}, where k is SipHash-2-4-128 of the id under a key of its own
 * and p the pseudonym. All four are read and written without order between threads: a slot whose words come from two
 * writers gives no k that anybody asks for, unless both wrote the same. So a wrong pseudonym needs a collision of 128
 * keyed bits. The ids themselves are not kept.
 */
#include "tenants/vault_internal.h"

#include <stdlib.h>

enum { SLOTS = 2048 };

struct slot {
  _Atomic uint64_t words[4];
};

struct qun__pseudonyms {
  struct slot slots[SLOTS]; /* zeroed pages that nobody touched cost nothing */
};

int qun__pseudonyms_create(struct qun__pseudonyms **out) {
  *out = calloc(1, sizeof **out);
  return *out ? 0 : QUN_EFAIL;
}

void qun__pseudonyms_destroy(struct qun__pseudonyms *p) {
  free(p);
}

size_t qun__pseudonyms_bytes(void) {
  return sizeof(struct qun__pseudonyms);
}

static bool recall(struct slot *s, const uint64_t key[2], uint64_t pseudonym[2]) {
  uint64_t words[4];
  for (int i = 0; i < 4; i++) words[i] = atomic_load_explicit(&s->words[i], memory_order_relaxed);
  pseudonym[0] = words[2];
  pseudonym[1] = words[3];
  return (words[0] ^ words[2]) == key[0] && (words[1] ^ words[3]) == key[1];
}

static void remember(struct slot *s, const uint64_t key[2], const uint64_t pseudonym[2]) {
  const uint64_t words[4] = {key[0] ^ pseudonym[0], key[1] ^ pseudonym[1], pseudonym[0], pseudonym[1]};
  for (int i = 0; i < 4; i++) atomic_store_explicit(&s->words[i], words[i], memory_order_relaxed);
}

void qun_vault_pseudonym(const struct qun_vault *v, qun_slice id, unsigned char out[QUN_PSEUDONYM_SIZE]) {
  uint64_t key[2], pseudonym[2];
  _Static_assert(sizeof key == crypto_shorthash_siphashx24_BYTES && sizeof pseudonym == QUN_PSEUDONYM_SIZE, "sizes");
  crypto_shorthash_siphashx24((unsigned char *)key, id.ptr, id.len, v->secrets->recall);
  struct slot *s = &v->pseudonyms->slots[key[0] % SLOTS];
  if (!recall(s, key, pseudonym)) {
    crypto_generichash((unsigned char *)pseudonym, QUN_PSEUDONYM_SIZE, id.ptr, id.len, v->secrets->pseudonym, 32);
    remember(s, key, pseudonym);
  }
  memcpy(out, pseudonym, QUN_PSEUDONYM_SIZE);
}
