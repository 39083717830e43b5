/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of sealed bytes and of tenant.key: what an older host wrote must open for ever. */
#include "tenants/vault_internal.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The keys of a tenant of form 1, made once by the code that knew no other, and what it made with them. */
static const char tenant_key[] =
    "51554e4b4559310a00000000000000017cd93b76ca5159c776a399feeda5e312df4932c23a7f5e4c1bd44a575aa550a1"
    "62dfa30de636bbe9bcd66aaf815cca9eff8994c3efbef9a5c26874362b78afc93ff4a0c2ff117771314450a981515c59";
static const char members_keys[] =
    "51554e4d454d310a000000000000000196458971ee2fea5f750be5be0d6d8cf7190cbcac78c262b3ad7e34a974a2ddfb"
    "0000000000000000bb082939c78abb5d1a0a0f3346bebe9c7216e75bc8581999f8c26988447c054e95b2a5f2d07865fe"
    "e03df4dcc691f79a919535c83441f157a99dd7c2f9f3b7bdba83a0d6c09d9dbea7f71b952165c411";
static const char signer_key[] =
    "51554e534947310a1553af0d20c051cee6c06ff2a5a1a6bee992a49a7b361dfa45fff699ffdb79c25d4b3535dc069ada"
    "1d394ca15029a5f3";
static const char signer_state[] =
    "51554e544f50310a0000000000000000e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    "495eff44b0738d9b6bdc91ab7e2626bd";
static const char pseudonym_of_wxid_1[] = "190cbcac78c262b3ad7e34a974a2ddfb";
static const char sealed_by_1[] =
    "01bde838fde7817c0e7956e879b525890b2bb8dac9309156e7add3913ce52ce8b089e4790cca785d380fe72bdc990737"
    "b5b088d167b65ca593875a9c846998a24e9e838ec54d6f5083f56d4b4c920937a9349dca33247f68d67d43995cf38d2e"
    "b795b43b015a4f3700";
static const char digest_of_content[] = "f046bc0522a40c9b";
static const char text[] = "旧的密文 sealed by version 1";

static char keys[64], tenant_dir[80];
static struct qun_error err;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st, (void)kind, (void)at;
  return remove(path);
}

static void setup(void) {
  strcpy(keys, "/tmp/qun-seal-XXXXXX");
  cr_assert(mkdtemp(keys));
  snprintf(tenant_dir, sizeof tenant_dir, "%s/acme", keys);
}

