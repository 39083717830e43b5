/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/sha256_lanes.h"
#include "tenants/vault_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  SIGNER_KEY_SIZE = QUN__MAGIC_SIZE + 32 + QUN__SUM_SIZE,
  SIGNER_STATE_SIZE = QUN__MAGIC_SIZE + 8 + 32 + QUN__SUM_SIZE,
  SIGNER_STATE2_SIZE = QUN__MAGIC_SIZE + 8 + 8 + 32 + QUN__SUM_SIZE
};

static const char kdf_context[crypto_kdf_CONTEXTBYTES] = {'q', 'u', 'n', 'v', 'a', 'u', 'l', 't'};

void qun__put_u64(unsigned char *at, uint64_t value) {
  for (int i = 7; i >= 0; i--, value >>= 8) at[i] = (unsigned char)value;
}

uint64_t qun__get_u64(const unsigned char *at) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | at[i];
  return value;
}

void qun__key_sum(const unsigned char *bytes, size_t n, unsigned char *out, size_t size) {
  unsigned char sum[QUN__SUM_SIZE];
  crypto_generichash(sum, sizeof sum, bytes, n, NULL, 0);
  memcpy(out, sum, size);
}

void qun__key_sum_put(unsigned char *bytes, size_t size) {
  qun__key_sum(bytes, size - QUN__SUM_SIZE, bytes + size - QUN__SUM_SIZE, QUN__SUM_SIZE);
}

bool qun__key_sum_right(const unsigned char *bytes, size_t size, const char *magic) {
  unsigned char sum[QUN__SUM_SIZE];
  qun__key_sum(bytes, size - sizeof sum, sum, sizeof sum);
  return memcmp(bytes, magic, QUN__MAGIC_SIZE) == 0 && memcmp(sum, bytes + size - sizeof sum, sizeof sum) == 0;
}

static const char *const magics[] = {NULL, "QUNKEY1\n", "QUNKEY2\n"}; /* by form */

void qun__tenant_key_pack(unsigned char out[QUN__TENANT_KEY_SIZE], unsigned char form, uint64_t generation,
                          const unsigned char master[32], const unsigned char wrapping[32]) {
  memcpy(out, magics[form], QUN__MAGIC_SIZE);
  qun__put_u64(out + 8, generation);
  memcpy(out + 16, master, 32);
  memcpy(out + 48, wrapping, 32);
  qun__key_sum_put(out, QUN__TENANT_KEY_SIZE);
}

/* ---- create, destroy */

static bool tenant_name_fits(const char *name) {
  size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
  return n >= 1 && n <= 63 && !name[n] && name[0] != '-';
}

int qun__vault_path(char *out, size_t size, const char *keys_dir, const char *prefix, const char *tenant,
                    struct qun_error *err) {
  if (!tenant_name_fits(tenant))
    return qun_error_set(err, QUN_EINVAL, "'%.80s' is no tenant name: 1 to 63 of a-z, 0-9 and '-', not '-' first",
                         tenant);
  int n = snprintf(out, size, "%s/%s%s", keys_dir, prefix, tenant);
  if (n < 0 || (size_t)n >= size) return qun_error_set(err, QUN_EINVAL, "%.80s...: this path is too long", keys_dir);
  return 0;
}

static int write_tenant_key(const struct qun_key_dir *dir, struct qun_error *err) {
  unsigned char roots[64], bytes[QUN__TENANT_KEY_SIZE];
  randombytes_buf(roots, sizeof roots);
  qun__tenant_key_pack(bytes, 2, 1, roots, roots + 32);
  int code = qun__key_file_write(dir, "tenant.key", bytes, sizeof bytes, err);
  sodium_memzero(roots, sizeof roots);
  sodium_memzero(bytes, sizeof bytes);
  return code;
}

