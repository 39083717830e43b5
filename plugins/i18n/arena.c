/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct qun__chunk {
  struct qun__chunk *next;
  size_t used, size;
  _Alignas(max_align_t) unsigned char bytes[];
};

enum { CHUNK = 16384 };

void *qun__arena_take(struct qun__arena *a, size_t size) {
  struct qun__chunk *c = a->chunks;
  size_t need, room;
  if (size > SIZE_MAX / 2) return NULL;
  need = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
  if (!c || c->size - c->used < need) {
    room = need > CHUNK ? need : CHUNK;
    c = malloc(sizeof *c + room);
    if (!c) return NULL;
    *c = (struct qun__chunk){.next = a->chunks, .size = room};
    a->chunks = c;
  }
  c->used += need;
  return c->bytes + c->used - need;
}

char *qun__arena_copy(struct qun__arena *a, const void *bytes, size_t len) {
  char *at = qun__arena_take(a, len + 1);
  if (!at) return NULL;
  if (len) memcpy(at, bytes, len);
  at[len] = 0;
  return at;
}

void qun__arena_fini(struct qun__arena *a) {
  while (a->chunks) {
    struct qun__chunk *next = a->chunks->next;
    free(a->chunks);
    a->chunks = next;
  }
}
