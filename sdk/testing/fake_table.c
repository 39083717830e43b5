/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in key order; a change is remembered until commit so that a failed handler can be taken back. */
#include "fake_internal.h"

qun_slice qun__fake_cell_key(const struct qun__fake_cell *c) {
  return qun_slice_of(c->bytes, c->klen);
}

qun_slice qun__fake_cell_value(const struct qun__fake_cell *c) {
  return qun_slice_of(c->bytes + c->klen, c->vlen);
}

size_t qun__fake_table_seek(const struct qun__fake_table *t, qun_slice key, bool *found) {
  size_t low = 0, high = t->count;
  *found = false;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    int c = qun_slice_cmp(qun__fake_cell_key(t->cells[mid]), key);
    if (c == 0) *found = true;
    if (c < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

static struct qun__fake_cell *cell_of(qun_slice key, qun_slice value, uint64_t tag) {
  struct qun__fake_cell *c = qun__fake_alloc(sizeof *c + (size_t)key.len + (size_t)value.len);
  c->tag = tag;
  c->klen = (size_t)key.len;
  c->vlen = (size_t)value.len;
  if (c->klen) memcpy(c->bytes, key.ptr, c->klen);
  if (c->vlen) memcpy(c->bytes + c->klen, value.ptr, c->vlen);
  return c;
}

static void insert_at(struct qun__fake_table *t, size_t at, struct qun__fake_cell *c) {
  QUN__FAKE_GROW(t->cells, t->count, t->cap);
  memmove(t->cells + at + 1, t->cells + at, (t->count - at) * sizeof *t->cells);
  t->cells[at] = c;
  t->count++;
}

static void remove_at(struct qun__fake_table *t, size_t at) {
  t->count--;
  memmove(t->cells + at, t->cells + at + 1, (t->count - at) * sizeof *t->cells);
}

static void remember(struct qun__fake_table *t, qun_slice key, struct qun__fake_cell *old) {
  t->changes++;
  QUN__FAKE_GROW(t->undo, t->undo_count, t->undo_cap);
  struct qun__fake_cell *copy = cell_of(key, qun_slice_of(NULL, 0), 0);
  t->undo[t->undo_count++] = (struct qun__fake_undo){.old = old, .key = copy};
}

void qun__fake_table_put(struct qun__fake_table *t, qun_slice key, qun_slice value, uint64_t tag) {
  bool found;
  size_t at = qun__fake_table_seek(t, key, &found);
  struct qun__fake_cell *c = cell_of(key, value, tag);
  remember(t, key, found ? t->cells[at] : NULL);
  if (found)
    t->cells[at] = c;
  else
    insert_at(t, at, c);
}

void qun__fake_table_del(struct qun__fake_table *t, qun_slice key) {
  bool found;
  size_t at = qun__fake_table_seek(t, key, &found);
  if (!found) return;
  remember(t, key, t->cells[at]);
  remove_at(t, at);
}

void qun__fake_table_commit(struct qun__fake_table *t) {
  for (size_t i = 0; i < t->undo_count; i++) {
    free(t->undo[i].old);
    free(t->undo[i].key);
  }
  t->undo_count = 0;
}

void qun__fake_table_rollback(struct qun__fake_table *t) {
  t->changes++;
  while (t->undo_count > 0) {
    struct qun__fake_undo *u = &t->undo[--t->undo_count];
    bool found;
    size_t at = qun__fake_table_seek(t, qun__fake_cell_key(u->key), &found);
    if (found) {
      free(t->cells[at]);
      if (u->old)
        t->cells[at] = u->old;
      else
        remove_at(t, at);
    } else if (u->old) {
      insert_at(t, at, u->old);
    }
    free(u->key);
  }
}

void qun__fake_table_free(struct qun__fake_table *t) {
  qun__fake_table_commit(t);
  for (size_t i = 0; i < t->count; i++) free(t->cells[i]);
  free(t->cells);
  free(t->undo);
  memset(t, 0, sizeof *t);
}