static int write_signer_key(const struct qun_key_dir *dir, struct qun_error *err) {
  unsigned char bytes[SIGNER_KEY_SIZE];
  memcpy(bytes, "QUNSIG1\n", QUN__MAGIC_SIZE);
  randombytes_buf(bytes + QUN__MAGIC_SIZE, 32);
  qun__key_sum_put(bytes, sizeof bytes);
  int code = qun__key_file_write(dir, "signer.key", bytes, sizeof bytes, err);
  sodium_memzero(bytes, sizeof bytes);
  return code;
}

static void signer_state_pack(unsigned char out[SIGNER_STATE_SIZE], uint64_t size, const unsigned char root[32]) {
  memcpy(out, "QUNTOP1\n", QUN__MAGIC_SIZE);
  qun__put_u64(out + 8, size);
  memcpy(out + 16, root, 32);
  qun__key_sum_put(out, SIGNER_STATE_SIZE);
}

static void signer_state2_pack(unsigned char out[SIGNER_STATE2_SIZE], uint64_t epoch, uint64_t size,
                               const unsigned char root[32]) {
  memcpy(out, "QUNTOP2\n", QUN__MAGIC_SIZE);
  qun__put_u64(out + 8, epoch);
  qun__put_u64(out + 16, size);
  memcpy(out + 24, root, 32);
  qun__key_sum_put(out, SIGNER_STATE2_SIZE);
}

static int write_signer_state(const struct qun_key_dir *dir, struct qun_error *err) {
  unsigned char bytes[SIGNER_STATE_SIZE], root[32];
  qun_sha256_of((qun_slice){NULL, 0}, root);
  signer_state_pack(bytes, 0, root);
  return qun__key_file_write(dir, "signer.state", bytes, sizeof bytes, err);
}

/* Wipes every file of a keys folder, then the folder. */
int qun__vault_wipe(const char *path, struct qun_error *err) {
  struct qun_key_dir dir;
  struct dirent *entry;
  int code = qun__key_dir_open(&dir, path, err);
  if (code == QUN_ENOTFOUND) return 0;
  if (code) return code;
  int list = dup(dir.fd);
  DIR *names = list < 0 ? NULL : fdopendir(list);
  if (!names) {
    if (list >= 0) close(list);
    qun__key_dir_close(&dir);
    return qun_error_set(err, QUN_EFAIL, "%s: cannot list the keys folder: %s", path, strerror(errno));
  }
  while (!code && (entry = readdir(names))) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    code = qun__key_file_wipe(&dir, entry->d_name, err);
  }
  closedir(names);
  if (!code) code = qun__key_dir_sync(&dir, err);
  qun__key_dir_close(&dir);
  if (!code && rmdir(path) != 0) code = qun_error_set(err, QUN_EFAIL, "%s: cannot remove: %s", path, strerror(errno));
  return code;
}

static int fill_dir(const char *path, struct qun_error *err) {
  struct qun_key_dir dir;
  if (mkdir(path, 0700) != 0) return qun_error_set(err, QUN_EFAIL, "%s: cannot create: %s", path, strerror(errno));
  int code = qun__key_dir_open(&dir, path, err);
  if (code) return code;
  code = write_tenant_key(&dir, err);
  if (!code) code = qun__members_create(&dir, 1, err);
  if (!code) code = write_signer_key(&dir, err);
  if (!code) code = write_signer_state(&dir, err);
  if (!code) code = qun__key_dir_sync(&dir, err);
  qun__key_dir_close(&dir);
  return code;
}

