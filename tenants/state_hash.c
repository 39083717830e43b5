/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/state_hash.h"

#include <sodium.h>
#include <stdlib.h>

static void add(crypto_generichash_state *h, qun_slice s) {
  unsigned char len[8];
  qun_be64(len, s.len);
  crypto_generichash_update(h, len, sizeof len);
  if (s.len) crypto_generichash_update(h, s.ptr, s.len);
}

int qun_state_hash_table(const struct qun_view *v, unsigned table, unsigned char out[QUN_STATE_HASH]) {
  crypto_generichash_state h;
  struct qun_pair pairs[256];
  qun_slice after = {NULL, 0};
  uint32_t n = 256;
  crypto_generichash_init(&h, NULL, 0, QUN_STATE_HASH);
  while (n == 256) {
    int rc = qun_view_scan(v, table, (qun_slice){NULL, 0}, after, pairs, 256, &n);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < n; i++) {
      add(&h, pairs[i].key);
      add(&h, pairs[i].value);
    }
    if (n) after = pairs[n - 1].key;
  }
  crypto_generichash_final(&h, out, QUN_STATE_HASH);
  return 0;
}

static int by_plugin(const void *a, const void *b) {
  return strcmp(((const struct qun_state_part *)a)->plugin, ((const struct qun_state_part *)b)->plugin);
}

void qun_state_hash_tenant(struct qun_state_part *parts, uint32_t n, unsigned char out[QUN_STATE_HASH]) {
  crypto_generichash_state h;
  crypto_generichash_init(&h, NULL, 0, QUN_STATE_HASH);
  if (n) qsort(parts, n, sizeof *parts, by_plugin);
  for (uint32_t i = 0; i < n; i++) {
    unsigned char settings[QUN_STATE_HASH];
    crypto_generichash(settings, sizeof settings, parts[i].settings.ptr, parts[i].settings.len, NULL, 0);
    add(&h, qun_str(parts[i].plugin));
    add(&h, qun_str(parts[i].version));
    add(&h, qun_slice_of(settings, sizeof settings));
    add(&h, qun_slice_of(parts[i].hash, sizeof parts[i].hash));
  }
  crypto_generichash_final(&h, out, QUN_STATE_HASH);
}

void qun_hex(const unsigned char *bytes, size_t n, char *out) {
  sodium_bin2hex(out, 2 * n + 1, bytes, n);
}
