/* SPDX-License-Identifier: Apache-2.0 */
/* A host too old, a service that is not granted, another ABI: each has its own sentence, with a code of its own. */
#include "host/engine/runtime.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct qun_plugin_set *set;
static char said[600];

/* Loads one package and makes its instance; what was said about it, or "". */
static const char *load(const char *folder) {
  struct qun_error err = {0};
  struct qun_subscriptions *subs = NULL;
  struct qun_runtime *rt = NULL;
  said[0] = '\0';
  cr_assert_eq(qun_plugin_set_load(&set, folder, true, &err), 0, "%s", err.message);
  if (set->refused_count) return set->refused[0].reason;
  cr_assert_eq(set->count, 1);
  cr_assert_eq(qun_subscriptions_create(&subs, set), 0);
  if (qun_runtime_create(&rt, set, subs, NULL, &err) < 0) snprintf(said, sizeof said, "%s", err.message);
  qun_runtime_destroy(rt);
  qun_subscriptions_destroy(subs);
  return said;
}

static void drop(void) {
  qun_plugin_set_destroy(set);
  set = NULL;
}

TestSuite(sdk_abi_refusals, .fini = drop);

Test(sdk_abi_refusals, a_host_that_is_too_old_says_which_service_it_lacks) {
  char want[200];
  snprintf(want, sizeof want,
           "late: this host is too old for it: it requires the service qun.store/99, which ABI %d.%d does not have",
           QUN_ABI_MAJOR, QUN_ABI_MINOR);
  cr_assert_str_eq(load(QUN_TEST_PACKAGES "/late"), want);
}

Test(sdk_abi_refusals, the_same_for_a_plugin_that_asks_without_saying_so_in_its_manifest) {
  char want[200];
  snprintf(want, sizeof want,
           "plugin hasty cannot start: this host is too old: ABI %d.%d does not have the service qun.store/99",
           QUN_ABI_MAJOR, QUN_ABI_MINOR);
  cr_assert_str_eq(load(QUN_TEST_PACKAGES "/hasty"), want);
}

Test(sdk_abi_refusals, a_service_that_was_not_asked_for_is_not_granted) {
  cr_assert_str_eq(
      load(QUN_TEST_PACKAGES "/greedy"),
      "plugin greedy cannot start: the service qun.store/1 is not granted: plugin.yaml does not list it under `requires`");
}

Test(sdk_abi_refusals, another_major_is_not_compatible) {
  char want[200];
  snprintf(want, sizeof want,
           "foreign: it is built for ABI 3.7, this host speaks 1.0 to 1.%d: rebuild it with this host's SDK",
           QUN_ABI_MINOR);
  cr_assert_str_eq(load(QUN_TEST_PACKAGES "/foreign"), want);
}

Test(sdk_abi_refusals, a_newer_minor_whose_services_are_there_runs) {
  cr_assert_str_eq(load(QUN_TEST_PACKAGES "/newer"), "");
}
