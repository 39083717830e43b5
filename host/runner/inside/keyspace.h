/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runner knows of its keyspace: rows that were read, written or shipped ahead. A runner serves one plugin and one
 * tenant, and nobody else writes that keyspace, so what is known stays true until the host says otherwise. A row that
 * a callback read or wrote stays where it is until the callback ends; then it is kept or taken back. One thread.
 */
#ifndef QUN_HOST_RUNNER_INSIDE_KEYSPACE_H
#define QUN_HOST_RUNNER_INSIDE_KEYSPACE_H

#include <qun/plugin.h>

#include <stdbool.h>
#include <stddef.h>

struct qun_keyspace_row;
struct qun_keyspace_change;

struct qun_keyspace {
  struct qun_keyspace_row *rows;
  struct qun_keyspace_change *changes; /* of the callback that runs, newest first */
  size_t bytes, most;                  /* memory that it takes; and from where on it forgets */
};

/* 1: there is such a row, *value is it. 0: there is none. QUN_ENOTFOUND: not known. */
int qun_keyspace_get(struct qun_keyspace *k, qun_slice key, qun_slice *value);
/* What the host has; NULL: nothing. A row that is known stays as it is. */
void qun_keyspace_learn(struct qun_keyspace *k, qun_slice key, const qun_slice *value);
/* A write of the callback; NULL: deleted. QUN_EFAIL: out of memory. */
int qun_keyspace_write(struct qun_keyspace *k, qun_slice key, const qun_slice *value);
/* The callback has ended: its writes stay, or are taken back. */
void qun_keyspace_settle(struct qun_keyspace *k, bool keep);
/* Knows nothing any more. Between callbacks. */
void qun_keyspace_forget(struct qun_keyspace *k);
/* True: it takes more memory than it should. */
bool qun_keyspace_full(const struct qun_keyspace *k);

#endif
