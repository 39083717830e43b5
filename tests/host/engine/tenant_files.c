/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/tenant_files.h"

#include <criterion/criterion.h>
#include <qun/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[32], data[48], keys[48];
static struct qun_tenant_files files = {data, keys};
static const struct qun_store_options options = {.quota_bytes = 1 << 20};
static struct qun_profile *profile;
static struct qun_error err;

static void init(void) {
  char tenants[64];
  strcpy(top, "/tmp/qun-files-XXXXXX");
  cr_assert_not_null(mkdtemp(top));
  snprintf(data, sizeof data, "%s/data", top);
  snprintf(keys, sizeof keys, "%s/keys", top);
  snprintf(tenants, sizeof tenants, "%s/tenants", data);
  cr_assert_eq(mkdir(data, 0700) | mkdir(tenants, 0700) | mkdir(keys, 0700), 0);
  cr_assert_eq(qun_profile_starter(&profile, "default", &err), 0, "%s", err.message);
  free(profile->name);
  profile->name = strdup("club");
}

static void fini(void) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf '%s'", top);
  cr_assert_eq(system(command), 0);
  qun_profile_destroy(profile);
}

static bool is_there(const char *name) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", top, name);
  return access(path, F_OK) == 0;
}

static void make(void) {
  cr_assert_eq(qun_tenant_files_make(&files, profile, &options, &err), 0, "%s", err.message);
}

TestSuite(host_engine_tenant_files, .init = init, .fini = fini);

Test(host_engine_tenant_files, are_made_whole_and_removed_whole) {
  make();
  cr_assert(is_there("data/tenants/club/store/data.mdb"));
  cr_assert(is_there("data/tenants/club/tenant.yaml"));
  cr_assert(is_there("keys/club"));
  cr_assert_not(is_there("data/tenants/.new-club"));
  cr_assert_eq(qun_tenant_files_make(&files, profile, &options, &err), QUN_ECONFLICT);
  cr_assert_eq(qun_tenant_files_remove(&files, "club", &err), 0, "%s", err.message);
  cr_assert_not(is_there("data/tenants/club"));
  cr_assert_not(is_there("data/tenants/.deleted-club"));
  cr_assert_not(is_there("keys/club"));
  make();
}

/* Moves the folder aside, as a crash just before the end leaves it. */
static void move_aside(const char *as) {
  char from[128], to[128];
  snprintf(from, sizeof from, "%s/tenants/club", data);
  snprintf(to, sizeof to, "%s/tenants/%s", data, as);
  cr_assert_eq(rename(from, to), 0);
}

Test(host_engine_tenant_files, an_interrupted_making_leaves_neither_folder_nor_keys) {
  make();
  move_aside(".new-club");
  cr_assert_eq(qun_tenant_files_tidy(&files, &err), 0, "%s", err.message);
  cr_assert_not(is_there("data/tenants/.new-club"));
  cr_assert_not(is_there("keys/club"));
  make();
}

Test(host_engine_tenant_files, an_interrupted_removal_is_finished) {
  make();
  move_aside(".deleted-club");
  cr_assert_eq(qun_tenant_files_tidy(&files, &err), 0, "%s", err.message);
  cr_assert_not(is_there("data/tenants/.deleted-club"));
}

Test(host_engine_tenant_files, keys_of_another_tenant_of_the_name_are_kept) {
  char path[128];
  snprintf(path, sizeof path, "%s/club", keys);
  cr_assert_eq(mkdir(path, 0700), 0);
  snprintf(path, sizeof path, "%s/club/tenant.key", keys);
  fclose(fopen(path, "w"));
  cr_assert_eq(qun_tenant_files_make(&files, profile, &options, &err), QUN_ECONFLICT);
  cr_assert(is_there("keys/club/tenant.key"));
  cr_assert_not(is_there("data/tenants/.new-club"));
}
