/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/dupguard.h"

#include "tenants/batch.h"
#include "tenants/dupguard_run.h"
#include "tenants/record.h"

#include <sodium.h>
#include <stdlib.h>

enum { RUNS_MAX = 128 };

struct qun_dupguard {
  unsigned char sip_key[crypto_shorthash_siphashx24_KEYBYTES];
  struct qun_dup_entry *entries; /* in log order, since the last run */
  uint32_t count, cap;
  uint32_t settled;    /* entries that are committed; the rest is the batch in hand */
  uint32_t *index;     /* open addressing: entry number + 1 */
  uint32_t index_size; /* power of two, over twice cap */
  struct qun_dup_run runs[RUNS_MAX], planned[RUNS_MAX];
  uint32_t runs_count, planned_count;
  struct qun_dup_filter filters[RUNS_MAX]; /* of `runs`, in the snapshot of the batch in hand */
  uint32_t next_run;                       /* id */
  uint32_t flushed;                        /* entries at the front that planned runs hold */
  bool loaded;                             /* the runs and the newest keys have been read */
};

static const char key_name[] = "dup_key";
static const char from_name[] = "dup_from";

static uint32_t slot_of(const struct qun_dupguard *g, const unsigned char *key) {
  uint64_t h;
  memcpy(&h, key, sizeof h);
  return (uint32_t)h & (g->index_size - 1);
}

static void index_add(struct qun_dupguard *g, uint32_t number) {
  uint32_t slot = slot_of(g, g->entries[number].key);
  while (g->index[slot]) slot = (slot + 1) & (g->index_size - 1);
  g->index[slot] = number + 1;
}

static void index_rebuild(struct qun_dupguard *g) {
  memset(g->index, 0, g->index_size * sizeof *g->index);
  for (uint32_t i = 0; i < g->count; i++) index_add(g, i);
}

static int grow(struct qun_dupguard *g) {
  uint32_t cap = g->cap ? g->cap * 2 : 1024;
  struct qun_dup_entry *entries = realloc(g->entries, cap * sizeof *entries);
  if (!entries) return QUN_EFAIL;
  g->entries = entries;
  uint32_t *index = malloc((size_t)cap * 4 * sizeof *index);
  if (!index) return QUN_EFAIL;
  free(g->index);
  g->index = index;
  g->index_size = cap * 4;
  g->cap = cap;
  index_rebuild(g);
  return 0;
}

int qun_dupguard_add(struct qun_dupguard *g, const unsigned char key[QUN_DUP_KEY], uint64_t seq) {
  if (g->count == g->cap && grow(g) < 0) return QUN_EFAIL;
  memcpy(g->entries[g->count].key, key, QUN_DUP_KEY);
  qun_be64(g->entries[g->count].seq, seq);
  index_add(g, g->count++);
  return 0;
}

void qun_dupguard_key(const struct qun_dupguard *g, qun_slice source, qun_slice id, unsigned char key[QUN_DUP_KEY]) {
  unsigned char text[512];
  size_t n = (size_t)source.len;
  /* intake bounds source and id to 200 bytes each; the length byte keeps ("a", "bc") apart from ("ab", "c") */
  if (n > 250) n = 250;
  size_t m = id.len > 250 ? 250 : (size_t)id.len;
  text[0] = (unsigned char)n;
  if (n) memcpy(text + 1, source.ptr, n);
  if (m) memcpy(text + 1 + n, id.ptr, m);
  crypto_shorthash_siphashx24(key, text, 1 + n + m, g->sip_key);
}

