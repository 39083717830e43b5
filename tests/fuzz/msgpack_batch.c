/* SPDX-License-Identifier: Apache-2.0 */
/* Body of an HTTP batch in msgpack. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_gate *g = fuzz_gate();
  struct qun_refusals refused = {0};
  struct qun_error err = {0};
  int rc = qun_msgpack_batch_read(&g->n, &g->batch, &refused, qun_slice_of(data, size), NULL, &err);
  fuzz_check(rc < 0 || g->batch.count == (uint32_t)rc, "events taken are not events in the batch");
  fuzz_check(rc >= 0 || (g->batch.count == 0 && refused.total == 0), "a refused body left something");
  qun_refusals_fini(&refused);
  return 0;
}
