/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/sha256_lanes.h"

enum { LANES_FEW = 3 /* so many messages are hashed sooner one by one */ };

static void one_by_one(const qun_slice *in, unsigned char (*out)[QUN_SHA256_SIZE], uint32_t n) {
  for (uint32_t i = 0; i < n; i++) qun_sha256_of(in[i], out[i]);
}

static void hmac_one_by_one(const struct qun_hmac_sha256 *h, const qun_slice *in, unsigned char (*out)[QUN_SHA256_SIZE],
                            uint32_t n) {
  for (uint32_t i = 0; i < n; i++) qun_hmac_sha256_of(h, in[i], out[i]);
}

#ifdef QUN_HAVE_IPSEC_MB

#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>
#include <sodium.h>

/* What callers hold is the library's manager itself, under our name. */
static IMB_MGR *manager(struct qun_sha256_lanes *l) {
  return (IMB_MGR *)(void *)l;
}

struct qun_sha256_lanes *qun_sha256_lanes_create(void) {
  IMB_ARCH arch = IMB_ARCH_NONE;
  IMB_MGR *mgr = alloc_mb_mgr(0);
  if (!mgr) return NULL;
  init_mb_mgr_auto(mgr, &arch);
  if (imb_get_errno(mgr) == 0 && (arch == IMB_ARCH_AVX2 || arch == IMB_ARCH_AVX512))
    return (struct qun_sha256_lanes *)(void *)mgr;
  free_mb_mgr(mgr);
  return NULL;
}

void qun_sha256_lanes_destroy(struct qun_sha256_lanes *l) {
  if (l) free_mb_mgr(manager(l));
}

static IMB_JOB *next_job(IMB_MGR *mgr, IMB_HASH_ALG alg, qun_slice in, unsigned char *out) {
  IMB_JOB *job = IMB_GET_NEXT_JOB(mgr);
  job->cipher_mode = IMB_CIPHER_NULL;
  job->cipher_direction = IMB_DIR_ENCRYPT;
  job->chain_order = IMB_ORDER_HASH_CIPHER;
  job->hash_alg = alg;
  job->src = in.ptr;
  job->hash_start_src_offset_in_bytes = 0;
  job->msg_len_to_hash_in_bytes = in.len;
  job->auth_tag_output = out;
  job->auth_tag_output_len_in_bytes = QUN_SHA256_SIZE;
  return job;
}

static void finish(IMB_MGR *mgr) {
  while (IMB_FLUSH_JOB(mgr)) continue;
}

void qun_sha256_of_each(struct qun_sha256_lanes *l, const qun_slice *in, unsigned char (*out)[QUN_SHA256_SIZE],
                        uint32_t n) {
  if (!l || n <= LANES_FEW) {
    one_by_one(in, out, n);
    return;
  }
  IMB_MGR *mgr = manager(l);
  for (uint32_t i = 0; i < n; i++) {
    next_job(mgr, IMB_AUTH_SHA_256, in[i], out[i]);
    IMB_SUBMIT_JOB_NOCHECK(mgr);
  }
  finish(mgr);
}

void qun_hmac_sha256_of_each(struct qun_sha256_lanes *l, const struct qun_hmac_sha256 *h, const qun_slice *in,
                             unsigned char (*out)[QUN_SHA256_SIZE], uint32_t n) {
  uint32_t inner[8], outer[8];
  if (!l || n <= LANES_FEW) {
    hmac_one_by_one(h, in, out, n);
    return;
  }
  IMB_MGR *mgr = manager(l);
  qun_sha256_chain(&h->inner, inner);
  qun_sha256_chain(&h->outer, outer);
  for (uint32_t i = 0; i < n; i++) {
    if (in[i].len == 0) { /* the library refuses to sign nothing */
      qun_hmac_sha256_of(h, in[i], out[i]);
      continue;
    }
    IMB_JOB *job = next_job(mgr, IMB_AUTH_HMAC_SHA_256, in[i], out[i]);
    job->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)inner;
    job->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)outer;
    IMB_SUBMIT_JOB_NOCHECK(mgr);
  }
  finish(mgr);
  sodium_memzero(inner, sizeof inner);
  sodium_memzero(outer, sizeof outer);
}

#else

struct qun_sha256_lanes *qun_sha256_lanes_create(void) {
  return NULL;
}

void qun_sha256_lanes_destroy(struct qun_sha256_lanes *l) {
  (void)l;
}

void qun_sha256_of_each(struct qun_sha256_lanes *l, const qun_slice *in, unsigned char (*out)[QUN_SHA256_SIZE],
                        uint32_t n) {
  (void)l;
  one_by_one(in, out, n);
}

void qun_hmac_sha256_of_each(struct qun_sha256_lanes *l, const struct qun_hmac_sha256 *h, const qun_slice *in,
                             unsigned char (*out)[QUN_SHA256_SIZE], uint32_t n) {
  (void)l;
  hmac_one_by_one(h, in, out, n);
}

#endif
