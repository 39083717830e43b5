/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http/tokens.h"
#include "host/http/tokens_file.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

struct token {
  struct qun_grant grant; /* the key is grant.hash */
  int64_t created_ms;
  struct token *prev, *next; /* of the same tenant, in order of making */
  UT_hash_handle hh;
};

struct owner {
  char tenant[QUN_TOKEN_NAME_SIZE];
  struct token *tokens;
  UT_hash_handle hh;
};

struct qun_tokens {
  char *keys_dir;
  pthread_mutex_t writer; /* one change of files at a time */
  pthread_rwlock_t lock;  /* the index; never held while a file is written */
  struct token *index;
  struct owner *owners; /* tenants that have had tokens */
};

int qun_tokens_create(struct qun_tokens **out, const char *keys_dir, struct qun_error *err) {
  if (sodium_init() < 0) return qun_error_set(err, QUN_EFAIL, "there is no source of randomness for tokens");
  struct qun_tokens *t = calloc(1, sizeof *t);
  char *dir = strdup(keys_dir);
  if (!t || !dir) {
    free(t);
    free(dir);
    return qun_error_set(err, QUN_EFAIL, "no memory for the index of tokens");
  }
  t->keys_dir = dir;
  pthread_mutex_init(&t->writer, NULL);
  pthread_rwlock_init(&t->lock, NULL);
  *out = t;
  return 0;
}

static struct token *tokens_of(const struct qun_tokens *t, const char *tenant) {
  struct owner *owner = NULL;
  HASH_FIND_STR(t->owners, tenant, owner);
  return owner ? owner->tokens : NULL;
}

static int keep(struct qun_tokens *t, struct token *token) {
  struct owner *owner = NULL;
  HASH_FIND_STR(t->owners, token->grant.tenant, owner);
  if (!owner) {
    owner = calloc(1, sizeof *owner);
    if (!owner) return QUN_EFAIL;
    memcpy(owner->tenant, token->grant.tenant, sizeof owner->tenant);
    HASH_ADD_STR(t->owners, tenant, owner);
  }
  DL_APPEND(owner->tokens, token);
  HASH_ADD(hh, t->index, grant.hash, QUN_TOKEN_HASH_SIZE, token);
  return 0;
}

static void forget(struct qun_tokens *t, struct token *token) {
  struct owner *owner = NULL;
  HASH_FIND_STR(t->owners, token->grant.tenant, owner);
  if (owner) DL_DELETE(owner->tokens, token);
  HASH_DEL(t->index, token);
  sodium_memzero(token, sizeof *token);
  free(token);
}

void qun_tokens_destroy(struct qun_tokens *t) {
  if (!t) return;
  struct token *token, *next;
  HASH_ITER(hh, t->index, token, next) forget(t, token);
  struct owner *owner, *other;
  HASH_ITER(hh, t->owners, owner, other) {
    HASH_DEL(t->owners, owner);
    free(owner);
  }
  pthread_rwlock_destroy(&t->lock);
  pthread_mutex_destroy(&t->writer);
  free(t->keys_dir);
  free(t);
}

static void hash_token(unsigned char hash[QUN_TOKEN_HASH_SIZE], qun_slice token) {
  static const unsigned char context[] = "qun token 1";
  crypto_generichash_state state;
  crypto_generichash_init(&state, NULL, 0, QUN_TOKEN_HASH_SIZE);
  crypto_generichash_update(&state, context, sizeof context);
  crypto_generichash_update(&state, token.ptr, token.len);
  crypto_generichash_final(&state, hash, QUN_TOKEN_HASH_SIZE);
}

static struct token *find(struct qun_tokens *t, const unsigned char hash[QUN_TOKEN_HASH_SIZE]) {
  struct token *token = NULL;
  HASH_FIND(hh, t->index, hash, QUN_TOKEN_HASH_SIZE, token);
  return token && !sodium_memcmp(token->grant.hash, hash, QUN_TOKEN_HASH_SIZE) ? token : NULL;
}

int qun_tokens_verify(struct qun_tokens *t, qun_slice text, struct qun_grant *out) {
  unsigned char hash[QUN_TOKEN_HASH_SIZE];
  if (text.len != QUN_TOKEN_SIZE - 1) return QUN_EDENIED;
  hash_token(hash, text);
  pthread_rwlock_rdlock(&t->lock);
  struct token *token = find(t, hash);
  if (token) *out = token->grant;
  pthread_rwlock_unlock(&t->lock);
  return token ? 0 : QUN_EDENIED;
}

