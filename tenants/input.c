/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/input.h"

#include <stdlib.h>

void qun_input_batch_init(struct qun_input_batch *b) {
  memset(b, 0, sizeof *b);
  qun_arena_init(&b->arena);
}

void qun_input_batch_fini(struct qun_input_batch *b) {
  qun_arena_fini(&b->arena);
  free(b->items);
  memset(b, 0, sizeof *b);
}

struct qun_input *qun_input_batch_add(struct qun_input_batch *b) {
  if (b->count == b->cap) {
    uint32_t cap = b->cap ? b->cap * 4 : 4; /* most batches have one event or very many */
    struct qun_input *items = realloc(b->items, cap * sizeof *items);
    if (!items) return NULL;
    b->items = items;
    b->cap = cap;
  }
  struct qun_input *in = &b->items[b->count++];
  memset(in, 0, sizeof *in);
  return in;
}