int qun_vault_create(const char *keys_dir, const char *tenant, struct qun_error *err) {
  char path[480], fresh[480];
  struct qun_key_dir root;
  int code = qun__vault_path(path, sizeof path, keys_dir, "", tenant, err);
  if (!code) code = qun__vault_path(fresh, sizeof fresh, keys_dir, ".new.", tenant, err);
  if (code) return code;
  if (sodium_init() < 0) return qun_error_set(err, QUN_EFAIL, "libsodium cannot start: no source of randomness");
  if (mkdir(keys_dir, 0700) != 0 && errno != EEXIST)
    return qun_error_set(err, QUN_EFAIL, "%s: cannot create: %s", keys_dir, strerror(errno));
  code = qun__key_dir_open(&root, keys_dir, err);
  if (code) return code;
  /* built aside and moved in whole, so that a crash leaves either no keys or all of them */
  code = qun__vault_wipe(fresh, err);
  if (!code) code = fill_dir(fresh, err);
  if (!code && renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE) != 0)
    code = errno == EEXIST
               ? qun_error_set(err, QUN_ECONFLICT, "%s: tenant %s has keys already", path, tenant)
               : qun_error_set(err, QUN_EFAIL, "%s: cannot move the new keys here: %s", path, strerror(errno));
  if (code)
    qun__vault_wipe(fresh, NULL);
  else
    code = qun__key_dir_sync(&root, err);
  qun__key_dir_close(&root);
  return code;
}

int qun_vault_destroy(const char *keys_dir, const char *tenant, struct qun_error *err) {
  char path[480];
  struct qun_key_dir root;
  int code = qun__vault_path(path, sizeof path, keys_dir, "", tenant, err);
  if (code) return code;
  code = qun__key_dir_open(&root, keys_dir, err);
  if (code) return code == QUN_ENOTFOUND ? 0 : code;
  code = qun__vault_wipe(path, err);
  if (!code) code = qun__key_dir_sync(&root, err);
  qun__key_dir_close(&root);
  return code;
}

/* ---- open, close */

static int load_tenant_key(struct qun_vault *v, struct qun_error *err) {
  unsigned char bytes[QUN__TENANT_KEY_SIZE], salt[32];
  struct qun__secrets *s = v->secrets;
  int code = qun__key_file_read(&v->dir, "tenant.key", bytes, sizeof bytes, err);
  if (!code) v->form = memcmp(bytes, magics[1], QUN__MAGIC_SIZE) == 0 ? 1 : 2;
  if (!code && !qun__key_sum_right(bytes, sizeof bytes, magics[v->form]))
    code = qun_error_set(err, QUN_EINVAL, "%s/tenant.key: this file was altered or is damaged (wrong checksum)",
                         v->dir.path);
  if (code) goto out;
  v->generation = qun__get_u64(bytes + 8);
  memcpy(s->master, bytes + 16, 32);
  memcpy(s->wrapping, bytes + 48, 32);
  crypto_kdf_derive_from_key(s->pseudonym, 32, 1, kdf_context, s->master);
  crypto_kdf_derive_from_key(s->digest, 32, v->form == 1 ? 2 : 4, kdf_context, s->master);
  crypto_kdf_derive_from_key(s->recall, sizeof s->recall, 5, kdf_context, s->master);
  crypto_kdf_derive_from_key(salt, 32, 3, kdf_context, s->master);
  qun_hmac_sha256_init(&s->salt, salt);
  sodium_memzero(salt, sizeof salt);
out:
  sodium_memzero(bytes, sizeof bytes);
  return code;
}

static int load_signer_state(struct qun_vault *v, struct qun_error *err) {
  unsigned char first[SIGNER_STATE_SIZE], later[SIGNER_STATE2_SIZE];
  int code = qun__key_file_read(&v->dir, "signer.state", first, sizeof first, err);
  if (!code && qun__key_sum_right(first, sizeof first, "QUNTOP1\n")) {
    v->signed_epoch = 1;
    v->signed_size = qun__get_u64(first + 8);
    memcpy(v->signed_root, first + 16, 32);
    return 0;
  }
  if (code == QUN_EINVAL)
    code = qun__key_file_read(&v->dir, "signer.state", later, sizeof later, err);
  else if (!code)
    later[0] = '\0';
  if (code) return code;
  if (!qun__key_sum_right(later, sizeof later, "QUNTOP2\n"))
    return qun_error_set(err, QUN_EINVAL, "%s/signer.state: this file was altered or is damaged (wrong checksum)",
                         v->dir.path);
  v->signed_epoch = qun__get_u64(later + 8);
  v->signed_size = qun__get_u64(later + 16);
  memcpy(v->signed_root, later + 24, 32);
  return 0;
}

