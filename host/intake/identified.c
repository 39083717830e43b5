/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/identified.h"

static uint64_t part(const unsigned char *at) {
  uint64_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

bool qun_identified_has(const struct qun_identified *known, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE]) {
  if (!known) return false;
  uint64_t slot = part(pseudonym + 8) % QUN_IDENTIFIED_SLOTS;
  return atomic_load_explicit(&known->slots[slot], memory_order_relaxed) == (part(pseudonym) | 1);
}

void qun_identified_add(struct qun_identified *known, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE]) {
  if (!known) return;
  uint64_t slot = part(pseudonym + 8) % QUN_IDENTIFIED_SLOTS;
  atomic_store_explicit(&known->slots[slot], part(pseudonym) | 1, memory_order_relaxed);
}
