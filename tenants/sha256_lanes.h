/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 and HMAC-SHA-256 of many short messages at once: with AVX2 eight, with AVX-512 sixteen messages share one
 * pass (intel-ipsec-mb), so that a record's hash costs a sixth. Where the library or the processor has none of it,
 * OpenSSL hashes one after another: the same results. One thread at a time; no blocking, never fails.
 */
#ifndef QUN_TENANTS_SHA256_LANES_H
#define QUN_TENANTS_SHA256_LANES_H

#include "tenants/sha256.h"

struct qun_sha256_lanes;

/* NULL: this machine hashes one message at a time; all functions take that. */
struct qun_sha256_lanes *qun_sha256_lanes_create(void);
void qun_sha256_lanes_destroy(struct qun_sha256_lanes *l);
/* out[i] is the hash of in[i]. */
void qun_sha256_of_each(struct qun_sha256_lanes *l, const qun_slice *in, unsigned char (*out)[QUN_SHA256_SIZE],
                        uint32_t n);
/* out[i] is the HMAC of in[i] under the prepared key. */
void qun_hmac_sha256_of_each(struct qun_sha256_lanes *l, const struct qun_hmac_sha256 *h, const qun_slice *in,
                             unsigned char (*out)[QUN_SHA256_SIZE], uint32_t n);

#endif
