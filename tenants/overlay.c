/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/overlay.h"

#ifndef __unused
#define __unused __attribute__((unused)) /* tree.h marks its functions with it */
#endif
#include <bsd/sys/tree.h>
#include <sodium.h>
#include <stdlib.h>

enum { SLOTS_MIN = 1024, ROWS_READ_MAX = 1 << 17, LEARN_MAX = 4096, CARRY_MAX = 4 * 1024 * 1024 };

struct node {
  struct qun_overlay_row row; /* first: a row pointer is a node pointer */
  uint64_t hash;
  uint64_t head; /* the key's first 8 bytes as a number that sorts like them */
  unsigned char *spare;
  uint32_t cap, spare_cap; /* bytes at row.value and at spare; cap 0: the value's bytes are not ours */
  uint32_t spare_step;     /* the step that left the spare: its value may still be read or come back */
  uint16_t table;
  bool written; /* is or was PUT or DEL: in the table's list */
  RB_ENTRY(node) order;
};

struct slot {
  uint64_t hash;
  struct node *node;
};

struct undo {
  struct node *node;
  qun_slice value;
  uint32_t cap;
  enum qun_overlay_state state;
};

static uint64_t head_of(qun_slice key) {
  unsigned char bytes[8] = {0};
  if (key.len >= 8)
    memcpy(bytes, key.ptr, 8);
  else if (key.len)
    memcpy(bytes, key.ptr, (size_t)key.len);
  return qun_be64_read(bytes);
}

static int compare(const struct node *a, const struct node *b) {
  if (a->head != b->head) return a->head < b->head ? -1 : 1;
  return qun_slice_cmp(a->row.key, b->row.key);
}

RB_HEAD(order_tree, node);
RB_GENERATE_INTERNAL(order_tree, node, order, compare, static __unused)

/* Rows are put in order only where somebody walks them: `order` has the first `ordered` of `rows`. */
struct table {
  struct node **rows;
  uint32_t count, cap, ordered;
  struct order_tree order;
};

struct qun_overlay {
  struct qun_arena arena; /* the batch's */
  struct qun_arena kept;  /* nodes and values */
  struct slot *slots;
  uint64_t mask, seed;
  uint32_t nodes, step;
  struct table tables[QUN_TABLES_MAX];
  struct undo *undo;
  uint32_t undo_count;
  uint32_t undo_cap;
};

/* ---------------------------------------------------------------- life */

struct qun_overlay *qun_overlay_create(void) {
  struct qun_overlay *o = calloc(1, sizeof *o);
  if (!o) return NULL;
  qun_arena_init(&o->arena);
  qun_arena_init(&o->kept);
  randombytes_buf(&o->seed, sizeof o->seed);
  o->step = 1;
  o->mask = SLOTS_MIN - 1;
  o->slots = calloc(SLOTS_MIN, sizeof *o->slots);
  if (o->slots) return o;
  free(o);
  return NULL;
}

void qun_overlay_destroy(struct qun_overlay *o) {
  if (!o) return;
  for (unsigned i = 0; i < QUN_TABLES_MAX; i++) free(o->tables[i].rows);
  free(o->slots);
  free(o->undo);
  qun_arena_fini(&o->arena);
  qun_arena_fini(&o->kept);
  free(o);
}

void qun_overlay_clear(struct qun_overlay *o) {
  while (o->mask + 1 > SLOTS_MIN && o->mask / 8 > o->nodes) o->mask /= 2; /* a small batch clears a small part */
  memset(o->slots, 0, (size_t)(o->mask + 1) * sizeof *o->slots);
  for (unsigned i = 0; i < QUN_TABLES_MAX; i++) {
    o->tables[i].count = o->tables[i].ordered = 0;
    RB_INIT(&o->tables[i].order);
  }
  o->nodes = o->undo_count = 0;
  o->step = 1;
  qun_arena_clear(&o->arena);
  qun_arena_clear(&o->kept);
}

static void carry_row(struct node *n) {
  n->written = false;
  if (n->row.state == QUN_OVERLAY_PUT) n->row.state = QUN_OVERLAY_BELOW;
  if (n->row.state == QUN_OVERLAY_DEL) n->row.state = QUN_OVERLAY_MISSING;
}

