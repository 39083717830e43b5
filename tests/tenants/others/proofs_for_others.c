/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a signed checkpoint of every size of a growing tree, with every proof of inclusion and consistency in it, as
 * JSON. */
#include "tenants/audit_leaf.h"
#include "tenants/base64.h"
#include "tenants/note.h"

#include <cjson/cJSON.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 40, LEVELS = 7 };

struct tree {
  unsigned char nodes[LEVELS][MOST][QUN_HASH_SIZE];
  unsigned char roots[MOST + 1][QUN_HASH_SIZE];
};

static int store(void *arg, uint32_t level, uint64_t index, const unsigned char hash[QUN_HASH_SIZE]) {
  struct tree *t = arg;
  memcpy(t->nodes[level][index], hash, QUN_HASH_SIZE);
  return 0;
}

static int fetch(void *arg, uint32_t level, uint64_t index, unsigned char out[QUN_HASH_SIZE]) {
  const struct tree *t = arg;
  memcpy(out, t->nodes[level][index], QUN_HASH_SIZE);
  return 0;
}

static int sign(void *arg, qun_slice message, unsigned char sig[64], struct qun_error *err) {
  (void)err;
  return crypto_sign_detached(sig, NULL, message.ptr, message.len, arg);
}

static cJSON *bytes(const void *at, size_t n) {
  char text[QUN_BASE64_SIZE(QUN_LEAF_GROUP_SIZE)];
  return cJSON_CreateString(qun_base64_write(text, at, n));
}

static cJSON *hashes(const struct qun_proof *p) {
  cJSON *list = cJSON_CreateArray();
  for (uint32_t i = 0; i < p->count; i++) cJSON_AddItemToArray(list, bytes(p->hashes[i], QUN_HASH_SIZE));
  return list;
}

static cJSON *checkpoint(const struct tree *t, uint64_t size, const struct qun_verifier *who, unsigned char *secret) {
  struct qun_pack body, note;
  qun_pack_init(&body);
  qun_pack_init(&note);
  qun_checkpoint_write(&body, who->name, size, t->roots[size]);
  if (qun_note_sign(&note, qun_pack_slice(&body), who, sign, secret, NULL) != 0) abort();
  qun_pack_raw(&note, qun_slice_of("", 1));
  cJSON *text = cJSON_CreateString((const char *)note.buf);
  qun_pack_fini(&body);
  qun_pack_fini(&note);
  return text;
}

static cJSON *proofs_of(struct tree *t, uint64_t size, const struct qun_verifier *who, unsigned char *secret) {
  cJSON *item = cJSON_CreateObject();
  cJSON *inclusion = cJSON_AddArrayToObject(item, "inclusion"),
        *consistency = cJSON_AddArrayToObject(item, "consistency");
  struct qun_proof p;
  cJSON_AddItemToObject(item, "checkpoint", checkpoint(t, size, who, secret));
  for (uint64_t i = 0; i < size; i++) {
    if (qun_merkle_prove(&p, fetch, t, i, size) != 0) abort();
    cJSON_AddItemToArray(inclusion, hashes(&p));
  }
  for (uint64_t from = 1; from <= size; from++) {
    if (qun_merkle_prove_consistency(&p, fetch, t, from, size) != 0) abort();
    cJSON_AddItemToArray(consistency, hashes(&p));
  }
  return item;
}

/* Leaves of both kinds, as data: the reader hashes them itself. */
static cJSON *grow(struct tree *t) {
  cJSON *leaves = cJSON_CreateArray();
  struct qun_merkle_border border;
  qun_merkle_border_init(&border);
  for (uint64_t i = 0; i <= MOST; i++) {
    unsigned char data[QUN_LEAF_GROUP_SIZE], hash[QUN_HASH_SIZE];
    size_t n = i % 2 ? QUN_LEAF_RECORD_SIZE : QUN_LEAF_GROUP_SIZE;
    qun_merkle_border_root(&border, t->roots[i]);
    if (i == MOST) break;
    qun_sha256_of(qun_slice_of(&i, sizeof i), hash);
    if (i % 2)
      qun_leaf_record(i, hash, data);
    else
      qun_leaf_group(i * QUN_GROUP_SIZE + 1, QUN_GROUP_SIZE, hash, data);
    cJSON_AddItemToArray(leaves, bytes(data, n));
    qun_merkle_leaf(qun_slice_of(data, n), hash);
    qun_merkle_border_add(&border, hash, store, t);
  }
  return leaves;
}

int main(void) {
  static struct tree tree;
  unsigned char seed[32] = {7}, key[32], secret[crypto_sign_SECRETKEYBYTES];
  char vkey[QUN_VERIFIER_TEXT_SIZE];
  struct qun_verifier who;
  if (sodium_init() < 0) return 1;
  crypto_sign_seed_keypair(key, secret, seed);
  if (qun_verifier_make(&who, "qun.example/客户", key, NULL) != 0) return 1;
  cJSON *all = cJSON_CreateObject();
  cJSON_AddStringToObject(all, "vkey", qun_verifier_write(vkey, &who));
  cJSON_AddItemToObject(all, "leaves", grow(&tree));
  cJSON *sizes = cJSON_AddArrayToObject(all, "sizes");
  for (uint64_t size = 1; size <= MOST; size++) cJSON_AddItemToArray(sizes, proofs_of(&tree, size, &who, secret));
  char *text = cJSON_PrintUnformatted(all);
  if (!text || puts(text) == EOF) return 1;
  cJSON_free(text);
  cJSON_Delete(all);
  return 0;
}
