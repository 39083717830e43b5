/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define FNV_BEGIN 14695981039346656037u

uint64_t qun__fnv(uint64_t h, qun_slice bytes) {
  const unsigned char *c = bytes.ptr;
  for (uint64_t i = 0; i < bytes.len; i++) h = (h ^ c[i]) * 1099511628211u;
  return h;
}

struct qun__words *qun__words_create(void) {
  struct qun__words *w = calloc(1, sizeof *w);
  if (w) qun__plural_default(&w->rule);
  return w;
}

void qun__words_destroy(struct qun__words *w) {
  if (!w) return;
  qun__arena_fini(&w->arena);
  free(w->entries);
  free(w->slots);
  free(w);
}

static int copy(struct qun__words *w, qun_slice *out, qun_slice from) {
  char *at = qun__arena_copy(&w->arena, from.ptr, (size_t)from.len);
  if (!at) return QUN_EFAIL;
  *out = qun_slice_of(at, (size_t)from.len);
  return 0;
}

static int grow(struct qun__words *w) {
  uint32_t capacity = w->capacity ? w->capacity * 2 : 64;
  struct qun__words_entry *more = realloc(w->entries, capacity * sizeof *more);
  if (!more) return QUN_EFAIL;
  w->entries = more;
  w->capacity = capacity;
  return 0;
}

int qun__words_add(struct qun__words *w, const struct qun__words_entry *entry) {
  struct qun__words_entry e = *entry;
  qun_slice *text = qun__arena_take(&w->arena, (entry->texts ? entry->texts : 1) * sizeof *text);
  int error = text ? 0 : QUN_EFAIL;
  if (!error && w->count == w->capacity) error = grow(w);
  if (!error) error = copy(w, &e.key, entry->key);
  if (!error) error = copy(w, &e.plural, entry->plural);
  for (uint32_t i = 0; !error && i < entry->texts; i++) error = copy(w, &text[i], entry->text[i]);
  if (error) return error;
  e.text = text;
  w->entries[w->count++] = e;
  return 0;
}

int qun__words_index(struct qun__words *w) {
  uint32_t size = 16;
  while (size < w->count * 2) size *= 2;
  w->slots = calloc(size, sizeof *w->slots);
  if (!w->slots) return QUN_EFAIL;
  w->mask = size - 1;
  for (uint32_t i = 0; i < w->count; i++) {
    uint64_t at = qun__fnv(FNV_BEGIN, w->entries[i].key);
    while (w->slots[at & w->mask]) at++;
    w->slots[at & w->mask] = i + 1;
  }
  return 0;
}

const struct qun__words_entry *qun__words_find(const struct qun__words *w, qun_slice key) {
  for (uint64_t at = qun__fnv(FNV_BEGIN, key); w->slots[at & w->mask]; at++) {
    const struct qun__words_entry *e = &w->entries[w->slots[at & w->mask] - 1];
    if (qun_slice_eq(e->key, key)) return e;
  }
  return NULL;
}

bool qun__words_ready(const struct qun__words_entry *e) {
  if (e->fuzzy || e->texts == 0) return false;
  for (uint32_t i = 0; i < e->texts; i++) {
    if (e->text[i].len == 0) return false;
  }
  return true;
}

uint64_t qun__words_hash(const struct qun__words_entry *e) {
  uint64_t h = FNV_BEGIN;
  for (uint32_t i = 0; i < e->texts; i++) h = qun__fnv(qun__fnv(h, e->text[i]), qun_slice_of("", 1));
  return h ? h : 1;
}

static int add_message(struct qun__words *w, const struct qun__po_message *m) {
  qun_slice text[QUN_PLURAL_FORMS];
  struct qun__words_entry e = {
      .plural = qun_str(m->plural), .text = text, .texts = m->texts, .line = m->line, .fuzzy = m->fuzzy != 0};
  size_t context = m->context ? strlen(m->context) + 1 : 0, id = strlen(m->id);
  char *key = qun__arena_take(&w->arena, context + id + 1);
  if (!key) return QUN_EFAIL;
  if (context) {
    memcpy(key, m->context, context - 1);
    key[context - 1] = 4;
  }
  memcpy(key + context, m->id, id);
  e.key = qun_slice_of(key, context + id);
  for (uint32_t i = 0; i < m->texts; i++) text[i] = qun_str(m->text[i]);
  return qun__words_add(w, &e);
}

int qun__words_from_po(struct qun__words **out, const struct qun__po *po) {
  struct qun__words *w = qun__words_create();
  int error = w ? 0 : QUN_EFAIL;
  if (w) w->rule = po->rule;
  for (uint32_t i = 0; !error && i < po->count; i++) {
    if (!po->messages[i].obsolete) error = add_message(w, &po->messages[i]);
  }
  if (!error) error = qun__words_index(w);
  if (error)
    qun__words_destroy(w);
  else
    *out = w;
  return error;
}
