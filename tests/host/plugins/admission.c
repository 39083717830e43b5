/* SPDX-License-Identifier: Apache-2.0 */
/* Which packages a host takes. */
#include "host/plugins/plugin_set.h"
#include "host/plugins/trust.h"
#include "package.h"
#include "tenants/remove_tree.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct qun__trust nobody = {0};
static char dir[32], packages[64], installed[96];
static unsigned char key[32], secret[64];
static struct qun_plugin_policy policy;
static struct qun_plugin_set *set;

static void make_dirs(void) {
  strcpy(dir, "/tmp/qun-admit-XXXXXX");
  cr_assert_not_null(mkdtemp(dir));
  snprintf(packages, sizeof packages, "%s/packages", dir);
  snprintf(installed, sizeof installed, "%s/plugins", dir);
  cr_assert_eq(mkdir(packages, 0700) | mkdir(installed, 0700), 0);
  snprintf(installed, sizeof installed, "%s/plugins/installed", dir);
  cr_assert_eq(mkdir(installed, 0700), 0);
  policy = (struct qun_plugin_policy){.data_dir = dir, .built = &nobody};
  qun_package_key_make(key, secret);
}

static void drop_dirs(void) {
  qun_plugin_set_destroy(set);
  qun_remove_tree(dir);
}

TestSuite(host_plugins_admission, .init = make_dirs, .fini = drop_dirs);

/* The only package that is there: "" if it was loaded, else why not. */
static const char *load(void) {
  struct qun_error err;
  qun_plugin_set_destroy(set);
  set = NULL;
  cr_assert_eq(qun_plugin_set_open(&set, packages, &policy, &err), 0, "%s", err.message);
  cr_assert_eq(set->count + set->refused_count, 1);
  return set->count ? "" : set->refused[0].reason;
}

static void says(const char *words) {
  const char *why = load();
  cr_assert_not_null(strstr(why, words), "\"%s\" is not in \"%s\"", words, why);
}

Test(host_plugins_admission, loads_a_package_that_a_trusted_key_signed) {
  package_make(packages, "good", ZOO "/good/animal.so", secret, "");
  package_trust(dir, key, "go");
  cr_assert_str_eq(load(), "");
  cr_assert(set->plugins[0].trusted);
  cr_assert_eq(set->plugins[0].package->standing, QUN_PACKAGE_SIGNED);
}

Test(host_plugins_admission, does_not_trust_a_stranger) {
  package_make(packages, "good", ZOO "/good/animal.so", secret, "");
  says("--allow-untrusted");
  policy.allow_untrusted = true;
  cr_assert_str_eq(load(), "");
  cr_assert_not(set->plugins[0].trusted);
  package_trust(dir, key, "goodness");
  load();
  cr_assert_not(set->plugins[0].trusted, "a key for other ids");
}

Test(host_plugins_admission, strict_refuses_what_nobody_answers_for) {
  policy.allow_untrusted = true;
  policy.signatures = QUN_SIGNATURES_STRICT;
  package_make(packages, "good", ZOO "/good/animal.so", NULL, "");
  says("it is not signed, and this host takes signed packages alone");
}

Test(host_plugins_admission, refuses_a_package_of_which_a_file_was_changed) {
  char library[64];
  snprintf(library, sizeof library, "lib/%s/animal.so", qun_package_arch);
  const char *const files[][2] = {{"plugin.yaml", "plugin.yaml is not the one of its index"},
                                  {library, "is not the one of its index"},
                                  {"index", "the index"},
                                  {"signature", "its signature is not one of its index"}};
  policy.allow_untrusted = true;
  policy.signatures = QUN_SIGNATURES_OFF;
  package_trust(dir, key, "*");
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    package_make(packages, "good", ZOO "/good/animal.so", secret, "");
    cr_assert_str_eq(load(), "");
    package_spoil(packages, "good", files[i][0]);
    says(files[i][1]);
  }
}

Test(host_plugins_admission, an_installed_one_has_what_was_granted) {
  package_make(installed, "good", ZOO "/good/animal.so", secret, "requires: [qun.store/1]\n");
  package_trust(dir, key, "*");
  says("asks for qun.store/1, which was not granted");
  package_grant(dir, installed, "good", NULL);
  says("which was not granted");
  package_grant(dir, installed, "good", key);
  cr_assert_str_eq(load(), "");
  package_make(installed, "good", ZOO "/good/animal.so", secret, "requires: [qun.store/1, qun.reply/1]\n");
  says("asks for qun.reply/1, which was not granted");
}

Test(host_plugins_admission, the_operators_lists_must_be_readable) {
  struct qun_error err;
  package_trust(dir, key, "*");
  package_spoil(dir, "plugins", "trust");
  cr_assert_eq(qun_plugin_set_open(&set, packages, &policy, &err), 0, "an empty line is none");
  char path[96];
  snprintf(path, sizeof path, "%s/plugins/trust", dir);
  FILE *to = fopen(path, "ab");
  fputs("nonsense\n", to);
  fclose(to);
  struct qun_plugin_set *none = NULL;
  cr_assert_eq(qun_plugin_set_open(&none, packages, &policy, &err), QUN_EINVAL);
  cr_assert_null(none);
}
