/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner sends as a call of a service: two bytes of numbers, then the arguments. */
#include "tests/fuzz/fuzz.h"
#include "tests/sdk/services/callee.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct callee c;
  struct qun_unpack u;
  uint32_t n;
  if (size < 2) return 0;
  callee_open(&c);
  c.rows = 3000;
  c.row = c.lends = qun_slice_of(data, size);
  int rc = qun__dispatch(&c.far, data[0], data[1], qun_slice_of(data + 2, size - 2), &c.reply);
  fuzz_check(rc == 0 || rc == QUN_EINVAL, "a call ended in neither way");
  fuzz_check(rc == 0 || c.heard.len == 0, "a call that is none reached a service");
  fuzz_check(rc == 0 || c.reply.len == 0, "a call that is none was answered");
  if (rc == 0 && !qun__services[data[0]].methods[data[1]].oneway) {
    qun_unpack_init(&u, qun_pack_slice(&c.reply));
    fuzz_check(qun_unpack_array(&u, &n) && n >= 1, "an answer is no array");
    fuzz_check(qun_mp_valid(qun_pack_slice(&c.reply), 4), "an answer is no msgpack");
  }
  callee_close(&c);
  return 0;
}
