/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many identifiers two parties have in common, and nothing else: Diffie-Hellman private set intersection
 * cardinality over ristretto255 (libsodium). Each party turns its hashes into points and multiplies them with a secret
 * scalar of its own (offer); the other multiplies these with its scalar (answer); points that both have are then equal
 * on both ways. Points travel in the order of their bytes, which says nothing about the identifiers behind them, so an
 * answer cannot be matched with its offer and only the count comes out.
 *
 * Two parties share no memory; only messages cross: "QPSI", version 1, kind (1 offer, 2 answer), 2 zero bytes, count
 * (32-bit big-endian), count points of 32 bytes in rising order. Security: semi-honest parties; what a cheating one could
 * gain is bounded outside (overlap.h). About 52 us a point and step. One thread a party. All memory that holds points or
 * the scalar is zeroed when the party ends.
 */
#ifndef QUN_HOST_BRIDGE_PSI_H
#define QUN_HOST_BRIDGE_PSI_H

#include "tenants/error.h"

#include <qun/msgpack.h>

enum { QUN_PSI_HASH_SIZE = 64, QUN_PSI_POINT_SIZE = 32, QUN_PSI_MAX = 200000, QUN_PSI_HEAD_SIZE = 12 };

struct qun_psi;

/* Hash of an identifier under a context that both parties use: BLAKE2b-512. `kind` tells kinds of identifiers apart. */
void qun_psi_hash(unsigned char out[QUN_PSI_HASH_SIZE], qun_slice context, char kind, qun_slice identifier);
/* A party with `n` hashes (n * QUN_PSI_HASH_SIZE bytes), each once. QUN_EINVAL: a hash is there twice, none, or more
   than QUN_PSI_MAX. */
int qun_psi_create(struct qun_psi **out, const unsigned char *hashes, uint32_t n, struct qun_error *err);
/* NULL is fine. */
void qun_psi_destroy(struct qun_psi *p);
/* Appends this party's offer. */
int qun_psi_offer(const struct qun_psi *p, struct qun_pack *message, struct qun_error *err);
/* Takes the other's offer and appends the answer to it; once. QUN_EINVAL: not an offer, a size that is wrong, a point
   that is no canonical one, is the identity, or is there twice. */
int qun_psi_answer(struct qun_psi *p, qun_slice offer, struct qun_pack *message, struct qun_error *err);
/* Takes the answer to the own offer and counts; after qun_psi_answer. QUN_EINVAL as above; also: another number of points than
   were offered. */
int qun_psi_count(const struct qun_psi *p, qun_slice answer, uint32_t *count, struct qun_error *err);

#endif
