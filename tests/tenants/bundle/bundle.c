/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture f;
static struct qun_error err;
static struct qun_bundle_result result;

static void setup(void) {
  fixture_open(&f);
}

static void teardown(void) {
  fixture_close(&f);
}

TestSuite(tenants_bundle, .init = setup, .fini = teardown);

static int verify(void) {
  return qun_bundle_verify(&result, f.dir, f.vkey, (qun_slice){NULL, 0}, &err);
}

static void write_bundle(void) {
  fixture_clear(&f);
  cr_assert(fixture_write(&f, &err) == 0, "%s", err.message);
}

/* Writes the bundle anew, signed and all, and expects it to be refused for what stands in it. */
static void refused(const char *file, const char *what) {
  write_bundle();
  cr_expect(verify() == QUN_EINVAL, "%s: accepted", what);
  cr_expect(strncmp(err.message, file, strlen(file)) == 0 && strstr(err.message, what), "'%s' says not '%s ... %s'",
            err.message, file, what);
}

Test(tenants_bundle, accepts_what_it_wrote_and_says_what_it_checked) {
  write_bundle();
  cr_assert(verify() == 0, "%s", err.message);
  cr_expect(strcmp(result.origin, "qun.example/acme") == 0 && !result.any_key);
  cr_expect(result.files == 8 && result.records == 4 && result.cited == 4);
  cr_expect(result.size == f.size && result.upto == 300 && result.audit_seq == 301);
  cr_expect(result.continues && result.since_size == f.early_size);
}

Test(tenants_bundle, refuses_another_key) {
  unsigned char other[32] = {9};
  struct qun_verifier v;
  char text[QUN_VERIFIER_TEXT_SIZE];
  write_bundle();
  for (int i = 0; i < 2; i++) {
    cr_assert(qun_verifier_make(&v, i ? "qun.example/other" : f.key.name, i ? f.key.key : other, &err) == 0);
    cr_expect(qun_bundle_verify(&result, f.dir, qun_verifier_write(text, &v), (qun_slice){NULL, 0}, &err) ==
              QUN_EINVAL);
    cr_expect(strncmp(err.message, "MANIFEST", 8) == 0, "%s", err.message);
  }
  cr_expect(qun_bundle_verify(&result, f.dir, "nonsense", (qun_slice){NULL, 0}, &err) == QUN_EINVAL);
}

Test(tenants_bundle, any_key_checks_consistency_alone_and_says_so) {
  write_bundle();
  cr_assert(qun_bundle_verify(&result, f.dir, NULL, (qun_slice){NULL, 0}, &err) == 0, "%s", err.message);
  cr_expect(result.any_key);
}

Test(tenants_bundle, holds_the_bundle_against_an_earlier_checkpoint) {
  struct qun_pack other = {0};
  write_bundle();
  cr_expect(qun_bundle_verify(&result, f.dir, f.vkey, qun_pack_slice(&f.early_checkpoint), &err) == 0, "%s",
            err.message);
  cr_expect(qun_bundle_verify(&result, f.dir, f.vkey, qun_pack_slice(&f.checkpoint), &err) == 0, "%s", err.message);

  fixture_checkpoint(&f, &other, f.early_size + 1);
  cr_expect(qun_bundle_verify(&result, f.dir, f.vkey, qun_pack_slice(&other), &err) == QUN_EINVAL);
  cr_expect(strstr(err.message, "ask for a bundle since it"), "%s", err.message);

  f.leaves[0][0] ^= 1; /* a past that never was */
  qun_pack_clear(&other);
  fixture_checkpoint(&f, &other, f.early_size);
  cr_expect(qun_bundle_verify(&result, f.dir, f.vkey, qun_pack_slice(&other), &err) == QUN_EINVAL);
  cr_expect(strstr(err.message, "the log was changed"), "%s", err.message);
  qun_pack_clear(&other);
  fixture_checkpoint(&f, &other, f.size);
  cr_expect(qun_bundle_verify(&result, f.dir, f.vkey, qun_pack_slice(&other), &err) == QUN_EINVAL);
  cr_expect(strstr(err.message, "the log was changed"), "%s", err.message);
  qun_pack_clear(&other);
  f.size++;
  fixture_checkpoint(&f, &other, f.size);
  cr_expect(qun_bundle_verify(&result, f.dir, f.vkey, qun_pack_slice(&other), &err) == QUN_EINVAL);
  cr_expect(strstr(err.message, "the log went back"), "%s", err.message);
  cr_expect(qun_bundle_verify(&result, f.dir, f.vkey, qun_str("not a note\n"), &err) == QUN_EINVAL);
  cr_expect(strstr(err.message, "the earlier checkpoint"), "%s", err.message);
  qun_pack_fini(&other);
}

