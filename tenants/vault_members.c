/* SPDX-License-Identifier: Apache-2.0 */
/* members.keys: see vault_internal.h for its form. */
#define HASH_NONFATAL_OOM 1
/* pseudonyms are outputs of a keyed hash: their first bytes spread as well as any hash of them */
#define HASH_FUNCTION(keyptr, keylen, hashv) memcpy(&(hashv), (keyptr), sizeof(hashv))
#include "tenants/vault_internal.h"

#include <uthash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  HEAD_SIZE = QUN__MAGIC_SIZE + 8 + QUN__SUM_SIZE,
  AT_SYNCED = QUN_PSEUDONYM_SIZE,
  AT_NONCE = AT_SYNCED + 8,
  AT_KEY = AT_NONCE + 24,
  AT_SUM = AT_KEY + QUN__MEMBER_KEY_SIZE + 16,
  RECORD_SIZE = AT_SUM + 8,
  RECORDS_AT_ONCE = 512,
  CHUNK_KEYS_MIN = 64,
  CHUNK_KEYS_MAX = 4096
};

static const char label[] = "qun member";

struct qun__member {
  unsigned char pseudonym[QUN_PSEUDONYM_SIZE];
  unsigned char id[QUN__KEY_ID_SIZE];
  bool committed; /* the commitment was made: not before it is asked for */
  unsigned char commitment[QUN__KEY_COMMITMENT_SIZE];
  unsigned char *key; /* in a chunk of locked memory */
  struct qun__member *next_pending;
  UT_hash_handle hh;
};

struct qun__key_chunk {
  struct qun__key_chunk *next;
  size_t cap, used;
  unsigned char (*keys)[QUN__MEMBER_KEY_SIZE];
};

/* ---- memory */

static unsigned char *key_place(struct qun__members *m) {
  struct qun__key_chunk *c = m->chunks;
  if (!c || c->used == c->cap) {
    size_t cap = !c ? CHUNK_KEYS_MIN : c->cap < CHUNK_KEYS_MAX ? c->cap * 2 : CHUNK_KEYS_MAX;
    c = malloc(sizeof *c);
    if (!c) return NULL;
    c->keys = sodium_allocarray(cap, QUN__MEMBER_KEY_SIZE);
    if (!c->keys) {
      free(c);
      return NULL;
    }
    c->cap = cap;
    c->used = 0;
    c->next = m->chunks;
    m->chunks = c;
  }
  return c->keys[c->used++];
}

static void key_id(const unsigned char key[QUN__MEMBER_KEY_SIZE], unsigned char out[QUN__KEY_ID_SIZE]) {
  static const unsigned char text[] = "qun key id/1";
  unsigned char hash[crypto_generichash_BYTES_MIN];
  crypto_generichash(hash, sizeof hash, text, sizeof text - 1, key, QUN__MEMBER_KEY_SIZE);
  memcpy(out, hash, QUN__KEY_ID_SIZE);
}

/* See vault_seal.c. */
static void commit_key(struct qun__member *member) {
  static const unsigned char text[] = "qun key commit/2";
  enum { TEXT = sizeof text - 1, AT_PSEUDONYM = TEXT + QUN__MEMBER_KEY_SIZE };
  unsigned char all[AT_PSEUDONYM + QUN_PSEUDONYM_SIZE];
  memcpy(all, text, TEXT);
  memcpy(all + TEXT, member->key, QUN__MEMBER_KEY_SIZE);
  memcpy(all + AT_PSEUDONYM, member->pseudonym, QUN_PSEUDONYM_SIZE);
  crypto_generichash(member->commitment, sizeof member->commitment, all, sizeof all, NULL, 0);
  sodium_memzero(all, sizeof all);
  member->committed = true;
}

static struct qun__member *find_member(struct qun__members *m, const unsigned char *pseudonym) {
  struct qun__member *found;
  HASH_FIND(hh, m->table, pseudonym, QUN_PSEUDONYM_SIZE, found);
  return found;
}

