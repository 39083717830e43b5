/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/journal_entry.h"
#include "tests/fuzz/fuzz.h"

#include "tenants/remove_tree.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static char folder[64];

static void die(const char *what, const char *why) {
  fprintf(stderr, "fuzz: %s: %s\n", what, why);
  abort();
}

void fuzz_check(bool holds, const char *sentence) {
  if (!holds) die("wrong answer", sentence);
}

static void remove_folder(void) {
  (void)qun_remove_tree(folder);
}

const char *fuzz_folder(void) {
  if (folder[0]) return folder;
  snprintf(folder, sizeof folder, "%s/qun-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (!mkdtemp(folder)) die(folder, "cannot be made");
  atexit(remove_folder);
  return folder;
}

const char *fuzz_file(const char *name, const uint8_t *data, size_t size) {
  static char path[200];
  snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
  FILE *f = fopen(path, "wbe");
  if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) die(path, "cannot be written");
  return path;
}

struct fuzz_gate *fuzz_gate(void) {
  static struct fuzz_gate gate;
  static struct qun_plugin_set *plugins;
  static struct qun_vault *vault;
  struct qun_error err = {0};
  char none[100];
  if (plugins) {
    qun_input_batch_fini(&gate.batch);
  } else {
    snprintf(none, sizeof none, "%s/plugins", fuzz_folder());
    if (mkdir(none, 0700) < 0) die(none, "cannot be made");
    if (qun_vault_create(fuzz_folder(), "acme", &err) < 0 || qun_vault_open(&vault, fuzz_folder(), "acme", &err) < 0 ||
        qun_plugin_set_load(&plugins, none, false, &err) < 0)
      die("gate", err.message);
  }
  memset(&gate, 0, sizeof gate);
  gate.n = (struct qun_normaliser){
      .plugins = plugins, .vault = vault, .seal_text = true, .operator_types = true, .now_ms = 1795248000000};
  qun_input_batch_init(&gate.batch);
  return &gate;
}

/* As host/engine/journal_entry.h describes it. */
void fuzz_mend_entry(unsigned char *entry, size_t room, uint64_t seed) {
  unsigned char both[24];
  uint32_t le;
  if (room < QUN_ENTRY_HEAD) return;
  memcpy(&le, entry + 4, 4);
  size_t len = le32toh(le);
  if (len > room - QUN_ENTRY_HEAD) return;
  uint64_t sum = htole64(XXH3_64bits_withSeed(entry + QUN_ENTRY_HEAD, len, seed));
  memcpy(both, entry, 16);
  memcpy(both + 16, &sum, 8);
  sum = htole64(XXH3_64bits_withSeed(both, sizeof both, seed));
  memcpy(entry + 16, &sum, 8);
}
