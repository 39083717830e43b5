/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/plugin_set.h"
#include "host/plugins/library.h"
#include "host/plugins/trust.h"
#include "host/plugins/vocabulary.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct qun_plugin_set *set;

static void load_zoo(void) {
  struct qun_error err;
  cr_assert_eq(qun_plugin_set_load(&set, ZOO, true, &err), 0, "%s", err.message);
}

static void drop_zoo(void) {
  qun_plugin_set_destroy(set);
}

TestSuite(host_plugins_plugin_set, .init = load_zoo, .fini = drop_zoo);

static const char *reason(const struct qun_plugin_set *of, const char *folder) {
  for (uint32_t i = 0; i < of->refused_count; i++)
    if (strcmp(strrchr(of->refused[i].dir, '/') + 1, folder) == 0) return of->refused[i].reason;
  return "(loaded)";
}

Test(host_plugins_plugin_set, refuses_each_broken_plugin_with_its_own_sentence) {
  static const char *const expected[][2] = {
      {"no_entry", "no_entry: its library does not export qun_plugin_v1"},
      {"no_magic", "no_magic: its entry gives no magic"},
      {"no_vtable", "no_vtable: its entry answers NULL"},
      {"small_magic", "small_magic: its magic has 16 bytes, 88 are expected"},
      {"pointers", "pointers: it is built for pointers of 4 bytes"},
      {"future", "future: it is built for ABI 2.7, this host speaks 1.0 to 1."},
      {"future_yaml", "future_yaml: is for ABI 2, this host speaks 1"},
      {"other_id", "mine: its library says that it is yours, plugin.yaml says mine"},
      {"other_version", "other_version: its library is version 2.0.0, plugin.yaml says 1.0.0"},
      {"no_create", "no_create: it has no create, which is mandatory"},
      {"no_destroy", "no_destroy: it has no destroy, which is mandatory"},
      {"tiny", "tiny: its struct qun_plugin has 8 bytes, too few"},
      {"unknown_service",
       "unknown_service: this host is too old for it: it requires the service qun.telepathy/3, which ABI 1."},
      {"good_again", "good: there is a plugin of that id already, in "},
      {"zz_thief", ZOO "/zz_thief/plugin.yaml:7: events.types[1].name: \"good.thing\" must be zz_thief.<what>"},
      {"deaf", "deaf: subscribes to good.thingg, which nobody defines"},
      {"deaf_core", "deaf_core: subscribes to member.profil, which nobody defines"},
      {"lonely", "lonely: comes after nobody, but there is no plugin nobody"},
      {"circle_a", "circle_a: `after` goes in a circle: it comes after circle_b"},
      {"circle_b", "circle_b: `after` goes in a circle: it comes after circle_c"},
      {"circle_c", "circle_c: `after` goes in a circle: it comes after circle_a"},
      {"alone", "alone: its manifest asks for it, and this host runs plugins inside itself alone"},
      {"missing", "missing: there is no " ZOO "/missing/animal.so"},
      {"text", "text: its library cannot be loaded: "},
      {"bad_yaml", ZOO "/bad_yaml/plugin.yaml:7: colour: there is no such key"},
  };
  enum { EXPECTED = sizeof expected / sizeof *expected };
  cr_assert_eq(set->refused_count, EXPECTED);
  for (size_t i = 0; i < EXPECTED; i++) {
    const char *got = reason(set, expected[i][0]);
    cr_expect(strncmp(got, expected[i][1], strlen(expected[i][1])) == 0, "%s: got \"%s\"", expected[i][0], got);
  }
}

Test(host_plugins_plugin_set, loads_the_good_ones_beside_them_in_order) {
  cr_assert_eq(set->count, 3);
  cr_assert_str_eq(set->plugins[0].manifest->id, "good");
  cr_assert_str_eq(set->plugins[1].manifest->id, "better");
  cr_assert_str_eq(set->plugins[2].manifest->id, "small");
  cr_assert_eq(qun_plugin_set_find(set, "better"), &set->plugins[1]);
  cr_assert_null(qun_plugin_set_find(set, "future"));
  cr_assert_not(set->plugins[0].trusted);
  cr_assert_str_eq(set->plugins[0].magic->id, "good");
}

Test(host_plugins_plugin_set, fills_what_an_older_plugin_lacks_with_null) {
  const struct qun_loaded_plugin *p = qun_plugin_set_find(set, "small");
  cr_assert_eq(p->vtable->struct_size, sizeof(struct qun_plugin));
  cr_assert_not_null(p->vtable->create);
  cr_assert_null(p->vtable->on_event);
  cr_assert_null(p->vtable->on_request);
}

Test(host_plugins_plugin_set, knows_core_types_and_those_of_loaded_plugins) {
  const struct qun_type_view *t = NULL;
  cr_assert_eq(qun_plugin_set_type(set, qun_str("purchase"), &t), 1);
  cr_assert_null(t->plugin);
  cr_assert_eq(t->fields_count, 5);
  cr_assert_str_eq(t->fields[0].name, "amount");
  cr_assert_eq(t->fields[0].kind, QUN_FIELD_INT);
  cr_assert_eq(t->fields[0].flags, QUN_FIELD_REQ);
  cr_assert_eq(qun_plugin_set_type(set, qun_str("good.thing"), &t), 1);
  cr_assert_str_eq(t->plugin, "good");
  cr_assert_eq(qun_plugin_set_type(set, qun_str("zz_thief.thing"), &t), 0);
  cr_assert_eq(qun_plugin_set_type(set, qun_str(""), &t), 0);
}