static struct qun__member *add_member(struct qun__members *m, const unsigned char *pseudonym,
                                      const unsigned char key[QUN__MEMBER_KEY_SIZE]) {
  struct qun__member *member = calloc(1, sizeof *member);
  if (!member) return NULL;
  member->key = key_place(m);
  if (member->key) {
    memcpy(member->pseudonym, pseudonym, QUN_PSEUDONYM_SIZE);
    memcpy(member->key, key, QUN__MEMBER_KEY_SIZE);
    key_id(key, member->id);
    HASH_ADD(hh, m->table, pseudonym, QUN_PSEUDONYM_SIZE, member);
  }
  if (!member->key || !member->hh.tbl) {
    free(member);
    return NULL;
  }
  return member;
}

void qun__members_unload(struct qun__members *m) {
  struct qun__member *member, *next;
  HASH_ITER(hh, m->table, member, next) {
    HASH_DEL(m->table, member);
    free(member);
  }
  while (m->chunks) {
    struct qun__key_chunk *chunk = m->chunks;
    m->chunks = chunk->next;
    sodium_free(chunk->keys);
    free(chunk);
  }
  if (m->fd >= 0) close(m->fd);
  m->fd = -1;
}

int qun__members_key(struct qun_vault *v, const unsigned char *pseudonym, bool make, struct qun__member_key *out,
                     struct qun_error *err) {
  struct qun__members *m = &v->members;
  struct qun__member *member = find_member(m, pseudonym);
  if (!member && !make) return qun_error_set(err, QUN_EGONE, "sealed bytes: this member's key was destroyed");
  if (!member) {
    qun__vault_nonce(v, out->key, QUN__MEMBER_KEY_SIZE);
    /* a key must not linger in the buffer it was drawn from */
    sodium_memzero(v->secrets->nonces + QUN__NONCE_BATCH - v->nonces_left - QUN__MEMBER_KEY_SIZE, QUN__MEMBER_KEY_SIZE);
    member = add_member(m, pseudonym, out->key);
    if (!member) return qun_error_set(err, QUN_EFAIL, "%s: out of memory for the keys of members", v->dir.path);
    *m->pending_end = member;
    m->pending_end = &member->next_pending;
    if (!m->fresh) m->fresh = member;
  }
  if (!member->committed) commit_key(member);
  memcpy(out->key, member->key, QUN__MEMBER_KEY_SIZE);
  memcpy(out->id, member->id, QUN__KEY_ID_SIZE);
  memcpy(out->commitment, member->commitment, QUN__KEY_COMMITMENT_SIZE);
  return 0;
}

/* ---- records */

enum { AD_SIZE = sizeof label - 1 + 8 + QUN_PSEUDONYM_SIZE + 8 };

static void record_ad(unsigned char out[AD_SIZE], const unsigned char *record, uint64_t generation) {
  memcpy(out, label, sizeof label - 1);
  qun__put_u64(out + sizeof label - 1, generation);
  memcpy(out + sizeof label - 1 + 8, record, QUN_PSEUDONYM_SIZE + 8);
}

static void record_wrap(struct qun_vault *v, unsigned char *record, const struct qun__member *member, uint64_t synced,
                        uint64_t generation, const unsigned char wrapping[32]) {
  unsigned char ad[AD_SIZE];
  memcpy(record, member->pseudonym, QUN_PSEUDONYM_SIZE);
  qun__put_u64(record + AT_SYNCED, synced);
  qun__vault_nonce(v, record + AT_NONCE, 24);
  record_ad(ad, record, generation);
  crypto_aead_xchacha20poly1305_ietf_encrypt(record + AT_KEY, NULL, member->key, QUN__MEMBER_KEY_SIZE, ad, sizeof ad,
                                             NULL, record + AT_NONCE, wrapping);
  qun__key_sum(record, AT_SUM, record + AT_SUM, 8);
}

static bool record_whole(const unsigned char *record) {
  unsigned char sum[8];
  qun__key_sum(record, AT_SUM, sum, sizeof sum);
  return memcmp(sum, record + AT_SUM, sizeof sum) == 0;
}

