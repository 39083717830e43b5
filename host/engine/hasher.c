/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/hasher.h"

#include "tenants/store.h"

#include <pthread.h>
#include <stdlib.h>

enum { PORTION = 64 /* records handed over at once: a lock for each would cost more than the hash */ };

struct item {
  uint64_t seq, len;
  unsigned char *salted; /* QUN_HASH_SIZE bytes for the salt, then the record */
};

struct qun_hasher {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t work, idle;
  const struct qun_vault *vault;
  struct qun_sha256_lanes *lanes; /* the thread's while it has work, else the shard's */
  struct item *items;             /* grows only while the thread is idle or behind `handed` */
  unsigned char (*hashes)[QUN_HASH_SIZE];
  uint32_t cap;
  uint32_t added;        /* the shard's own count */
  uint32_t handed, done; /* guarded */
  bool stop;
};

/* Salts of up to PORTION records, then their hashes: SHA-256(salt || stored bytes), with room for the salt in front of
   the bytes (qun_hasher_add). */
static void hash_portion(struct qun_hasher *h, uint32_t from, uint32_t n) {
  unsigned char numbers[PORTION][8], salts[PORTION][QUN_HASH_SIZE];
  qun_slice in[PORTION] = {{0}};
  for (uint32_t i = 0; i < n; i++) {
    qun_be64(numbers[i], h->items[from + i].seq);
    in[i] = qun_slice_of(numbers[i], 8);
  }
  qun_vault_salt_each(h->vault, h->lanes, in, salts, n);
  for (uint32_t i = 0; i < n; i++) {
    const struct item *item = &h->items[from + i];
    memcpy(item->salted, salts[i], QUN_HASH_SIZE);
    in[i] = qun_slice_of(item->salted, QUN_HASH_SIZE + (size_t)item->len);
  }
  qun_sha256_of_each(h->lanes, in, h->hashes + from, n);
}

static void hash_range(struct qun_hasher *h, uint32_t from, uint32_t to) {
  for (uint32_t n; from < to; from += n) {
    n = to - from < PORTION ? to - from : PORTION;
    hash_portion(h, from, n);
  }
}

static void *run(void *arg) {
  struct qun_hasher *h = arg;
  pthread_mutex_lock(&h->lock);
  for (;;) {
    while (h->done == h->handed && !h->stop) pthread_cond_wait(&h->work, &h->lock);
    if (h->done == h->handed) break;
    uint32_t from = h->done, to = h->handed;
    pthread_mutex_unlock(&h->lock);
    hash_range(h, from, to);
    pthread_mutex_lock(&h->lock);
    h->done = to;
    if (h->done == h->handed) pthread_cond_signal(&h->idle);
  }
  pthread_mutex_unlock(&h->lock);
  return NULL;
}

int qun_hasher_start(struct qun_hasher **out, struct qun_error *err) {
  struct qun_hasher *h = calloc(1, sizeof *h);
  if (!h) return qun_error_set(err, QUN_EFAIL, "out of memory");
  pthread_mutex_init(&h->lock, NULL);
  pthread_cond_init(&h->work, NULL);
  pthread_cond_init(&h->idle, NULL);
  h->lanes = qun_sha256_lanes_create();
  if (pthread_create(&h->thread, NULL, run, h) != 0) {
    qun_sha256_lanes_destroy(h->lanes);
    pthread_cond_destroy(&h->idle);
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->lock);
    free(h);
    return qun_error_set(err, QUN_EFAIL, "a shard's hasher thread cannot start");
  }
  pthread_setname_np(h->thread, "qun-hasher");
  *out = h;
  return 0;
}

void qun_hasher_stop(struct qun_hasher *h) {
  if (!h) return;
  pthread_mutex_lock(&h->lock);
  h->stop = true;
  pthread_cond_signal(&h->work);
  pthread_mutex_unlock(&h->lock);
  pthread_join(h->thread, NULL);
  pthread_cond_destroy(&h->idle);
  pthread_cond_destroy(&h->work);
  pthread_mutex_destroy(&h->lock);
  qun_sha256_lanes_destroy(h->lanes);
  free(h->items);
  free(h->hashes);
  free(h);
}

void qun_hasher_begin(struct qun_hasher *h, const struct qun_vault *vault) {
  pthread_mutex_lock(&h->lock); /* idle: the last batch was waited for */
  h->vault = vault;
  h->added = h->handed = h->done = 0;
  pthread_mutex_unlock(&h->lock);
}

static void wait_idle(struct qun_hasher *h) {
  pthread_mutex_lock(&h->lock);
  while (h->done != h->handed) pthread_cond_wait(&h->idle, &h->lock);
  pthread_mutex_unlock(&h->lock);
}

static int grow(struct qun_hasher *h) {
  uint32_t cap = h->cap ? h->cap * 2 : 8192;
  wait_idle(h); /* the arrays move */
  struct item *items = realloc(h->items, cap * sizeof *items);
  if (!items) return QUN_EFAIL;
  h->items = items;
  void *hashes = realloc(h->hashes, cap * sizeof *h->hashes);
  if (!hashes) return QUN_EFAIL;
  h->hashes = hashes;
  h->cap = cap;
  return 0;
}

static void hand_over(struct qun_hasher *h) {
  pthread_mutex_lock(&h->lock);
  h->handed = h->added;
  pthread_cond_signal(&h->work);
  pthread_mutex_unlock(&h->lock);
}

int qun_hasher_add(struct qun_hasher *h, uint64_t seq, unsigned char *salted, uint64_t len) {
  if (h->added == h->cap && grow(h) < 0) return QUN_EFAIL;
  h->items[h->added++] = (struct item){seq, len, salted};
  if (h->added % PORTION == 0) hand_over(h);
  return 0;
}

const unsigned char (*qun_hasher_wait(struct qun_hasher *h))[QUN_HASH_SIZE] {
  if (h->added >= PORTION) wait_idle(h);
  if (h->handed < h->added) hash_range(h, h->handed, h->added);
  pthread_mutex_lock(&h->lock); /* the thread is idle */
  h->handed = h->done = h->added;
  pthread_mutex_unlock(&h->lock);
  return (const unsigned char(*)[QUN_HASH_SIZE])h->hashes;
}

struct qun_sha256_lanes *qun_hasher_lanes(struct qun_hasher *h) {
  return h->lanes;
}