Test(tenants_bundle, refuses_a_signed_bundle_with_a_wrong_proof) {
  struct qun_bound *r = f.evidence.records;
  static const char *const names[] = {"record 7", "record 100", "record 299", "record 301"};
  for (int i = 0; i < 4; i++) {
    unsigned char *byte = r[i].kind == QUN_BOUND_TAIL ? &r[i].path.hashes[0][3] : &r[i].proof.hashes[1][3];
    *byte ^= 1;
    fixture_draw_evidence(&f);
    refused("evidence.json", names[i]);
    *byte ^= 1;
    r[i].hash[5] ^= 1;
    fixture_draw_evidence(&f);
    refused("evidence.json", "record");
    r[i].hash[5] ^= 1;
  }
  f.evidence.audit_salt[0] ^= 1;
  fixture_draw_evidence(&f);
  refused("evidence.json", "salt and bytes");
  f.evidence.audit_salt[0] ^= 1;
  r[2].by = 100;
  fixture_draw_evidence(&f);
  refused("evidence.json", "record 299");
  r[2].by = 301;
  r[2].count--;
  fixture_draw_evidence(&f);
  refused("evidence.json", "record 299");
}

Test(tenants_bundle, refuses_a_signed_bundle_without_a_proof_of_what_a_report_cites) {
  struct qun_evidence whole = f.evidence;
  f.evidence.records++;
  f.evidence.count--;
  fixture_draw_evidence(&f);
  refused("evidence.json", "no proof of record 7");
  f.evidence = whole;
  f.evidence.count--;
  fixture_draw_evidence(&f);
  refused("evidence.json", "qun.audit record itself");
  f.evidence = whole;
}

Test(tenants_bundle, refuses_a_signed_bundle_whose_audit_is_not_the_logged_one) {
  f.audit_json.buf[f.audit_json.len - 1] = ' ';
  refused("audit.json", "SHA-256");
  f.audit_json.buf[f.audit_json.len - 1] = '\n';
  qun_pack_raw(&f.audit_json, qun_str("{}"));
  refused("audit.json", "more than one JSON value");
}

Test(tenants_bundle, refuses_a_signed_bundle_over_another_tree) {
  struct qun_checkpoint c;
  qun_pack_clear(&f.checkpoint);
  fixture_checkpoint(&f, &f.checkpoint, f.size - 1);
  refused("evidence.json", "not those of the checkpoint");
  cr_assert(qun_checkpoint_open(&c, qun_pack_slice(&f.checkpoint), &f.key, 1, &err) == 0);
  fixture_draw_evidence(&f);
  refused("evidence.json", "record");
}

Test(tenants_bundle, refuses_a_consistency_proof_that_does_not_fit) {
  static const struct qun_proof none = {.count = 0};
  qun_pack_clear(&f.consistency_json);
  qun_consistency_write(&f.consistency_json, qun_pack_slice(&f.early_checkpoint), &none);
  refused("consistency.json", "hashes");
  qun_pack_clear(&f.consistency_json);
  qun_consistency_write(&f.consistency_json, qun_str("x\n"), &none);
  refused("consistency.json", "since");
}

Test(tenants_bundle, refuses_evidence_with_doubled_or_unknown_keys) {
  static const char *const bad[] = {
      "{\"format\":\"qun-evidence/1\",\"format\":\"qun-evidence/1\"}",
      "{\"format\":\"qun-evidence/1\"}",
      "[]",
      "",
      "{",
      "{\"format\":\"qun-evidence/1\",\"origin\":\"o\",\"size\":1.5,\"root\":\"\",\"audit\":{},\"records\":[]}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    qun_pack_clear(&f.evidence_json);
    qun_pack_raw(&f.evidence_json, qun_str(bad[i]));
    refused("evidence.json", "");
  }
}

Test(tenants_bundle, is_written_only_into_a_folder_of_its_own_and_only_whole) {
  struct qun_bundle_file files[5] = {
      {"key", {0}}, {"checkpoint", {0}}, {"evidence.json", {0}}, {"audit.json", {0}}, {"x", {0}}};
  static const char *const paths[] = {"../x", "/x", "a//b", ".x",        "a/.b",       "MANIFEST",
                                      "a b",  "",   "a/",   "1/2/3/4/5", "audit.json", "key"};
  struct qun_pack manifest;
  write_bundle();
  cr_expect(fixture_write(&f, &err) == QUN_ECONFLICT, "%s", err.message);
  fixture_clear(&f);
  qun_pack_init(&manifest);
  for (uint32_t n = 0; n < 4; n++) {
    cr_expect(qun_bundle_manifest(&manifest, files, n, &f.key, fixture_sign, &f, &err) == QUN_EINVAL);
    cr_expect(strstr(err.message, files[n].path), "%s", err.message);
  }
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    files[4].path = paths[i];
    cr_expect(qun_bundle_manifest(&manifest, files, 5, &f.key, fixture_sign, &f, &err) == QUN_EINVAL, "'%s'", paths[i]);
    if (i < 10 && strcmp(paths[i], "MANIFEST") != 0)
      cr_expect(qun_bundle_store(f.dir, files, 5, &err) == QUN_EINVAL, "'%s'", paths[i]);
    cr_expect(access(f.dir, F_OK) != 0, "it left something behind");
  }
  cr_expect(manifest.len == 0);
  qun_pack_fini(&manifest);
}

Test(tenants_bundle, says_when_there_is_no_bundle) {
  cr_expect(verify() == QUN_ENOTFOUND && strstr(err.message, f.dir), "%s", err.message);
  cr_assert(mkdir(f.dir, 0755) == 0);
  cr_expect(verify() == QUN_EINVAL && strstr(err.message, "MANIFEST: missing"), "%s", err.message);
}