static int record_unwrap(struct qun_vault *v, const unsigned char *record, uint64_t index, struct qun_error *err) {
  unsigned char ad[AD_SIZE], key[QUN__MEMBER_KEY_SIZE];
  int code = 0;
  record_ad(ad, record, v->generation);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(key, NULL, NULL, record + AT_KEY, QUN__MEMBER_KEY_SIZE + 16, ad,
                                                 sizeof ad, record + AT_NONCE, v->secrets->wrapping) != 0)
    code = qun_error_set(err, QUN_EINVAL, "%s/members.keys: record %llu was altered (wrong tag)", v->dir.path,
                         (unsigned long long)index);
  else if (find_member(&v->members, record))
    code = qun_error_set(err, QUN_EINVAL, "%s/members.keys: record %llu repeats a member", v->dir.path,
                         (unsigned long long)index);
  else if (!add_member(&v->members, record, key))
    code = qun_error_set(err, QUN_EFAIL, "%s: out of memory for the keys of members", v->dir.path);
  sodium_memzero(key, sizeof key);
  return code;
}

static void pack_head(unsigned char out[HEAD_SIZE], uint64_t generation) {
  memcpy(out, "QUNMEM1\n", QUN__MAGIC_SIZE);
  qun__put_u64(out + QUN__MAGIC_SIZE, generation);
  qun__key_sum_put(out, HEAD_SIZE);
}

static int cannot(const struct qun_vault *v, const char *what, struct qun_error *err) {
  return qun_error_set(err, QUN_EFAIL, "%s/members.keys: cannot %s: %s", v->dir.path, what, strerror(errno));
}

/* Wraps a list of members and writes them at record `at` on, while `synced` are durable. `next` gives the member behind
 * one. */
static int write_records(struct qun_vault *v, int fd, struct qun__member *first,
                         struct qun__member *(*next)(struct qun__member *), uint64_t at, uint64_t synced,
                         uint64_t generation, const unsigned char wrapping[32], struct qun_error *err) {
  unsigned char *block = malloc((size_t)RECORDS_AT_ONCE * RECORD_SIZE);
  int code = 0;
  if (!block) return qun_error_set(err, QUN_EFAIL, "%s: out of memory", v->dir.path);
  for (struct qun__member *member = first; member && !code;) {
    size_t n = 0;
    for (; member && n < RECORDS_AT_ONCE; member = next(member), n++)
      record_wrap(v, block + n * RECORD_SIZE, member, synced, generation, wrapping);
    if (qun__pwrite_all(fd, block, n * RECORD_SIZE, (long long)HEAD_SIZE + (long long)at * RECORD_SIZE) != 0)
      code = cannot(v, "write", err);
    at += n;
  }
  free(block);
  return code;
}

/* ---- create, load */

int qun__members_create(const struct qun_key_dir *dir, uint64_t generation, struct qun_error *err) {
  unsigned char head[HEAD_SIZE];
  pack_head(head, generation);
  return qun__key_file_write(dir, "members.keys", head, sizeof head, err);
}

static int read_generation(struct qun_vault *v, const char *name, uint64_t *out, struct qun_error *err) {
  unsigned char head[HEAD_SIZE];
  int fd;
  int code = qun__key_file_open(&fd, &v->dir, name, O_RDONLY, err);
  if (code) return code;
  long long n = qun__pread_all(fd, head, sizeof head, 0);
  if (n < 0)
    code = cannot(v, "read", err);
  else if (n != HEAD_SIZE || !qun__key_sum_right(head, sizeof head, "QUNMEM1\n"))
    code =
        qun_error_set(err, QUN_EINVAL, "%s/%s: its head was altered or is damaged (wrong checksum)", v->dir.path, name);
  else
    *out = qun__get_u64(head + QUN__MAGIC_SIZE);
  close(fd);
  return code;
}

