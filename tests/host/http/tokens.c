/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http/tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct qun_tokens *tokens;
static struct qun_error err;

static void setup(void) {
  strcpy(dir, "/tmp/qun-tokens-XXXXXX");
  cr_assert_not_null(mkdtemp(dir));
  cr_assert_eq(qun_tokens_create(&tokens, dir, &err), 0);
}

static void teardown(void) {
  char command[128];
  qun_tokens_destroy(tokens);
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  cr_assert_eq(system(command), 0);
}

static void add(const char *tenant, enum qun_role role, char out[QUN_TOKEN_SIZE]) {
  cr_assert_eq(qun_tokens_add(tokens, tenant, role, 1795248000000, out, &err), 0, "%s", err.message);
}

static void file_of(const char *tenant, char *out, size_t size) {
  snprintf(out, size, "%s/%s/tokens.yaml", dir, tenant);
}

static void read_file(const char *tenant, char *out, size_t size) {
  char path[200];
  file_of(tenant, path, sizeof path);
  FILE *f = fopen(path, "r");
  cr_assert_not_null(f);
  out[fread(out, 1, size - 1, f)] = '\0';
  fclose(f);
}

TestSuite(host_http_tokens, .init = setup, .fini = teardown);

Test(host_http_tokens, verifies_what_it_made_and_nothing_else) {
  char token[QUN_TOKEN_SIZE];
  struct qun_grant grant;
  add("acme", QUN_ROLE_AUDITOR, token);
  cr_assert_eq(strlen(token), QUN_TOKEN_SIZE - 1);
  cr_assert_eq(strncmp(token, "qun_a_", 6), 0);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(token), &grant), 0);
  cr_assert_eq(grant.role, QUN_ROLE_AUDITOR);
  cr_assert_str_eq(grant.tenant, "acme");
  for (size_t i = 0; i < QUN_TOKEN_SIZE - 1; i++) {
    char wrong[QUN_TOKEN_SIZE];
    memcpy(wrong, token, sizeof wrong);
    wrong[i] = (char)(wrong[i] ^ 1);
    cr_assert_eq(qun_tokens_verify(tokens, qun_str(wrong), &grant), QUN_EDENIED, "place %zu", i);
  }
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(""), &grant), QUN_EDENIED);
  cr_assert_eq(qun_tokens_verify(tokens, qun_slice_of(token, 20), &grant), QUN_EDENIED);
}

Test(host_http_tokens, keeps_only_hashes_and_closes_the_file) {
  char token[QUN_TOKEN_SIZE], text[4096], path[200];
  struct stat st;
  add("acme", QUN_ROLE_OWNER, token);
  read_file("acme", text, sizeof text);
  cr_assert_null(strstr(text, token + 6));
  cr_assert_not_null(strstr(text, "owner"));
  file_of("acme", path, sizeof path);
  cr_assert_eq(stat(path, &st), 0);
  cr_assert_eq(st.st_mode & 0777, 0600);
}

Test(host_http_tokens, tokens_of_two_tenants_stay_apart) {
  char a[QUN_TOKEN_SIZE], b[QUN_TOKEN_SIZE];
  struct qun_grant grant;
  add("a", QUN_ROLE_OWNER, a);
  add("b", QUN_ROLE_OWNER, b);
  cr_assert_str_neq(a, b);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(b), &grant), 0);
  cr_assert_str_eq(grant.tenant, "b");
  cr_assert_eq(qun_tokens_drop(tokens, "a", &err), 0);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(a), &grant), QUN_EDENIED);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(b), &grant), 0);
}

Test(host_http_tokens, survive_a_restart) {
  char token[QUN_TOKEN_SIZE];
  struct qun_grant grant;
  add("acme", QUN_ROLE_INGEST, token);
  qun_tokens_destroy(tokens);
  cr_assert_eq(qun_tokens_create(&tokens, dir, &err), 0);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(token), &grant), QUN_EDENIED);
  cr_assert_eq(qun_tokens_load(tokens, "acme", &err), 0, "%s", err.message);
  cr_assert_eq(qun_tokens_load(tokens, "acme", &err), 0, "loading twice is fine");
  cr_assert_eq(qun_tokens_load(tokens, "without", &err), 0);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(token), &grant), 0);
  cr_assert_eq(grant.role, QUN_ROLE_INGEST);
}

static void keep_ingest_id(void *arg, const struct qun_token_info *info) {
  if (info->role == QUN_ROLE_INGEST) snprintf(arg, QUN_TOKEN_ID_SIZE, "%s", info->id);
}

