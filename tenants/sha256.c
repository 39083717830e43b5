/* SPDX-License-Identifier: Apache-2.0 */
/* The block calls belong to the 1.1.1 interface; this asks OpenSSL 3 for it by the documented switch, in this file
 * alone. */
#define OPENSSL_API_COMPAT 0x10101000L
#include "tenants/sha256.h"

#include <openssl/sha.h>
#include <sodium.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct qun_sha256), "struct qun_sha256 holds an SHA256_CTX");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct qun_sha256), "struct qun_sha256 is aligned for an SHA256_CTX");

static SHA256_CTX *context(struct qun_sha256 *s) {
  return (SHA256_CTX *)(void *)s->state.bytes;
}

void qun_sha256_init(struct qun_sha256 *s) {
  SHA256_Init(context(s));
}

void qun_sha256_update(struct qun_sha256 *s, const void *bytes, uint64_t len) {
  if (len) SHA256_Update(context(s), bytes, (size_t)len);
}

void qun_sha256_final(struct qun_sha256 *s, unsigned char out[QUN_SHA256_SIZE]) {
  SHA256_Final(out, context(s));
}

void qun_sha256_chain(const struct qun_sha256 *s, uint32_t words[8]) {
  const SHA256_CTX *c = (const SHA256_CTX *)(const void *)s->state.bytes;
  for (int i = 0; i < 8; i++) words[i] = (uint32_t)c->h[i];
}

void qun_sha256_of(qun_slice bytes, unsigned char out[QUN_SHA256_SIZE]) {
  struct qun_sha256 s;
  qun_sha256_init(&s);
  qun_sha256_update(&s, bytes.ptr, bytes.len);
  qun_sha256_final(&s, out);
}

static void keyed_block(struct qun_sha256 *s, const unsigned char key[QUN_SHA256_SIZE], unsigned char pad) {
  unsigned char block[SHA256_CBLOCK];
  for (size_t i = 0; i < sizeof block; i++) block[i] = (unsigned char)((i < QUN_SHA256_SIZE ? key[i] : 0) ^ pad);
  qun_sha256_init(s);
  qun_sha256_update(s, block, sizeof block);
  sodium_memzero(block, sizeof block);
}

void qun_hmac_sha256_init(struct qun_hmac_sha256 *h, const unsigned char key[QUN_SHA256_SIZE]) {
  keyed_block(&h->inner, key, 0x36);
  keyed_block(&h->outer, key, 0x5c);
}

void qun_hmac_sha256_of(const struct qun_hmac_sha256 *h, qun_slice bytes, unsigned char out[QUN_SHA256_SIZE]) {
  unsigned char inner[QUN_SHA256_SIZE];
  struct qun_sha256 s = h->inner;
  qun_sha256_update(&s, bytes.ptr, bytes.len);
  qun_sha256_final(&s, inner);
  s = h->outer;
  qun_sha256_update(&s, inner, sizeof inner);
  qun_sha256_final(&s, out);
  sodium_memzero(inner, sizeof inner);
}
