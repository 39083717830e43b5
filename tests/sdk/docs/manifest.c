/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest that manifest.md shows is one that the loader takes. */
#include "host/plugins/manifest.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy_example(const char *to) {
  char line[400];
  int inside = 0;
  FILE *in = fopen(QUN_SOURCE_DIR "/sdk/docs/manifest.md", "rb"), *out = fopen(to, "wb");
  cr_assert(in && out);
  while (fgets(line, sizeof line, in)) {
    if (inside && strncmp(line, "```", 3) == 0) break;
    if (inside) fputs(line, out);
    if (strcmp(line, "```yaml\n") == 0) inside = 1;
  }
  fclose(in);
  fclose(out);
}

static void touch(const char *file) {
  FILE *out = fopen(file, "wb");
  cr_assert_not_null(out);
  fclose(out);
}

Test(sdk_docs_manifest, shows_one_that_loads) {
  char dir[] = "/tmp/qun-docs-XXXXXX";
  struct qun_manifest *m = NULL;
  struct qun_error err;
  cr_assert_not_null(mkdtemp(dir));
  cr_assert_eq(chdir(dir), 0);
  mkdir("locales", 0700);
  mkdir("data", 0700);
  touch("locales/en.po");
  touch("data/channels.csv");
  copy_example("plugin.yaml");
  int rc = qun_manifest_load(&m, dir, &err);
  cr_expect_eq(rc, 0, "%s", rc ? err.message : "");
  if (m) {
    cr_expect_eq(m->types_count, 1);
    cr_expect_eq(m->settings[0].max, 1000000);
    cr_expect_eq(m->store_bytes, 67108864);
  }
  qun_manifest_destroy(m);
  unlink("locales/en.po"), unlink("data/channels.csv"), unlink("plugin.yaml"), rmdir("locales"), rmdir("data");
  cr_assert_eq(chdir("/"), 0);
  rmdir(dir);
}
