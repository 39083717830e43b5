/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State hashes (DECISIONS 9): BLAKE2b-256 over a keyspace's rows in key order, each key and value behind its length
 * (64-bit big-endian); and a tenant's hash over its plugins in order of id: id, version, hash of settings, hash of
 * keyspace, each behind its length. Cursors, outbox, meta, audit tree and batch boundaries are not in it.
 */
#ifndef QUN_TENANTS_STATE_HASH_H
#define QUN_TENANTS_STATE_HASH_H

#include "tenants/store.h"

enum { QUN_STATE_HASH = 32 };

/* Hash of one keyspace. Blocking: reads it all. */
int qun_state_hash_table(const struct qun_view *v, unsigned table, unsigned char out[QUN_STATE_HASH]);

struct qun_state_part {
  const char *plugin, *version;
  qun_slice settings; /* msgpack map as the plugin gets it */
  unsigned char hash[QUN_STATE_HASH];
};

/* The tenant's hash; sorts `parts` by plugin. */
void qun_state_hash_tenant(struct qun_state_part *parts, uint32_t n, unsigned char out[QUN_STATE_HASH]);
void qun_hex(const unsigned char *bytes, size_t n, char *out); /* 2n digits and a NUL */

#endif
