/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: who may do what with which tenant. A token is "qun_<role letter>_<52 characters>" (base32, RFC 4648, of 32
 * random bytes) and is shown once. Only its BLAKE2b-256 is kept, in <keys>/<tenant>/tokens.yaml (0600, replaced by
 * rename after fsync). A plain hash is enough: the token has 256 bits of entropy, so there is nothing to guess. An
 * index over all tenants, hash -> (tenant, role), is held in memory.
 *
 * Thread-safe. Verifying does not block; create and revoke write a file.
 */
#ifndef QUN_HOST_HTTP_TOKENS_H
#define QUN_HOST_HTTP_TOKENS_H

#include "host/ops/role.h"
#include "tenants/error.h"

#include <qun/plugin.h>
#include <stdbool.h>

enum {
  QUN_TOKEN_SIZE = 4 + 2 + 52 + 1, /* with the NUL */
  QUN_TOKEN_HASH_SIZE = 32,
  QUN_TOKEN_ID_SIZE = 16 + 1, /* the hash's first 16 hex digits: names a token without being one */
  QUN_TOKEN_NAME_SIZE = 64    /* tenant name with the NUL */
};

struct qun_tokens;

/* What a token is good for. */
struct qun_grant {
  enum qun_role role;
  char tenant[QUN_TOKEN_NAME_SIZE];
  unsigned char hash[QUN_TOKEN_HASH_SIZE];
};

struct qun_token_info {
  const char *id; /* for revoking */
  enum qun_role role;
  int64_t created_ms;
};

/* An empty index over a keys directory. QUN_EFAIL: no memory or no random source. */
int qun_tokens_create(struct qun_tokens **out, const char *keys_dir, struct qun_error *err);
/* NULL is fine. */
void qun_tokens_destroy(struct qun_tokens *t);
/* Reads a tenant's file into the index; no file is fine (a tenant without tokens). QUN_EINVAL names file and line.
 * Blocking. */
int qun_tokens_load(struct qun_tokens *t, const char *tenant, struct qun_error *err);
/* Makes a token of role owner, operator, auditor or ingest and writes the file. `now_ms`: when. Blocking. */
int qun_tokens_add(struct qun_tokens *t, const char *tenant, enum qun_role role, int64_t now_ms,
                   char out[QUN_TOKEN_SIZE], struct qun_error *err);
/* Takes the token with this id away. QUN_ENOTFOUND. Blocking. */
int qun_tokens_revoke(struct qun_tokens *t, const char *tenant, const char *id, struct qun_error *err);
/* Takes all tokens of the role away and makes a new one, in one replacement of the file. Blocking. */
int qun_tokens_rotate(struct qun_tokens *t, const char *tenant, enum qun_role role, int64_t now_ms,
                      char out[QUN_TOKEN_SIZE], struct qun_error *err);
/* Forgets a deleted tenant's tokens and removes the file. Blocking. */
int qun_tokens_drop(struct qun_tokens *t, const char *tenant, struct qun_error *err);
/* Calls `each` for a tenant's tokens in order of making, with the index locked: no call back into it. */
void qun_tokens_each(struct qun_tokens *t, const char *tenant,
                     void (*each)(void *arg, const struct qun_token_info *info), void *arg);

/* Whose token this is. The work does not depend on how much of a wrong token is right: the token is hashed, the hash
   looked up and compared in constant time. QUN_EDENIED: no such token. Any thread, does not block. */
int qun_tokens_verify(struct qun_tokens *t, qun_slice token, struct qun_grant *out);
/* Whether what was granted before still holds: long connections ask again for each batch. */
bool qun_tokens_still(struct qun_tokens *t, const struct qun_grant *grant);

#endif
