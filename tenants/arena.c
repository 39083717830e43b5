/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/arena.h"

#include <stdlib.h>

/* Blocks grow from BLOCK_MIN: many arenas hold one event, few a large batch. */
enum { BLOCK_MIN = 4 * 1024, BLOCK_MAX = 256 * 1024, ALIGN = 16, KEPT_MAX = 2 * 1024 * 1024 };

struct qun_arena_block {
  struct qun_arena_block *next;
  size_t cap;
  size_t used;
  size_t reserved; /* keeps data aligned */
  unsigned char data[];
};

void qun_arena_init(struct qun_arena *a) {
  *a = (struct qun_arena){NULL, NULL, 0, 0};
}

static void free_blocks(struct qun_arena_block *b) {
  while (b) {
    struct qun_arena_block *next = b->next;
    free(b);
    b = next;
  }
}

void qun_arena_fini(struct qun_arena *a) {
  free_blocks(a->head);
  free_blocks(a->spare);
  qun_arena_init(a);
}

void qun_arena_clear(struct qun_arena *a) {
  while (a->head) {
    struct qun_arena_block *b = a->head;
    a->head = b->next;
    if (b->cap > BLOCK_MAX || a->kept + b->cap > KEPT_MAX) {
      free(b);
      continue;
    }
    b->used = 0;
    b->next = a->spare;
    a->spare = b;
    a->kept += b->cap;
  }
  a->used = 0;
}

/* A kept block with room for n, taken off the list; NULL: none. */
static struct qun_arena_block *take_kept(struct qun_arena *a, size_t n) {
  for (struct qun_arena_block **at = &a->spare; *at; at = &(*at)->next) {
    struct qun_arena_block *b = *at;
    if (b->cap < n) continue;
    *at = b->next;
    a->kept -= b->cap;
    return b;
  }
  return NULL;
}

static struct qun_arena_block *new_block(const struct qun_arena *a, size_t n) {
  size_t cap = a->head ? a->head->cap * 2 : BLOCK_MIN;
  if (cap > BLOCK_MAX) cap = BLOCK_MAX;
  if (cap < n) cap = n;
  struct qun_arena_block *b = malloc(sizeof *b + cap);
  if (!b) return NULL;
  b->cap = cap;
  b->used = 0;
  return b;
}

static bool add_block(struct qun_arena *a, size_t n) {
  struct qun_arena_block *b = take_kept(a, n);
  if (!b) b = new_block(a, n);
  if (!b) return false;
  b->next = a->head;
  a->head = b;
  return true;
}

static size_t aligned(size_t n) {
  return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void *qun_arena_alloc(struct qun_arena *a, size_t n) {
  if (n > SIZE_MAX / 2) return NULL;
  n = aligned(n);
  if ((!a->head || a->head->cap - a->head->used < n) && !add_block(a, n)) return NULL;
  void *at = a->head->data + a->head->used;
  a->head->used += n;
  a->used += n;
  return at;
}

void qun_arena_shrink(struct qun_arena *a, const void *at, size_t n, size_t used) {
  struct qun_arena_block *b = a->head;
  size_t spared = aligned(n) - aligned(used);
  if (!b || (const unsigned char *)at + aligned(n) != b->data + b->used) return;
  b->used -= spared;
  a->used -= spared;
}

qun_slice qun_arena_copy(struct qun_arena *a, qun_slice s) {
  if (s.len == 0) return (qun_slice){NULL, 0};
  char *at = qun_arena_alloc(a, (size_t)s.len + 1);
  if (!at) return (qun_slice){NULL, 0};
  memcpy(at, s.ptr, (size_t)s.len);
  at[s.len] = '\0';
  return (qun_slice){at, s.len};
}
