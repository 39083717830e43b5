/* SPDX-License-Identifier: Apache-2.0 */
/* A catalogue of texts. */
#include "plugins/i18n/po.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qun__po *po = NULL;
  struct qun__po_error err = {0};
  int rc = qun__po_parse(&po, qun_slice_of(data, size), &err);
  fuzz_check(rc == 0 ? po != NULL : err.message[0] != '\0', "neither a catalogue nor a reason");
  qun__po_destroy(po);
  return 0;
}
