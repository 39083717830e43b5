/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_internal.h"

#include <stdarg.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#endif

void *qun__fake_alloc(size_t n) {
  void *p = calloc(1, n ? n : 1);
  if (p) return p;
  fprintf(stderr, "fake host: out of memory\n");
  abort();
}

void *qun__fake_grow(void *array, size_t count, size_t *cap, size_t size) {
  if (count < *cap) return array;
  size_t more = *cap ? *cap * 2 : 8;
  void *p = realloc(array, more * size);
  if (!p) {
    fprintf(stderr, "fake host: out of memory\n");
    abort();
  }
  memset((char *)p + *cap * size, 0, (more - *cap) * size);
  *cap = more;
  return p;
}

char *qun__fake_strdup(const char *s) {
  size_t n = strlen(s) + 1;
  char *copy = qun__fake_alloc(n);
  memcpy(copy, s, n);
  return copy;
}

void *qun__fake_keep(struct qun__fake_arena *a, size_t n) {
  QUN__FAKE_GROW(a->blocks, a->count, a->blocks_cap);
  QUN__FAKE_GROW(a->sizes, a->count, a->sizes_cap);
  a->blocks[a->count] = qun__fake_alloc(n);
  a->sizes[a->count] = n;
  return a->blocks[a->count++];
}

qun_slice qun__fake_copy(struct qun__fake_arena *a, qun_slice s) {
  char *copy = qun__fake_keep(a, (size_t)s.len + 1); /* a NUL behind, for messages */
  if (s.len) memcpy(copy, s.ptr, (size_t)s.len);
  return qun_slice_of(copy, (size_t)s.len);
}

void qun__fake_arena_poison(struct qun__fake_arena *a) {
  for (size_t i = 0; i < a->count; i++) {
    memset(a->blocks[i], 0xdb, a->sizes[i]);
    ASAN_POISON_MEMORY_REGION(a->blocks[i], a->sizes[i]);
  }
}

void qun__fake_arena_free(struct qun__fake_arena *a) {
  for (size_t i = 0; i < a->count; i++) {
    ASAN_UNPOISON_MEMORY_REGION(a->blocks[i], a->sizes[i]);
    free(a->blocks[i]);
  }
  free(a->blocks);
  free(a->sizes);
  memset(a, 0, sizeof *a);
}

int qun__fake_fail(struct qun_fake *f, int code, const char *format, ...) {
  va_list args;
  f->code = code;
  va_start(args, format);
  vsnprintf(f->message, sizeof f->message, format, args);
  va_end(args);
  return code;
}
