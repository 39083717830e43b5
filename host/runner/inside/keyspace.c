/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/inside/keyspace.h"

#include <stdlib.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct qun_keyspace_row {
  UT_hash_handle hh;
  unsigned char *value; /* NULL: there is none */
  size_t len;
  size_t key_len;
  unsigned char key[];
};

struct qun_keyspace_change {
  struct qun_keyspace_change *next;
  struct qun_keyspace_row *row;
  unsigned char *was; /* its value before */
  size_t was_len;
  bool known; /* it was known before */
};

static struct qun_keyspace_row *find(struct qun_keyspace *k, qun_slice key) {
  struct qun_keyspace_row *row = NULL;
  HASH_FIND(hh, k->rows, key.ptr, (unsigned)key.len, row);
  return row;
}

static struct qun_keyspace_row *add(struct qun_keyspace *k, qun_slice key) {
  struct qun_keyspace_row *row = malloc(sizeof *row + (size_t)key.len);
  if (!row) return NULL;
  *row = (struct qun_keyspace_row){.key_len = (size_t)key.len};
  memcpy(row->key, key.ptr, (size_t)key.len);
  HASH_ADD_KEYPTR(hh, k->rows, row->key, (unsigned)row->key_len, row);
  if (!row->hh.tbl) {
    free(row);
    return NULL;
  }
  k->bytes += sizeof *row + row->key_len;
  return row;
}

static void drop(struct qun_keyspace *k, struct qun_keyspace_row *row) {
  HASH_DEL(k->rows, row);
  k->bytes -= sizeof *row + row->key_len + row->len;
  free(row->value);
  free(row);
}

/* A copy that is never NULL for a value that is there. */
static bool copy(unsigned char **out, const qun_slice *value) {
  *out = NULL;
  if (!value) return true;
  *out = malloc(value->len ? (size_t)value->len : 1);
  if (*out && value->len) memcpy(*out, value->ptr, (size_t)value->len);
  return *out != NULL;
}

static void set(struct qun_keyspace *k, struct qun_keyspace_row *row, unsigned char *value, size_t len) {
  k->bytes = k->bytes - row->len + len;
  row->value = value;
  row->len = len;
}

int qun_keyspace_get(struct qun_keyspace *k, qun_slice key, qun_slice *value) {
  const struct qun_keyspace_row *row = find(k, key);
  if (!row) return QUN_ENOTFOUND;
  if (!row->value) return 0;
  *value = qun_slice_of(row->value, row->len);
  return 1;
}

void qun_keyspace_learn(struct qun_keyspace *k, qun_slice key, const qun_slice *value) {
  unsigned char *own;
  if (find(k, key) || !copy(&own, value)) return;
  struct qun_keyspace_row *row = add(k, key);
  if (row)
    set(k, row, own, value ? (size_t)value->len : 0);
  else
    free(own);
}

int qun_keyspace_write(struct qun_keyspace *k, qun_slice key, const qun_slice *value) {
  unsigned char *own;
  struct qun_keyspace_change *c = malloc(sizeof *c);
  if (!c) return QUN_EFAIL;
  if (!copy(&own, value)) {
    free(c);
    return QUN_EFAIL;
  }
  struct qun_keyspace_row *row = find(k, key);
  bool known = row != NULL;
  if (!row) row = add(k, key);
  if (!row) {
    free(own);
    free(c);
    return QUN_EFAIL;
  }
  *c = (struct qun_keyspace_change){
      .next = k->changes, .row = row, .was = row->value, .was_len = row->len, .known = known};
  k->changes = c;
  set(k, row, own, value ? (size_t)value->len : 0);
  return 0;
}

void qun_keyspace_settle(struct qun_keyspace *k, bool keep) {
  while (k->changes) {
    struct qun_keyspace_change *c = k->changes;
    k->changes = c->next;
    if (keep) {
      free(c->was);
    } else {
      free(c->row->value);
      set(k, c->row, c->was, c->was_len);
      if (!c->known) drop(k, c->row);
    }
    free(c);
  }
}

void qun_keyspace_forget(struct qun_keyspace *k) {
  struct qun_keyspace_row *row, *next;
  HASH_ITER(hh, k->rows, row, next) drop(k, row);
}

bool qun_keyspace_full(const struct qun_keyspace *k) {
  return k->bytes > k->most;
}
