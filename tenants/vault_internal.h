/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault between its own files: vault.c (roots, signer), vault_members.c (members.keys), vault_seal.c (sealing),
 * vault_pseudonym.c.
 *
 * tenant.key, 96 bytes:  "QUNKEY2\n", generation u64, master 32, wrapping key 32, BLAKE2b-128 of all before. "QUNKEY1\n":
 *     a tenant made before digests were SipHash; it keeps BLAKE2b, as its log has digests of that kind.
 * signer.key, 56 bytes:  "QUNSIG1\n", Ed25519 seed 32, BLAKE2b-128
 * signer.state, 64 bytes: "QUNTOP1\n", size u64, root 32, BLAKE2b-128; from the second epoch on 72 bytes:
 *     "QUNTOP2\n", epoch u64, size u64, root 32, BLAKE2b-128
 * members.keys: a head of 32 bytes: "QUNMEM1\n", generation u64, BLAKE2b-128; then a record of 104 bytes a member:
 *     pseudonym 16
 *     synced u64: how many records were durable before this one was written
 *     nonce 24, wrapped key 32, tag 16: XChaCha20-Poly1305 under the wrapping key, additional data: "qun member",
 *         generation, pseudonym, synced
 *     checksum 8: the first bytes of BLAKE2b-128 over all before
 * Numbers are big-endian. The keys in use derive from the master by crypto_kdf, context "qunvault": 1 pseudonym,
 * 2 digest of QUNKEY1, 3 salt, 4 digest, 5 recall (vault_pseudonym.c; never stored).
 *
 * Forgetting writes members.keys.new (generation + 1) and tenant.key.new, then renames tenant.key: that moment decides.
 * An open that finds tenant.key one generation ahead of members.keys finishes the other rename; one that finds
 * left-over .new files wipes them.
 */
#ifndef QUN_TENANTS_VAULT_INTERNAL_H
#define QUN_TENANTS_VAULT_INTERNAL_H

#include "tenants/key_file.h"
#include "tenants/sha256.h"
#include "tenants/vault.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
  QUN__MAGIC_SIZE = 8,
  QUN__SUM_SIZE = 16,
  QUN__MEMBER_KEY_SIZE = 32,
  QUN__KEY_ID_SIZE = 4,
  QUN__KEY_COMMITMENT_SIZE = 32,
  QUN__NONCE_BATCH = 4096
};

struct qun__member; /* a hash entry, vault_members.c */
struct qun__key_chunk;
struct qun__pseudonyms;

/* What sealing needs of a member. Secret: zero it after use. */
struct qun__member_key {
  unsigned char key[QUN__MEMBER_KEY_SIZE];
  unsigned char id[QUN__KEY_ID_SIZE];
  unsigned char commitment[QUN__KEY_COMMITMENT_SIZE];
};

struct qun__members {
  struct qun__member *table;
  struct qun__member *pending, **pending_end; /* made since the last sync, in order */
  struct qun__member *fresh;                  /* the first of them that no redo file has; NULL: all are there */
  uint64_t handed;                            /* pending ones before it */
  struct qun__key_chunk *chunks;              /* locked memory that holds the keys */
  uint64_t durable;                           /* records on disk */
  int fd;
  bool broken; /* memory and disk differ: only a new open mends it */
};

/* In memory of sodium_malloc: locked where the limit allows, guarded, left out of core dumps, zeroed when freed. */
struct qun__secrets {
  unsigned char master[32];
  unsigned char wrapping[32];
  unsigned char pseudonym[32];
  unsigned char digest[32];
  unsigned char recall[crypto_shorthash_siphashx24_KEYBYTES];
  unsigned char signer[crypto_sign_SECRETKEYBYTES];
  struct qun_hmac_sha256 salt;
  unsigned char nonces[QUN__NONCE_BATCH];
};

struct qun_vault {
  struct qun_key_dir dir;
  struct qun__secrets *secrets;
  struct qun__pseudonyms *pseudonyms;
  uint64_t generation;
  unsigned char form;         /* of tenant.key: 1 or 2 */
  unsigned char seal_version; /* that qun_vault_seal makes */
  bool aes;                   /* libsodium has AES-256-GCM here */
  unsigned char public_key[32];
  pthread_mutex_t lock; /* guards all below and the wrapping key, generation and nonces */
  size_t nonces_left;
  struct qun__members members;
  uint64_t signed_epoch, signed_size;
  unsigned char signed_root[32];
};

/* <keys_dir>/<prefix><tenant>. QUN_EINVAL: no name of a tenant, or too long. */
int qun__vault_path(char *out, size_t size, const char *keys_dir, const char *prefix, const char *tenant,
                    struct qun_error *err);
/* Wipes every file of a keys folder, then the folder. Nothing there is fine. */
int qun__vault_wipe(const char *path, struct qun_error *err);
void qun__put_u64(unsigned char *at, uint64_t value);
uint64_t qun__get_u64(const unsigned char *at);

/* First `size` bytes of BLAKE2b-128: tells torn and rotten files from whole ones. */
void qun__key_sum(const unsigned char *bytes, size_t n, unsigned char *out, size_t size);
/* Fills in the checksum behind `size - QUN__SUM_SIZE` bytes; checks it together with the magic. */
void qun__key_sum_put(unsigned char *bytes, size_t size);
bool qun__key_sum_right(const unsigned char *bytes, size_t size, const char *magic);
/* tenant.key's bytes. */
enum { QUN__TENANT_KEY_SIZE = QUN__MAGIC_SIZE + 8 + 32 + 32 + QUN__SUM_SIZE };
void qun__tenant_key_pack(unsigned char out[QUN__TENANT_KEY_SIZE], unsigned char form, uint64_t generation,
                          const unsigned char master[32], const unsigned char wrapping[32]);

int qun__pseudonyms_create(struct qun__pseudonyms **out);
/* NULL is fine. */
void qun__pseudonyms_destroy(struct qun__pseudonyms *p);
size_t qun__pseudonyms_bytes(void);

/* Random bytes from the vault's buffered stream. With the lock held. */
void qun__vault_nonce(struct qun_vault *v, unsigned char *out, size_t n);

/* Writes an empty members.keys. */
int qun__members_create(const struct qun_key_dir *dir, uint64_t generation, struct qun_error *err);
/* Reads members.keys, finishing or undoing a forget that was cut off. */
int qun__members_load(struct qun_vault *v, struct qun_error *err);
/* Opens a tenant's members.keys and reads its generation; writes records at number `first` on, synced. */
int qun__members_place(const struct qun_key_dir *dir, int *fd, uint64_t *generation, struct qun_error *err);
int qun__members_put(const struct qun_key_dir *dir, int fd, uint64_t first, const unsigned char *records, size_t n,
                     struct qun_error *err);
void qun__members_unload(struct qun__members *m);
/* Copies a member's key, its id and the commitment to it; made if it is not there and `make` is set. With the lock held.
 * QUN_EGONE: there is none. */
int qun__members_key(struct qun_vault *v, const unsigned char *pseudonym, bool make, struct qun__member_key *out,
                     struct qun_error *err);

#endif