bool qun_tokens_still(struct qun_tokens *t, const struct qun_grant *grant) {
  pthread_rwlock_rdlock(&t->lock);
  const struct token *token = find(t, grant->hash);
  pthread_rwlock_unlock(&t->lock);
  return token != NULL;
}

static void token_id(const struct token *token, char out[QUN_TOKEN_ID_SIZE]) {
  sodium_bin2hex(out, QUN_TOKEN_ID_SIZE, token->grant.hash, (QUN_TOKEN_ID_SIZE - 1) / 2);
}

void qun_tokens_each(struct qun_tokens *t, const char *tenant,
                     void (*each)(void *arg, const struct qun_token_info *info), void *arg) {
  pthread_rwlock_rdlock(&t->lock);
  for (const struct token *token = tokens_of(t, tenant); token; token = token->next) {
    char id[QUN_TOKEN_ID_SIZE];
    token_id(token, id);
    each(arg, &(struct qun_token_info){.id = id, .role = token->grant.role, .created_ms = token->created_ms});
  }
  pthread_rwlock_unlock(&t->lock);
}

/* "qun_o_" and base32 of 32 random bytes. The letters o p a i. */
static void make_text(enum qun_role role, char out[QUN_TOKEN_SIZE]) {
  static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  static const char letters[] = {
      [QUN_ROLE_INGEST] = 'i', [QUN_ROLE_AUDITOR] = 'a', [QUN_ROLE_OPERATOR] = 'p', [QUN_ROLE_OWNER] = 'o'};
  unsigned char secret[32];
  randombytes_buf(secret, sizeof secret);
  int at = snprintf(out, QUN_TOKEN_SIZE, "qun_%c_", letters[role]);
  unsigned bits = 0, have = 0;
  for (size_t i = 0; i < sizeof secret; i++) {
    bits = (bits << 8 | secret[i]) & 0xffffu;
    have += 8;
    for (; have >= 5; have -= 5) out[at++] = alphabet[bits >> (have - 5) & 31];
  }
  if (have) out[at++] = alphabet[bits << (5 - have) & 31];
  out[at] = '\0';
  sodium_memzero(secret, sizeof secret);
}

static struct token *make_token(const char *tenant, enum qun_role role, int64_t created_ms,
                                const unsigned char hash[QUN_TOKEN_HASH_SIZE]) {
  struct token *token = calloc(1, sizeof *token);
  if (!token) return NULL;
  snprintf(token->grant.tenant, sizeof token->grant.tenant, "%s", tenant);
  memcpy(token->grant.hash, hash, QUN_TOKEN_HASH_SIZE);
  token->grant.role = role;
  token->created_ms = created_ms;
  return token;
}

struct change { /* of one tenant's file */
  const char *tenant;
  bool (*drop)(const struct token *token, const void *arg);
  const void *arg;
  struct token *add;
  uint32_t dropped;
};

static void to_line(struct qun__token_line *line, const struct token *token) {
  line->role = token->grant.role;
  line->created_ms = token->created_ms;
  memcpy(line->hash, token->grant.hash, sizeof line->hash);
}

/* The file first, the index after: a token that works is always on disk. The writer's lock is held, so the index stands
 * still meanwhile. */
static int apply(struct qun_tokens *t, struct change *c, struct qun_error *err) {
  uint32_t n = 0, count = 0;
  struct token *token, *next, *all = tokens_of(t, c->tenant);
  DL_COUNT(all, token, count);
  struct qun__token_line *lines = calloc(count + 1, sizeof *lines);
  if (!lines) return qun_error_set(err, QUN_EFAIL, "no memory for the tokens of tenant \"%s\"", c->tenant);
  DL_FOREACH(all, token) {
    if (c->drop && c->drop(token, c->arg))
      c->dropped++;
    else
      to_line(&lines[n++], token);
  }
  if (c->add) to_line(&lines[n++], c->add);
  int rc = c->add || c->dropped ? qun__tokens_write(t->keys_dir, c->tenant, lines, n, err) : 0;
  free(lines);
  if (rc < 0) return rc;
  pthread_rwlock_wrlock(&t->lock);
  DL_FOREACH_SAFE(all, token, next) {
    if (c->drop && c->drop(token, c->arg)) forget(t, token);
  }
  if (c->add && keep(t, c->add) < 0) rc = qun_error_set(err, QUN_EFAIL, "no memory for a token");
  pthread_rwlock_unlock(&t->lock);
  return rc;
}

