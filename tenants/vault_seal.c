/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed bytes, by their first byte.
 *
 * Version 2, where the processor has AES: commitment 32, nonce 12, ciphertext, tag 16. AES-256-GCM under the member's key
 * with a random nonce (at most 2^32 texts a key: NIST SP 800-38D, 8.3); additional data is version and pseudonym.
 * GCM does not commit to its key: two keys can be found under which the same bytes open to two texts. So the commitment
 * BLAKE2b-256("qun key commit/2" || member key || pseudonym) stands in front and is compared before anything is opened.
 * BLAKE2b resists collisions, so the stored bytes fix key and pseudonym; key, nonce and ciphertext fix the text. Nobody,
 * not even who has the keys, can show another text for bytes that the audit tree covers (the CommitKey transform:
 * Albertini et al. 2022, Bellare and Hoang 2022). It is made once a member, so a text costs one pass of AES-GCM.
 *
 * Version 1, elsewhere and in older stores: nonce 24, ciphertext and tag, commitment 32. The nonce is 4 bytes that tell
 * which key of the member was used and 20 random bytes; the key of these bytes alone is BLAKE2b-256("qun seal/1" ||
 * member key || nonce), the cipher XChaCha20-Poly1305, additional data version and pseudonym, the commitment
 * BLAKE2b-256("qun commit/1" || that key || plaintext).
 *
 * Either version opens on any processor. A member who comes back after an erasure has a new key: key id and commitment
 * tell it from the old one.
 */
#include "tenants/vault_internal.h"

#include <openssl/evp.h>

enum { NONCE1 = 24, NONCE2 = crypto_aead_aes256gcm_NPUBBYTES, TAG = 16, COMMITMENT = 32, AD = 1 + QUN_PSEUDONYM_SIZE };
enum { OVERHEAD1 = 1 + NONCE1 + TAG + COMMITMENT, OVERHEAD2 = 1 + QUN__KEY_COMMITMENT_SIZE + NONCE2 + TAG };

_Static_assert((int)QUN_SEAL_ROOM >= (int)OVERHEAD1 && (int)QUN_SEAL_ROOM >= (int)OVERHEAD2, "layout of sealed bytes");
_Static_assert(NONCE1 == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
                   TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES && TAG == crypto_aead_aes256gcm_ABYTES,
               "layout of sealed bytes");

size_t qun_vault_sealed_len(const struct qun_vault *v, uint64_t plain_len) {
  return (size_t)plain_len + (v->seal_version == 1 ? OVERHEAD1 : OVERHEAD2);
}

bool qun_sealed_plain_len(qun_slice sealed, size_t *len) {
  const unsigned char *bytes = sealed.ptr;
  if (sealed.len == 0 || bytes[0] < 1 || bytes[0] > 2) return false;
  size_t overhead = bytes[0] == 1 ? OVERHEAD1 : OVERHEAD2;
  if (sealed.len < overhead) return false;
  *len = (size_t)sealed.len - overhead;
  return true;
}

static void additional(unsigned char out[AD], unsigned char version,
                       const unsigned char pseudonym[QUN_PSEUDONYM_SIZE]) {
  out[0] = version;
  memcpy(out + 1, pseudonym, QUN_PSEUDONYM_SIZE);
}

static int gone(struct qun_error *err) {
  return qun_error_set(err, QUN_EGONE, "sealed bytes: the key they were sealed under was destroyed");
}

static int altered(struct qun_error *err) {
  return qun_error_set(err, QUN_EINVAL, "sealed bytes: altered, or sealed for another member (wrong tag)");
}

/* ---- version 1 */

/* Keys stand in the text, not in BLAKE2b's key parameter, which would cost a block of its own each. */
static void record_key(unsigned char out[32], const unsigned char member_key[QUN__MEMBER_KEY_SIZE],
                       const unsigned char nonce[NONCE1]) {
  static const unsigned char label[] = "qun seal/1";
  enum { LABEL = sizeof label - 1 };
  unsigned char text[LABEL + QUN__MEMBER_KEY_SIZE + NONCE1];
  memcpy(text, label, LABEL);
  memcpy(text + LABEL, member_key, QUN__MEMBER_KEY_SIZE);
  memcpy(text + LABEL + QUN__MEMBER_KEY_SIZE, nonce, NONCE1);
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

static void seal_1(const struct qun__member_key *member, const unsigned char ad[AD], qun_slice plain,
                   const unsigned char random[NONCE1 - QUN__KEY_ID_SIZE], unsigned char *out) {
  unsigned char key[32], *nonce = out + 1, *cipher = nonce + NONCE1;
  memcpy(nonce, member->id, QUN__KEY_ID_SIZE);
  memcpy(nonce + QUN__KEY_ID_SIZE, random, NONCE1 - QUN__KEY_ID_SIZE);
  record_key(key, member->key, nonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(cipher, NULL, plain.ptr, plain.len, ad, AD, NULL, nonce, key);
  commit_to(cipher + plain.len + TAG, key, plain);
  sodium_memzero(key, sizeof key);
}

static int open_1(const struct qun__member_key *member, const unsigned char ad[AD], const unsigned char *bytes,
                  size_t len, unsigned char *out, struct qun_error *err) {
  const unsigned char *nonce = bytes + 1, *cipher = nonce + NONCE1;
  unsigned char key[32], commitment[COMMITMENT];
  int code = 0;
  if (memcmp(member->id, nonce, QUN__KEY_ID_SIZE) != 0) return gone(err);
  record_key(key, member->key, nonce);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, cipher, len + TAG, ad, AD, nonce, key) != 0) {
    code = altered(err);
  } else {
    commit_to(commitment, key, qun_slice_of(out, len));
    if (sodium_memcmp(commitment, cipher + len + TAG, COMMITMENT) != 0) {
      if (len) sodium_memzero(out, len);
      code = qun_error_set(err, QUN_EINVAL, "sealed bytes: altered (wrong commitment)");
    }
  }
  sodium_memzero(key, sizeof key);
  return code;
}