static int load_signer(struct qun_vault *v, struct qun_error *err) {
  unsigned char key[SIGNER_KEY_SIZE];
  int code = qun__key_file_read(&v->dir, "signer.key", key, sizeof key, err);
  if (!code) code = load_signer_state(v, err);
  if (!code && !qun__key_sum_right(key, sizeof key, "QUNSIG1\n"))
    code = qun_error_set(err, QUN_EINVAL, "%s/signer.key: this file was altered or is damaged (wrong checksum)",
                         v->dir.path);
  if (!code) crypto_sign_seed_keypair(v->public_key, v->secrets->signer, key + QUN__MAGIC_SIZE);
  sodium_memzero(key, sizeof key);
  return code;
}

static int open_vault(struct qun_vault **out, const char *keys_dir, const char *prefix, const char *tenant,
                      struct qun_error *err) {
  char path[480];
  struct qun_key_dir root;
  int code = qun__vault_path(path, sizeof path, keys_dir, prefix, tenant, err);
  if (code) return code;
  if (sodium_init() < 0) return qun_error_set(err, QUN_EFAIL, "libsodium cannot start: no source of randomness");
  code = qun__key_dir_open(&root, keys_dir, err);
  if (code) return code;
  qun__key_dir_close(&root);

  struct qun_vault *v = calloc(1, sizeof *v);
  if (!v) return qun_error_set(err, QUN_EFAIL, "out of memory");
  v->dir.fd = -1;
  v->members.fd = -1;
  pthread_mutex_init(&v->lock, NULL);
  v->aes = crypto_aead_aes256gcm_is_available() == 1;
  v->seal_version = v->aes ? 2 : 1;
  v->secrets = sodium_malloc(sizeof *v->secrets);
  if (!v->secrets || qun__pseudonyms_create(&v->pseudonyms) < 0) code = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (!code) code = qun__key_dir_open(&v->dir, path, err);
  if (!code) code = load_tenant_key(v, err);
  if (!code) code = load_signer(v, err);
  if (!code) code = qun__members_load(v, err);
  if (code) {
    qun_vault_close(v);
    return code;
  }
  *out = v;
  return 0;
}

int qun_vault_open(struct qun_vault **out, const char *keys_dir, const char *tenant, struct qun_error *err) {
  return open_vault(out, keys_dir, "", tenant, err);
}

int qun_vault_open_staged(struct qun_vault **out, const char *keys_dir, const char *tenant, struct qun_error *err) {
  return open_vault(out, keys_dir, ".new.", tenant, err);
}

void qun_vault_close(struct qun_vault *v) {
  if (!v) return;
  qun__members_unload(&v->members);
  qun__key_dir_close(&v->dir);
  qun__pseudonyms_destroy(v->pseudonyms);
  sodium_free(v->secrets);
  pthread_mutex_destroy(&v->lock);
  free(v);
}

/* ---- what derives from the roots */

void qun_vault_digest(const struct qun_vault *v, qun_slice content, unsigned char out[QUN_DIGEST_SIZE]) {
  unsigned char digest[crypto_generichash_BYTES_MIN];
  _Static_assert(crypto_shorthash_siphash24_BYTES == QUN_DIGEST_SIZE, "size of a digest");
  if (v->form != 1) {
    crypto_shorthash_siphash24(out, content.ptr, content.len, v->secrets->digest);
    return;
  }
  crypto_generichash(digest, sizeof digest, content.ptr, content.len, v->secrets->digest, 32);
  memcpy(out, digest, QUN_DIGEST_SIZE);
}

void qun_vault_salt(const struct qun_vault *v, uint64_t seq, unsigned char out[32]) {
  unsigned char number[8];
  qun__put_u64(number, seq);
  qun_hmac_sha256_of(&v->secrets->salt, (qun_slice){number, sizeof number}, out);
}