void qun_overlay_carry(struct qun_overlay *o) {
  if (o->kept.used > CARRY_MAX || o->nodes >= ROWS_READ_MAX / 2) {
    qun_overlay_clear(o);
    return;
  }
  for (unsigned i = 0; i < QUN_TABLES_MAX; i++) {
    struct table *t = &o->tables[i];
    for (uint32_t k = 0; k < t->count; k++) carry_row(t->rows[k]);
    t->count = t->ordered = 0;
    RB_INIT(&t->order);
  }
  qun_overlay_step(o);
  qun_arena_clear(&o->arena);
}

void qun_overlay_step(struct qun_overlay *o) {
  o->step++;
  o->undo_count = 0;
}

/* ---------------------------------------------------------------- finding */

static uint64_t hash_of(const struct qun_overlay *o, unsigned table, qun_slice key) {
  const unsigned char *at = key.ptr;
  uint64_t len = key.len, h = o->seed ^ (len << 8 | table), part;
  for (; len >= 8; at += 8, len -= 8) {
    memcpy(&part, at, 8);
    h = (h ^ part) * 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
  }
  part = 0;
  if (len) memcpy(&part, at, (size_t)len);
  h = (h ^ part) * 0xd6e8feb86659fd93ull;
  return h ^ (h >> 32);
}

static struct node *find(const struct qun_overlay *o, unsigned table, qun_slice key, uint64_t hash) {
  for (uint64_t i = hash & o->mask;; i = (i + 1) & o->mask) {
    const struct slot *s = &o->slots[i];
    if (!s->node) return NULL;
    if (s->hash == hash && s->node->table == table && qun_slice_eq(s->node->row.key, key)) return s->node;
  }
}

static void place(struct slot *slots, uint64_t mask, struct node *n) {
  uint64_t i = n->hash & mask;
  while (slots[i].node) i = (i + 1) & mask;
  slots[i] = (struct slot){n->hash, n};
}

static int grow(struct qun_overlay *o) {
  uint64_t mask = o->mask * 2 + 1;
  struct slot *slots = calloc((size_t)mask + 1, sizeof *slots);
  if (!slots) return QUN_EFAIL;
  for (uint64_t i = 0; i <= o->mask; i++) {
    if (o->slots[i].node) place(slots, mask, o->slots[i].node);
  }
  free(o->slots);
  o->slots = slots;
  o->mask = mask;
  return 0;
}

static struct node *add(struct qun_overlay *o, unsigned table, qun_slice key, uint64_t hash) {
  if (o->nodes >= o->mask / 2 && grow(o) < 0) return NULL;
  struct node *n = qun_arena_alloc(&o->kept, sizeof *n + (size_t)key.len);
  if (!n) return NULL;
  memset(n, 0, sizeof *n);
  if (key.len) memcpy(n + 1, key.ptr, (size_t)key.len);
  n->row.key = qun_slice_of(n + 1, (size_t)key.len);
  n->hash = hash;
  n->head = head_of(key);
  n->table = (uint16_t)table;
  place(o->slots, o->mask, n);
  o->nodes++;
  return n;
}

const struct qun_overlay_row *qun_overlay_find(const struct qun_overlay *o, unsigned table, qun_slice key) {
  const struct node *n = find(o, table, key, hash_of(o, table, key));
  return n ? &n->row : NULL;
}

const struct qun_overlay_row *qun_overlay_look(struct qun_overlay *o, unsigned table, qun_slice key) {
  uint64_t hash = hash_of(o, table, key);
  struct node *n = find(o, table, key, hash);
  if (!n && o->nodes < ROWS_READ_MAX) n = add(o, table, key, hash);
  return n ? &n->row : NULL;
}

void qun_overlay_learn(struct qun_overlay *o, const struct qun_overlay_row *row, const qun_slice *value) {
  struct node *n = (struct node *)(uintptr_t)row; /* a row is the first member of its node */
  if (!value) {
    n->row.state = QUN_OVERLAY_MISSING;
    return;
  }
  if (value->len == 0 || value->len > LEARN_MAX) return; /* a large one is read again from the snapshot */
  unsigned char *copy = qun_arena_alloc(&o->kept, (size_t)value->len);
  if (!copy) return;
  memcpy(copy, value->ptr, (size_t)value->len);
  n->row.value = qun_slice_of(copy, (size_t)value->len);
  n->cap = (uint32_t)value->len;
  n->row.state = QUN_OVERLAY_BELOW;
}