/* Finishes a forget that was cut off after its decision, wipes what one left that was cut off before. */
static int settle_forget(struct qun_vault *v, struct qun_error *err) {
  uint64_t generation, fresh = 0;
  int code = read_generation(v, "members.keys", &generation, err);
  if (code) return code;
  if (generation != v->generation) {
    code = read_generation(v, "members.keys.new", &fresh, NULL);
    if (code || fresh != v->generation)
      return qun_error_set(err, QUN_EINVAL, "%s/members.keys: wrapped under key %llu, but tenant.key holds key %llu",
                           v->dir.path, (unsigned long long)generation, (unsigned long long)v->generation);
    code = qun__key_file_rename(&v->dir, "members.keys.new", "members.keys", err);
    if (!code) code = qun__key_dir_sync(&v->dir, err);
  }
  if (!code) code = qun__key_file_wipe(&v->dir, "members.keys.new", err);
  if (!code) code = qun__key_file_wipe(&v->dir, "tenant.key.new", err);
  return code;
}

/* A record that is not whole is the torn end of a write that was never acknowledged, unless one behind it was written
 * when it was durable. */
static int load_block(struct qun_vault *v, const unsigned char *block, size_t n, uint64_t first, uint64_t *torn,
                      struct qun_error *err) {
  for (size_t i = 0; i < n; i++) {
    const unsigned char *record = block + i * RECORD_SIZE;
    bool whole = record_whole(record);
    int code = 0;
    if (*torn == UINT64_MAX && !whole) *torn = first + i;
    if (*torn == UINT64_MAX)
      code = record_unwrap(v, record, first + i, err);
    else if (whole && qun__get_u64(record + AT_SYNCED) > *torn)
      code = qun_error_set(err, QUN_EINVAL, "%s/members.keys: record %llu was altered or is damaged (wrong checksum)",
                           v->dir.path, (unsigned long long)*torn);
    if (code) return code;
  }
  return 0;
}

static int load_records(struct qun_vault *v, uint64_t *records, bool *cut, struct qun_error *err) {
  size_t size = (size_t)RECORDS_AT_ONCE * RECORD_SIZE;
  unsigned char *block = malloc(size);
  uint64_t at = 0, torn = UINT64_MAX;
  long long n = 0;
  int code = block ? 0 : qun_error_set(err, QUN_EFAIL, "%s: out of memory", v->dir.path);
  while (!code &&
         (n = qun__pread_all(v->members.fd, block, size, (long long)HEAD_SIZE + (long long)at * RECORD_SIZE)) > 0) {
    code = load_block(v, block, (size_t)n / RECORD_SIZE, at, &torn, err);
    at += (uint64_t)n / RECORD_SIZE;
    if (n % RECORD_SIZE) *cut = true;
    if (n < (long long)size) break;
  }
  if (!code && n < 0) code = cannot(v, "read", err);
  if (torn != UINT64_MAX) *cut = true;
  *records = torn != UINT64_MAX ? torn : at;
  free(block);
  return code;
}

int qun__members_load(struct qun_vault *v, struct qun_error *err) {
  struct qun__members *m = &v->members;
  uint64_t records = 0;
  bool cut = false;
  m->pending_end = &m->pending;
  int code = settle_forget(v, err);
  if (!code) code = qun__key_file_open(&m->fd, &v->dir, "members.keys", O_RDWR, err);
  if (!code) code = load_records(v, &records, &cut, err);
  if (code) return code;
  if (cut && (ftruncate(m->fd, (off_t)(HEAD_SIZE + records * RECORD_SIZE)) != 0 || fsync(m->fd) != 0))
    return cannot(v, "cut its torn end", err);
  m->durable = records;
  return 0;
}

/* ---- sync, forget */

static struct qun__member *next_pending(struct qun__member *member) {
  return member->next_pending;
}

static struct qun__member *next_of_all(struct qun__member *member) {
  return member->hh.next;
}

static void nothing_pending(struct qun__members *m) {
  for (struct qun__member *member = m->pending, *next; member; member = next) {
    next = member->next_pending;
    member->next_pending = NULL;
  }
  m->pending = m->fresh = NULL;
  m->pending_end = &m->pending;
}

