/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's keys, outside the data directory: <keys>/<tenant>/ (0700), every file 0600, replaced by rename after
 * fsync.
 *   tenant.key    random 32-byte roots: the master, from which pseudonym, digest and salt keys derive, and the wrapping key
 *   members.keys  append only: one fixed-size record a member: pseudonym, wrapped key, checksum; a torn last record is cut on open
 *   signer.key    Ed25519 seed
 *   signer.state  last signed (size, root): the signer refuses to go back
 *   tokens.yaml   hashes of the tenant's tokens (host/http/tokens.h)
 * Thread-safe: one mutex a vault. Blocking: file reads at open; qun_vault_sync does the only fsync of the hot path.
 * Sources: DECISIONS 23-26 of the plan.
 */
#ifndef QUN_TENANTS_VAULT_H
#define QUN_TENANTS_VAULT_H

#include "tenants/error.h"
#include "tenants/input.h"

#include <qun/msgpack.h>

#include <stdbool.h>

struct qun_vault;

/* Makes the keys of a new tenant. QUN_ECONFLICT: they exist. */
int qun_vault_create(const char *keys_dir, const char *tenant, struct qun_error *err);
/* Destroys them: overwrites, unlinks, syncs the directory. Nothing there is fine. */
int qun_vault_destroy(const char *keys_dir, const char *tenant, struct qun_error *err);
int qun_vault_open(struct qun_vault **out, const char *keys_dir, const char *tenant, struct qun_error *err);
/* NULL is fine. */
void qun_vault_close(struct qun_vault *v);
/* Memory that it takes, roughly. NULL takes none. */
size_t qun_vault_bytes(struct qun_vault *v);

/* The tenant's pseudonym of a platform id: keyed BLAKE2b-128. `id` is not kept. Those asked for last are remembered, which
 * halves the time. */
void qun_vault_pseudonym(const struct qun_vault *v, qun_slice id, unsigned char out[QUN_PSEUDONYM_SIZE]);
/* SipHash-2-4 of content, for the duplicate guard, which tells by it whether what comes again under a known (source, id)
   is the same: 64 bits of a keyed function that nobody outside can evaluate. A tenant from before keeps keyed BLAKE2b. */
void qun_vault_digest(const struct qun_vault *v, qun_slice content, unsigned char out[QUN_DIGEST_SIZE]);
/* Salt of a log record: HMAC-SHA-256(salt key, big-endian sequence). */
void qun_vault_salt(const struct qun_vault *v, uint64_t seq, unsigned char out[32]);
/* The same for many: `in` are big-endian sequences, 8 bytes each. */
struct qun_sha256_lanes;
void qun_vault_salt_each(const struct qun_vault *v, struct qun_sha256_lanes *lanes, const qun_slice *in,
                         unsigned char (*out)[32], uint32_t n);

/* Most bytes that sealing adds to a text, in any version. */
enum { QUN_SEAL_ROOM = 73 };
/* Length of what qun_vault_seal makes of so many bytes. */
size_t qun_vault_sealed_len(const struct qun_vault *v, uint64_t plain_len);
/* Length of the text in sealed bytes. False: they are none, or of an unknown version. Pure. */
bool qun_sealed_plain_len(qun_slice sealed, size_t *len);
/* Seals under the member's key, which is made if the member is new (all-zero pseudonym: the tenant's own record of
   nobody). `out` has room for qun_vault_sealed_len bytes. AES-256-GCM with a commitment to the key (version 2) where the
   processor has AES, else XChaCha20-Poly1305 (version 1), which takes three times as long. Layouts, and why they commit:
   tenants/vault_seal.c. QUN_EFAIL: out of memory or randomness. */
int qun_vault_seal(struct qun_vault *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], qun_slice plain,
                   unsigned char *out, struct qun_error *err);
/* Opens what seal made, in any version on any processor; `out` has room for qun_sealed_plain_len bytes.
   QUN_EGONE: the member's key was destroyed (also if the member came back since and has a new one). QUN_EINVAL: altered. */
int qun_vault_open_sealed(struct qun_vault *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], qun_slice sealed,
                          unsigned char *out, struct qun_error *err);
/* Makes the keys of all new members durable. Call before the commit of what was sealed under them. Cheap when nothing
 * is new. */
int qun_vault_sync(struct qun_vault *v, struct qun_error *err);
/* Appends the keys of members that are new since the last call to `out`, for a redo file (tenants/key_redo.h):
   generation, first record, records. 1: some; 0: nothing is new. QUN_EAGAIN: they take more than `room` bytes, nothing
   was done. qun_vault_sync makes them durable in their place. */
int qun_vault_hand_over(struct qun_vault *v, struct qun_pack *out, size_t room, struct qun_error *err);
/* Destroys a member's key: rewraps the others under a new wrapping key, replaces members.keys, syncs. A member without
   a key is fine. Sealing waits meanwhile. QUN_EFAIL: nothing changed, or, if the disk failed after the decision, the
   vault must be opened again. */
int qun_vault_forget(struct qun_vault *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], struct qun_error *err);

/* Ed25519 over a signed note's text (tenants/note.h), by the tenant's signer. public_key: 32 bytes. */
void qun_vault_public_key(const struct qun_vault *v, unsigned char out[32]);
int qun_vault_sign(struct qun_vault *v, qun_slice message, unsigned char sig[64], struct qun_error *err);
/* Remembers (epoch, size, root) as the newest signed checkpoint, on disk. Epochs count from 1; a restore begins the next
   one, whose tree begins anew. QUN_ECONFLICT: an earlier epoch, or in the same one a smaller tree, or another root for
   the same size. */
int qun_vault_advance(struct qun_vault *v, uint64_t epoch, uint64_t size, const unsigned char root[32],
                      struct qun_error *err);
/* The newest signed checkpoint; size 0: none in that epoch. */
void qun_vault_signed(struct qun_vault *v, uint64_t *epoch, uint64_t *size, unsigned char root[32]);

/* ---- copies of the keys. Blocking. */
/* Calls `each` with every file of the tenant's keys, while nothing changes them. The bytes are wiped afterwards. */
int qun_vault_export(struct qun_vault *v,
                     int (*each)(void *arg, const char *name, qun_slice bytes, struct qun_error *err), void *arg,
                     struct qun_error *err);
/* Makes <keys>/.new.<tenant>, empty and 0700, for the files of a tenant's keys, and writes its path. */
int qun_vault_stage(char path[480], const char *keys_dir, const char *tenant, struct qun_error *err);
/* Moves the staged keys to their place; keys that are there already are wiped, but their erasure list is kept (added to
   the staged one). Nothing staged: QUN_ENOTFOUND. */
int qun_vault_install(const char *keys_dir, const char *tenant, struct qun_error *err);
/* Opens the staged keys. */
int qun_vault_open_staged(struct qun_vault **out, const char *keys_dir, const char *tenant, struct qun_error *err);
/* Wipes what was staged. */
void qun_vault_unstage(const char *keys_dir, const char *tenant);
/* 1: the tenant has keys here. */
int qun_vault_exists(const char *keys_dir, const char *tenant);

#endif