/* ---------------------------------------------------------------- writing */

/* Remembers the row as it is, and that it is written now. */
static int remember(struct qun_overlay *o, struct node *n) {
  struct table *t = &o->tables[n->table];
  if (o->undo_count == o->undo_cap) {
    uint32_t cap = o->undo_cap ? o->undo_cap * 2 : 256;
    struct undo *undo = realloc(o->undo, cap * sizeof *undo);
    if (!undo) return QUN_EFAIL;
    o->undo = undo;
    o->undo_cap = cap;
  }
  if (!n->written && t->count == t->cap) {
    uint32_t cap = t->cap ? t->cap * 2 : 64;
    struct node **rows = realloc(t->rows, cap * sizeof(struct node *));
    if (!rows) return QUN_EFAIL;
    t->rows = rows;
    t->cap = cap;
  }
  if (!n->written) t->rows[t->count++] = n;
  n->written = true;
  o->undo[o->undo_count++] = (struct undo){n, n->row.value, n->cap, n->row.state};
  return 0;
}

/* Room for a put's bytes that nobody reads any more, or new. */
static unsigned char *room_for(struct qun_overlay *o, struct node *n, size_t len, uint32_t *cap) {
  unsigned char *room = n->spare;
  *cap = n->spare_cap;
  if (room && n->spare_cap >= len && n->spare_step != o->step) {
    n->spare = NULL;
    return room;
  }
  room = qun_arena_alloc(&o->kept, len);
  *cap = len > UINT32_MAX - 16 ? 0 : (uint32_t)((len + 15) & ~(size_t)15);
  return room;
}

static void leave(const struct qun_overlay *o, struct node *n) {
  if (n->cap == 0) return;
  n->spare = (unsigned char *)(uintptr_t)n->row.value.ptr; /* the overlay's own bytes */
  n->spare_cap = n->cap;
  n->spare_step = o->step;
}

static bool same(const struct node *n, qun_slice head, qun_slice body) {
  const unsigned char *at = n->row.value.ptr;
  if (n->row.state != QUN_OVERLAY_PUT && n->row.state != QUN_OVERLAY_BELOW) return false;
  if (n->row.value.len != head.len + body.len) return false;
  return (head.len == 0 || memcmp(at, head.ptr, (size_t)head.len) == 0) &&
         (body.len == 0 || memcmp(at + head.len, body.ptr, (size_t)body.len) == 0);
}

static struct node *find_or_add(struct qun_overlay *o, unsigned table, qun_slice key) {
  uint64_t hash = hash_of(o, table, key);
  struct node *n = find(o, table, key, hash);
  return n ? n : add(o, table, key, hash);
}

int qun_overlay_put_parts(struct qun_overlay *o, unsigned table, qun_slice key, qun_slice head, qun_slice body) {
  size_t len = (size_t)(head.len + body.len);
  unsigned char *room = NULL;
  uint32_t cap = 0;
  struct node *n = find_or_add(o, table, key);
  if (!n) return QUN_EFAIL;
  if (same(n, head, body)) return 0;
  if (len) {
    room = room_for(o, n, len, &cap);
    if (!room) return QUN_EFAIL;
    if (head.len) memcpy(room, head.ptr, (size_t)head.len);
    if (body.len) memcpy(room + head.len, body.ptr, (size_t)body.len);
  }
  if (remember(o, n) < 0) return QUN_EFAIL;
  leave(o, n);
  n->row.value = qun_slice_of(room, len);
  n->row.state = QUN_OVERLAY_PUT;
  n->cap = cap;
  return 0;
}

int qun_overlay_put(struct qun_overlay *o, unsigned table, qun_slice key, qun_slice value) {
  return qun_overlay_put_parts(o, table, key, (qun_slice){NULL, 0}, value);
}

int qun_overlay_del(struct qun_overlay *o, unsigned table, qun_slice key) {
  struct node *n = find_or_add(o, table, key);
  if (!n || remember(o, n) < 0) return QUN_EFAIL;
  leave(o, n);
  n->row.value = (qun_slice){NULL, 0};
  n->row.state = QUN_OVERLAY_DEL;
  n->cap = 0;
  return 0;
}

uint32_t qun_overlay_mark(const struct qun_overlay *o) {
  return o->undo_count;
}