/* ---- version 2 */

static void seal_2(const struct qun__member_key *member, const unsigned char ad[AD], qun_slice plain,
                   const unsigned char random[NONCE2], unsigned char *out) {
  unsigned char *nonce = out + 1 + QUN__KEY_COMMITMENT_SIZE;
  memcpy(out + 1, member->commitment, QUN__KEY_COMMITMENT_SIZE);
  memcpy(nonce, random, NONCE2);
  crypto_aead_aes256gcm_encrypt(nonce + NONCE2, NULL, plain.ptr, plain.len, ad, AD, NULL, nonce, member->key);
}

/* The same cipher where libsodium, which wants a processor with AES, has none. */
static int open_gcm(const unsigned char key[32], const unsigned char ad[AD], const unsigned char *nonce,
                    const unsigned char *cipher, size_t len, unsigned char *out) {
  unsigned char tag[TAG];
  int n, good = len <= INT32_MAX;
  EVP_CIPHER_CTX *gcm = good ? EVP_CIPHER_CTX_new() : NULL;
  if (!gcm) return 0;
  memcpy(tag, cipher + len, TAG);
  good = EVP_DecryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
         EVP_DecryptUpdate(gcm, NULL, &n, ad, AD) == 1 &&
         (len == 0 || EVP_DecryptUpdate(gcm, out, &n, cipher, (int)len) == 1) &&
         EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 && EVP_DecryptFinal_ex(gcm, tag, &n) == 1;
  EVP_CIPHER_CTX_free(gcm);
  if (!good && len) sodium_memzero(out, len);
  return good;
}

static int open_2(const struct qun__member_key *member, bool aes, const unsigned char ad[AD],
                  const unsigned char *bytes, size_t len, unsigned char *out, struct qun_error *err) {
  const unsigned char *nonce = bytes + 1 + QUN__KEY_COMMITMENT_SIZE, *cipher = nonce + NONCE2;
  if (memcmp(member->commitment, bytes + 1, QUN__KEY_COMMITMENT_SIZE) != 0) return gone(err);
  if (aes ? crypto_aead_aes256gcm_decrypt(out, NULL, NULL, cipher, len + TAG, ad, AD, nonce, member->key) == 0
          : open_gcm(member->key, ad, nonce, cipher, len, out))
    return 0;
  return altered(err);
}

/* ---- either */

int qun_vault_seal(struct qun_vault *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], qun_slice plain,
                   unsigned char *out, struct qun_error *err) {
  struct qun__member_key member;
  unsigned char ad[AD], random[NONCE1];
  pthread_mutex_lock(&v->lock);
  int code = qun__members_key(v, pseudonym, true, &member, err);
  if (!code) qun__vault_nonce(v, random, v->seal_version == 1 ? NONCE1 - QUN__KEY_ID_SIZE : NONCE2);
  pthread_mutex_unlock(&v->lock);
  if (code) return code;
  out[0] = v->seal_version;
  additional(ad, out[0], pseudonym);
  if (out[0] == 1)
    seal_1(&member, ad, plain, random, out);
  else
    seal_2(&member, ad, plain, random, out);
  sodium_memzero(&member, sizeof member);
  return 0;
}

int qun_vault_open_sealed(struct qun_vault *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], qun_slice sealed,
                          unsigned char *out, struct qun_error *err) {
  const unsigned char *bytes = sealed.ptr;
  struct qun__member_key member;
  unsigned char ad[AD];
  size_t len;
  if (!qun_sealed_plain_len(sealed, &len))
    return qun_error_set(err, QUN_EINVAL, "sealed bytes: %llu bytes are too few, or their version is not known",
                         (unsigned long long)sealed.len);
  pthread_mutex_lock(&v->lock);
  int code = qun__members_key(v, pseudonym, false, &member, err);
  pthread_mutex_unlock(&v->lock);
  if (code) return code;
  additional(ad, bytes[0], pseudonym);
  code = bytes[0] == 1 ? open_1(&member, ad, bytes, len, out, err) : open_2(&member, v->aes, ad, bytes, len, out, err);
  sodium_memzero(&member, sizeof member);
  return code;
}