static int issue(struct qun_tokens *t, struct change *c, enum qun_role role, int64_t now_ms, char out[QUN_TOKEN_SIZE],
                 struct qun_error *err) {
  char text[QUN_TOKEN_SIZE];
  unsigned char hash[QUN_TOKEN_HASH_SIZE];
  if (role < QUN_ROLE_INGEST || role > QUN_ROLE_OWNER)
    return qun_error_set(err, QUN_EINVAL, "a token's role is owner, operator, auditor or ingest");
  if (strlen(c->tenant) >= QUN_TOKEN_NAME_SIZE) return qun_error_set(err, QUN_EINVAL, "the tenant's name is too long");
  make_text(role, text);
  hash_token(hash, qun_str(text));
  c->add = make_token(c->tenant, role, now_ms, hash);
  if (!c->add) return qun_error_set(err, QUN_EFAIL, "no memory for a token");
  pthread_mutex_lock(&t->writer);
  int rc = apply(t, c, err);
  pthread_mutex_unlock(&t->writer);
  if (rc < 0)
    free(c->add);
  else
    memcpy(out, text, QUN_TOKEN_SIZE);
  sodium_memzero(text, sizeof text);
  return rc;
}

int qun_tokens_add(struct qun_tokens *t, const char *tenant, enum qun_role role, int64_t now_ms,
                   char out[QUN_TOKEN_SIZE], struct qun_error *err) {
  return issue(t, &(struct change){.tenant = tenant}, role, now_ms, out, err);
}

static bool same_role(const struct token *token, const void *role) {
  return token->grant.role == *(const enum qun_role *)role;
}

int qun_tokens_rotate(struct qun_tokens *t, const char *tenant, enum qun_role role, int64_t now_ms,
                      char out[QUN_TOKEN_SIZE], struct qun_error *err) {
  /* The new token is added after the old ones are dropped, so `same_role` never meets it. */
  return issue(t, &(struct change){.tenant = tenant, .drop = same_role, .arg = &role}, role, now_ms, out, err);
}

static bool same_id(const struct token *token, const void *id) {
  char own[QUN_TOKEN_ID_SIZE];
  token_id(token, own);
  return !strcmp(own, id);
}

int qun_tokens_revoke(struct qun_tokens *t, const char *tenant, const char *id, struct qun_error *err) {
  struct change c = {.tenant = tenant, .drop = same_id, .arg = id};
  pthread_mutex_lock(&t->writer);
  int rc = apply(t, &c, err);
  pthread_mutex_unlock(&t->writer);
  if (rc == 0 && c.dropped == 0)
    rc = qun_error_set(err, QUN_ENOTFOUND, "tenant \"%s\" has no token \"%s\"", tenant, id);
  return rc;
}

int qun_tokens_drop(struct qun_tokens *t, const char *tenant, struct qun_error *err) {
  struct token *token;
  struct owner *owner = NULL;
  pthread_mutex_lock(&t->writer);
  pthread_rwlock_wrlock(&t->lock);
  while ((token = tokens_of(t, tenant)) != NULL) forget(t, token);
  HASH_FIND_STR(t->owners, tenant, owner);
  if (owner) HASH_DEL(t->owners, owner);
  pthread_rwlock_unlock(&t->lock);
  free(owner);
  int rc = qun__tokens_remove(t->keys_dir, tenant, err);
  pthread_mutex_unlock(&t->writer);
  return rc;
}

int qun_tokens_load(struct qun_tokens *t, const char *tenant, struct qun_error *err) {
  struct qun__token_line *lines = NULL;
  uint32_t n = 0;
  if (strlen(tenant) >= QUN_TOKEN_NAME_SIZE) return qun_error_set(err, QUN_EINVAL, "the tenant's name is too long");
  int rc = qun__tokens_read(t->keys_dir, tenant, &lines, &n, err);
  if (rc == QUN_ENOTFOUND) return 0;
  if (rc < 0) return rc;
  pthread_mutex_lock(&t->writer);
  pthread_rwlock_wrlock(&t->lock);
  for (uint32_t i = 0; i < n && rc == 0; i++) {
    if (find(t, lines[i].hash)) continue;
    struct token *token = make_token(tenant, lines[i].role, lines[i].created_ms, lines[i].hash);
    if (!token || keep(t, token) < 0) {
      free(token);
      rc = qun_error_set(err, QUN_EFAIL, "no memory for the tokens of tenant \"%s\"", tenant);
    }
  }
  pthread_rwlock_unlock(&t->lock);
  pthread_mutex_unlock(&t->writer);
  free(lines);
  return rc;
}