static int refuse_broken(const struct qun_vault *v, struct qun_error *err) {
  if (!v->members.broken) return 0;
  return qun_error_set(err, QUN_EFAIL, "%s: a forget was cut off by an error of the disk; open the vault again",
                       v->dir.path);
}

static uint64_t count_from(const struct qun__member *member) {
  uint64_t count = 0;
  for (; member; member = member->next_pending) count++;
  return count;
}

int qun_vault_sync(struct qun_vault *v, struct qun_error *err) {
  struct qun__members *m = &v->members;
  pthread_mutex_lock(&v->lock);
  int code = refuse_broken(v, err);
  if (!code && m->pending) {
    uint64_t count = count_from(m->pending);
    code = write_records(v, m->fd, m->pending, next_pending, m->durable, m->durable, v->generation,
                         v->secrets->wrapping, err);
    /* after a failure all stays pending and is written again: a failed fdatasync says nothing about what is on disk */
    if (!code && fdatasync(m->fd) != 0) code = cannot(v, "sync", err);
    if (!code) {
      nothing_pending(m);
      m->durable += count;
      m->handed = 0;
    }
  }
  pthread_mutex_unlock(&v->lock);
  return code;
}

int qun_vault_hand_over(struct qun_vault *v, struct qun_pack *out, size_t room, struct qun_error *err) {
  struct qun__members *m = &v->members;
  unsigned char numbers[16];
  pthread_mutex_lock(&v->lock);
  int code = refuse_broken(v, err);
  uint64_t count = code ? 0 : count_from(m->fresh);
  if (count * RECORD_SIZE > room) code = qun_error_set(err, QUN_EAGAIN, "%s: too many new keys at once", v->dir.path);
  if (code || count == 0) goto out;
  qun__put_u64(numbers, v->generation);
  qun__put_u64(numbers + 8, m->durable + m->handed);
  qun_pack_raw(out, qun_slice_of(numbers, sizeof numbers));
  unsigned char *at = qun__pack_room(out, (size_t)count * RECORD_SIZE);
  if (!at) {
    code = qun_error_set(err, QUN_EFAIL, "%s: out of memory", v->dir.path);
    goto out;
  }
  for (const struct qun__member *member = m->fresh; member; member = member->next_pending, at += RECORD_SIZE)
    record_wrap(v, at, member, m->durable, v->generation, v->secrets->wrapping);
  m->fresh = NULL;
  m->handed += count;
  code = 1;
out:
  pthread_mutex_unlock(&v->lock);
  return code;
}

/* ---- for tenants/key_redo.c */

int qun__members_place(const struct qun_key_dir *dir, int *fd, uint64_t *generation, struct qun_error *err) {
  unsigned char head[HEAD_SIZE];
  int file = -1;
  int code = qun__key_file_open(&file, dir, "members.keys", O_RDWR, err);
  if (code) return code;
  if (qun__pread_all(file, head, sizeof head, 0) != HEAD_SIZE || !qun__key_sum_right(head, sizeof head, "QUNMEM1\n")) {
    close(file);
    return qun_error_set(err, QUN_EINVAL, "%s/members.keys: its head was altered or is damaged (wrong checksum)",
                         dir->path);
  }
  *generation = qun__get_u64(head + QUN__MAGIC_SIZE);
  *fd = file;
  return 0;
}

int qun__members_put(const struct qun_key_dir *dir, int fd, uint64_t first, const unsigned char *records, size_t n,
                     struct qun_error *err) {
  if (n % RECORD_SIZE) return qun_error_set(err, QUN_EINVAL, "%s/members.keys: half a record", dir->path);
  if (qun__pwrite_all(fd, records, n, (long long)HEAD_SIZE + (long long)first * RECORD_SIZE) == 0 && fdatasync(fd) == 0)
    return 0;
  return qun_error_set(err, QUN_EFAIL, "%s/members.keys: cannot write: %s", dir->path, strerror(errno));
}

