/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/arena.h"

#include <stdlib.h>

enum { BLOCK = 256 * 1024, ALIGN = 16 };

struct qun_arena_block {
  struct qun_arena_block *next;
  size_t cap;
  size_t used;
  size_t reserved;
  unsigned char data[];
};

void qun_arena_init(struct qun_arena *a) {
  a->head = NULL;
  a->used = 0;
}

void qun_arena_fini(struct qun_arena *a) {
  while (a->head) {
    struct qun_arena_block *next = a->head->next;
    free(a->head);
    a->head = next;
  }
  a->used = 0;
}

void qun_arena_clear(struct qun_arena *a) {
  while (a->head && a->head->next) {
    struct qun_arena_block *next = a->head->next;
    free(a->head);
    a->head = next;
  }
  if (a->head) a->head->used = 0;
  a->used = 0;
}

void *qun_arena_alloc(struct qun_arena *a, size_t n) {
  struct qun_arena_block *b = a->head;
  if (n > SIZE_MAX / 2) return NULL;
  n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  if (!b || b->cap - b->used < n) {
    size_t cap = n > BLOCK ? n : BLOCK;
    b = malloc(sizeof *b + cap);
    if (!b) return NULL;
    b->next = a->head;
    b->cap = cap;
    b->used = 0;
    a->head = b;
  }
  void *at = b->data + b->used;
  b->used += n;
  a->used += n;
  return at;
}

qun_slice qun_arena_copy(struct qun_arena *a, qun_slice s) {
  if (s.len == 0) return (qun_slice){NULL, 0};
  char *at = qun_arena_alloc(a, (size_t)s.len + 1);
  if (!at) return (qun_slice){NULL, 0};
  memcpy(at, s.ptr, (size_t)s.len);
  at[s.len] = '\0';
  return (qun_slice){at, s.len};
}
