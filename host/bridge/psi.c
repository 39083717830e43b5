/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/psi.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(QUN_PSI_POINT_SIZE == crypto_core_ristretto255_BYTES, "a point");
_Static_assert(QUN_PSI_HASH_SIZE == crypto_core_ristretto255_HASHBYTES, "what a point is made from");

enum { OFFER = 1, ANSWER = 2, VERSION = 1 };

struct qun_psi {
  unsigned char scalar[crypto_core_ristretto255_SCALARBYTES];
  unsigned char *own;   /* blinded once, in order */
  unsigned char *other; /* the other's points blinded twice, in order; NULL before the answer */
  uint32_t own_count, other_count;
};

static int by_bytes(const void *a, const void *b) {
  return memcmp(a, b, QUN_PSI_POINT_SIZE);
}

/* Sorts points; true if one is there twice. */
static bool sort_points(unsigned char *points, uint32_t n) {
  qsort(points, n, QUN_PSI_POINT_SIZE, by_bytes);
  for (uint32_t i = 1; i < n; i++) {
    const unsigned char *at = points + (size_t)i * QUN_PSI_POINT_SIZE;
    if (memcmp(at - QUN_PSI_POINT_SIZE, at, QUN_PSI_POINT_SIZE) == 0) return true;
  }
  return false;
}

static void release(unsigned char *points, uint32_t n) {
  if (!points) return;
  sodium_memzero(points, (size_t)n * QUN_PSI_POINT_SIZE);
  free(points);
}

void qun_psi_hash(unsigned char out[QUN_PSI_HASH_SIZE], qun_slice context, char kind, qun_slice identifier) {
  crypto_generichash_state h;
  unsigned char len[4];
  qun__put_be(len, context.len, sizeof len);
  crypto_generichash_init(&h, NULL, 0, QUN_PSI_HASH_SIZE);
  crypto_generichash_update(&h, (const unsigned char *)"qun psi 1", 9);
  crypto_generichash_update(&h, len, sizeof len);
  crypto_generichash_update(&h, context.ptr, context.len);
  crypto_generichash_update(&h, (const unsigned char *)&kind, 1);
  crypto_generichash_update(&h, identifier.ptr, identifier.len);
  crypto_generichash_final(&h, out, QUN_PSI_HASH_SIZE);
  sodium_memzero(&h, sizeof h);
}

/* ---------------------------------------------------------------- messages */

static int write_message(struct qun_pack *out, int kind, const unsigned char *points, uint32_t n,
                         struct qun_error *err) {
  unsigned char head[QUN_PSI_HEAD_SIZE] = {'Q', 'P', 'S', 'I', VERSION, (unsigned char)kind};
  qun__put_be(head + 8, n, 4);
  qun_pack_raw(out, qun_slice_of(head, sizeof head));
  qun_pack_raw(out, qun_slice_of(points, (size_t)n * QUN_PSI_POINT_SIZE));
  return out->failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : 0;
}

static int check_point(const unsigned char *point, const unsigned char *before, struct qun_error *err) {
  if (sodium_is_zero(point, QUN_PSI_POINT_SIZE))
    return qun_error_set(err, QUN_EINVAL, "a point of the message is the identity");
  if (!crypto_core_ristretto255_is_valid_point(point))
    return qun_error_set(err, QUN_EINVAL, "a point of the message is no point in canonical form");
  int order = before ? by_bytes(before, point) : -1;
  if (order == 0) return qun_error_set(err, QUN_EINVAL, "a point of the message is there twice");
  return order > 0 ? qun_error_set(err, QUN_EINVAL, "the points of the message are not in order") : 0;
}

static int read_message(const unsigned char **points, uint32_t *n, int kind, qun_slice message, struct qun_error *err) {
  const unsigned char *bytes = message.ptr;
  const unsigned char head[8] = {'Q', 'P', 'S', 'I', VERSION, (unsigned char)kind};
  if (message.len < QUN_PSI_HEAD_SIZE || memcmp(bytes, head, sizeof head) != 0)
    return qun_error_set(err, QUN_EINVAL, "this is not %s", kind == OFFER ? "an offer" : "an answer");
  uint64_t count = qun__get_be(bytes + 8, 4);
  if (count == 0 || count > QUN_PSI_MAX || message.len != QUN_PSI_HEAD_SIZE + count * QUN_PSI_POINT_SIZE)
    return qun_error_set(err, QUN_EINVAL, "the message has a wrong size");
  for (uint64_t i = 0; i < count; i++) {
    const unsigned char *at = bytes + QUN_PSI_HEAD_SIZE + i * QUN_PSI_POINT_SIZE;
    int rc = check_point(at, i ? at - QUN_PSI_POINT_SIZE : NULL, err);
    if (rc < 0) return rc;
  }
  *points = bytes + QUN_PSI_HEAD_SIZE;
  *n = (uint32_t)count;
  return 0;
}

