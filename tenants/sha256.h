/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 by OpenSSL's block calls: 0.2 us a record where the EVP calls take twice that (DECISIONS 23). A state may be
 * copied, which is how a keyed state is prepared once and used often. Any thread, no blocking, never fails.
 */
#ifndef QUN_TENANTS_SHA256_H
#define QUN_TENANTS_SHA256_H

#include <qun/plugin.h>

enum { QUN_SHA256_SIZE = 32 };

struct qun_sha256 {
  union {
    uint64_t align;
    unsigned char bytes[128]; /* an SHA256_CTX; sha256.c checks the size */
  } state;
};

void qun_sha256_init(struct qun_sha256 *s);
void qun_sha256_update(struct qun_sha256 *s, const void *bytes, uint64_t len);
void qun_sha256_final(struct qun_sha256 *s, unsigned char out[QUN_SHA256_SIZE]);
/* The chaining value after whole blocks, as eight words. */
void qun_sha256_chain(const struct qun_sha256 *s, uint32_t words[8]);
/* All in one. */
void qun_sha256_of(qun_slice bytes, unsigned char out[QUN_SHA256_SIZE]);

/* HMAC-SHA-256 (RFC 2104) with a prepared key. */
struct qun_hmac_sha256 {
  struct qun_sha256 inner, outer;
};
void qun_hmac_sha256_init(struct qun_hmac_sha256 *h, const unsigned char key[QUN_SHA256_SIZE]);
void qun_hmac_sha256_of(const struct qun_hmac_sha256 *h, qun_slice bytes, unsigned char out[QUN_SHA256_SIZE]);

#endif
