/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/dupguard_run.h"

#include <stdlib.h>

enum {
  CHUNK = 170 /* 4,080 bytes: one overflow page of LMDB with its header */,
  BLOOM_BITS = 10,
  BLOCK_BITS = 512,
  PROBES = 7
};

static void run_key(unsigned char out[9], char kind, uint32_t run, uint32_t chunk) {
  out[0] = (unsigned char)kind;
  for (int i = 0; i < 4; i++) {
    out[1 + i] = (unsigned char)(run >> (24 - 8 * i));
    out[5 + i] = (unsigned char)(chunk >> (24 - 8 * i));
  }
}

static uint32_t be32(const unsigned char *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void put_be32(unsigned char *b, uint32_t v) {
  for (int i = 0; i < 4; i++) b[i] = (unsigned char)(v >> (24 - 8 * i));
}

static size_t bloom_blocks(uint32_t n) {
  size_t blocks = ((size_t)n * BLOOM_BITS + BLOCK_BITS - 1) / BLOCK_BITS;
  return blocks ? blocks : 1;
}

/* A key's 64-byte block, from its first half; the bits in it come from the second. */
static size_t bloom_block(size_t blocks, const unsigned char *key, uint64_t *bits) {
  uint64_t a;
  memcpy(&a, key, 8);
  memcpy(bits, key + 8, 8);
  return (size_t)(((unsigned __int128)a * blocks) >> 64) * (BLOCK_BITS / 8);
}

static void bloom_set(unsigned char *filter, size_t blocks, const unsigned char *key) {
  uint64_t bits;
  unsigned char *block = filter + bloom_block(blocks, key, &bits);
  for (int i = 0; i < PROBES; i++, bits >>= 9)
    block[(bits & (BLOCK_BITS - 1)) >> 3] |= (unsigned char)(1u << (bits & 7));
}

static bool bloom_test(const unsigned char *filter, size_t blocks, const unsigned char *key) {
  uint64_t bits;
  const unsigned char *block = filter + bloom_block(blocks, key, &bits);
  for (int i = 0; i < PROBES; i++, bits >>= 9) {
    if (!(block[(bits & (BLOCK_BITS - 1)) >> 3] & (1u << (bits & 7)))) return false;
  }
  return true;
}

/* Writes a run from a stream of entries that come in order. */
struct writer {
  MDB_txn *txn;
  MDB_dbi dbi;
  uint32_t id, written, chunks;
  unsigned char *head; /* level, count, fences */
  unsigned char *bloom;
  size_t blocks;
  struct qun_dup_entry chunk[CHUNK];
  uint32_t fill;
};

static int writer_init(struct writer *w, MDB_txn *txn, MDB_dbi dbi, uint32_t id, uint32_t total) {
  memset(w, 0, sizeof *w);
  w->txn = txn;
  w->dbi = dbi;
  w->id = id;
  w->blocks = bloom_blocks(total);
  w->head = malloc(8 + (size_t)(total / CHUNK + 1) * 8);
  w->bloom = calloc(w->blocks, BLOCK_BITS / 8);
  return w->head && w->bloom ? 0 : MDB_PANIC;
}

static int writer_flush(struct writer *w) {
  unsigned char name[9];
  if (!w->fill) return 0;
  memcpy(w->head + 8 + (size_t)w->chunks * 8, w->chunk[0].key, 8);
  run_key(name, 'c', w->id, w->chunks++);
  MDB_val k = {sizeof name, name};
  MDB_val v = {w->fill * sizeof w->chunk[0], w->chunk};
  w->fill = 0;
  return mdb_put(w->txn, w->dbi, &k, &v, 0);
}

static int writer_add(struct writer *w, const struct qun_dup_entry *e) {
  bloom_set(w->bloom, w->blocks, e->key);
  w->chunk[w->fill++] = *e;
  w->written++;
  return w->fill == CHUNK ? writer_flush(w) : 0;
}

static int writer_fini(struct writer *w, int rc, uint32_t level, struct qun_dup_run *out) {
  unsigned char name[9];
  MDB_val k = {5, name};
  if (!rc) rc = writer_flush(w);
  if (!rc) {
    put_be32(w->head, level);
    put_be32(w->head + 4, w->written);
    run_key(name, 'r', w->id, 0);
    MDB_val v = {8 + (size_t)w->chunks * 8, w->head};
    rc = mdb_put(w->txn, w->dbi, &k, &v, 0);
  }
  if (!rc) {
    run_key(name, 'b', w->id, 0);
    MDB_val v = {w->blocks * (BLOCK_BITS / 8), w->bloom};
    rc = mdb_put(w->txn, w->dbi, &k, &v, 0);
  }
  *out = (struct qun_dup_run){w->id, level, w->written};
  free(w->head);
  free(w->bloom);
  return rc;
}

static int compare(const void *a, const void *b) {
  return memcmp(a, b, QUN_DUP_KEY);
}

int qun_dup_run_write(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_entry *entries, uint32_t n, uint32_t id,
                      struct qun_dup_run *out) {
  struct writer w;
  struct qun_dup_entry *sorted = malloc(n * sizeof *sorted);
  if (!sorted) return MDB_PANIC;
  memcpy(sorted, entries, n * sizeof *sorted);
  qsort(sorted, n, sizeof *sorted, compare);
  int rc = writer_init(&w, txn, dbi, id, n);
  for (uint32_t i = 0; i < n && !rc; i++) rc = writer_add(&w, &sorted[i]);
  rc = writer_fini(&w, rc, 0, out);
  free(sorted);
  return rc;
}

static int get(MDB_txn *txn, MDB_dbi dbi, char kind, uint32_t run, uint32_t chunk, MDB_val *v) {
  unsigned char name[9];
  run_key(name, kind, run, chunk);
  MDB_val k = {kind == 'c' ? 9 : 5, name};
  return mdb_get(txn, dbi, &k, v);
}

int qun_dup_filter_get(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_run *run, struct qun_dup_filter *out) {
  MDB_val v;
  out->blocks = bloom_blocks(run->count);
  if (get(txn, dbi, 'b', run->id, 0, &v) || v.mv_size < out->blocks * (BLOCK_BITS / 8)) return QUN_EFAIL;
  out->bits = v.mv_data;
  return 0;
}

bool qun_dup_filter_may(const struct qun_dup_filter *filter, const unsigned char *key) {
  return bloom_test(filter->bits, filter->blocks, key);
}

int qun_dup_run_find(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_run *run, const unsigned char *key,
                     uint64_t *seq) {
  MDB_val v;
  if (get(txn, dbi, 'r', run->id, 0, &v) || v.mv_size < 16) return QUN_EFAIL;
  const unsigned char *fences = (const unsigned char *)v.mv_data + 8;
  uint32_t lo = 0, hi = (uint32_t)((v.mv_size - 8) / 8);
  while (hi - lo > 1) { /* the last chunk whose first key is not greater */
    uint32_t mid = lo + (hi - lo) / 2;
    if (memcmp(fences + (size_t)mid * 8, key, 8) <= 0)
      lo = mid;
    else
      hi = mid;
  }
  /* chunks that begin with the same 8 bytes: look at the one before as well */
  for (uint32_t c = lo + 1; c-- > (lo ? lo - 1 : 0);) {
    if (get(txn, dbi, 'c', run->id, c, &v)) return QUN_EFAIL;
    const struct qun_dup_entry *e = bsearch(key, v.mv_data, v.mv_size / sizeof *e, sizeof *e, compare);
    if (!e) continue;
    *seq = qun_be64_read(e->seq);
    return 1;
  }
  return 0;
}

/* Reads a run's entries in order. */
struct reader {
  MDB_val chunk;
  struct qun_dup_run run;
  uint32_t next_chunk, at, seen;
};

static const struct qun_dup_entry *reader_peek(struct reader *r, MDB_txn *txn, MDB_dbi dbi, int *rc) {
  if (r->seen == r->run.count) return NULL;
  if (!r->chunk.mv_data || r->at == r->chunk.mv_size / sizeof(struct qun_dup_entry)) {
    *rc = get(txn, dbi, 'c', r->run.id, r->next_chunk++, &r->chunk);
    if (*rc) return NULL;
    r->at = 0;
  }
  return (const struct qun_dup_entry *)r->chunk.mv_data + r->at;
}

static int run_delete(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_run *run) {
  unsigned char name[9];
  int rc = 0;
  for (uint32_t c = 0; c <= (run->count - 1) / CHUNK && !rc; c++) {
    run_key(name, 'c', run->id, c);
    MDB_val k = {9, name};
    rc = mdb_del(txn, dbi, &k, NULL);
  }
  for (int i = 0; i < 2 && !rc; i++) {
    run_key(name, "rb"[i], run -> id, 0);
    MDB_val k = {5, name};
    rc = mdb_del(txn, dbi, &k, NULL);
  }
  return rc;
}

int qun_dup_runs_merge(MDB_txn *txn, MDB_dbi dbi, const struct qun_dup_run *parts, uint32_t n, uint32_t id,
                       uint32_t level, struct qun_dup_run *out) {
  struct reader readers[QUN_DUP_FANOUT] = {0};
  struct qun_dup_entry *all;
  struct writer w;
  uint32_t total = 0, filled = 0;
  int rc = 0;
  for (uint32_t i = 0; i < n; i++) {
    readers[i].run = parts[i];
    total += parts[i].count;
  }
  /* the old chunks must be read before this transaction writes: its pages move under them */
  all = malloc(total * sizeof *all);
  if (!all) return MDB_PANIC;
  while (!rc && filled < total) {
    struct reader *best = NULL;
    const struct qun_dup_entry *least = NULL;
    for (uint32_t i = 0; i < n && !rc; i++) {
      const struct qun_dup_entry *e = reader_peek(&readers[i], txn, dbi, &rc);
      if (e && (!least || compare(e, least) < 0)) {
        least = e;
        best = &readers[i];
      }
    }
    if (rc || !least) break;
    all[filled++] = *least;
    best->at++;
    best->seen++;
  }
  for (uint32_t i = 0; i < n && !rc; i++) rc = run_delete(txn, dbi, &parts[i]);
  if (!rc) {
    rc = writer_init(&w, txn, dbi, id, total);
    for (uint32_t i = 0; i < filled && !rc; i++) rc = writer_add(&w, &all[i]);
    rc = writer_fini(&w, rc, level, out);
  }
  free(all);
  return rc;
}

int qun_dup_runs_load(const struct qun_view *v, struct qun_dup_run *runs, uint32_t cap, uint32_t *count,
                      uint32_t *next_id) {
  struct qun_pair pairs[128];
  uint32_t n;
  if (qun_view_scan(v, QUN_TABLE_DUP, qun_str("r"), (qun_slice){NULL, 0}, pairs, 128, &n) < 0 || n > cap)
    return QUN_EFAIL;
  *next_id = 1;
  for (uint32_t i = 0; i < n; i++) {
    const unsigned char *value = pairs[i].value.ptr;
    if (pairs[i].key.len != 5 || pairs[i].value.len < 8) return QUN_EFAIL;
    runs[i] = (struct qun_dup_run){be32((const unsigned char *)pairs[i].key.ptr + 1), be32(value), be32(value + 4)};
    if (runs[i].id >= *next_id) *next_id = runs[i].id + 1;
  }
  *count = n;
  return 0;
}
