/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch's writes in memory, over a snapshot: found by hash, walked in key order, undone back to a mark. Written to
 * LMDB once, at the end (DECISIONS 12).
 *
 * The work of a batch is cut into steps (a plugin's callback, the host's part of an event) by qun_overlay_step. A value
 * that was read in a step stays as it is until the next step begins: a put goes to other bytes, and bytes that a put of
 * an earlier step left are used again, so that a row written a thousand times takes two places. Keys stay for the whole
 * batch. One thread.
 */
#ifndef QUN_TENANTS_OVERLAY_H
#define QUN_TENANTS_OVERLAY_H

#include "tenants/arena.h"
#include "tenants/store.h"

enum qun_overlay_state {
  QUN_OVERLAY_NONE = 0, /* nothing known or undone: look below */
  QUN_OVERLAY_PUT,
  QUN_OVERLAY_DEL,
  QUN_OVERLAY_BELOW,  /* not written; `value` is the snapshot's */
  QUN_OVERLAY_MISSING /* not written; the snapshot does not have it */
};

struct qun_overlay_row {
  qun_slice key;
  qun_slice value;
  enum qun_overlay_state state;
};

struct qun_overlay;

/* NULL when memory ran out. */
struct qun_overlay *qun_overlay_create(void);
void qun_overlay_destroy(struct qun_overlay *o);
/* Empties it and keeps memory for the next batch. */
void qun_overlay_clear(struct qun_overlay *o);
/* After the commit: what was written and read is what the next snapshot has, so that the next batch need not look it up
   again. The batch's own memory is given back. Empties all when more than 4 MiB of rows are kept. */
void qun_overlay_carry(struct qun_overlay *o);
/* The next step begins: what was read before may change, what was written before can't be undone any more. */
void qun_overlay_step(struct qun_overlay *o);
/* Copies key and value. QUN_EFAIL: out of memory. */
int qun_overlay_put(struct qun_overlay *o, unsigned table, qun_slice key, qun_slice value);
/* The same with a value that is `head` and then `body`. */
int qun_overlay_put_parts(struct qun_overlay *o, unsigned table, qun_slice key, qun_slice head, qun_slice body);
int qun_overlay_del(struct qun_overlay *o, unsigned table, qun_slice key);
/* The row of that very key, or NULL. States NONE, BELOW and MISSING are no writes. */
const struct qun_overlay_row *qun_overlay_find(const struct qun_overlay *o, unsigned table, qun_slice key);
/* The same for a reader of the snapshot: a row that is not there is made, with state NONE, so that the reader can keep
   in it what it finds (qun_overlay_learn). NULL: not there, and no room to make it. */
const struct qun_overlay_row *qun_overlay_look(struct qun_overlay *o, unsigned table, qun_slice key);
/* Keeps a copy of what the snapshot has (NULL: nothing) in a row of state NONE; without memory it stays so. */
void qun_overlay_learn(struct qun_overlay *o, const struct qun_overlay_row *row, const qun_slice *value);
/* The first written row with a key >= `key` (or > if `after`), any state; NULL at the end. */
const struct qun_overlay_row *qun_overlay_seek(struct qun_overlay *o, unsigned table, qun_slice key, bool after);
const struct qun_overlay_row *qun_overlay_next(const struct qun_overlay_row *row);
/* Calls `each` with the rows of states PUT and DEL in key order; stops when it answers other than 0, and answers that.
   QUN_EFAIL: out of memory. */
int qun_overlay_each(struct qun_overlay *o, unsigned table, int (*each)(void *arg, const struct qun_overlay_row *row),
                     void *arg);
/* Where the undo log stands. */
uint32_t qun_overlay_mark(const struct qun_overlay *o);
/* Takes back all writes since the mark, which must be of this step. */
void qun_overlay_undo(struct qun_overlay *o, uint32_t mark);
/* Rows written (by table) so far, for tests and metrics. */
uint32_t qun_overlay_count(const struct qun_overlay *o, unsigned table);
/* The batch's own memory for what must live as long as it. */
struct qun_arena *qun_overlay_arena(struct qun_overlay *o);

#endif
