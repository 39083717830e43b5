/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the journal: the head, then entries, which stand a page behind its beginning. Opening the folder, walking
 * the entries. Where a bit of the head's UUID is set, checksums are put right first.
 */
#include "host/engine/journal_entry.h"
#include "host/engine/journal_segments.h"
#include "tests/fuzz/fuzz.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <xxhash.h>

enum { SIZE = 16384, HEAD = 40 };

static void mend(unsigned char *bytes, size_t size) {
  unsigned char uuid[16];
  uint64_t sum = htole64(XXH3_64bits(bytes, HEAD - 8));
  memcpy(bytes + HEAD - 8, &sum, 8);
  memcpy(uuid, bytes + 8, sizeof uuid);
  for (size_t at = QUN_SEGMENT_HEAD; at + QUN_ENTRY_HEAD <= size;) {
    uint32_t len;
    memcpy(&len, bytes + at + 4, 4);
    if (le32toh(len) > size - at - QUN_ENTRY_HEAD) return;
    fuzz_mend_entry(bytes + at, size - at, qun_segment_seed(uuid));
    at += QUN_ENTRY_HEAD + le32toh(len);
  }
}

static void walk(const struct qun_segment *g) {
  size_t len = 0, read = 0;
  struct qun_entry e;
  const unsigned char *bytes = qun_segment_map(g, &len);
  if (!bytes) return;
  uint64_t seed = qun_segment_seed(g->uuid);
  for (size_t at = QUN_SEGMENT_HEAD; at < len; at += read) {
    if (qun_entry_read(&e, qun_slice_of(bytes + at, len - at), seed, &read) < 0) break;
    fuzz_check(read > 0 && read <= len - at, "an entry longer than its file");
  }
  munmap((void *)(uintptr_t)bytes, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static unsigned char bytes[SIZE];
  struct qun_segments s;
  struct qun_error err = {0};
  char folder[100];
  size_t whole = size;
  memset(bytes, 0, sizeof bytes);
  memcpy(bytes, data, size < HEAD ? size : HEAD);
  if (size > HEAD) {
    size_t entries = size - HEAD < SIZE - QUN_SEGMENT_HEAD ? size - HEAD : SIZE - QUN_SEGMENT_HEAD;
    memcpy(bytes + QUN_SEGMENT_HEAD, data + HEAD, entries);
    whole = bytes[9] & 1 ? SIZE : QUN_SEGMENT_HEAD + entries; /* of its full size, or cut off */
    if (bytes[8] & 1) mend(bytes, whole);
  }
  snprintf(folder, sizeof folder, "%s/journal", fuzz_folder());
  (void)mkdir(folder, 0700);
  fuzz_file("journal/0000.seg", bytes, whole);
  if (qun_segments_open(&s, fuzz_folder(), SIZE, &err) == 0) {
    for (uint32_t i = 0; i < s.count; i++)
      if (s.all[i].used) walk(&s.all[i]);
    qun_segments_tidy(&s);
  }
  qun_segments_close(&s);
  return 0;
}
