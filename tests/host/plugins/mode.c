/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/mode.h"

#include <criterion/criterion.h>

static const struct qun_isolation isolates = {.isolate = "growth, content"};

static struct qun_mode_facts trusted(const char *id) {
  return (struct qun_mode_facts){.id = id, .isolation = "any", .trusted = true, .isolates = &isolates};
}

static void is(struct qun_mode_facts f, enum qun_plugin_mode mode, const char *part) {
  char reason[200] = "";
  cr_expect_eq(qun_plugin_mode(&f, reason), mode, "%s: %s", f.id, reason);
  cr_expect_not_null(strstr(reason, part), "%s: %s", f.id, reason);
}

Test(host_plugins_mode, trusted_plugins_run_inside_unless_something_speaks_against_it) {
  struct qun_mode_facts f = trusted("i18n");
  is(f, QUN_PLUGIN_IN_PROCESS, "trusted");
  is(trusted("growth"), QUN_PLUGIN_ISOLATED, "the operator wants it so");
  is(trusted("content"), QUN_PLUGIN_ISOLATED, "the operator wants it so");
  is(trusted("conten"), QUN_PLUGIN_IN_PROCESS, "trusted");
  f.demoted = "it came down 3 times";
  is(f, QUN_PLUGIN_ISOLATED, "3 times");
  f = trusted("i18n");
  f.isolation = "isolated";
  is(f, QUN_PLUGIN_ISOLATED, "manifest");
}

Test(host_plugins_mode, others_run_isolated_or_as_the_operator_says) {
  struct qun_mode_facts f = trusted("points");
  f.trusted = false;
  is(f, QUN_PLUGIN_ISOLATED, "nobody trusted answers for it");
  f.allow_untrusted = true;
  is(f, QUN_PLUGIN_IN_PROCESS, "the operator lets");
}

Test(host_plugins_mode, refuses_what_can_run_nowhere) {
  struct qun_mode_facts f = trusted("points");
  f.trusted = false;
  f.isolation = "in-process";
  is(f, QUN_PLUGIN_REFUSED, "inside the host alone");
  f.isolation = "any";
  f.isolates = NULL;
  is(f, QUN_PLUGIN_REFUSED, "inside itself alone");
}
