/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of others: every JSON file below $QUN_SHARED_DATA/audit/merkle, and rfc6962-tree8.json. */
#include "tenants/merkle.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned right, wrong, cases;

static char *audit_path(const char *name) {
  const char *data = getenv("QUN_SHARED_DATA");
  char *path = NULL;
  cr_assert(asprintf(&path, "%s/audit/%s", data ? data : "../shared/data", name) > 0);
  if (access(path, R_OK) != 0) {
    cr_skip("%s is not there", path);
    free(path);
    return NULL;
  }
  return path;
}

static char *slurp(const char *path) {
  FILE *f = fopen(path, "rb");
  char *text = calloc(1, 1 << 20);
  cr_assert(f && text, "%s", path);
  cr_assert(fread(text, 1, (1 << 20) - 1, f) > 0, "%s", path);
  fclose(f);
  return text;
}

/* A whole 64-bit number: a double of cJSON would round the vectors' 2^64 - 1. */
static uint64_t number_of(const char *text, const char *key) {
  char pattern[32];
  snprintf(pattern, sizeof pattern, "\"%s\":", key);
  const char *at = strstr(text, pattern);
  cr_assert(at, "no %s", key);
  return strtoull(at + strlen(pattern), NULL, 10);
}

/* False where the text is not a hash: any proof with it is refused before it gets to the tree. */
static bool hash_of(const cJSON *value, unsigned char out[QUN_HASH_SIZE]) {
  unsigned char bytes[256];
  size_t n = 0;
  if (!cJSON_IsString(value)) return false;
  if (sodium_base642bin(bytes, sizeof bytes, value->valuestring, strlen(value->valuestring), NULL, &n, NULL,
                        sodium_base64_VARIANT_ORIGINAL) != 0)
    return false;
  if (n != QUN_HASH_SIZE) return false;
  memcpy(out, bytes, QUN_HASH_SIZE);
  return true;
}

static bool proof_of(const cJSON *list, struct qun_proof *p) {
  const cJSON *item;
  p->count = 0;
  cJSON_ArrayForEach(item, list) {
    if (p->count == QUN_PROOF_MAX || !hash_of(item, p->hashes[p->count])) return false;
    p->count++;
  }
  return true;
}

static int run_case(const char *path, const struct stat *st, int kind, struct FTW *at) {
  unsigned char a[QUN_HASH_SIZE], b[QUN_HASH_SIZE];
  struct qun_proof proof;
  size_t len = strlen(path);
  (void)st, (void)at;
  if (kind != FTW_F || len < 5 || strcmp(path + len - 5, ".json") != 0) return 0;
  char *text = slurp(path);
  cJSON *json = cJSON_Parse(text);
  cr_assert(json, "%s", path);
  bool consistency = cJSON_GetObjectItem(json, "size1") != NULL;
  bool want = !cJSON_IsTrue(cJSON_GetObjectItem(json, "wantErr"));
  bool got = hash_of(cJSON_GetObjectItem(json, consistency ? "root1" : "leafHash"), a) &&
             hash_of(cJSON_GetObjectItem(json, consistency ? "root2" : "root"), b) &&
             proof_of(cJSON_GetObjectItem(json, "proof"), &proof);
  if (got && consistency)
    got = qun_merkle_verify_consistency(number_of(text, "size1"), number_of(text, "size2"), a, b, &proof, NULL) == 0;
  else if (got)
    got = qun_merkle_verify(number_of(text, "leafIdx"), number_of(text, "treeSize"), a, &proof, b, NULL) == 0;
  cases++;
  *(got ? &right : &wrong) += 1;
  /* their "don't care" roots of two empty trees are no hashes, which ours always are */
  const cJSON *root = cJSON_GetObjectItem(json, "root1");
  if (!strstr(path, "/additional/") || !root || strncmp(root->valuestring, "ZG9u", 4) != 0)
    cr_expect(got == want, "%s: %s", path, got ? "accepted" : "refused");
  cJSON_Delete(json);
  free(text);
  return 0;
}

Test(tenants_merkle_vectors, every_inclusion_and_consistency_case_of_others) {
  char *path = audit_path("merkle");
  if (!path) return;
  cr_assert(nftw(path, run_case, 16, FTW_PHYS) == 0);
  cr_log_info("%u cases: %u accepted, %u refused", cases, right, wrong);
  cr_expect(cases > 0 && right > 0 && wrong > 0);
  free(path);
}

Test(tenants_merkle_vectors, roots_of_the_eight_classic_leaves) {
  struct qun_merkle_border border;
  char *path = audit_path("rfc6962-tree8.json");
  if (!path) return;
  char *text = slurp(path);
  cJSON *json = cJSON_Parse(text), *leaves = cJSON_GetObjectItem(json, "leafInputsHex");
  const cJSON *root;
  int n = 0;
  cr_assert(json && leaves);
  qun_merkle_border_init(&border);
  cJSON_ArrayForEach(root, cJSON_GetObjectItem(json, "rootHexBySize")) {
    unsigned char hash[QUN_HASH_SIZE], data[64];
    char hex[2 * QUN_HASH_SIZE + 1];
    size_t len;
    qun_merkle_border_root(&border, hash);
    cr_expect(strcmp(sodium_bin2hex(hex, sizeof hex, hash, sizeof hash), root->valuestring) == 0, "size %d", n);
    const cJSON *leaf = cJSON_GetArrayItem(leaves, n++);
    if (!leaf) break;
    cr_assert(sodium_hex2bin(data, sizeof data, leaf->valuestring, strlen(leaf->valuestring), NULL, &len, NULL) == 0);
    qun_merkle_leaf((qun_slice){data, len}, hash);
    cr_assert(qun_merkle_border_add(&border, hash, NULL, NULL) == 0);
  }
  cr_expect(n == cJSON_GetArraySize(leaves) + 1);
  cJSON_Delete(json);
  free(text);
  free(path);
}
