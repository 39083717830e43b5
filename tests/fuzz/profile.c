/* SPDX-License-Identifier: Apache-2.0 */
/* tenant.yaml, read and written again. */
#include "tenants/profile.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qun_profile *p = NULL, *again = NULL;
  struct qun_error err = {0};
  fuzz_file("tenant.yaml", data, size);
  int rc = qun_profile_load(&p, fuzz_folder(), &err);
  fuzz_check(rc == 0 ? p != NULL : err.message[0] != '\0', "neither a profile nor a reason");
  if (rc == 0) {
    fuzz_check(qun_profile_save(p, fuzz_folder(), &err) == 0, "what was read cannot be written");
    fuzz_check(qun_profile_load(&again, fuzz_folder(), &err) == 0, "what was written cannot be read");
    fuzz_check(again->settings_count == p->settings_count && again->plugins_count == p->plugins_count, "it changed");
  }
  qun_profile_destroy(p);
  qun_profile_destroy(again);
  return 0;
}
