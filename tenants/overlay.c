/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/overlay.h"

#ifndef __unused
#define __unused __attribute__((unused)) /* tree.h marks its functions with it */
#endif
#include <bsd/sys/tree.h>
#include <stdlib.h>

/* Keys are short and a tenant's own; uthash's default looks at one byte at a time. */
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = hash_key((keyptr), (keylen)))
static inline unsigned hash_key(const void *key, size_t len);
#define HASH_NONFATAL_OOM 1 /* a failed insert leaves hh.tbl NULL */
#include <uthash.h>

static inline unsigned hash_key(const void *key, size_t len) {
  const unsigned char *at = key;
  uint64_t h = 0x9e3779b97f4a7c15ull ^ len, part;
  for (; len >= 8; at += 8, len -= 8) {
    memcpy(&part, at, 8);
    h = (h ^ part) * 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
  }
  part = 0;
  memcpy(&part, at, len);
  h = (h ^ part) * 0xd6e8feb86659fd93ull;
  return (unsigned)(h ^ (h >> 32));
}

struct node {
  struct qun_overlay_row row; /* first: a row pointer is a node pointer */
  uint64_t head;              /* the key's first 8 bytes as a number that sorts like them */
  RB_ENTRY(node) order;
  UT_hash_handle hh;
};

struct undo {
  struct node *node;
  qun_slice value;
  enum qun_overlay_state state;
};

static uint64_t head_of(qun_slice key) {
  unsigned char bytes[8] = {0};
  if (key.len) memcpy(bytes, key.ptr, key.len < 8 ? (size_t)key.len : 8);
  return qun_be64_read(bytes);
}

static int compare(const struct node *a, const struct node *b) {
  if (a->head != b->head) return a->head < b->head ? -1 : 1;
  return qun_slice_cmp(a->row.key, b->row.key);
}

RB_HEAD(order_tree, node);
RB_GENERATE_INTERNAL(order_tree, node, order, compare, static __unused)

struct table {
  struct node *hash;
  struct order_tree order;
  uint32_t count;
};

struct qun_overlay {
  struct qun_arena arena;
  struct table tables[QUN_TABLES_MAX];
  struct undo *undo;
  uint32_t undo_count;
  uint32_t undo_cap;
};

struct qun_overlay *qun_overlay_create(void) {
  struct qun_overlay *o = calloc(1, sizeof *o);
  if (!o) return NULL;
  qun_arena_init(&o->arena);
  for (unsigned i = 0; i < QUN_TABLES_MAX; i++) RB_INIT(&o->tables[i].order);
  return o;
}

void qun_overlay_destroy(struct qun_overlay *o) {
  if (!o) return;
  for (unsigned i = 0; i < QUN_TABLES_MAX; i++) HASH_CLEAR(hh, o->tables[i].hash);
  free(o->undo);
  qun_arena_fini(&o->arena);
  free(o);
}

static struct node *find(const struct qun_overlay *o, unsigned table, qun_slice key) {
  struct node *n = NULL;
  HASH_FIND(hh, o->tables[table].hash, key.ptr, (unsigned)key.len, n);
  return n;
}

static struct node *find_or_add(struct qun_overlay *o, unsigned table, qun_slice key) {
  struct node *n = find(o, table, key);
  if (n) return n;
  n = qun_arena_alloc(&o->arena, sizeof *n);
  if (!n) return NULL;
  memset(n, 0, sizeof *n);
  n->row.key = qun_arena_copy(&o->arena, key);
  n->head = head_of(key);
  if (!n->row.key.ptr) return NULL;
  HASH_ADD_KEYPTR(hh, o->tables[table].hash, n->row.key.ptr, (unsigned)key.len, n);
  if (!n->hh.tbl) return NULL;
  RB_INSERT(order_tree, &o->tables[table].order, n);
  o->tables[table].count++;
  return n;
}

static int remember(struct qun_overlay *o, struct node *n) {
  if (o->undo_count == o->undo_cap) {
    uint32_t cap = o->undo_cap ? o->undo_cap * 2 : 1024;
    struct undo *undo = realloc(o->undo, cap * sizeof *undo);
    if (!undo) return QUN_EFAIL;
    o->undo = undo;
    o->undo_cap = cap;
  }
  o->undo[o->undo_count++] = (struct undo){n, n->row.value, n->row.state};
  return 0;
}

int qun_overlay_put(struct qun_overlay *o, unsigned table, qun_slice key, qun_slice value) {
  struct node *n = find_or_add(o, table, key);
  if (!n) return QUN_EFAIL;
  qun_slice copy = qun_arena_copy(&o->arena, value);
  if (value.len && !copy.ptr) return QUN_EFAIL;
  if (remember(o, n) < 0) return QUN_EFAIL;
  n->row.value = copy;
  n->row.state = QUN_OVERLAY_PUT;
  return 0;
}

int qun_overlay_del(struct qun_overlay *o, unsigned table, qun_slice key) {
  struct node *n = find_or_add(o, table, key);
  if (!n || remember(o, n) < 0) return QUN_EFAIL;
  n->row.value = (qun_slice){NULL, 0};
  n->row.state = QUN_OVERLAY_DEL;
  return 0;
}

const struct qun_overlay_row *qun_overlay_find(const struct qun_overlay *o, unsigned table, qun_slice key) {
  const struct node *n = find(o, table, key);
  return n ? &n->row : NULL;
}

const struct qun_overlay_row *qun_overlay_seek(const struct qun_overlay *o, unsigned table, qun_slice key, bool after) {
  struct node want = {.row = {.key = key}, .head = head_of(key)};
  struct order_tree tree = o->tables[table].order; /* RB_NFIND only reads, but wants a tree that it could write */
  struct node *n = RB_NFIND(order_tree, &tree, &want);
  if (n && after && qun_slice_eq(n->row.key, key)) n = RB_NEXT(order_tree, &tree, n);
  return n ? &n->row : NULL;
}

const struct qun_overlay_row *qun_overlay_next(const struct qun_overlay *o, const struct qun_overlay_row *row) {
  (void)o;
  struct node *n = order_tree_RB_NEXT((struct node *)(uintptr_t)row); /* a row is the first member of its node */
  return n ? &n->row : NULL;
}

uint32_t qun_overlay_mark(const struct qun_overlay *o) {
  return o->undo_count;
}

void qun_overlay_undo(struct qun_overlay *o, uint32_t mark) {
  while (o->undo_count > mark) {
    struct undo *u = &o->undo[--o->undo_count];
    u->node->row.value = u->value;
    u->node->row.state = u->state;
  }
}

uint32_t qun_overlay_count(const struct qun_overlay *o, unsigned table) {
  return o->tables[table].count;
}

struct qun_arena *qun_overlay_arena(struct qun_overlay *o) {
  return &o->arena;
}
