/* SPDX-License-Identifier: Apache-2.0 */
/* What `audit verify` makes of what is no bundle; whole bundles: tests/tenants/bundle and the demo. */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(tools_qun_verify, a_folder_that_is_not_there_could_not) {
  struct outcome o = run("audit", "verify", "/nonexistent/bundle", "--any-key", NULL);
  cr_assert_eq(o.status, QUN_EXIT_FAILED, "%s", o.err);
  cr_assert_neq(o.err[0], '\0');
  outcome_fini(&o);
}

Test(tools_qun_verify, an_earlier_checkpoint_that_is_not_there_could_not) {
  struct outcome o =
      run("audit", "verify", "/nonexistent/bundle", "--any-key", "--since", "/nonexistent/checkpoint", NULL);
  cr_assert_eq(o.status, QUN_EXIT_FAILED);
  cr_assert_not_null(strstr(o.err, "/nonexistent/checkpoint"));
  outcome_fini(&o);
}

Test(tools_qun_verify, a_manifest_of_nobody_is_refused) {
  char folder[] = "/tmp/qun-verify-XXXXXX", path[64];
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/MANIFEST", folder);
  FILE *f = fopen(path, "w");
  cr_assert_not_null(f);
  fputs("qun-bundle/1\nnobody\n", f);
  fclose(f);
  struct outcome o = run("--json", "audit", "verify", folder, "--any-key", NULL);
  cr_assert_neq(o.status, QUN_EXIT_OK);
  outcome_fini(&o);
  unlink(path);
  rmdir(folder);
}
