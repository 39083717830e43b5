/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/vault.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 32, RECORD = 104 };

static char keys[64], tenant_dir[80];
static struct qun_error err;

static void path_of(char *out, size_t size, const char *name) {
  int n = snprintf(out, size, "%s/%s", tenant_dir, name);
  cr_assert(n > 0 && (size_t)n < size);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st, (void)kind, (void)at;
  return remove(path);
}

static void setup(void) {
  strcpy(keys, "/tmp/qun-vault-XXXXXX");
  cr_assert(mkdtemp(keys));
  snprintf(tenant_dir, sizeof tenant_dir, "%s/acme", keys);
  cr_assert(qun_vault_create(keys, "acme", &err) == 0, "%s", err.message);
}

static void teardown(void) {
  nftw(keys, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(tenants_vault, .init = setup, .fini = teardown);

static struct qun_vault *open_vault(void) {
  struct qun_vault *v = NULL;
  cr_assert(qun_vault_open(&v, keys, "acme", &err) == 0, "%s", err.message);
  return v;
}

static void must_not_open(int code, const char *word) {
  struct qun_vault *v = NULL;
  int got = qun_vault_open(&v, keys, "acme", &err);
  cr_expect(got == code, "opening gave %d (%s)", got, err.message);
  cr_expect(strstr(err.message, word), "'%s' does not name %s", err.message, word);
  if (got == 0) qun_vault_close(v);
}

static const unsigned char *member(struct qun_vault *v, unsigned n) {
  static unsigned char out[QUN_PSEUDONYM_SIZE];
  qun_vault_pseudonym(v, (qun_slice){&n, sizeof n}, out);
  return out;
}

static void seal(struct qun_vault *v, unsigned n, const char *text, unsigned char *out) {
  cr_assert(qun_vault_seal(v, member(v, n), qun_str(text), out, &err) == 0, "%s", err.message);
}

static int opened(struct qun_vault *v, unsigned n, const unsigned char *sealed, const char *text) {
  char out[256] = {0};
  uint64_t len = strlen(text);
  int code = qun_vault_open_sealed(v, member(v, n), (qun_slice){sealed, qun_vault_sealed_len(v, len)},
                                   (unsigned char *)out, &err);
  if (code == 0) cr_expect(memcmp(out, text, len) == 0, "another text came out");
  return code;
}

static off_t size_of(const char *name) {
  char path[160];
  struct stat st;
  path_of(path, sizeof path, name);
  return stat(path, &st) == 0 ? st.st_size : -1;
}

static void flip(const char *name, off_t at) {
  char path[160];
  unsigned char byte;
  path_of(path, sizeof path, name);
  int fd = open(path, O_RDWR);
  cr_assert(fd >= 0);
  cr_assert(pread(fd, &byte, 1, at) == 1);
  byte ^= 0x40;
  cr_assert(pwrite(fd, &byte, 1, at) == 1);
  close(fd);
}

static size_t slurp(const char *name, unsigned char *out, size_t size) {
  char path[160];
  path_of(path, sizeof path, name);
  FILE *f = fopen(path, "rb");
  cr_assert(f);
  size_t n = fread(out, 1, size, f);
  fclose(f);
  return n;
}

static void spill(const char *name, const unsigned char *bytes, size_t n) {
  char path[160];
  path_of(path, sizeof path, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  cr_assert(fd >= 0);
  cr_assert(write(fd, bytes, n) == (ssize_t)n);
  close(fd);
}

Test(tenants_vault, opens_what_it_sealed_also_after_it_was_opened_again) {
  unsigned char a[256], b[256];
  struct qun_vault *v = open_vault();
  seal(v, 1, "wx_openid_oABC", a);
  seal(v, 2, "", b);
  cr_expect(opened(v, 1, a, "wx_openid_oABC") == 0);
  cr_expect(opened(v, 2, b, "") == 0);
  cr_assert(qun_vault_sync(v, &err) == 0, "%s", err.message);
  qun_vault_close(v);
  v = open_vault();
  cr_expect(opened(v, 1, a, "wx_openid_oABC") == 0, "%s", err.message);
  cr_expect(opened(v, 2, b, "") == 0, "%s", err.message);
  qun_vault_close(v);
}

Test(tenants_vault, seals_the_same_text_differently_each_time) {
  unsigned char a[256], b[256];
  struct qun_vault *v = open_vault();
  seal(v, 1, "same", a);
  seal(v, 1, "same", b);
  cr_expect(memcmp(a, b, qun_vault_sealed_len(v, 4)) != 0);
  qun_vault_close(v);
}

Test(tenants_vault, refuses_every_altered_byte_of_sealed_bytes_and_another_member) {
  static const char text[] = "13800138000";
  unsigned char sealed[256];
  struct qun_vault *v = open_vault();
  seal(v, 1, text, sealed);
  seal(v, 2, text, sealed + 128);
  for (size_t i = 0; i < qun_vault_sealed_len(v, strlen(text)); i++) {
    sealed[i] ^= 1;
    cr_expect(opened(v, 1, sealed, text) < 0, "byte %zu altered and still opened", i);
    sealed[i] ^= 1;
  }
  cr_expect(opened(v, 1, sealed, text) == 0);
  cr_expect(opened(v, 2, sealed, text) < 0);
  cr_expect(opened(v, 3, sealed, text) == QUN_EGONE);
  unsigned char out[8];
  cr_expect(qun_vault_open_sealed(v, member(v, 1), (qun_slice){sealed, qun_vault_sealed_len(v, 0) - 1}, out, &err) ==
            QUN_EINVAL);
  qun_vault_close(v);
}

Test(tenants_vault, loses_only_keys_that_were_not_synced) {
  unsigned char a[256], b[256];
  struct qun_vault *v = open_vault();
  seal(v, 1, "kept", a);
  cr_assert(qun_vault_sync(v, &err) == 0);
  seal(v, 2, "lost", b);
  qun_vault_close(v);
  v = open_vault();
  cr_expect(opened(v, 1, a, "kept") == 0);
  cr_expect(opened(v, 2, b, "lost") == QUN_EGONE);
  qun_vault_close(v);
}

Test(tenants_vault, cuts_a_torn_last_record_at_every_length) {
  unsigned char a[256], b[256], file[HEAD + 2 * RECORD];
  struct qun_vault *v = open_vault();
  seal(v, 1, "first", a);
  cr_assert(qun_vault_sync(v, &err) == 0);
  seal(v, 2, "second", b);
  cr_assert(qun_vault_sync(v, &err) == 0);
  qun_vault_close(v);
  cr_assert(slurp("members.keys", file, sizeof file) == sizeof file);
  for (size_t cut = HEAD + RECORD; cut < sizeof file; cut++) {
    spill("members.keys", file, cut);
    v = open_vault();
    cr_expect(opened(v, 1, a, "first") == 0, "cut at %zu: %s", cut, err.message);
    cr_expect(opened(v, 2, b, "second") == QUN_EGONE, "cut at %zu", cut);
    cr_expect(size_of("members.keys") == HEAD + RECORD);
    qun_vault_close(v);
  }
}

Test(tenants_vault, goes_on_behind_a_torn_record) {
  unsigned char a[256], b[256];
  struct qun_vault *v = open_vault();
  seal(v, 1, "first", a);
  cr_assert(qun_vault_sync(v, &err) == 0);
  qun_vault_close(v);
  flip("members.keys", HEAD + RECORD - 1); /* the only record was written, its blocks not all */
  v = open_vault();
  cr_expect(opened(v, 1, a, "first") == QUN_EGONE);
  seal(v, 1, "again", b);
  cr_assert(qun_vault_sync(v, &err) == 0);
  qun_vault_close(v);
  v = open_vault();
  cr_expect(opened(v, 1, b, "again") == 0);
  qun_vault_close(v);
}

Test(tenants_vault, refuses_a_damaged_record_that_was_durable) {
  unsigned char a[256];
  struct qun_vault *v = open_vault();
  for (unsigned i = 0; i < 3; i++) {
    seal(v, i, "x", a);
    cr_assert(qun_vault_sync(v, &err) == 0);
  }
  qun_vault_close(v);
  for (off_t at = HEAD; at < HEAD + 2 * RECORD; at += 7) {
    flip("members.keys", at);
    must_not_open(QUN_EINVAL, "members.keys: record");
    cr_expect(size_of("members.keys") == HEAD + 3 * RECORD, "it was cut");
    flip("members.keys", at);
  }
}

Test(tenants_vault, refuses_every_altered_byte_of_its_small_files) {
  static const char *const names[] = {"tenant.key", "signer.key", "signer.state"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    off_t size = size_of(names[i]);
    cr_assert(size > 40);
    for (off_t at = 0; at < size; at++) {
      flip(names[i], at);
      must_not_open(QUN_EINVAL, names[i]);
      flip(names[i], at);
    }
  }
  for (off_t at = 0; at < HEAD; at++) {
    flip("members.keys", at);
    must_not_open(QUN_EINVAL, "members.keys");
    flip("members.keys", at);
  }
  qun_vault_close(open_vault());
}

Test(tenants_vault, refuses_files_and_folders_that_others_may_enter) {
  static const char *const names[] = {"tenant.key", "members.keys", "signer.key", "signer.state"};
  char path[160];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    path_of(path, sizeof path, names[i]);
    chmod(path, 0640);
    must_not_open(QUN_EDENIED, names[i]);
    cr_expect(strstr(err.message, "chmod 600"));
    chmod(path, 0600);
  }
  chmod(tenant_dir, 0750);
  must_not_open(QUN_EDENIED, "chmod 700");
  chmod(tenant_dir, 0700);
  chmod(keys, 0701);
  must_not_open(QUN_EDENIED, "chmod 700");
  chmod(keys, 0700);
  qun_vault_close(open_vault());
}

Test(tenants_vault, refuses_a_link_in_place_of_a_file) {
  char path[160], real[160];
  path_of(path, sizeof path, "tenant.key");
  path_of(real, sizeof real, "elsewhere");
  cr_assert(rename(path, real) == 0);
  cr_assert(symlink("elsewhere", path) == 0);
  must_not_open(QUN_EFAIL, "tenant.key");
}

Test(tenants_vault, makes_files_for_their_owner_alone) {
  struct stat st;
  char path[160];
  path_of(path, sizeof path, "members.keys");
  cr_assert(stat(path, &st) == 0);
  cr_expect((st.st_mode & 07777) == 0600);
  cr_assert(stat(tenant_dir, &st) == 0);
  cr_expect((st.st_mode & 07777) == 0700);
}

Test(tenants_vault, forgets_a_member_and_keeps_the_others) {
  unsigned char a[256], b[256], c[256];
  struct qun_vault *v = open_vault();
  seal(v, 1, "gone", a);
  seal(v, 2, "stays", b);
  cr_assert(qun_vault_sync(v, &err) == 0);
  seal(v, 3, "not synced yet", c);
  cr_assert(qun_vault_forget(v, member(v, 1), &err) == 0, "%s", err.message);
  cr_expect(qun_vault_forget(v, member(v, 1), &err) == 0, "a second time is fine");
  for (int round = 0; round < 2; round++) {
    cr_expect(opened(v, 1, a, "gone") == QUN_EGONE);
    cr_expect(opened(v, 2, b, "stays") == 0, "%s", err.message);
    cr_expect(opened(v, 3, c, "not synced yet") == 0, "%s", err.message);
    qun_vault_close(v);
    v = open_vault();
  }
  seal(v, 1, "back again", c);
  cr_expect(opened(v, 1, c, "back again") == 0);
  cr_expect(opened(v, 1, a, "gone") == QUN_EGONE, "the old bytes stay closed under the new key");
  qun_vault_close(v);
}

Test(tenants_vault, an_old_copy_of_the_member_keys_does_not_open_after_a_forget) {
  unsigned char a[256], file[4096];
  struct qun_vault *v = open_vault();
  seal(v, 1, "gone", a);
  cr_assert(qun_vault_sync(v, &err) == 0);
  size_t n = slurp("members.keys", file, sizeof file);
  cr_assert(qun_vault_forget(v, member(v, 1), &err) == 0);
  qun_vault_close(v);
  spill("members.keys", file, n);
  must_not_open(QUN_EINVAL, "wrapped under key 1, but tenant.key holds key 2");
}

Test(tenants_vault, finishes_a_forget_that_was_cut_off_between_its_renames) {
  unsigned char a[256], b[256], before[4096], after[4096];
  struct qun_vault *v = open_vault();
  seal(v, 1, "gone", a);
  seal(v, 2, "stays", b);
  cr_assert(qun_vault_sync(v, &err) == 0);
  size_t before_size = slurp("members.keys", before, sizeof before);
  cr_assert(qun_vault_forget(v, member(v, 1), &err) == 0);
  qun_vault_close(v);
  size_t after_size = slurp("members.keys", after, sizeof after);
  spill("members.keys", before, before_size);
  spill("members.keys.new", after, after_size);
  v = open_vault();
  cr_expect(opened(v, 1, a, "gone") == QUN_EGONE);
  cr_expect(opened(v, 2, b, "stays") == 0);
  cr_expect(size_of("members.keys.new") == -1);
  qun_vault_close(v);
}

Test(tenants_vault, undoes_a_forget_that_was_cut_off_before_its_decision) {
  unsigned char a[256], file[4096], key[4096];
  struct qun_vault *v = open_vault();
  seal(v, 1, "still here", a);
  cr_assert(qun_vault_sync(v, &err) == 0);
  size_t file_size = slurp("members.keys", file, sizeof file), key_size = slurp("tenant.key", key, sizeof key);
  cr_assert(qun_vault_forget(v, member(v, 1), &err) == 0);
  qun_vault_close(v);
  rename(strcat(strcpy((char[160]){0}, tenant_dir), "/members.keys"),
         strcat(strcpy((char[160]){0}, tenant_dir), "/members.keys.new"));
  rename(strcat(strcpy((char[160]){0}, tenant_dir), "/tenant.key"),
         strcat(strcpy((char[160]){0}, tenant_dir), "/tenant.key.new"));
  spill("members.keys", file, file_size);
  spill("tenant.key", key, key_size);
  v = open_vault();
  cr_expect(opened(v, 1, a, "still here") == 0, "%s", err.message);
  cr_expect(size_of("members.keys.new") == -1);
  cr_expect(size_of("tenant.key.new") == -1);
  qun_vault_close(v);
}

Test(tenants_vault, holds_many_members) {
  static unsigned char sealed[3000][1 + QUN_SEAL_ROOM];
  struct qun_vault *v = open_vault();
  for (unsigned i = 0; i < 3000; i++) {
    seal(v, i, "m", sealed[i]);
    if (i % 700 == 0) cr_assert(qun_vault_sync(v, &err) == 0);
  }
  cr_assert(qun_vault_sync(v, &err) == 0);
  cr_assert(qun_vault_forget(v, member(v, 1500), &err) == 0, "%s", err.message);
  qun_vault_close(v);
  v = open_vault();
  for (unsigned i = 0; i < 3000; i++)
    cr_expect(opened(v, i, sealed[i], "m") == (i == 1500 ? QUN_EGONE : 0), "member %u", i);
  qun_vault_close(v);
}

Test(tenants_vault, pseudonyms_digests_and_salts_are_the_tenants_own_and_stay) {
  unsigned char p[3][QUN_PSEUDONYM_SIZE], d[3][QUN_DIGEST_SIZE], s[3][32], other[32];
  struct qun_vault *v = NULL;
  cr_assert(qun_vault_create(keys, "other", &err) == 0);
  for (int i = 0; i < 3; i++) {
    cr_assert(qun_vault_open(&v, keys, i < 2 ? "acme" : "other", &err) == 0);
    qun_vault_pseudonym(v, qun_str("wxid_1"), p[i]);
    qun_vault_digest(v, qun_str("content"), d[i]);
    qun_vault_salt(v, 7, s[i]);
    qun_vault_salt(v, 8, other);
    cr_expect(memcmp(s[i], other, 32) != 0);
    if (i == 0) cr_assert(qun_vault_forget(v, p[0], &err) == 0);
    qun_vault_close(v);
  }
  cr_expect(memcmp(p[0], p[1], sizeof p[0]) == 0 && memcmp(p[0], p[2], sizeof p[0]) != 0);
  cr_expect(memcmp(d[0], d[1], sizeof d[0]) == 0 && memcmp(d[0], d[2], sizeof d[0]) != 0);
  cr_expect(memcmp(s[0], s[1], sizeof s[0]) == 0 && memcmp(s[0], s[2], sizeof s[0]) != 0);
}

Test(tenants_vault, does_not_make_keys_twice_and_refuses_bad_names) {
  cr_expect(qun_vault_create(keys, "acme", &err) == QUN_ECONFLICT, "%s", err.message);
  cr_expect(qun_vault_create(keys, "../acme", &err) == QUN_EINVAL);
  cr_expect(qun_vault_create(keys, "", &err) == QUN_EINVAL);
  cr_expect(qun_vault_create(keys, "Acme", &err) == QUN_EINVAL);
  struct qun_vault *v = NULL;
  cr_expect(qun_vault_open(&v, keys, "nobody", &err) == QUN_ENOTFOUND, "%s", err.message);
}

Test(tenants_vault, destroys_everything) {
  struct stat st;
  spill("tokens.yaml", (const unsigned char *)"tokens", 6);
  cr_expect(qun_vault_destroy(keys, "acme", &err) == 0, "%s", err.message);
  cr_expect(stat(tenant_dir, &st) != 0);
  cr_expect(qun_vault_destroy(keys, "acme", &err) == 0, "nothing there is fine");
  cr_expect(qun_vault_create(keys, "acme", &err) == 0, "%s", err.message);
}

Test(tenants_vault, the_signer_refuses_to_go_back) {
  unsigned char root[32] = {1}, other[32] = {2};
  struct qun_vault *v = open_vault();
  cr_expect(qun_vault_advance(v, 1, 10, root, &err) == 0, "%s", err.message);
  cr_expect(qun_vault_advance(v, 1, 10, root, &err) == 0);
  qun_vault_close(v);
  v = open_vault();
  cr_expect(qun_vault_advance(v, 1, 10, other, &err) == QUN_ECONFLICT);
  cr_expect(qun_vault_advance(v, 1, 9, root, &err) == QUN_ECONFLICT);
  cr_expect(strstr(err.message, "signer.state"));
  cr_expect(qun_vault_advance(v, 1, 11, other, &err) == 0, "%s", err.message);
  qun_vault_close(v);
}
