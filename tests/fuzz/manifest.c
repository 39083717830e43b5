/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.yaml. */
#include "host/plugins/manifest.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qun_manifest *m = NULL;
  struct qun_error err = {0};
  struct qun_pack value;
  fuzz_file("plugin.yaml", data, size);
  int rc = qun_manifest_load(&m, fuzz_folder(), &err);
  fuzz_check(rc == 0 ? m != NULL : err.message[0] != '\0', "neither a manifest nor a reason");
  qun_pack_init(&value);
  for (uint32_t i = 0; m && i < m->settings_count; i++)
    fuzz_check(qun_setting_parse(&m->settings[i], m->settings[i].fallback, &value, &err) == 0,
               "a setting's default is refused");
  qun_pack_fini(&value);
  qun_manifest_destroy(m);
  return 0;
}
