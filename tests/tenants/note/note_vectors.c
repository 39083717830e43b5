/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of others: signed-note-c2sp.json and every JSON file of ed25519/ below $QUN_SHARED_DATA/audit. */
#include "tenants/note.h"
#include "tenants/tlog_proof.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

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

static cJSON *read_json(const char *path) {
  enum { MOST = 16 << 20 };
  FILE *f = fopen(path, "rb");
  char *text = calloc(1, MOST);
  cr_assert(f && text, "%s", path);
  cr_assert(fread(text, 1, MOST - 1, f) > 0, "%s", path);
  fclose(f);
  cJSON *json = cJSON_Parse(text);
  cr_assert(json, "%s", path);
  free(text);
  return json;
}

static const char *text_of(const cJSON *object, const char *key) {
  const cJSON *value = cJSON_GetObjectItem(object, key);
  cr_assert(cJSON_IsString(value), "no text %s", key);
  return value->valuestring;
}

Test(tenants_note_vectors, the_signed_note_of_the_specification) {
  char *path = audit_path("signed-note-c2sp.json");
  if (!path) return;
  cJSON *json = read_json(path), *note = cJSON_GetObjectItem(json, "signedNote");
  struct qun_verifier v;
  struct qun_error err;
  qun_slice text;
  cr_assert(qun_verifier_read(&v, qun_str(text_of(note, "vkey")), &err) == 0, "%s", err.message);
  bool got = qun_note_open(&text, qun_str(text_of(note, "note")), &v, 1, &err) == 0;
  cr_expect(got == cJSON_IsTrue(cJSON_GetObjectItem(note, "valid")), "%s", err.message);
  cJSON_Delete(json);
  free(path);
}

Test(tenants_note_vectors, checkpoint_bodies) {
  char *path = audit_path("signed-note-c2sp.json");
  if (!path) return;
  cJSON *json = read_json(path);
  const cJSON *item;
  unsigned n = 0;
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "checkpointBodies")) {
    struct qun_checkpoint c;
    bool got = qun_checkpoint_read(&c, qun_str(text_of(item, "body")), NULL) == 0;
    cr_expect(got == cJSON_IsTrue(cJSON_GetObjectItem(item, "ok")), "%s", text_of(item, "desc"));
    n++;
  }
  cr_expect(n > 0);
  cJSON_Delete(json);
  free(path);
}

Test(tenants_note_vectors, tlog_proofs) {
  char *path = audit_path("signed-note-c2sp.json");
  if (!path) return;
  cJSON *json = read_json(path);
  const cJSON *item;
  unsigned n = 0;
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "tlogProofs")) {
    struct qun_tlog_proof p;
    bool got = qun_tlog_proof_read(&p, qun_str(text_of(item, "text")), NULL) == 0;
    cr_expect(got == cJSON_IsTrue(cJSON_GetObjectItem(item, "ok")), "%s", text_of(item, "desc"));
    n++;
  }
  cr_expect(n > 0);
  cJSON_Delete(json);
  free(path);
}

/* What is pinned: low-order and non-canonical points are refused wherever they stand, and so is what only fits with the
 * cofactor. */
static bool we_accept(const cJSON *flags) {
  const cJSON *flag;
  cJSON_ArrayForEach(flag, flags) {
    if (strcmp(flag->valuestring, "low_order_component_A") != 0 &&
        strcmp(flag->valuestring, "low_order_component_R") != 0)
      return false;
  }
  return true;
}

static void run_ed25519(const char *path, unsigned *accepted, unsigned *refused) {
  cJSON *json = read_json(path);
  const cJSON *item;
  cJSON_ArrayForEach(item, json) {
    struct qun_verifier v = {.name = "vector"};
    unsigned char sig[64];
    const char *key = text_of(item, "key"), *hex = text_of(item, "sig");
    size_t n;
    cr_assert(sodium_hex2bin(v.key, sizeof v.key, key, strlen(key), NULL, &n, NULL) == 0 && n == 32);
    cr_assert(sodium_hex2bin(sig, sizeof sig, hex, strlen(hex), NULL, &n, NULL) == 0);
    bool got = qun_verifier_check(&v, qun_str(text_of(item, "msg")), qun_slice_of(sig, n)) == 0;
    bool want = n == 64 && we_accept(cJSON_GetObjectItem(item, "flags"));
    cr_expect(got == want, "%s: vector %d: %s", path, cJSON_GetObjectItem(item, "number")->valueint,
              got ? "accepted" : "refused");
    *(got ? accepted : refused) += 1;
  }
  cJSON_Delete(json);
}

Test(tenants_note_vectors, ed25519_edge_cases_are_decided_as_pinned) {
  char *dir = audit_path("ed25519");
  unsigned accepted = 0, refused = 0;
  if (!dir) return;
  cr_assert(sodium_init() >= 0);
  DIR *list = opendir(dir);
  cr_assert(list);
  for (struct dirent *entry; (entry = readdir(list));) {
    const char *dot = strrchr(entry->d_name, '.');
    char path[1024];
    if (!dot || strcmp(dot, ".json") != 0) continue;
    snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
    run_ed25519(path, &accepted, &refused);
  }
  closedir(list);
  cr_log_info("%u accepted, %u refused", accepted, refused);
  cr_expect(accepted > 0 && refused > 0);
  free(dir);
}