static int load_recent(struct qun_dupguard *g, const struct qun_view *v, uint64_t from) {
  struct qun_pair pairs[256];
  unsigned char after[8];
  uint32_t n = 256;
  qun_be64(after, from ? from - 1 : 0);
  while (n == 256) {
    if (qun_view_scan(v, QUN_TABLE_LOG, (qun_slice){NULL, 0}, (qun_slice){after, 8}, pairs, 256, &n) < 0)
      return QUN_EFAIL;
    for (uint32_t i = 0; i < n; i++) {
      struct qun_record r;
      unsigned char key[QUN_DUP_KEY];
      uint64_t seq = qun_be64_read(pairs[i].key.ptr);
      if (qun_record_read(&r, seq, pairs[i].value) < 0) return QUN_EFAIL;
      if (r.digest.len == 0) continue;
      qun_dupguard_key(g, r.source, r.id, key);
      if (qun_dupguard_add(g, key, seq) < 0) return QUN_EFAIL;
    }
    if (n) memcpy(after, pairs[n - 1].key.ptr, 8);
  }
  g->settled = g->count;
  return 0;
}

/* What only writing needs: up to QUN_DUP_MEMTABLE records are read. */
static int load(struct qun_dupguard *g, const struct qun_view *v) {
  qun_slice value;
  uint64_t from = 0;
  if (qun_view_get(v, QUN_TABLE_META, qun_str(from_name), &value) == 0 && value.len == 8)
    from = qun_be64_read(value.ptr);
  g->count = g->settled = 0;
  if (g->index_size) index_rebuild(g);
  if (qun_dup_runs_load(v, g->runs, RUNS_MAX, &g->runs_count, &g->next_run) < 0) return QUN_EFAIL;
  if (load_recent(g, v, from) < 0) return QUN_EFAIL;
  g->loaded = true;
  return 0;
}

int qun_dupguard_begin(struct qun_dupguard *g, const struct qun_view *v) {
  if (!g->loaded && load(g, v) < 0) return QUN_EFAIL;
  for (uint32_t i = 0; i < g->runs_count; i++) {
    int rc = qun_dup_filter_get(v->txn, v->store->dbi[QUN_TABLE_DUP], &g->runs[i], &g->filters[i]);
    if (rc < 0) return rc;
  }
  return 0;
}

int qun_dupguard_find(const struct qun_dupguard *g, const struct qun_view *v, const unsigned char key[QUN_DUP_KEY],
                      uint64_t *seq) {
  if (g->index_size) {
    for (uint32_t slot = slot_of(g, key); g->index[slot]; slot = (slot + 1) & (g->index_size - 1)) {
      const struct qun_dup_entry *e = &g->entries[g->index[slot] - 1];
      if (memcmp(e->key, key, QUN_DUP_KEY) != 0) continue;
      *seq = qun_be64_read(e->seq);
      return 1;
    }
  }
  for (uint32_t i = 0; i < g->runs_count; i++) {
    if (!qun_dup_filter_may(&g->filters[i], key)) continue;
    int rc = qun_dup_run_find(v->txn, v->store->dbi[QUN_TABLE_DUP], &g->runs[i], key, seq);
    if (rc) return rc;
  }
  return 0;
}

static bool read_key(struct qun_dupguard *g, struct qun_store *s) {
  struct qun_view v;
  qun_slice value;
  if (qun_view_begin(&v, s, NULL) < 0) return false;
  bool there = qun_view_get(&v, QUN_TABLE_META, qun_str(key_name), &value) == 0 && value.len == sizeof g->sip_key;
  if (there) memcpy(g->sip_key, value.ptr, sizeof g->sip_key);
  qun_view_end(&v);
  return there;
}

/* The store's SipHash key, made once. */
static int make_key(struct qun_dupguard *g, struct qun_store *s, struct qun_error *err) {
  struct qun_batch b;
  randombytes_buf(g->sip_key, sizeof g->sip_key);
  int rc = qun_batch_begin(&b, s, err);
  if (rc < 0) return rc;
  rc = qun_batch_put(&b, QUN_TABLE_META, qun_str(key_name), qun_slice_of(g->sip_key, sizeof g->sip_key));
  rc = rc < 0 ? qun_error_set(err, QUN_EFAIL, "duplicate guard: out of memory") : qun_batch_commit(&b, NULL, NULL, err);
  qun_batch_end(&b);
  return rc;
}

