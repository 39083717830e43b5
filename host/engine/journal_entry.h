/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of the journal: a batch of inputs for one tenant, as bytes. Also what a spill file holds.
 *
 * Layout, numbers little-endian, padded to 8 bytes:
 *   u32 magic "QJE1", u32 length of the body, u64 number (the journal position), u64 checksum
 *   body: incarnation 16 bytes, receive time i64, count u32, name length u8, name; then for each input
 *     u32 flags, u32 type flags, i64 time, u64 member number, u8 has member, member 16 bytes, digest 8 bytes,
 *     u32 lengths of origin, type, id, source, subject, group, channel, lang, data, identity; then these bytes
 * The checksum is XXH3-64 (xxhash.com) of magic, length, number and body, seeded by the journal's UUID, so that what an
 * earlier life of a recycled segment left behind never looks valid (DECISIONS 3). Opened texts are never in it.
 * Pure functions, any thread.
 */
#ifndef QUN_HOST_ENGINE_JOURNAL_ENTRY_H
#define QUN_HOST_ENGINE_JOURNAL_ENTRY_H

#include "tenants/error.h"
#include "tenants/input.h"

#include <qun/msgpack.h>

enum { QUN_ENTRY_HEAD = 24, QUN_ENTRY_MAX = 96 * 1024 * 1024 };

struct qun_entry {
  uint64_t number;
  unsigned char incarnation[16];
  int64_t now_ms; /* receive time, UTC */
  char tenant[64];
  uint32_t count; /* inputs */
  qun_slice body;
};

/* Bytes that the entry of this batch takes. */
size_t qun_entry_size(const char *tenant, const struct qun_input_batch *batch);
/* Writes the entry into `out`, which has room for qun_entry_size bytes. */
void qun_entry_write(unsigned char *out, const struct qun_entry *entry, const struct qun_input_batch *batch,
                     uint64_t seed);
/* Reads the entry at the start of `bytes` and checks all of its head and its checksum. *size: its bytes. QUN_ENOTFOUND:
 * no entry stands there, or it is not whole. */
int qun_entry_read(struct qun_entry *entry, qun_slice bytes, uint64_t seed, size_t *size);
/* Decodes an entry's inputs into a fresh batch; slices are copied. QUN_EFAIL: damaged although its checksum is right. */
int qun_entry_inputs(struct qun_input_batch *batch, const struct qun_entry *entry, struct qun_error *err);

#endif