/* ---------------------------------------------------------------- trust */

/* A list with the sum of one fixture on it. */
static struct qun__trust trust_in(unsigned char sums[1][32], const char *file) {
  struct qun__library lib;
  struct qun_error err;
  cr_assert_eq(qun__library_read(&lib, file, &err), 0, "%s", err.message);
  memcpy(sums[0], lib.sha256, 32);
  qun__library_drop(&lib);
  return (struct qun__trust){.count = 1, .sums = (const unsigned char(*)[32])sums};
}

Test(host_plugins_plugin_set, refuses_what_is_not_on_the_list_and_loads_what_is) {
  unsigned char sums[1][32];
  struct qun__trust trust = trust_in(sums, ZOO "/good/animal.so");
  struct qun_plugin_set *strict = NULL;
  cr_assert_eq(qun_plugin_set_open(&strict, ZOO, &(struct qun_plugin_policy){.built = &trust}, NULL), 0);
  cr_expect_eq(strict->count, 1);
  cr_expect_str_eq(strict->plugins[0].manifest->id, "good");
  cr_expect(strict->plugins[0].trusted);
  cr_expect_not_null(strstr(reason(strict, "small"), "/small/animal.so is not one of the libraries"), "%s",
                     reason(strict, "small"));
  qun_plugin_set_destroy(strict);
}

Test(host_plugins_plugin_set, trusts_every_plugin_of_this_build) {
  struct qun_plugin_set *own = NULL;
  struct qun_error err;
  cr_assert_eq(qun_plugin_set_load(&own, QUN_BUILD_DIR "/plugins", false, &err), 0, "%s", err.message);
  for (uint32_t i = 0; i < own->refused_count; i++) cr_expect(false, "%s", own->refused[i].reason);
  cr_expect_eq(own->count, qun__trust_built.count);
  for (uint32_t i = 0; i < own->count; i++) cr_expect(own->plugins[i].trusted);
  qun_plugin_set_destroy(own);
}

/* ---------------------------------------------------------------- bytes */

Test(host_plugins_plugin_set, runs_the_bytes_that_it_hashed_whatever_becomes_of_the_file) {
  char dir[] = "/tmp/qun-library-XXXXXX", file[64], command[200];
  struct qun__library lib;
  struct qun_error err;
  cr_assert_not_null(mkdtemp(dir));
  snprintf(file, sizeof file, "%s/a.so", dir);
  snprintf(command, sizeof command, "cp %s/good/animal.so %s", ZOO, file);
  cr_assert_eq(system(command), 0);
  cr_assert_eq(qun__library_read(&lib, file, &err), 0);
  FILE *swapped = fopen(file, "wb");
  fputs("something else", swapped);
  fclose(swapped);
  cr_expect_lt(write(lib.fd, "x", 1), 0, "the copy must be sealed");
  cr_expect_eq(qun__library_open(&lib, "good", "1.0.0", &err), 0, "%s", err.message);
  unlink(file);
  rmdir(dir);
}

Test(host_plugins_plugin_set, refuses_a_library_that_is_no_regular_file) {
  struct qun__library lib;
  struct qun_error err;
  cr_assert_eq(qun__library_read(&lib, "/dev/null", &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "/dev/null is not a regular file");
}

Test(host_plugins_plugin_set, names_a_folder_that_cannot_be_read) {
  struct qun_plugin_set *none = NULL;
  struct qun_error err;
  cr_assert_eq(qun_plugin_set_load(&none, "/no/such/folder", true, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "the folder of plugins /no/such/folder cannot be read: No such file or directory");
  cr_assert_null(none);
}

/* ---------------------------------------------------------------- two plugins, one type */

Test(host_plugins_plugin_set, refuses_a_type_that_is_there_already) {
  struct qun__vocabulary *v = qun__vocabulary_create();
  struct qun_manifest_type type = {.name = "good.thing", .doc = ""};
  struct qun_manifest_type core = {.name = "message", .doc = ""};
  struct qun_manifest a = {.id = "good", .types = &type, .types_count = 1};
  struct qun_manifest b = {.id = "evil", .types = &type, .types_count = 1};
  struct qun_manifest c = {.id = "evil", .types = &core, .types_count = 1};
  struct qun_error err;
  cr_assert_eq(qun__vocabulary_check(v, &a, &err), 0);
  cr_assert_eq(qun__vocabulary_add(v, &a, &err), 0);
  cr_assert_eq(qun__vocabulary_check(v, &b, &err), QUN_ECONFLICT);
  cr_assert_str_eq(err.message, "defines the event type good.thing, which good defines already");
  cr_assert_eq(qun__vocabulary_check(v, &c, &err), QUN_ECONFLICT);
  cr_assert_str_eq(err.message, "defines the event type message, which the core vocabulary defines already");
  qun__vocabulary_destroy(v);
}
