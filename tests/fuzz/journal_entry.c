/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the journal, one after the other, as recovery and spill files read them. Checksums are put
 * right first.
 */
#include "host/engine/journal_entry.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { SEED = 42 };

/* What was read and is written again must be read again as the same. */
static void check_again(const struct qun_entry *e, const struct qun_input_batch *batch) {
  struct qun_entry again;
  struct qun_input_batch inputs;
  size_t size = qun_entry_size(e->tenant, batch), read = 0;
  unsigned char *bytes = malloc(size);
  if (!bytes) abort();
  qun_entry_write(bytes, e, batch, SEED);
  fuzz_check(qun_entry_read(&again, qun_slice_of(bytes, size), SEED, &read) == 0 && read == size, "not read again");
  fuzz_check(qun_entry_inputs(&inputs, &again, NULL) == 0 && inputs.count == batch->count, "other inputs");
  qun_input_batch_fini(&inputs);
  free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char *bytes = malloc(size + 1);
  struct qun_input_batch batch;
  struct qun_entry e;
  struct qun_error err = {0};
  size_t read = 0;
  if (!bytes) return 0;
  memcpy(bytes, data, size);
  for (size_t at = 0; at < size; at += read) {
    fuzz_mend_entry(bytes + at, size - at, SEED);
    if (qun_entry_read(&e, qun_slice_of(bytes + at, size - at), SEED, &read) < 0) break;
    fuzz_check(read > 0 && read <= size - at, "an entry longer than the bytes");
    if (qun_entry_inputs(&batch, &e, &err) < 0) continue;
    check_again(&e, &batch);
    qun_input_batch_fini(&batch);
  }
  free(bytes);
  return 0;
}