/* ---------------------------------------------------------------- a party */

static int blind_hashes(struct qun_psi *p, const unsigned char *hashes, struct qun_error *err) {
  unsigned char point[QUN_PSI_POINT_SIZE];
  int rc = 0;
  for (uint32_t i = 0; i < p->own_count && rc == 0; i++) {
    crypto_core_ristretto255_from_hash(point, hashes + (size_t)i * QUN_PSI_HASH_SIZE);
    if (crypto_scalarmult_ristretto255(p->own + (size_t)i * QUN_PSI_POINT_SIZE, p->scalar, point) != 0)
      rc = qun_error_set(err, QUN_EINVAL, "a hash leads to the identity");
  }
  sodium_memzero(point, sizeof point);
  return rc;
}

int qun_psi_create(struct qun_psi **out, const unsigned char *hashes, uint32_t n, struct qun_error *err) {
  if (n == 0 || n > QUN_PSI_MAX)
    return qun_error_set(err, QUN_EINVAL, "a set has 1 to %d members, not %u", QUN_PSI_MAX, n);
  struct qun_psi *p = calloc(1, sizeof *p);
  if (!p || !(p->own = malloc((size_t)n * QUN_PSI_POINT_SIZE))) {
    free(p);
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  p->own_count = n;
  crypto_core_ristretto255_scalar_random(p->scalar);
  int rc = blind_hashes(p, hashes, err);
  if (rc == 0 && sort_points(p->own, n)) rc = qun_error_set(err, QUN_EINVAL, "a member of the set is there twice");
  if (rc < 0)
    qun_psi_destroy(p);
  else
    *out = p;
  return rc;
}

void qun_psi_destroy(struct qun_psi *p) {
  if (!p) return;
  release(p->own, p->own_count);
  release(p->other, p->other_count);
  sodium_memzero(p, sizeof *p);
  free(p);
}

int qun_psi_offer(const struct qun_psi *p, struct qun_pack *message, struct qun_error *err) {
  return write_message(message, OFFER, p->own, p->own_count, err);
}

int qun_psi_answer(struct qun_psi *p, qun_slice offer, struct qun_pack *message, struct qun_error *err) {
  const unsigned char *points = NULL;
  uint32_t n = 0;
  if (p->other) return qun_error_set(err, QUN_ECONFLICT, "an offer was answered already");
  int rc = read_message(&points, &n, OFFER, offer, err);
  if (rc < 0) return rc;
  unsigned char *twice = malloc((size_t)n * QUN_PSI_POINT_SIZE);
  if (!twice) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; i < n && rc == 0; i++) {
    size_t at = (size_t)i * QUN_PSI_POINT_SIZE;
    if (crypto_scalarmult_ristretto255(twice + at, p->scalar, points + at) != 0)
      rc = qun_error_set(err, QUN_EINVAL, "a point of the message leads to the identity");
  }
  if (rc == 0 && sort_points(twice, n)) rc = qun_error_set(err, QUN_EINVAL, "a point of the message is there twice");
  if (rc == 0) rc = write_message(message, ANSWER, twice, n, err);
  if (rc < 0) {
    release(twice, n);
    return rc;
  }
  p->other = twice;
  p->other_count = n;
  return 0;
}

int qun_psi_count(const struct qun_psi *p, qun_slice answer, uint32_t *count, struct qun_error *err) {
  const unsigned char *mine = NULL;
  uint32_t n = 0, common = 0;
  if (!p->other) return qun_error_set(err, QUN_ECONFLICT, "the other's offer must be answered first");
  int rc = read_message(&mine, &n, ANSWER, answer, err);
  if (rc < 0) return rc;
  if (n != p->own_count)
    return qun_error_set(err, QUN_EINVAL, "the answer has %u points where %u were offered", n, p->own_count);
  for (uint32_t i = 0, k = 0; i < n && k < p->other_count;) {
    int order = by_bytes(mine + (size_t)i * QUN_PSI_POINT_SIZE, p->other + (size_t)k * QUN_PSI_POINT_SIZE);
    common += order == 0;
    i += order <= 0;
    k += order >= 0;
  }
  *count = common;
  return 0;
}
