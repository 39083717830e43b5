/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/note.h"

#include "tenants/base64.h"
#include "tenants/tlog_proof.h"

#include <criterion/criterion.h>
#include <sodium.h>

struct key {
  struct qun_verifier verifier;
  unsigned char secret[crypto_sign_SECRETKEYBYTES];
};

static struct key tenant, witness, stranger;
static struct qun_error err;

static void make_key(struct key *k, const char *name, unsigned char first) {
  unsigned char seed[32] = {first}, public_key[32];
  crypto_sign_seed_keypair(public_key, k->secret, seed);
  cr_assert(qun_verifier_make(&k->verifier, name, public_key, &err) == 0);
}

static void setup(void) {
  cr_assert(sodium_init() >= 0);
  make_key(&tenant, "qun.example/acme", 1);
  make_key(&witness, "witness.example", 2);
  make_key(&stranger, "stranger.example", 3);
}

TestSuite(tenants_note, .init = setup);

static int sign(void *arg, qun_slice message, unsigned char sig[64], struct qun_error *e) {
  const struct key *k = arg;
  (void)e;
  return crypto_sign_detached(sig, NULL, message.ptr, message.len, k->secret);
}

static void note_of(struct qun_pack *p, struct key *k, const char *text) {
  qun_pack_init(p);
  cr_assert(qun_note_sign(p, qun_str(text), &k->verifier, sign, k, &err) == 0, "%s", err.message);
}

/* Adds another's signature line below a note. */
static void cosign(struct qun_pack *p, struct key *k, const char *text) {
  struct qun_pack other;
  note_of(&other, k, text);
  size_t skip = strlen(text) + 1;
  qun_pack_raw(p, qun_slice_of(other.buf + skip, other.len - skip));
  qun_pack_fini(&other);
}

static int opens(const struct qun_pack *p, const struct qun_verifier *known, uint32_t count) {
  qun_slice text;
  return qun_note_open(&text, qun_pack_slice(p), known, count, &err);
}

Test(tenants_note, opens_what_it_signed) {
  struct qun_pack p;
  qun_slice text;
  note_of(&p, &tenant, "one\n\ntwo\n");
  cr_assert(qun_note_open(&text, qun_pack_slice(&p), &tenant.verifier, 1, &err) == 0, "%s", err.message);
  cr_expect(qun_slice_is(text, "one\n\ntwo\n"));
  qun_pack_fini(&p);
}

Test(tenants_note, refuses_every_altered_bit_of_a_note) {
  struct qun_pack p;
  note_of(&p, &tenant, "a text\n");
  for (size_t i = 0; i < p.len * 8; i++) {
    p.buf[i / 8] ^= (unsigned char)(1u << i % 8);
    cr_expect(opens(&p, &tenant.verifier, 1) == QUN_EINVAL, "bit %zu of byte %zu", i % 8, i / 8);
    p.buf[i / 8] ^= (unsigned char)(1u << i % 8);
  }
  for (size_t n = 0; n < p.len; n++) {
    struct qun_pack cut = {p.buf, n, n, 0};
    cr_expect(opens(&cut, &tenant.verifier, 1) == QUN_EINVAL, "cut to %zu bytes", n);
  }
  qun_pack_raw(&p, qun_str("\n"));
  cr_expect(opens(&p, &tenant.verifier, 1) == QUN_EINVAL, "a trailing newline");
  qun_pack_fini(&p);
}

Test(tenants_note, accepts_known_witnesses_and_refuses_all_other_signature_lines) {
  struct qun_verifier known[2] = {tenant.verifier, witness.verifier};
  struct qun_pack p;
  note_of(&p, &tenant, "text\n");
  cosign(&p, &witness, "text\n");
  cr_expect(opens(&p, known, 2) == 0, "%s", err.message);
  cr_expect(opens(&p, known, 1) == QUN_EINVAL && strstr(err.message, "witness.example"), "%s", err.message);
  cosign(&p, &stranger, "text\n");
  cr_expect(opens(&p, known, 2) == QUN_EINVAL && strstr(err.message, "stranger.example"), "%s", err.message);
  qun_pack_fini(&p);

  note_of(&p, &witness, "text\n");
  cr_expect(opens(&p, known, 2) == QUN_EINVAL && strstr(err.message, "not signed by qun.example/acme"), "%s",
            err.message);
  qun_pack_fini(&p);

  note_of(&p, &tenant, "text\n");
  cosign(&p, &tenant, "text\n");
  cr_expect(opens(&p, known, 2) == QUN_EINVAL && strstr(err.message, "twice"), "%s", err.message);
  qun_pack_fini(&p);
}

Test(tenants_note, refuses_another_key_of_the_same_name) {
  struct qun_pack p;
  struct key other;
  make_key(&other, "qun.example/acme", 9);
  note_of(&p, &tenant, "text\n");
  cr_expect(opens(&p, &other.verifier, 1) == QUN_EINVAL);
  /* even when the key id is made to fit */
  memcpy(other.verifier.id, tenant.verifier.id, 4);
  cr_expect(opens(&p, &other.verifier, 1) == QUN_EINVAL && strstr(err.message, "does not fit"), "%s", err.message);
  qun_pack_fini(&p);
}

Test(tenants_note, does_not_sign_what_cannot_be_a_text) {
  static const char *const bad[] = {"", "no newline", "tab\t\n", "\xff\xfe\n", "cr\r\n"};
  struct qun_pack p;
  qun_pack_init(&p);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_expect(qun_note_sign(&p, qun_str(bad[i]), &tenant.verifier, sign, &tenant, &err) == QUN_EINVAL, "%zu", i);
  cr_expect(p.len == 0);
  qun_pack_fini(&p);
}

