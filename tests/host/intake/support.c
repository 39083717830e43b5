/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[200000];

void make_folder(char out[64]) {
  strcpy(out, "/tmp/qun-test-XXXXXX");
  cr_assert(mkdtemp(out));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
  (void)st, (void)kind, (void)ftw;
  return remove(path);
}

void remove_folder(const char *dir) {
  nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void gate_open(struct gate *g) {
  struct qun_error err = {0};
  memset(g, 0, sizeof *g);
  make_folder(g->dir);
  cr_assert_eq(qun_vault_create(g->dir, "acme", &err), 0, "%s", err.message);
  cr_assert_eq(qun_vault_open(&g->vault, g->dir, "acme", &err), 0, "%s", err.message);
  char none[100];
  snprintf(none, sizeof none, "%s/plugins", g->dir);
  cr_assert_eq(mkdir(none, 0700), 0);
  cr_assert_eq(qun_plugin_set_load(&g->plugins, none, false, &err), 0, "%s", err.message);
  g->n.plugins = g->plugins;
  g->n.vault = g->vault;
  g->n.seal_text = true;
  g->n.operator_types = true;
  g->n.now_ms = GATE_NOW;
  qun_input_batch_init(&g->batch);
}

void gate_close(struct gate *g) {
  qun_input_batch_fini(&g->batch);
  qun_vault_close(g->vault);
  qun_plugin_set_destroy(g->plugins);
  remove_folder(g->dir);
}

int gate_take(struct gate *g, const char *json, struct qun_error *err) {
  struct qun_pack canonical;
  qun_pack_init(&canonical);
  cr_assert_eq(qun_json_to_msgpack(&canonical, qun_str(json), err), 0, "%s: %s", json, err->message);
  int rc = qun_normalise(&g->n, &g->batch, qun_pack_slice(&canonical), err);
  qun_pack_fini(&canonical);
  return rc;
}

struct qun_input *gate_last(struct gate *g) {
  cr_assert_gt(g->batch.count, 0);
  return &g->batch.items[g->batch.count - 1];
}

const char *as_json(qun_slice value) {
  struct qun_pack p;
  struct qun_error err = {0};
  qun_pack_init(&p);
  cr_assert_eq(qun_msgpack_to_json(&p, value, false, &err), 0, "%s", err.message);
  cr_assert_lt(p.len, sizeof text);
  memcpy(text, p.buf, p.len);
  text[p.len] = '\0';
  qun_pack_fini(&p);
  return text;
}

const char *repeat(char c, size_t n) {
  cr_assert_lt(n, sizeof text);
  memset(text, c, n);
  text[n] = '\0';
  return text;
}

void write_file(const char *path, const void *bytes, size_t n) {
  FILE *f = fopen(path, "wb");
  cr_assert(f);
  cr_assert_eq(fwrite(bytes, 1, n, f), n);
  cr_assert_eq(fclose(f), 0);
}

char *read_text_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *out = calloc(1, 1 << 20);
  cr_assert(out);
  size_t n = fread(out, 1, (1 << 20) - 1, f);
  out[n] = '\0';
  fclose(f);
  return out;
}

const char *shared_file(const char *path) {
  static char full[4096];
  const char *root = getenv("QUN_SHARED_DATA");
  snprintf(full, sizeof full, "%s/%s", root ? root : "../shared/data", path);
  if (access(full, R_OK) == 0) return full;
  cr_log_warn("skipped: %s is not there\n", full);
  return NULL;
}