int qun_dupguard_open(struct qun_dupguard **out, struct qun_store *s, struct qun_error *err) {
  struct qun_dupguard *g = calloc(1, sizeof *g);
  if (!g) return qun_error_set(err, QUN_EFAIL, "duplicate guard: out of memory");
  int rc = read_key(g, s) ? 0 : make_key(g, s, err);
  if (rc < 0)
    qun_dupguard_close(g);
  else
    *out = g;
  return rc;
}

size_t qun_dupguard_bytes(const struct qun_dupguard *g) {
  return g ? sizeof *g + g->cap * sizeof *g->entries + g->index_size * sizeof *g->index : 0;
}

void qun_dupguard_close(struct qun_dupguard *g) {
  if (!g) return;
  free(g->entries);
  free(g->index);
  free(g);
}

/* Merges the oldest group of QUN_DUP_FANOUT runs of one level, if there is one. */
static int merge_once(struct qun_dupguard *g, MDB_txn *txn, MDB_dbi dbi, bool *merged) {
  *merged = false;
  for (uint32_t level = 0; level < 16; level++) {
    uint32_t at[QUN_DUP_FANOUT], n = 0;
    for (uint32_t i = 0; i < g->planned_count && n < QUN_DUP_FANOUT; i++) {
      if (g->planned[i].level == level) at[n++] = i;
    }
    if (n < QUN_DUP_FANOUT) continue;
    struct qun_dup_run parts[QUN_DUP_FANOUT], whole;
    for (uint32_t i = 0; i < n; i++) parts[i] = g->planned[at[i]];
    int rc = qun_dup_runs_merge(txn, dbi, parts, n, g->next_run++, level + 1, &whole);
    if (rc) return rc;
    for (uint32_t i = n; i-- > 0;) {
      memmove(&g->planned[at[i]], &g->planned[at[i] + 1], (g->planned_count - at[i] - 1) * sizeof g->planned[0]);
      g->planned_count--;
    }
    g->planned[g->planned_count++] = whole;
    *merged = true;
    return 0;
  }
  return 0;
}

int qun_dupguard_flush(struct qun_dupguard *g, MDB_txn *txn, uint64_t next_seq, MDB_dbi dup, MDB_dbi meta) {
  int rc = 0;
  bool merged = true;
  memcpy(g->planned, g->runs, sizeof g->runs);
  g->planned_count = g->runs_count;
  g->flushed = 0;
  while (g->count - g->flushed >= QUN_DUP_MEMTABLE && g->planned_count < RUNS_MAX && !rc) {
    rc = qun_dup_run_write(txn, dup, g->entries + g->flushed, QUN_DUP_MEMTABLE, g->next_run++,
                           &g->planned[g->planned_count]);
    if (!rc) g->planned_count++;
    g->flushed += QUN_DUP_MEMTABLE;
  }
  if (rc || !g->flushed) return rc;
  while (merged && !rc) rc = merge_once(g, txn, dup, &merged);
  if (rc) return rc;
  unsigned char from[8];
  qun_be64(from, g->flushed < g->count ? qun_be64_read(g->entries[g->flushed].seq) : next_seq);
  MDB_val k = {sizeof from_name - 1, (void *)(uintptr_t)from_name};
  MDB_val v = {sizeof from, from};
  return mdb_put(txn, meta, &k, &v, 0);
}

void qun_dupguard_settle(struct qun_dupguard *g, bool committed) {
  if (!committed) {
    g->count = g->settled;
  } else {
    if (g->flushed) {
      memmove(g->entries, g->entries + g->flushed, (g->count - g->flushed) * sizeof *g->entries);
      g->count -= g->flushed;
      memcpy(g->runs, g->planned, sizeof g->runs);
      g->runs_count = g->planned_count;
    }
  }
  if (!committed || g->flushed) {
    if (g->index_size) index_rebuild(g);
  }
  g->settled = g->count;
  g->flushed = 0;
}
