/* SPDX-License-Identifier: Apache-2.0 */
/* A pack of rules. */
#include "plugins/compliance/rule.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qun_rules rules = {.pool = qun__pool_create()};
  char message[300] = "";
  int rc = qun__pack_parse(&rules, "fuzz.yaml", qun_slice_of(data, size), message, sizeof message);
  fuzz_check(rc == 0 || message[0], "refused without a reason");
  qun__pool_destroy(rules.pool);
  return 0;
}
