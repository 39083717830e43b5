/* SPDX-License-Identifier: Apache-2.0 */
#include "package.h"

#include "tenants/base64.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char text[] = "qun-package/1\nid quiz\nversion 1.0.0\narch x86_64-linux-gnu\n"
                           "file 0000000000000000000000000000000000000000000000000000000000000001 5 a.txt\n"
                           "file 00000000000000000000000000000000000000000000000000000000000000ff 0 lib/b.so\n";

/* ---------------------------------------------------------------- index */

Test(host_plugins_package_index, is_written_as_it_was_read) {
  struct qun_package_index index;
  struct qun_pack out;
  struct qun_error err;
  qun_pack_init(&out);
  cr_assert_eq(qun_package_index_read(&index, qun_str(text), &err), 0, "%s", err.message);
  cr_assert_eq(index.count, 2);
  cr_assert_str_eq(index.id, "quiz");
  cr_assert_eq(qun_package_index_find(&index, "lib/b.so")->sha256[31], 0xff);
  cr_assert_null(qun_package_index_find(&index, "b.so"));
  qun_package_index_write(&out, &index);
  cr_assert(qun_slice_eq(qun_pack_slice(&out), qun_str(text)));
  qun_pack_fini(&out);
  qun_package_index_fini(&index);
}

Test(host_plugins_package_index, refuses_what_has_another_spelling) {
  static const struct {
    const char *from, *to;
  } changes[] = {{"package/1", "package/2"},
                 {"id quiz", "id Quiz"},
                 {"1.0.0", "1.0"},
                 {" 5 ", " 05 "},
                 {" 5 ", "  5 "},
                 {" 5 ", " -5 "},
                 {"a.txt", "../a"},
                 {"a.txt", "/a"},
                 {"a.txt", "z.txt"},
                 {"a.txt", "lib/b.so"},
                 {"00ff", "00FF"},
                 {"0 lib/b.so\n", "0 lib/b.so"},
                 {"file 00", "file 0"},
                 {"a.txt\n", "a.txt\r\n"},
                 {"arch x86_64-linux-gnu", "arch "},
                 {"5 a.txt", "5"},
                 {" 5 ", " 99999999999999999 "}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    char changed[600];
    struct qun_package_index index;
    struct qun_error err = {0};
    const char *at = strstr(text, changes[i].from);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, changes[i].to, at + strlen(changes[i].from));
    cr_expect_eq(qun_package_index_read(&index, qun_str(changed), &err), QUN_EINVAL, "%s for %s", changes[i].to,
                 changes[i].from);
  }
}

/* ---------------------------------------------------------------- keys and verdicts */

static unsigned char key[32], secret[64];

static void make_keys(void) {
  qun_package_key_make(key, secret);
}

TestSuite(host_plugins_signature, .init = make_keys);

static struct qun_package_verdict judge(const char *index, qun_slice signature, const char *prefix) {
  struct qun_trust_store store = {0};
  struct qun_package_verdict v;
  struct qun_error err;
  if (prefix) cr_assert_eq(qun_trust_store_add(&store, key, prefix, "", &err), 0, "%s", err.message);
  qun_package_judge(&v, qun_str(index), signature, &store);
  qun_trust_store_fini(&store);
  qun_package_verdict_fini(&v);
  return v;
}

Test(host_plugins_signature, tells_trusted_keys_from_strangers) {
  struct qun_pack s;
  qun_pack_init(&s);
  qun_package_sign(&s, qun_str(text), secret);
  cr_expect_eq(judge(text, qun_pack_slice(&s), "qu").standing, QUN_PACKAGE_SIGNED);
  cr_expect_eq(judge(text, qun_pack_slice(&s), "*").standing, QUN_PACKAGE_SIGNED);
  cr_expect_eq(judge(text, qun_pack_slice(&s), "quizz").standing, QUN_PACKAGE_STRANGER);
  cr_expect_eq(judge(text, qun_pack_slice(&s), NULL).standing, QUN_PACKAGE_STRANGER);
  cr_expect_eq(judge(text, qun_str(""), "*").standing, QUN_PACKAGE_UNSIGNED);
  qun_pack_fini(&s);
}

Test(host_plugins_signature, any_changed_byte_breaks_it) {
  struct qun_pack s;
  char changed[sizeof text];
  qun_pack_init(&s);
  qun_package_sign(&s, qun_str(text), secret);
  for (size_t i = 0; i < sizeof text - 1; i++) {
    memcpy(changed, text, sizeof text);
    changed[i] ^= 1;
    cr_expect_eq(judge(changed, qun_pack_slice(&s), "*").standing, QUN_PACKAGE_BROKEN, "byte %zu", i);
  }
  for (size_t i = 0; i < s.len; i++) {
    s.buf[i] ^= 1;
    cr_expect_leq(judge(text, qun_pack_slice(&s), "*").standing, QUN_PACKAGE_BROKEN, "byte %zu of the signature", i);
    s.buf[i] ^= 1;
  }
  qun_pack_fini(&s);
}