void qun_overlay_undo(struct qun_overlay *o, uint32_t mark) {
  while (o->undo_count > mark) {
    const struct undo *u = &o->undo[--o->undo_count];
    struct node *n = u->node;
    if (n->spare == u->value.ptr) n->spare = NULL; /* it is the value again */
    n->row.value = u->value;
    n->row.state = u->state;
    n->cap = u->cap;
  }
}

/* ---------------------------------------------------------------- in order */

const struct qun_overlay_row *qun_overlay_seek(struct qun_overlay *o, unsigned table, qun_slice key, bool after) {
  struct table *t = &o->tables[table];
  struct node want = {.row = {.key = key}, .head = head_of(key)};
  while (t->ordered < t->count) RB_INSERT(order_tree, &t->order, t->rows[t->ordered++]);
  struct node *n = RB_NFIND(order_tree, &t->order, &want);
  if (n && after && qun_slice_eq(n->row.key, key)) n = order_tree_RB_NEXT(n);
  return n ? &n->row : NULL;
}

const struct qun_overlay_row *qun_overlay_next(const struct qun_overlay_row *row) {
  struct node *n = order_tree_RB_NEXT((struct node *)(uintptr_t)row); /* a row is the first member of its node */
  return n ? &n->row : NULL;
}

/* The key's first 16 bytes at hand: most keys are told apart without looking at the node. */
struct ranked {
  uint64_t head, more;
  const struct node *node;
};

static struct ranked rank_of(const struct node *n) {
  qun_slice key = n->row.key;
  uint64_t more = key.len > 8 ? head_of(qun_slice_of((const char *)key.ptr + 8, (size_t)key.len - 8)) : 0;
  return (struct ranked){n->head, more, n};
}

static inline bool before(const struct ranked *a, const struct ranked *b) {
  if (a->head != b->head) return a->head < b->head;
  if (a->more != b->more) return a->more < b->more;
  return qun_slice_cmp(a->node->row.key, b->node->row.key) < 0;
}

static void sort_run(struct ranked *at, uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    struct ranked r = at[i];
    uint32_t k = i;
    for (; k > 0 && before(&r, &at[k - 1]); k--) at[k] = at[k - 1];
    at[k] = r;
  }
}

static void merge(struct ranked *out, const struct ranked *a, uint32_t na, const struct ranked *b, uint32_t nb) {
  while (na && nb) {
    bool second = before(b, a);
    *out++ = second ? *b : *a;
    b += second;
    nb -= second;
    a += !second;
    na -= !second;
  }
  memcpy(out, na ? a : b, (na + nb) * sizeof *out);
}

/* A merge sort that the compiler can see into: qsort's calls cost more than the comparisons. Answers which of the two
   arrays has the result. */
static struct ranked *sort(struct ranked *from, struct ranked *to, uint32_t n) {
  enum { RUN = 8 };
  for (uint32_t i = 0; i < n; i += RUN) sort_run(from + i, n - i < RUN ? n - i : RUN);
  for (uint32_t width = RUN; width < n; width *= 2) {
    for (uint32_t i = 0; i < n; i += 2 * width) {
      uint32_t na = n - i < width ? n - i : width, nb = n - i - na < width ? n - i - na : width;
      merge(to + i, from + i, na, from + i + na, nb);
    }
    struct ranked *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

int qun_overlay_each(struct qun_overlay *o, unsigned table, int (*each)(void *, const struct qun_overlay_row *),
                     void *arg) {
  const struct table *t = &o->tables[table];
  uint32_t n = 0;
  int rc = 0;
  struct ranked *ranked = malloc((t->count ? t->count : 1) * 2 * sizeof *ranked);
  if (!ranked) return QUN_EFAIL;
  for (uint32_t i = 0; i < t->count; i++) {
    const struct node *node = t->rows[i];
    if (node->row.state == QUN_OVERLAY_PUT || node->row.state == QUN_OVERLAY_DEL) ranked[n++] = rank_of(node);
  }
  const struct ranked *sorted = sort(ranked, ranked + t->count, n);
  for (uint32_t i = 0; i < n && rc == 0; i++) rc = each(arg, &sorted[i].node->row);
  free(ranked);
  return rc;
}

uint32_t qun_overlay_count(const struct qun_overlay *o, unsigned table) {
  return o->tables[table].count;
}

struct qun_arena *qun_overlay_arena(struct qun_overlay *o) {
  return &o->arena;
}
