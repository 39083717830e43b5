/* SPDX-License-Identifier: Apache-2.0 */
#include "package.h"

#include "host/plugins/small_file.h"
#include "tenants/sha256.h"

#include <criterion/criterion.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void write_whole(const char *top, const char *id, const char *file, qun_slice bytes) {
  char path[PATH_MAX];
  struct qun_error err;
  snprintf(path, sizeof path, "%s/%s/%s", top, id, file);
  for (char *c = strchr(path + strlen(top), '/'); c; c = strchr(c + 1, '/')) {
    *c = '\0';
    mkdir(path, 0700);
    *c = '/';
  }
  cr_assert_eq(qun__small_file_replace(path, bytes, 0600, &err), 0, "%s", err.message);
}

static void put(struct qun_package_index *index, const char *top, const char *id, const char *file, qun_slice bytes) {
  unsigned char sum[32];
  qun_sha256_of(bytes, sum);
  write_whole(top, id, file, bytes);
  cr_assert(qun_package_index_add(index, file, bytes.len, sum));
}

void package_make(const char *top, const char *id, const char *so, const unsigned char *secret, const char *more) {
  struct qun_package_index index = {.version = "1.0.0"};
  struct qun_pack library, text, signature;
  char manifest[1024], inside[128];
  struct qun_error err;
  qun_pack_init(&library);
  qun_pack_init(&text);
  qun_pack_init(&signature);
  snprintf(manifest, sizeof manifest,
           "id: %s\nversion: 1.0.0\nabi: 1\nlibrary: animal.so\ntitle: {en: Animal, zh: 动物}\n"
           "summary: {en: Lives., zh: 活着。}\nfiles: [data.txt]\n%s",
           id, more);
  snprintf(index.id, sizeof index.id, "%s", id);
  snprintf(index.arch, sizeof index.arch, "%s", qun_package_arch);
  snprintf(inside, sizeof inside, "lib/%s/animal.so", qun_package_arch);
  cr_assert_eq(qun__small_file_read(&library, so, 64 << 20, &err), 0, "%s", err.message);
  put(&index, top, id, "plugin.yaml", qun_str(manifest));
  put(&index, top, id, "data.txt", qun_str("data"));
  put(&index, top, id, inside, qun_pack_slice(&library));
  qun_package_index_write(&text, &index);
  write_whole(top, id, "index", qun_pack_slice(&text));
  if (secret) {
    qun_package_sign(&signature, qun_pack_slice(&text), secret);
    write_whole(top, id, "signature", qun_pack_slice(&signature));
  }
  qun_package_index_fini(&index);
  qun_pack_fini(&library);
  qun_pack_fini(&text);
  qun_pack_fini(&signature);
}

void package_spoil(const char *top, const char *id, const char *file) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s/%s", top, id, file);
  FILE *to = fopen(path, "ab");
  cr_assert_not_null(to);
  fputc('\n', to);
  fclose(to);
}

void package_trust(const char *data, const unsigned char key[32], const char *prefix) {
  char folder[PATH_MAX];
  struct qun_trust_store store;
  struct qun_error err;
  snprintf(folder, sizeof folder, "%s/plugins", data);
  mkdir(folder, 0700);
  cr_assert_eq(qun_trust_store_load(&store, folder, &err), 0, "%s", err.message);
  cr_assert_eq(qun_trust_store_add(&store, key, prefix, "tester", &err), 0, "%s", err.message);
  cr_assert_eq(qun_trust_store_save(&store, folder, &err), 0, "%s", err.message);
  qun_trust_store_fini(&store);
}

void package_grant(const char *data, const char *top, const char *id, const unsigned char *key) {
  char folder[PATH_MAX];
  struct qun_service_grants grants;
  struct qun_manifest *m = NULL;
  struct qun_error err;
  snprintf(folder, sizeof folder, "%s/%s", top, id);
  cr_assert_eq(qun_manifest_load(&m, folder, &err), 0, "%s", err.message);
  snprintf(folder, sizeof folder, "%s/plugins", data);
  mkdir(folder, 0700);
  cr_assert_eq(qun_service_grants_load(&grants, folder, &err), 0, "%s", err.message);
  cr_assert_eq(qun_service_grants_set(&grants, m, key, &err), 0, "%s", err.message);
  cr_assert_eq(qun_service_grants_save(&grants, folder, &err), 0, "%s", err.message);
  qun_service_grants_fini(&grants);
  qun_manifest_destroy(m);
}
