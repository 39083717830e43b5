/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/overlap_set.h"

#include "tenants/members.h"
#include "tenants/vault.h"

#include <sodium.h>
#include <stdlib.h>

enum { IDENTITY_MAX = 1024 };

struct element {
  unsigned char mark[QUN_MARK_SIZE];
  unsigned char hash[QUN_PSI_HASH_SIZE];
};

/* Fields by which members of different tenants can match, best first. */
static const struct {
  const char *field;
  char kind;
} identities[] = {{"unionid", 'u'}, {"phone", 'p'}};

/* Digits alone, without China's country code, so that +86 138..., 0086-138... and 138... are one. */
static size_t plain_phone(char *text, size_t len) {
  size_t n = 0, from = 0;
  bool plus = len > 0 && text[0] == '+';
  for (size_t i = 0; i < len; i++) {
    if (text[i] >= '0' && text[i] <= '9') text[n++] = text[i];
  }
  if (plus && n > 2 && memcmp(text, "86", 2) == 0)
    from = 2;
  else if (!plus && n > 4 && memcmp(text, "0086", 4) == 0)
    from = 4;
  else if (!plus && n == 13 && memcmp(text, "86", 2) == 0)
    from = 2;
  memmove(text, text + from, n - from);
  return n - from;
}

static void make_element(struct element *out, qun_slice context, const unsigned char secret[32], char kind,
                         qun_slice identifier) {
  crypto_generichash_state h;
  unsigned char mark[crypto_generichash_BYTES_MIN];
  qun_psi_hash(out->hash, context, kind, identifier);
  crypto_generichash_init(&h, secret, 32, sizeof mark);
  crypto_generichash_update(&h, (const unsigned char *)&kind, 1);
  crypto_generichash_update(&h, identifier.ptr, identifier.len);
  crypto_generichash_final(&h, mark, sizeof mark);
  memcpy(out->mark, mark, QUN_MARK_SIZE);
  sodium_memzero(&h, sizeof h);
}

/* 1: the member has an identity that can match. */
static int open_member(struct element *out, const struct qun_reading *r, uint64_t number, qun_slice context,
                       const unsigned char secret[32]) {
  unsigned char pseudonym[QUN_PSEUDONYM_SIZE];
  char plain[IDENTITY_MAX];
  int found = 0;
  if (qun_member_pseudonym(&r->view, number, pseudonym) < 0) return 0;
  for (size_t i = 0; i < sizeof identities / sizeof identities[0] && !found; i++) {
    qun_slice sealed;
    size_t len;
    if (qun_member_identity(&r->view, number, identities[i].field, &sealed) < 0) continue;
    if (!qun_sealed_plain_len(sealed, &len) || len == 0 || len > sizeof plain) continue;
    if (qun_vault_open_sealed(r->vault, pseudonym, sealed, (unsigned char *)plain, NULL) < 0) continue;
    if (identities[i].kind == 'p') len = plain_phone(plain, len);
    if (len == 0) continue;
    make_element(out, context, secret, identities[i].kind, qun_slice_of(plain, len));
    found = 1;
  }
  sodium_memzero(plain, sizeof plain);
  return found;
}

static int by_mark(const void *a, const void *b) {
  return memcmp(a, b, QUN_MARK_SIZE);
}

/* Sorted, each once, in the form that the set keeps. */
static int keep(struct qun_overlap_set *out, struct element *elements, uint32_t n, struct qun_error *err) {
  uint32_t kept = 0;
  if (n) qsort(elements, n, sizeof *elements, by_mark);
  out->hashes = malloc((size_t)(n ? n : 1) * QUN_PSI_HASH_SIZE);
  out->marks = malloc((size_t)(n ? n : 1) * QUN_MARK_SIZE);
  if (!out->hashes || !out->marks) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; i < n; i++) {
    if (i && by_mark(&elements[i - 1], &elements[i]) == 0) continue;
    memcpy(out->hashes + (size_t)kept * QUN_PSI_HASH_SIZE, elements[i].hash, QUN_PSI_HASH_SIZE);
    memcpy(out->marks + (size_t)kept * QUN_MARK_SIZE, elements[i].mark, QUN_MARK_SIZE);
    kept++;
  }
  out->count = kept;
  return 0;
}

int qun__overlap_set_load(struct qun_overlap_set *out, struct qun_engine *e, const char *tenant, qun_slice members,
                          qun_slice context, const unsigned char secret[32], struct qun_error *err) {
  struct qun_reading r;
  struct qun_unpack u;
  uint32_t n = 0, used = 0;
  int64_t number = 0;
  qun_unpack_init(&u, members);
  if (!qun_unpack_array(&u, &n) || n > QUN_PSI_MAX)
    return qun_error_set(err, QUN_EINVAL, "the members are not a list of at most %d numbers", QUN_PSI_MAX);
  size_t bytes = (size_t)(n ? n : 1) * sizeof(struct element);
  struct element *elements = malloc(bytes);
  if (!elements) return qun_error_set(err, QUN_EFAIL, "out of memory");
  int rc = qun_engine_read_begin(e, tenant, &r, err);
  if (rc == 0) {
    for (uint32_t i = 0; i < n && qun_unpack_int(&u, &number); i++)
      used += (uint32_t)open_member(&elements[used], &r, (uint64_t)number, context, secret);
    qun_engine_read_end(&r);
    rc = keep(out, elements, used, err);
  }
  sodium_memzero(elements, bytes);
  free(elements);
  if (rc < 0) qun__overlap_set_fini(out);
  return rc;
}

void qun__overlap_set_fini(struct qun_overlap_set *set) {
  if (set->hashes) sodium_memzero(set->hashes, (size_t)set->count * QUN_PSI_HASH_SIZE);
  if (set->marks) sodium_memzero(set->marks, (size_t)set->count * QUN_MARK_SIZE);
  free(set->hashes);
  free(set->marks);
  memset(set, 0, sizeof *set);
}

void qun__overlap_set_commit(unsigned char out[32], const struct qun_overlap_set *set, const unsigned char secret[32]) {
  crypto_generichash_state h;
  crypto_generichash_init(&h, secret, 32, 32);
  crypto_generichash_update(&h, (const unsigned char *)"qun set 1", 9);
  if (set->count) crypto_generichash_update(&h, set->marks, (size_t)set->count * QUN_MARK_SIZE);
  crypto_generichash_final(&h, out, 32);
}

uint32_t qun__marks_differ(const unsigned char *a, uint32_t a_count, const unsigned char *b, uint32_t b_count) {
  uint32_t i = 0, k = 0, differ = 0;
  while (i < a_count && k < b_count) {
    int order = memcmp(a + (size_t)i * QUN_MARK_SIZE, b + (size_t)k * QUN_MARK_SIZE, QUN_MARK_SIZE);
    differ += order != 0;
    i += order <= 0;
    k += order >= 0;
  }
  return differ + (a_count - i) + (b_count - k);
}
