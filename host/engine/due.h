/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each tenant must next be woken: a heap by (time, name) over a hash table by name, and a file that keeps it over a
 * restart, so that a start opens no store.
 *
 * The file is written now and then and at the end, whole, by rename after fsync. A crash leaves an old one. So each row
 * says of which state of the store it speaks (the store's last transaction and its file's inode): a row that does not
 * fit the store any more, or is missing, makes the ticker look into that store. A time that is too early is harmless,
 * a missing one would not be.
 *
 * Not locked: one thread at a time (the ticker's lock).
 */
#ifndef QUN_HOST_ENGINE_DUE_H
#define QUN_HOST_ENGINE_DUE_H

#include "tenants/error.h"

#include <qun/msgpack.h>
#include <stdbool.h>
#include <uthash.h>

struct qun_due_mark {
  int64_t due_ms;      /* next timer; INT64_MAX: none */
  uint64_t txn, inode; /* of the store when that was read */
  bool outbox;         /* rows wait to be delivered */
};

struct qun_due {
  char tenant[64];
  struct qun_due_mark mark;
  int64_t at;     /* when to wake it; INT64_MAX: not in the heap */
  uint32_t place; /* in the heap, from 1; 0: not there */
  int64_t asked;  /* when it was woken last */
  uint32_t tries; /* that failed in a row */
  bool known;     /* there is a mark */
  bool fresh;     /* the mark is of this run */
  UT_hash_handle hh;
};

struct qun_dues {
  struct qun_due *all;
  struct qun_due **heap; /* heap[0] is unused */
  uint32_t count, cap;
};

void qun_dues_init(struct qun_dues *d);
void qun_dues_fini(struct qun_dues *d);
struct qun_due *qun_dues_find(const struct qun_dues *d, const char *tenant);
/* The tenant's entry, made if it is not there. NULL: out of memory. */
struct qun_due *qun_dues_add(struct qun_dues *d, const char *tenant);
void qun_dues_drop(struct qun_dues *d, struct qun_due *due);
/* Sets when to wake it. INT64_MAX: not at all. QUN_EFAIL: out of memory. */
int qun_dues_wake_at(struct qun_dues *d, struct qun_due *due, int64_t at);
/* The one to be woken first, NULL if none. */
struct qun_due *qun_dues_first(const struct qun_dues *d);
/* Reads <path> into an empty table: marks only, nobody is woken. QUN_ENOTFOUND; QUN_ECONFLICT: damaged, then it stays
 * empty. Blocking. */
int qun_dues_load(struct qun_dues *d, const char *path, struct qun_error *err);
/* Appends all known marks in the file's form, then writes them: two calls, as the second one blocks. */
void qun_dues_pack(const struct qun_dues *d, struct qun_pack *out);
int qun_dues_write(const struct qun_pack *bytes, const char *path, struct qun_error *err);

#endif
