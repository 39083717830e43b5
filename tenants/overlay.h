/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch's writes in memory, over a snapshot: found by hash, walked in key order, undone back to a mark. Written to
 * LMDB once, at the end (DECISIONS 12). Keys and values live in the overlay's arena and never move or change, so
 * borrowed slices stay good for the whole batch. One thread.
 */
#ifndef QUN_TENANTS_OVERLAY_H
#define QUN_TENANTS_OVERLAY_H

#include "tenants/arena.h"
#include "tenants/store.h"

enum qun_overlay_state { QUN_OVERLAY_NONE = 0 /* undone: look below */, QUN_OVERLAY_PUT, QUN_OVERLAY_DEL };

struct qun_overlay_row {
  qun_slice key;
  qun_slice value;
  enum qun_overlay_state state;
};

struct qun_overlay;

/* NULL when memory ran out. */
struct qun_overlay *qun_overlay_create(void);
void qun_overlay_destroy(struct qun_overlay *o);
/* Copies key and value. QUN_EFAIL: out of memory. */
int qun_overlay_put(struct qun_overlay *o, unsigned table, qun_slice key, qun_slice value);
int qun_overlay_del(struct qun_overlay *o, unsigned table, qun_slice key);
/* The row of that very key, or NULL. State NONE counts as absent. */
const struct qun_overlay_row *qun_overlay_find(const struct qun_overlay *o, unsigned table, qun_slice key);
/* The first row with a key >= `key` (or > if `after`), any state; NULL at the end. */
const struct qun_overlay_row *qun_overlay_seek(const struct qun_overlay *o, unsigned table, qun_slice key, bool after);
const struct qun_overlay_row *qun_overlay_next(const struct qun_overlay *o, const struct qun_overlay_row *row);
/* Where the undo log stands. */
uint32_t qun_overlay_mark(const struct qun_overlay *o);
/* Takes back all writes since the mark. */
void qun_overlay_undo(struct qun_overlay *o, uint32_t mark);
/* Rows written (by table) so far, for tests and metrics. */
uint32_t qun_overlay_count(const struct qun_overlay *o, unsigned table);
/* The batch's own memory for what must live as long as it. */
struct qun_arena *qun_overlay_arena(struct qun_overlay *o);

#endif