Test(tenants_note, a_verifier_key_survives_its_text_and_refuses_every_altered_character) {
  char text[QUN_VERIFIER_TEXT_SIZE];
  struct qun_verifier back;
  qun_verifier_write(text, &tenant.verifier);
  size_t n = strlen(text);
  cr_assert(qun_verifier_read(&back, qun_str(text), &err) == 0, "%s", err.message);
  cr_expect(strcmp(back.name, tenant.verifier.name) == 0 && memcmp(back.key, tenant.verifier.key, 32) == 0);
  for (size_t i = 0; i < n; i++) {
    text[i] ^= 1;
    cr_expect(qun_verifier_read(&back, qun_str(text), &err) == QUN_EINVAL, "character %zu", i);
    text[i] ^= 1;
    cr_expect(qun_verifier_read(&back, qun_slice_of(text, i), &err) == QUN_EINVAL, "cut to %zu", i);
  }
}

Test(tenants_note, refuses_names_that_cannot_be_one) {
  static const char *const bad[] = {"",
                                    "a b",
                                    "a+b",
                                    "a\xc2\xa0"
                                    "b",
                                    "a\xe3\x80\x80"
                                    "b",
                                    "a\n",
                                    "\xff"};
  struct qun_verifier v;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_expect(qun_verifier_make(&v, bad[i], tenant.verifier.key, &err) == QUN_EINVAL, "%zu", i);
  cr_expect(qun_verifier_make(&v, "群.example/客户", tenant.verifier.key, &err) == 0);
}

Test(tenants_note, a_checkpoint_is_read_as_it_was_written) {
  unsigned char root[32] = {5, 6, 7};
  struct qun_pack body, note;
  struct qun_checkpoint c;
  qun_pack_init(&body);
  qun_checkpoint_write(&body, tenant.verifier.name, 12345, root);
  qun_pack_raw(&body, qun_str(""));
  qun_pack_init(&note);
  cr_assert(qun_note_sign(&note, qun_pack_slice(&body), &tenant.verifier, sign, &tenant, &err) == 0);
  cr_assert(qun_checkpoint_open(&c, qun_pack_slice(&note), &tenant.verifier, 1, &err) == 0, "%s", err.message);
  cr_expect(c.size == 12345 && c.root_size == 32 && memcmp(c.root, root, 32) == 0 && c.extension.len == 0);
  qun_pack_fini(&body);
  qun_pack_fini(&note);
}

Test(tenants_note, refuses_a_checkpoint_of_another_origin_or_another_hash) {
  static const char *const bodies[] = {"other.example\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
                                       "qun.example/acme\n1\nAAAA\n"};
  struct qun_checkpoint c;
  for (size_t i = 0; i < 2; i++) {
    struct qun_pack p;
    note_of(&p, &tenant, bodies[i]);
    cr_expect(qun_checkpoint_open(&c, qun_pack_slice(&p), &tenant.verifier, 1, &err) == QUN_EINVAL, "%zu", i);
    qun_pack_fini(&p);
  }
}

Test(tenants_note, reads_checkpoint_lines_strictly) {
  static const char *const bad[] = {"o\n01\nAAAA\n",  "o\n+1\nAAAA\n",
                                    "o\n1 \nAAAA\n",  "o\n18446744073709551616\nAAAA\n",
                                    "o\n1\nAAA\n",    "o\n1\nAAB=\n",
                                    "o\n1\nAAAA\n\n", "o\n1\nAAAA\nmore",
                                    "o\n1\n\n",       "o\n1\nAA A\n",
                                    "o\n1\nAAAA=\n",  "o\n\nAAAA\n"};
  struct qun_checkpoint c;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_expect(qun_checkpoint_read(&c, qun_str(bad[i]), &err) == QUN_EINVAL, "%s", bad[i]);
  cr_expect(qun_checkpoint_read(&c, qun_str("o\n18446744073709551615\nAAA=\n"), &err) == 0 && c.size == UINT64_MAX);
}

Test(tenants_note, base64_has_one_text_for_every_value) {
  unsigned char out[8];
  size_t n;
  for (unsigned c = 0; c < 256; c++) {
    char text[4] = {'A', (char)c, '=', '='};
    bool want = strchr("AQgw", (int)c) && c;
    cr_expect(qun_base64_read(out, sizeof out, &n, qun_slice_of(text, 4)) == want, "A%c==", (int)c);
  }
  cr_expect(!qun_base64_read(out, sizeof out, &n, qun_str("AAAA\n")));
  cr_expect(!qun_base64_read(out, sizeof out, &n, qun_str("AA")));
  cr_expect(!qun_base64_read(out, sizeof out, &n, qun_str("__--")));
  cr_expect(qun_base64_read(out, sizeof out, &n, qun_str("")) && n == 0);
}

Test(tenants_note, a_tlog_proof_is_read_as_it_was_written) {
  struct qun_proof proof = {.count = 2, .hashes = {{1}, {2}}};
  struct qun_tlog_proof back;
  struct qun_pack p;
  qun_pack_init(&p);
  qun_tlog_proof_write(&p, qun_str("extra data"), 7, &proof, qun_str("checkpoint\n"));
  cr_assert(qun_tlog_proof_read(&back, qun_pack_slice(&p), &err) == 0, "%s", err.message);
  cr_expect(back.index == 7 && back.proof.count == 2 && back.proof.hashes[1][0] == 2);
  cr_expect(qun_slice_is(back.checkpoint, "checkpoint\n") && qun_slice_is(back.extra, "ZXh0cmEgZGF0YQ=="));
  qun_pack_fini(&p);
}
