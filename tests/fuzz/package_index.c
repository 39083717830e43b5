/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a plugin's package, and a signature over one: bytes that whoever made the package chose. */
#include "host/plugins/signature.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qun_package_index index;
  struct qun_package_verdict verdict;
  struct qun_error err = {0};
  struct qun_pack again;
  qun_slice all = qun_slice_of(data, size);
  qun_package_judge(&verdict, all, all, NULL);
  fuzz_check(verdict.standing != QUN_PACKAGE_SIGNED, "nobody is trusted");
  qun_package_verdict_fini(&verdict);
  if (qun_package_index_read(&index, all, &err) < 0) return 0;
  qun_pack_init(&again);
  qun_package_index_write(&again, &index);
  fuzz_check(qun_slice_eq(qun_pack_slice(&again), all), "an index is written in another way than it was read");
  qun_pack_fini(&again);
  qun_package_index_fini(&index);
  return 0;
}