void qun_vault_salt_each(const struct qun_vault *v, struct qun_sha256_lanes *lanes, const qun_slice *in,
                         unsigned char (*out)[32], uint32_t n) {
  qun_hmac_sha256_of_each(lanes, &v->secrets->salt, in, out, n);
}

void qun__vault_nonce(struct qun_vault *v, unsigned char *out, size_t n) {
  unsigned char *nonces = v->secrets->nonces;
  if (v->nonces_left < n) {
    randombytes_buf(nonces, QUN__NONCE_BATCH);
    v->nonces_left = QUN__NONCE_BATCH;
  }
  memcpy(out, nonces + QUN__NONCE_BATCH - v->nonces_left, n);
  v->nonces_left -= n;
}

/* ---- signer */

void qun_vault_public_key(const struct qun_vault *v, unsigned char out[32]) {
  memcpy(out, v->public_key, 32);
}

int qun_vault_sign(struct qun_vault *v, qun_slice message, unsigned char sig[64], struct qun_error *err) {
  if (crypto_sign_detached(sig, NULL, message.ptr, message.len, v->secrets->signer) == 0) return 0;
  return qun_error_set(err, QUN_EFAIL, "%s: cannot sign", v->dir.path);
}

/* What forbids to sign this tree after the last one. */
static int refuse_going_back(const struct qun_vault *v, uint64_t epoch, uint64_t size, bool same,
                             struct qun_error *err) {
  if (epoch < v->signed_epoch)
    return qun_error_set(err, QUN_ECONFLICT,
                         "%s/signer.state: epoch %llu was signed before; epoch %llu would go back (an old copy of the "
                         "store?)",
                         v->dir.path, (unsigned long long)v->signed_epoch, (unsigned long long)epoch);
  if (epoch > v->signed_epoch) return 0;
  if (size < v->signed_size)
    return qun_error_set(err, QUN_ECONFLICT,
                         "%s/signer.state: a tree of %llu leaves was signed before; one of %llu would go back",
                         v->dir.path, (unsigned long long)v->signed_size, (unsigned long long)size);
  if (size == v->signed_size && !same)
    return qun_error_set(err, QUN_ECONFLICT,
                         "%s/signer.state: another root was signed before for a tree of %llu leaves", v->dir.path,
                         (unsigned long long)size);
  return 0;
}

static int write_top(struct qun_vault *v, uint64_t epoch, uint64_t size, const unsigned char root[32],
                     struct qun_error *err) {
  unsigned char first[SIGNER_STATE_SIZE], later[SIGNER_STATE2_SIZE];
  if (epoch == 1) {
    signer_state_pack(first, size, root);
    return qun__key_file_replace(&v->dir, "signer.state", first, sizeof first, err);
  }
  signer_state2_pack(later, epoch, size, root);
  return qun__key_file_replace(&v->dir, "signer.state", later, sizeof later, err);
}

int qun_vault_advance(struct qun_vault *v, uint64_t epoch, uint64_t size, const unsigned char root[32],
                      struct qun_error *err) {
  pthread_mutex_lock(&v->lock);
  bool same = epoch == v->signed_epoch && size == v->signed_size && memcmp(root, v->signed_root, 32) == 0;
  int code = refuse_going_back(v, epoch, size, same, err);
  if (!code && !same) code = write_top(v, epoch, size, root, err);
  if (!code) {
    v->signed_epoch = epoch;
    v->signed_size = size;
    memcpy(v->signed_root, root, 32);
  }
  pthread_mutex_unlock(&v->lock);
  return code;
}

void qun_vault_signed(struct qun_vault *v, uint64_t *epoch, uint64_t *size, unsigned char root[32]) {
  pthread_mutex_lock(&v->lock);
  *epoch = v->signed_epoch;
  *size = v->signed_size;
  memcpy(root, v->signed_root, 32);
  pthread_mutex_unlock(&v->lock);
}
