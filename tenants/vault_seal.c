/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed bytes: version 1, nonce 24, ciphertext and tag, commitment 32. The nonce is 4 bytes that tell which key of the
 * member was used (one who comes back after an erasure gets a new one) and 20 random bytes; the key of these bytes
 * alone is BLAKE2b-256("qun seal/1" || member key || nonce), additional data is version and pseudonym, the commitment
 * is BLAKE2b-256("qun commit/1" || that key || plaintext).
 */
#include "tenants/vault_internal.h"

enum { VERSION = 1, NONCE = 24, TAG = 16, COMMITMENT = 32 };

_Static_assert(QUN_SEAL_OVERHEAD == 1 + NONCE + TAG + COMMITMENT, "layout of sealed bytes");
_Static_assert(NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
                   TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "layout of sealed bytes");

/* Keys stand in the text, not in BLAKE2b's key parameter, which would cost a block of its own each. */
static void record_key(unsigned char out[32], const unsigned char member_key[QUN__MEMBER_KEY_SIZE],
                       const unsigned char nonce[NONCE]) {
  static const unsigned char label[] = "qun seal/1";
  enum { LABEL = sizeof label - 1 };
  unsigned char text[LABEL + QUN__MEMBER_KEY_SIZE + NONCE];
  memcpy(text, label, LABEL);
  memcpy(text + LABEL, member_key, QUN__MEMBER_KEY_SIZE);
  memcpy(text + LABEL + QUN__MEMBER_KEY_SIZE, nonce, NONCE);
  crypto_generichash(out, 32, text, sizeof text, NULL, 0);
  sodium_memzero(text, sizeof text);
}

static void commit_to(unsigned char out[COMMITMENT], const unsigned char key[32], qun_slice plain) {
  static const unsigned char label[] = "qun commit/1";
  crypto_generichash_state state;
  crypto_generichash_init(&state, NULL, 0, COMMITMENT);
  crypto_generichash_update(&state, label, sizeof label - 1);
  crypto_generichash_update(&state, key, 32);
  crypto_generichash_update(&state, plain.ptr, plain.len);
  crypto_generichash_final(&state, out, COMMITMENT);
  sodium_memzero(&state, sizeof state);
}

static void additional(unsigned char out[1 + QUN_PSEUDONYM_SIZE], const unsigned char pseudonym[QUN_PSEUDONYM_SIZE]) {
  out[0] = VERSION;
  memcpy(out + 1, pseudonym, QUN_PSEUDONYM_SIZE);
}

int qun_vault_seal(struct qun_vault *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], qun_slice plain,
                   unsigned char *out, struct qun_error *err) {
  unsigned char member_key[QUN__MEMBER_KEY_SIZE], key[32], ad[1 + QUN_PSEUDONYM_SIZE];
  unsigned char *nonce = out + 1, *cipher = nonce + NONCE;
  pthread_mutex_lock(&v->lock);
  int code = qun__members_key(v, pseudonym, true, member_key, nonce, err);
  if (!code) qun__vault_nonce(v, nonce + QUN__KEY_ID_SIZE, NONCE - QUN__KEY_ID_SIZE);
  pthread_mutex_unlock(&v->lock);
  if (code) return code;

  out[0] = VERSION;
  additional(ad, pseudonym);
  record_key(key, member_key, nonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(cipher, NULL, plain.ptr, plain.len, ad, sizeof ad, NULL, nonce, key);
  commit_to(cipher + plain.len + TAG, key, plain);
  sodium_memzero(member_key, sizeof member_key);
  sodium_memzero(key, sizeof key);
  return 0;
}

int qun_vault_open_sealed(struct qun_vault *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], qun_slice sealed,
                          unsigned char *out, struct qun_error *err) {
  unsigned char member_key[QUN__MEMBER_KEY_SIZE], id[QUN__KEY_ID_SIZE], key[32], ad[1 + QUN_PSEUDONYM_SIZE],
      commitment[COMMITMENT];
  if (sealed.len < QUN_SEAL_OVERHEAD)
    return qun_error_set(err, QUN_EINVAL, "sealed bytes: %llu bytes are too few", (unsigned long long)sealed.len);
  const unsigned char *bytes = sealed.ptr, *nonce = bytes + 1, *cipher = nonce + NONCE;
  qun_slice plain = {out, sealed.len - QUN_SEAL_OVERHEAD};
  if (bytes[0] != VERSION) return qun_error_set(err, QUN_EINVAL, "sealed bytes: version %u is not known", bytes[0]);

  pthread_mutex_lock(&v->lock);
  int code = qun__members_key(v, pseudonym, false, member_key, id, err);
  pthread_mutex_unlock(&v->lock);
  if (code) return code;
  if (memcmp(id, nonce, sizeof id) != 0) {
    sodium_memzero(member_key, sizeof member_key);
    return qun_error_set(err, QUN_EGONE, "sealed bytes: the key they were sealed under was destroyed");
  }
  additional(ad, pseudonym);
  record_key(key, member_key, nonce);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, cipher, plain.len + TAG, ad, sizeof ad, nonce, key) !=
      0)
    code = qun_error_set(err, QUN_EINVAL, "sealed bytes: altered, or sealed for another member (wrong tag)");
  if (!code) {
    commit_to(commitment, key, plain);
    if (sodium_memcmp(commitment, cipher + plain.len + TAG, COMMITMENT) != 0) {
      if (plain.len) sodium_memzero(out, (size_t)plain.len);
      code = qun_error_set(err, QUN_EINVAL, "sealed bytes: altered (wrong commitment)");
    }
  }
  sodium_memzero(member_key, sizeof member_key);
  sodium_memzero(key, sizeof key);
  return code;
}