/* members.keys.new and tenant.key.new, on disk. *fd: members.keys.new. */
static int write_new_generation(struct qun_vault *v, const unsigned char wrapping[32], int *fd, struct qun_error *err) {
  unsigned char head[HEAD_SIZE], key[QUN__TENANT_KEY_SIZE];
  uint64_t generation = v->generation + 1;
  int code = qun__key_file_create(fd, &v->dir, "members.keys.new", err);
  if (code) return code;
  pack_head(head, generation);
  if (qun__pwrite_all(*fd, head, sizeof head, 0) != 0) code = cannot(v, "write", err);
  if (!code) code = write_records(v, *fd, v->members.table, next_of_all, 0, 0, generation, wrapping, err);
  if (!code && fsync(*fd) != 0) code = cannot(v, "sync", err);
  qun__tenant_key_pack(key, v->form, generation, v->secrets->master, wrapping);
  if (!code) code = qun__key_file_write(&v->dir, "tenant.key.new", key, sizeof key, err);
  if (!code) code = qun__key_dir_sync(&v->dir, err);
  sodium_memzero(key, sizeof key);
  return code;
}

/* The renames; the first decides. *decided tells whether it came to that. */
static int switch_generation(struct qun_vault *v, bool *decided, struct qun_error *err) {
  int old = -1;
  int code = qun__key_file_open(&old, &v->dir, "tenant.key", O_RDWR, err);
  if (code) return code;
  code = qun__key_file_rename(&v->dir, "tenant.key.new", "tenant.key", err);
  *decided = !code;
  if (!code) code = qun__key_dir_sync(&v->dir, err);
  if (!code) code = qun__key_file_rename(&v->dir, "members.keys.new", "members.keys", err);
  if (!code) code = qun__key_dir_sync(&v->dir, err);
  if (!code && qun__key_file_zero(old) != 0) code = cannot(v, "overwrite the old wrapping key", err);
  close(old);
  return code;
}

static int forget_member(struct qun_vault *v, struct qun__member *member, struct qun_error *err) {
  struct qun__members *m = &v->members;
  unsigned char wrapping[32];
  bool decided = false;
  int fd = -1;
  randombytes_buf(wrapping, sizeof wrapping);
  HASH_DEL(m->table, member);
  int code = write_new_generation(v, wrapping, &fd, err);
  if (!code) code = switch_generation(v, &decided, err);
  if (decided) {
    sodium_memzero(member->key, QUN__MEMBER_KEY_SIZE);
    memcpy(v->secrets->wrapping, wrapping, sizeof wrapping);
    v->generation++;
    close(m->fd);
    m->fd = fd;
    m->broken = code != 0;
    nothing_pending(m);
    m->durable = HASH_COUNT(m->table);
    m->handed = 0;
    free(member);
  } else {
    HASH_ADD(hh, m->table, pseudonym, QUN_PSEUDONYM_SIZE, member);
    if (!member->hh.tbl) m->broken = true;
    if (fd >= 0) close(fd);
    qun__key_file_wipe(&v->dir, "members.keys.new", NULL);
    qun__key_file_wipe(&v->dir, "tenant.key.new", NULL);
  }
  sodium_memzero(wrapping, sizeof wrapping);
  return code;
}

int qun_vault_forget(struct qun_vault *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], struct qun_error *err) {
  pthread_mutex_lock(&v->lock);
  int code = refuse_broken(v, err);
  struct qun__member *member = code ? NULL : find_member(&v->members, pseudonym);
  if (member) code = forget_member(v, member, err);
  pthread_mutex_unlock(&v->lock);
  return code;
}

size_t qun_vault_bytes(struct qun_vault *v) {
  if (!v) return 0;
  pthread_mutex_lock(&v->lock);
  size_t members = HASH_COUNT(v->members.table);
  pthread_mutex_unlock(&v->lock);
  return sizeof *v + sizeof *v->secrets + qun__pseudonyms_bytes() +
         members * (sizeof(struct qun__member) + QUN__MEMBER_KEY_SIZE + 16);
}
