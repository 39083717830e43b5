/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target without libFuzzer, in every test run: each file of the corpus, its beginnings, and copies with changed
 * bytes. The changes are the same in each run.
 *   fuzz_NAME FOLDER|FILE...
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CUTS = 60, CHANGES = 120, FILE_MAX = 1 << 20 };

struct bytes {
  uint8_t *at;
  size_t size;
};

/* Memory of just this size, so that a sanitizer sees a read behind it. */
static void run(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) abort();
  if (size) memcpy(copy, data, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static uint32_t below(uint64_t *state, size_t n) {
  *state = *state * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)((*state >> 33) % n);
}

static void run_cuts(struct bytes b) {
  size_t step = b.size / CUTS + 1;
  for (size_t n = 0; n < b.size; n += step) run(b.at, n);
}

static void run_changes(struct bytes b) {
  static const uint8_t telling[] = {0, 0x7f, 0x80, 0xc1, 0xff, '"', '\n', '{'};
  uint64_t state = b.size;
  for (int i = 0; i < CHANGES && b.size > 0; i++) {
    size_t at = below(&state, b.size);
    uint8_t was = b.at[at];
    b.at[at] = (uint8_t)(i % 2 ? telling[below(&state, sizeof telling)] : was ^ (1u << below(&state, 8)));
    run(b.at, b.size);
    b.at[at] = was;
  }
}

static int replay(const char *path) {
  struct bytes b = {malloc(FILE_MAX), 0};
  FILE *f = fopen(path, "rbe");
  if (!f || !b.at) {
    fprintf(stderr, "%s cannot be read: %m\n", path);
    if (f) fclose(f);
    free(b.at);
    return -1;
  }
  b.size = fread(b.at, 1, FILE_MAX, f);
  fclose(f);
  fprintf(stderr, "%s\n", path); /* the last one named is the one that ended the program */
  run(b.at, b.size);
  run_cuts(b);
  run_changes(b);
  free(b.at);
  return 0;
}

static int visible(const struct dirent *d) {
  return d->d_name[0] != '.';
}

static int replay_folder(const char *folder) {
  struct dirent **names = NULL;
  int n = scandir(folder, &names, visible, alphasort), rc = n > 0 ? 0 : -1;
  if (n <= 0) fprintf(stderr, "%s has no corpus\n", folder);
  for (int i = 0; i < n; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
    if (rc == 0) rc = replay(path);
    free(names[i]);
  }
  free(names);
  return rc;
}

int main(int argc, char **argv) {
  int rc = argc > 1 ? 0 : -1;
  for (int i = 1; i < argc && rc == 0; i++) {
    struct stat st;
    rc = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? replay_folder(argv[i]) : replay(argv[i]);
  }
  return rc < 0;
}