Test(host_plugins_signature, secrets_are_kept_for_their_owner) {
  char dir[] = "/tmp/qun-keys-XXXXXX", path[64];
  unsigned char again[64];
  struct qun_error err;
  struct stat st;
  cr_assert_not_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/my.key", dir);
  cr_assert_eq(qun_package_secret_write(path, secret, &err), 0, "%s", err.message);
  cr_assert_eq(stat(path, &st), 0);
  cr_expect_eq(st.st_mode & 0777, 0600);
  cr_expect_eq(qun_package_secret_write(path, secret, &err), QUN_ECONFLICT);
  cr_assert_eq(qun_package_secret_read(again, path, &err), 0, "%s", err.message);
  cr_expect_arr_eq(again, secret, sizeof secret);
  FILE *to = fopen(path, "ab");
  fputs("x", to);
  fclose(to);
  cr_expect_eq(qun_package_secret_read(again, path, &err), QUN_EINVAL);
  unlink(path);
  rmdir(dir);
}

/* ---------------------------------------------------------------- the operator's lists */

Test(host_plugins_signature, the_trust_store_keeps_what_it_is_told) {
  char dir[] = "/tmp/qun-trust-XXXXXX", path[64];
  struct qun_trust_store store = {0}, again;
  unsigned char other[32] = {7};
  struct qun_error err;
  cr_assert_not_null(mkdtemp(dir));
  cr_assert_eq(qun_trust_store_add(&store, key, "acme-", "Acme, Shanghai", &err), 0);
  cr_assert_eq(qun_trust_store_add(&store, other, "*", "", &err), 0);
  cr_assert_eq(qun_trust_store_add(&store, key, "acme2-", "Acme", &err), 0);
  cr_expect_eq(qun_trust_store_add(&store, key, "Acme", "", &err), QUN_EINVAL);
  cr_expect_eq(qun_trust_store_add(&store, key, "a", "two\nlines", &err), QUN_EINVAL);
  cr_assert_eq(qun_trust_store_save(&store, dir, &err), 0, "%s", err.message);
  cr_assert_eq(qun_trust_store_load(&again, dir, &err), 0, "%s", err.message);
  cr_assert_eq(again.count, 2);
  cr_expect_str_eq(again.keys[0].prefix, "acme2-");
  cr_expect_str_eq(again.keys[0].name, "Acme");
  cr_expect(qun_trust_store_remove(&again, key));
  cr_expect_not(qun_trust_store_remove(&again, key));
  cr_expect_not_null(qun_trust_store_find(&again, other, "anything"));
  qun_trust_store_fini(&store);
  qun_trust_store_fini(&again);
  snprintf(path, sizeof path, "%s/trust", dir);
  FILE *to = fopen(path, "ab");
  fputs("not-a-key *\n", to);
  fclose(to);
  cr_expect_eq(qun_trust_store_load(&again, dir, &err), QUN_EINVAL);
  cr_expect_not_null(strstr(err.message, "/trust: entry 3"), "%s", err.message);
  unlink(path);
  rmdir(dir);
}

Test(host_plugins_signature, a_grant_is_of_one_id_one_key_and_its_services) {
  const char *two[] = {"qun.store/1", "qun.events/1"}, *three[] = {"qun.store/1", "qun.events/1", "qun.timer/1"};
  struct qun_manifest m = {.id = "quiz", .requires = two, .requires_count = 2};
  struct qun_service_grants grants = {0};
  struct qun_error err;
  cr_expect_str_eq(qun_service_grants_missing(&grants, &m, key), "qun.store/1");
  cr_assert_eq(qun_service_grants_set(&grants, &m, key, &err), 0);
  cr_expect_null(qun_service_grants_missing(&grants, &m, key));
  cr_expect_not_null(qun_service_grants_missing(&grants, &m, NULL), "another key");
  m.requires = three, m.requires_count = 3;
  cr_expect_str_eq(qun_service_grants_missing(&grants, &m, key), "qun.timer/1");
  m.id = "quizz", m.requires_count = 1;
  cr_expect_str_eq(qun_service_grants_missing(&grants, &m, key), "qun.store/1", "another id");
  qun_service_grants_fini(&grants);
}
