/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is inspected, never loaded. */
#include "tools/qun/elf.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qun_elf elf;
  struct qun_error err = {0};
  const char *name;
  int defined = 0;
  size_t bytes = 0;
  if (qun_elf_read(&elf, qun_slice_of(data, size), &err) < 0) return 0;
  for (uint32_t i = 0; (name = qun_elf_symbol(&elf, i, &defined)); i++) bytes += strlen(name);
  fuzz_check(bytes <= size * (size / 24 + 1), "names are longer than the file");
  return 0;
}
