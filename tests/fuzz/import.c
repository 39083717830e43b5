/* SPDX-License-Identifier: Apache-2.0 */
/* A file to import, in the format FUZZ_FORMAT; empty: whichever its first bytes say. */
#include "host/intake/import.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_gate *g = fuzz_gate();
  struct qun_import_options o = {.format = FUZZ_FORMAT[0] ? FUZZ_FORMAT : NULL};
  struct qun_import_counts counts;
  struct qun_import *i = NULL;
  struct qun_error err = {0};
  qun_slice event;
  uint64_t events = 0;
  if (qun_import_open(&i, fuzz_file("export", data, size), &o, &err) < 0) {
    fuzz_check(err.message[0], "refused without a reason");
    return 0;
  }
  while (qun_import_next(i, &event, &err) == 1) {
    events++;
    if (qun_normalise(&g->n, &g->batch, event, &err) < 0) qun_import_refuse(i, &err);
  }
  qun_import_counts(i, &counts);
  fuzz_check(counts.events == events && counts.refused <= counts.entries, "counts do not add up");
  qun_import_close(i);
  return 0;
}