static void teardown(void) {
  nftw(keys, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(tenants_vault_seal, .init = setup, .fini = teardown);

static size_t unhex(const char *hex, unsigned char *out, size_t size) {
  size_t n = 0;
  cr_assert_eq(sodium_hex2bin(out, size, hex, strlen(hex), NULL, &n, NULL), 0);
  return n;
}

static void spill(const char *name, const char *hex) {
  char path[160];
  unsigned char bytes[256];
  size_t n = unhex(hex, bytes, sizeof bytes);
  snprintf(path, sizeof path, "%s/%s", tenant_dir, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  cr_assert(fd >= 0);
  cr_assert_eq(write(fd, bytes, n), (ssize_t)n);
  close(fd);
}

static struct qun_vault *open_vault(void) {
  struct qun_vault *v = NULL;
  cr_assert_eq(qun_vault_open(&v, keys, "acme", &err), 0, "%s", err.message);
  return v;
}

static struct qun_vault *open_old(void) {
  cr_assert_eq(mkdir(tenant_dir, 0700), 0);
  spill("tenant.key", tenant_key);
  spill("members.keys", members_keys);
  spill("signer.key", signer_key);
  spill("signer.state", signer_state);
  return open_vault();
}

static struct qun_vault *open_new(void) {
  cr_assert_eq(qun_vault_create(keys, "acme", &err), 0, "%s", err.message);
  return open_vault();
}

static void member(const struct qun_vault *v, unsigned n, unsigned char out[QUN_PSEUDONYM_SIZE]) {
  qun_vault_pseudonym(v, qun_slice_of(&n, sizeof n), out);
}

static qun_slice seal(struct qun_vault *v, const unsigned char *pseudonym, qun_slice plain, unsigned char *out) {
  cr_assert_eq(qun_vault_seal(v, pseudonym, plain, out, &err), 0, "%s", err.message);
  return qun_slice_of(out, qun_vault_sealed_len(v, plain.len));
}

static bool opens(struct qun_vault *v, const unsigned char *pseudonym, qun_slice sealed, qun_slice plain) {
  unsigned char out[256];
  size_t len = 0;
  return qun_sealed_plain_len(sealed, &len) && qun_vault_open_sealed(v, pseudonym, sealed, out, &err) == 0 &&
         qun_slice_eq(qun_slice_of(out, len), plain);
}

Test(tenants_vault_seal, opens_what_version_1_sealed_and_keeps_its_pseudonyms_and_digests) {
  unsigned char expected[QUN_PSEUDONYM_SIZE], got[QUN_PSEUDONYM_SIZE], sealed[200];
  struct qun_vault *v = open_old();
  unhex(pseudonym_of_wxid_1, expected, sizeof expected);
  for (int again = 0; again < 2; again++) {
    qun_vault_pseudonym(v, qun_str("wxid_1"), got);
    cr_expect_arr_eq(got, expected, sizeof got);
  }
  size_t n = unhex(sealed_by_1, sealed, sizeof sealed);
  cr_expect(opens(v, got, qun_slice_of(sealed, n), qun_str(text)), "%s", err.message);
  unhex(digest_of_content, expected, sizeof expected);
  qun_vault_digest(v, qun_str("content"), got);
  cr_expect_arr_eq(got, expected, QUN_DIGEST_SIZE);
  qun_vault_close(v);
}

Test(tenants_vault_seal, an_old_tenant_key_keeps_its_form_through_a_forget) {
  unsigned char other[QUN_PSEUDONYM_SIZE], wxid[QUN_PSEUDONYM_SIZE], was[QUN_DIGEST_SIZE], is[QUN_DIGEST_SIZE],
      sealed[200], room[200];
  struct qun_vault *v = open_old();
  member(v, 7, other);
  seal(v, other, qun_str("x"), room);
  qun_vault_digest(v, qun_str("content"), was);
  cr_assert_eq(qun_vault_sync(v, &err), 0);
  cr_assert_eq(qun_vault_forget(v, other, &err), 0, "%s", err.message);
  qun_vault_close(v);
  v = open_vault();
  qun_vault_digest(v, qun_str("content"), is);
  cr_expect_arr_eq(was, is, sizeof was);
  qun_vault_pseudonym(v, qun_str("wxid_1"), wxid);
  size_t n = unhex(sealed_by_1, sealed, sizeof sealed);
  cr_expect(opens(v, wxid, qun_slice_of(sealed, n), qun_str(text)), "%s", err.message);
  qun_vault_close(v);
}

/* Whichever version a host seals in, with libsodium's AES or without it, another host opens it. */
Test(tenants_vault_seal, either_version_opens_with_and_without_the_processors_aes) {
  static const char *const texts[] = {"", "x", "0123456789abcdef", "今天的团购开始了，大家可以在群里接龙"};
  unsigned char m[QUN_PSEUDONYM_SIZE], room[256];
  struct qun_vault *v = open_new();
  const bool aes = v->aes;
  member(v, 1, m);
  for (unsigned char version = 1; version <= (aes ? 2 : 1); version++)
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
      v->seal_version = version;
      qun_slice sealed = seal(v, m, qun_str(texts[i]), room);
      cr_expect_eq(room[0], version);
      cr_expect_leq(sealed.len, strlen(texts[i]) + QUN_SEAL_ROOM);
      v->aes = false;
      cr_expect(opens(v, m, sealed, qun_str(texts[i])), "version %u: %s", version, err.message);
      v->aes = aes;
      cr_expect(opens(v, m, sealed, qun_str(texts[i])), "version %u: %s", version, err.message);
    }
  qun_vault_close(v);
}

Test(tenants_vault_seal, refuses_every_altered_byte_in_either_version) {
  unsigned char m[QUN_PSEUDONYM_SIZE], other[QUN_PSEUDONYM_SIZE], room[256], more[256];
  struct qun_vault *v = open_new();
  const bool aes = v->aes;
  member(v, 1, m);
  member(v, 2, other);
  for (unsigned char version = 1; version <= (aes ? 2 : 1); version++)
    for (int with = 0; with <= aes; with++) {
      v->seal_version = version;
      qun_slice sealed = seal(v, m, qun_str("13800138000"), room);
      seal(v, other, qun_str("x"), more);
      v->aes = with;
      for (size_t i = 0; i < sealed.len; i++) {
        room[i] ^= 1;
        cr_expect(!opens(v, m, sealed, qun_str("13800138000")), "version %u: byte %zu altered and opened", version, i);
        room[i] ^= 1;
      }
      cr_expect(opens(v, m, sealed, qun_str("13800138000")));
      cr_expect(!opens(v, other, sealed, qun_str("13800138000")));
      v->aes = aes;
    }
  qun_vault_close(v);
}

Test(tenants_vault_seal, knows_lengths_before_it_opens) {
  unsigned char bytes[QUN_SEAL_ROOM] = {0};
  size_t len = 99;
  for (unsigned char version = 1; version <= 2; version++) {
    bytes[0] = version;
    cr_expect(qun_sealed_plain_len(qun_slice_of(bytes, version == 1 ? 73 : 61), &len));
    cr_expect_eq(len, 0);
    cr_expect(!qun_sealed_plain_len(qun_slice_of(bytes, version == 1 ? 72 : 60), &len));
  }
  bytes[0] = 3;
  cr_expect(!qun_sealed_plain_len(qun_slice_of(bytes, sizeof bytes), &len));
  bytes[0] = 0;
  cr_expect(!qun_sealed_plain_len(qun_slice_of(bytes, sizeof bytes), &len));
  cr_expect(!qun_sealed_plain_len(qun_slice_of(NULL, 0), &len));
}

/* More ids than the memory of pseudonyms has places, asked for twice in different orders. */
Test(tenants_vault_seal, remembered_pseudonyms_are_the_ones_that_were_made) {
  enum { IDS = 20000 };
  unsigned char(*first)[QUN_PSEUDONYM_SIZE] = calloc(IDS, sizeof *first), got[QUN_PSEUDONYM_SIZE];
  cr_assert(first);
  struct qun_vault *v = open_new();
  for (unsigned i = 0; i < IDS; i++) member(v, i, first[i]);
  for (unsigned i = IDS; i-- > 0;) {
    member(v, i, got);
    cr_assert_arr_eq(got, first[i], sizeof got, "id %u", i);
  }
  qun_vault_close(v);
  v = open_vault();
  for (unsigned i = 0; i < IDS; i += 7) {
    member(v, i, got);
    cr_assert_arr_eq(got, first[i], sizeof got, "id %u after it was opened again", i);
  }
  qun_vault_close(v);
  free(first);
}