Test(host_http_tokens, revoke_ends_a_grant_that_was_given) {
  char token[QUN_TOKEN_SIZE], other[QUN_TOKEN_SIZE], id[QUN_TOKEN_ID_SIZE] = "";
  struct qun_grant grant, kept;
  add("acme", QUN_ROLE_INGEST, token);
  add("acme", QUN_ROLE_OWNER, other);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(token), &grant), 0);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(other), &kept), 0);
  qun_tokens_each(tokens, "acme", keep_ingest_id, id);
  cr_assert_eq(strlen(id), QUN_TOKEN_ID_SIZE - 1);
  cr_assert_eq(qun_tokens_revoke(tokens, "other", id, &err), QUN_ENOTFOUND);
  cr_assert(qun_tokens_still(tokens, &grant));
  cr_assert_eq(qun_tokens_revoke(tokens, "acme", id, &err), 0);
  cr_assert(!qun_tokens_still(tokens, &grant));
  cr_assert(qun_tokens_still(tokens, &kept));
  cr_assert_eq(qun_tokens_revoke(tokens, "acme", id, &err), QUN_ENOTFOUND);
}

Test(host_http_tokens, rotate_replaces_the_role) {
  char old[2][QUN_TOKEN_SIZE], owner[QUN_TOKEN_SIZE], fresh[QUN_TOKEN_SIZE];
  struct qun_grant grant;
  add("acme", QUN_ROLE_AUDITOR, old[0]);
  add("acme", QUN_ROLE_AUDITOR, old[1]);
  add("acme", QUN_ROLE_OWNER, owner);
  cr_assert_eq(qun_tokens_rotate(tokens, "acme", QUN_ROLE_AUDITOR, 0, fresh, &err), 0);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(old[0]), &grant), QUN_EDENIED);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(old[1]), &grant), QUN_EDENIED);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(owner), &grant), 0);
  cr_assert_eq(qun_tokens_verify(tokens, qun_str(fresh), &grant), 0);
  cr_assert_eq(grant.role, QUN_ROLE_AUDITOR);
}

Test(host_http_tokens, refuses_a_role_that_a_tenant_cannot_give) {
  char token[QUN_TOKEN_SIZE];
  cr_assert_eq(qun_tokens_add(tokens, "acme", QUN_ROLE_AGENCY, 0, token, &err), QUN_EINVAL);
  cr_assert_eq(qun_tokens_add(tokens, "acme", QUN_ROLE_NONE, 0, token, &err), QUN_EINVAL);
}

Test(host_http_tokens, a_damaged_file_is_named) {
  static const char *const bad[] = {"tokens:\n- role: king\n  hash: "
                                    "0000000000000000000000000000000000000000000000000000000000000000\n  created: 1\n",
                                    "tokens:\n- role: owner\n  hash: 12\n  created: 1\n",
                                    "tokens: [",
                                    "{}",
                                    "tokens:\n- 7\n",
                                    "tokens:\n- role: owner\n  hash: "
                                    "zz00000000000000000000000000000000000000000000000000000000000000\n  created: 1\n"};
  char path[200], folder[128];
  snprintf(folder, sizeof folder, "%s/acme", dir);
  cr_assert_eq(mkdir(folder, 0700), 0);
  file_of("acme", path, sizeof path);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    FILE *f = fopen(path, "w");
    fputs(bad[i], f);
    fclose(f);
    cr_assert_eq(qun_tokens_load(tokens, "acme", &err), QUN_EINVAL, "case %zu", i);
    cr_assert_not_null(strstr(err.message, path), "case %zu: %s", i, err.message);
  }
}

static void count_token(void *arg, const struct qun_token_info *info) {
  (void)info;
  ++*(int *)arg;
}

Test(host_http_tokens, a_token_that_could_not_be_written_does_not_work) {
  char token[QUN_TOKEN_SIZE], folder[128];
  int known = 0;
  snprintf(folder, sizeof folder, "%s/acme", dir);
  FILE *f = fopen(folder, "w"); /* a file where the folder should be */
  fclose(f);
  cr_assert_eq(qun_tokens_add(tokens, "acme", QUN_ROLE_OWNER, 0, token, &err), QUN_EFAIL);
  cr_assert_not_null(strstr(err.message, folder));
  qun_tokens_each(tokens, "acme", count_token, &known);
  cr_assert_eq(known, 0);
}
