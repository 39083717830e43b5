/* SPDX-License-Identifier: Apache-2.0 */
/* One canonical event in msgpack, and the JSON that it is shown as. */
#include "host/ops/json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_gate *g = fuzz_gate();
  struct qun_error err = {0};
  struct qun_pack text, again;
  qun_slice event = qun_slice_of(data, size);
  int rc = qun_normalise(&g->n, &g->batch, event, &err);
  fuzz_check(g->batch.count == (rc < 0 ? 0 : 1), "the batch has not the event that was taken");
  fuzz_check(rc == 0 || err.message[0], "refused without a reason");
  qun_pack_init(&text);
  qun_pack_init(&again);
  if (rc == 0) {
    fuzz_check(qun_msgpack_to_json(&text, g->batch.items[0].data, false, &err) == 0, "stored data is not msgpack");
    fuzz_check(qun_json_to_msgpack(&again, qun_pack_slice(&text), &err) == 0, "what was written as JSON is not read");
  }
  qun_pack_clear(&text);
  (void)qun_msgpack_to_json(&text, event, true, NULL);
  qun_pack_fini(&text);
  qun_pack_fini(&again);
  return 0;
}
