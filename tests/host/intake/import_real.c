/* SPDX-License-Identifier: Apache-2.0 */
/* Real communities: every line of every file through importer and gate, with the totals by type of the file itself. */
#include "host/intake/import.h"
#include "support.h"

#include <glob.h>
#include <stdlib.h>
#include <zstd.h>

static const char *const types[] = {"message", "action", "join", "leave",   "rename",
                                    "topic",   "mode",   "kick", "reaction"};
enum { TYPES = sizeof types / sizeof *types };

/* Counts `"type":"..."` in the unpacked bytes, with no JSON reader of Qun between. */
static uint64_t count_raw(const char *path, uint64_t by_type[TYPES]) {
  FILE *f = fopen(path, "rb");
  cr_assert(f);
  fseek(f, 0, SEEK_END);
  size_t size = (size_t)ftell(f), cap = 128u << 20;
  rewind(f);
  char *packed = malloc(size), *text = malloc(cap);
  cr_assert(packed && text && fread(packed, 1, size, f) == size);
  fclose(f);
  size_t n = ZSTD_decompress(text, cap - 1, packed, size);
  cr_assert(!ZSTD_isError(n));
  text[n] = '\0';
  uint64_t lines = 0;
  for (char *at = text, *end; at < text + n; at = end + 1) {
    end = strchr(at, '\n');
    if (!end) end = text + n;
    *end = '\0';
    char *type = strstr(at, "\"type\":\"");
    for (int i = 0; i < TYPES && type; i++)
      if (strncmp(type + 8, types[i], strlen(types[i])) == 0 && type[8 + strlen(types[i])] == '"') by_type[i]++;
    lines++;
  }
  free(packed);
  free(text);
  return lines;
}

static void take_batch(struct gate *g, uint64_t by_type[TYPES]) {
  for (uint32_t k = 0; k < g->batch.count; k++)
    for (int i = 0; i < TYPES; i++)
      if (qun_slice_eq(g->batch.items[k].type, qun_str(types[i]))) by_type[i]++;
  qun_input_batch_fini(&g->batch);
  qun_input_batch_init(&g->batch);
}

static void check_file(const char *path) {
  struct gate g;
  struct qun_import *import;
  struct qun_import_counts counts;
  struct qun_error err = {0};
  qun_slice event;
  uint64_t want[TYPES] = {0}, got[TYPES] = {0}, done, total;
  uint64_t lines = count_raw(path, want);
  int rc;
  gate_open(&g);
  g.n.imported = true;
  cr_assert_eq(qun_import_open(&import, path, NULL, &err), 0, "%s", err.message);
  cr_assert_str_eq(qun_import_format(import), "community");
  while ((rc = qun_import_next(import, &event, &err)) == 1) {
    cr_assert_eq(qun_normalise(&g.n, &g.batch, event, &err), 0, "%s: %s", path, err.message);
    if (g.batch.count == 1000) take_batch(&g, got);
  }
  cr_assert_eq(rc, 0, "%s", err.message);
  take_batch(&g, got);
  qun_import_counts(import, &counts);
  qun_import_progress(import, &done, &total);
  cr_assert_eq(counts.events, lines);
  cr_assert_eq(counts.refused + counts.skipped, 0);
  cr_assert_eq(done, total);
  cr_assert_null(qun_import_refused_path(import));
  for (int i = 0; i < TYPES; i++) cr_assert_eq(got[i], want[i], "%s of %s", types[i], path);
  cr_log_info("%s: %llu events\n", path, (unsigned long long)lines);
  qun_import_close(import);
  gate_close(&g);
}

Test(host_intake_import, takes_every_line_of_real_communities) {
  const char *folder = shared_file("communities");
  glob_t found;
  char pattern[4096];
  if (!folder) cr_skip_test("no communities");
  snprintf(pattern, sizeof pattern, "%s/*.jsonl.zst", folder);
  cr_assert_eq(glob(pattern, 0, NULL, &found), 0);
  for (size_t i = 0; i < found.gl_pathc; i++) check_file(found.gl_pathv[i]);
  globfree(&found);
}
