/* SPDX-License-Identifier: Apache-2.0 */
/* A backup: index, parts, manifest, unpacking. The index's checksum is put right first. */
#include "tenants/backup_internal.h"
#include "tests/fuzz/fuzz.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void mend(unsigned char *bytes, size_t size) {
  if (size < QUN__INDEX_TAIL) return;
  size_t n = qun__get_le32(bytes + size - 4);
  if (n > size - QUN__INDEX_TAIL) return;
  unsigned char *text = bytes + size - QUN__INDEX_TAIL - n;
  crypto_generichash(text + n, QUN_BACKUP_SUM, text, n, NULL, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qun_error err = {0};
  struct qun_pack text;
  char folder[100];
  unsigned char *bytes = malloc(size + 1);
  if (!bytes) return 0;
  memcpy(bytes, data, size);
  mend(bytes, size);
  const char *path = fuzz_file("acme.tar.zst", bytes, size);
  free(bytes);
  snprintf(folder, sizeof folder, "%s/unpacked", fuzz_folder());
  (void)mkdir(folder, 0700);
  qun_pack_init(&text);
  int checked = qun_backup_check(path, NULL, NULL, &err);
  int unpacked = qun_backup_unpack(path, folder, NULL, NULL, &err);
  fuzz_check(unpacked < 0 || checked == 0, "a damaged backup was unpacked");
  (void)qun_backup_manifest(&text, path, &err);
  qun_pack_fini(&text);
  return 0;
}
