/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_fixture.h"

#include "tenants/record.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct qun_error err;

int fixture_sign(void *arg, qun_slice message, unsigned char sig[64], struct qun_error *e) {
  struct fixture *f = arg;
  return qun_vault_sign(f->vault, message, sig, e);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st, (void)kind, (void)at;
  return remove(path);
}

void fixture_clear(struct fixture *f) {
  nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int fetch(void *arg, uint32_t level, uint64_t index, unsigned char out[QUN_HASH_SIZE]) {
  struct fixture *f = arg;
  struct qun_merkle_border b;
  qun_merkle_border_init(&b);
  for (uint64_t i = index << level; i < (index + 1) << level; i++) qun_merkle_border_add(&b, f->leaves[i], NULL, NULL);
  qun_merkle_border_root(&b, out);
  return 0;
}

void fixture_checkpoint(struct fixture *f, struct qun_pack *out, uint64_t size) {
  unsigned char root[QUN_HASH_SIZE];
  struct qun_pack body;
  cr_assert(qun_merkle_root(root, fetch, f, size) == 0);
  qun_pack_init(&body);
  qun_checkpoint_write(&body, f->key.name, size, root);
  cr_assert(qun_note_sign(out, qun_pack_slice(&body), &f->key, fixture_sign, f, &err) == 0, "%s", err.message);
  qun_pack_fini(&body);
}

static void append(struct fixture *f, uint64_t seq, qun_slice type, qun_slice data, bool governs,
                   struct qun_pack *bytes) {
  struct qun_record r = {.seq = seq, .time_ms = 1000 + (int64_t)seq, .type = type, .data = data};
  unsigned char salt[32];
  qun_record_write(bytes, &r);
  qun_vault_salt(f->vault, seq, salt);
  qun_record_hash(salt, qun_pack_slice(bytes), f->hashes[seq]);
  if (!governs) return;
  f->leaf_of[seq] = f->size;
  qun_leaf_record_hash(seq, f->hashes[seq], f->leaves[f->size++]);
}

static void fill_log(struct fixture *f) {
  static const unsigned char nothing[] = {0x80};
  struct qun_group g;
  unsigned char root[QUN_HASH_SIZE];
  qun_group_init(&g, 1);
  for (uint64_t seq = 1; seq <= RECORDS; seq++) {
    struct qun_pack bytes;
    qun_pack_init(&bytes);
    append(f, seq, qun_str("chat.message"), qun_slice_of(nothing, 1), seq % GOVERNS_EACH == 0, &bytes);
    qun_pack_fini(&bytes);
    if (qun_group_add(&g, f->hashes[seq])) {
      qun_group_root(&g, root);
      f->group_leaf = f->size;
      qun_leaf_group_hash(g.first, QUN_GROUP_SIZE, root, f->leaves[f->size++]);
      qun_group_init(&g, seq + 1);
    }
    if (seq == 120) f->early_size = f->size;
  }
}

/* What the audit found, and the record of it. */
static void run_audit(struct fixture *f) {
  static const char json[] = "{\"format\":\"qun-audit/1\",\"tenant\":\"acme\",\"upto\":300,\"rules\":["
                             "{\"id\":\"PIPL-13\",\"status\":\"not_satisfied\",\"evidence\":[7,100,299]},"
                             "{\"id\":\"AD-9\",\"status\":\"satisfied\",\"evidence\":[]}]}\n";
  struct qun_audit_statement s = {.upto = RECORDS, .tail_first = 257};
  struct qun_group tail;
  struct qun_pack data;
  qun_pack_raw(&f->audit_json, qun_str(json));
  qun_sha256_of(qun_pack_slice(&f->audit_json), s.report);
  qun_group_init(&tail, 257);
  for (uint64_t seq = 257; seq <= RECORDS; seq++) qun_group_add(&tail, f->hashes[seq]);
  qun_group_root(&tail, s.tail);
  qun_pack_init(&data);
  qun_audit_statement_write(&data, &s);
  append(f, RECORDS + 1, qun_str("qun.audit"), qun_pack_slice(&data), true, &f->audit_bytes);
  qun_pack_fini(&data);
}

static void bind_record(struct fixture *f, struct qun_bound *b, uint64_t seq) {
  const unsigned char(*all)[QUN_HASH_SIZE] = (const unsigned char(*)[QUN_HASH_SIZE])f->hashes;
  *b = (struct qun_bound){.seq = seq};
  memcpy(b->hash, f->hashes[seq], QUN_HASH_SIZE);
  if (f->leaf_of[seq] || seq == GOVERNS_EACH) {
    b->kind = QUN_BOUND_RECORD;
    b->leaf = f->leaf_of[seq];
  } else if (seq <= QUN_GROUP_SIZE) {
    b->kind = QUN_BOUND_GROUP;
    b->first = 1;
    b->count = QUN_GROUP_SIZE;
    b->leaf = f->group_leaf;
    cr_assert(qun_group_prove(&b->path, all + 1, b->count, (uint32_t)seq - 1) == 0);
  } else {
    b->kind = QUN_BOUND_TAIL;
    b->first = 257;
    b->count = RECORDS - 256;
    b->by = RECORDS + 1;
    cr_assert(qun_group_prove(&b->path, all + 257, b->count, (uint32_t)seq - 257) == 0);
  }
  if (b->kind != QUN_BOUND_TAIL) cr_assert(qun_merkle_prove(&b->proof, fetch, f, b->leaf, f->size) == 0);
}

static void gather_evidence(struct fixture *f) {
  static const uint64_t seqs[] = {7, 100, 299, RECORDS + 1};
  struct qun_evidence *e = &f->evidence;
  e->audit_seq = RECORDS + 1;
  qun_vault_salt(f->vault, e->audit_seq, e->audit_salt);
  e->audit_bytes = f->audit_bytes.buf;
  e->audit_bytes_size = f->audit_bytes.len;
  e->count = sizeof seqs / sizeof *seqs;
  e->records = calloc(e->count, sizeof *e->records);
  cr_assert(e->records);
  for (uint32_t i = 0; i < e->count; i++) bind_record(f, &e->records[i], seqs[i]);
}

void fixture_draw_evidence(struct fixture *f) {
  struct qun_checkpoint c;
  cr_assert(qun_checkpoint_open(&c, qun_pack_slice(&f->checkpoint), &f->key, 1, &err) == 0, "%s", err.message);
  qun_pack_clear(&f->evidence_json);
  qun_evidence_write(&f->evidence_json, &c, &f->evidence);
}

void fixture_open(struct fixture *f) {
  unsigned char public_key[32];
  struct qun_proof proof;
  memset(f, 0, sizeof *f);
  strcpy(f->root, "/tmp/qun-bundle-XXXXXX");
  cr_assert(mkdtemp(f->root));
  snprintf(f->dir, sizeof f->dir, "%s/bundle", f->root);
  cr_assert(qun_vault_create(f->root, "acme", &err) == 0, "%s", err.message);
  cr_assert(qun_vault_open(&f->vault, f->root, "acme", &err) == 0, "%s", err.message);
  qun_vault_public_key(f->vault, public_key);
  cr_assert(qun_verifier_make(&f->key, "qun.example/acme", public_key, &err) == 0);
  qun_verifier_write(f->vkey, &f->key);
  fill_log(f);
  run_audit(f);
  fixture_checkpoint(f, &f->checkpoint, f->size);
  fixture_checkpoint(f, &f->early_checkpoint, f->early_size);
  gather_evidence(f);
  fixture_draw_evidence(f);
  cr_assert(qun_merkle_prove_consistency(&proof, fetch, f, f->early_size, f->size) == 0);
  qun_consistency_write(&f->consistency_json, qun_pack_slice(&f->early_checkpoint), &proof);
}

void fixture_close(struct fixture *f) {
  free(f->evidence.records);
  qun_pack_fini(&f->audit_bytes);
  qun_pack_fini(&f->audit_json);
  qun_pack_fini(&f->checkpoint);
  qun_pack_fini(&f->early_checkpoint);
  qun_pack_fini(&f->evidence_json);
  qun_pack_fini(&f->consistency_json);
  qun_vault_close(f->vault);
  nftw(f->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int fixture_write(struct fixture *f, struct qun_error *e) {
  char key[QUN_VERIFIER_TEXT_SIZE + 1];
  struct qun_pack manifest;
  struct qun_bundle_file files[] = {
      {"checkpoint", qun_pack_slice(&f->checkpoint)},
      {"evidence.json", qun_pack_slice(&f->evidence_json)},
      {"audit.json", qun_pack_slice(&f->audit_json)},
      {"consistency.json", qun_pack_slice(&f->consistency_json)},
      {"reports/compliance.html", qun_str("<!doctype html><title>audit</title>\n")},
      {"reports/compliance.json", qun_str("{\"rows\":[{\"rule\":\"PIPL-13\",\"evidence\":299}]}\n")},
      {"reports/empty.csv", qun_str("")},
      {"key", qun_str(strcat(strcpy(key, f->vkey), "\n"))},
      {"MANIFEST", qun_str("")},
  };
  enum { COUNT = sizeof files / sizeof *files };
  qun_pack_init(&manifest);
  int code = qun_bundle_manifest(&manifest, files, COUNT - 1, &f->key, fixture_sign, f, e);
  files[COUNT - 1].bytes = qun_pack_slice(&manifest);
  if (!code) code = qun_bundle_store(f->dir, files, COUNT, e);
  qun_pack_fini(&manifest);
  return code;
}
