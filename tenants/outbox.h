/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be sent outside. A gated row is born held; compliance's verdict releases or blocks it; a deadline, a crash
 * or a missing plugin leaves it held (DECISIONS 14). Rows change in the tenant's batch alone; delivery reads released
 * rows and reports outcomes as control records. Table OUTBOX:
 *   "r" plugin 0 key                          -> msgpack map {state, due, via, target, body, seq}
 *   "d" due (signed big-endian) plugin 0 key  -> "" for released rows; for intercepted ones with their deadline
 *   "i" by 0 plugin "/" key                   -> "a" a plugin is asked about that row, "d" that is decided. Kept by the records that say so, since in a
 *                                                replay the row itself may be in another plugin's store
 */
#ifndef QUN_TENANTS_OUTBOX_H
#define QUN_TENANTS_OUTBOX_H

#include "tenants/batch.h"

#include <stdbool.h>

enum { QUN_OUTBOX_KEY_MAX = 200 };
enum qun_outbox_state {
  QUN_OUTBOX_HELD = 1,
  QUN_OUTBOX_RELEASED,
  QUN_OUTBOX_SENT,
  QUN_OUTBOX_FAILED,
  QUN_OUTBOX_BLOCKED,
  QUN_OUTBOX_CANCELLED,
  QUN_OUTBOX_INTERCEPTED, /* held until a plugin decides, or its deadline passes */
  QUN_OUTBOX_STATES
};

struct qun_outbox_entry {
  enum qun_outbox_state state;
  int64_t due_ms;
  uint64_t seq; /* record that made it */
  qun_slice plugin, key, via, target, body;
  /* INTERCEPTED: */
  qun_slice by; /* the plugin that is asked */
  int64_t deadline_ms;
  bool gated; /* it is held after that; else released */
  bool open;  /* the deadline releases it; else it blocks */
};

const char *qun_outbox_state_name(enum qun_outbox_state state);
/* QUN_ECONFLICT: the key was used. QUN_EINVAL: key, via or target out of bounds. */
int qun_outbox_add(struct qun_batch *b, const struct qun_outbox_entry *entry);
/* QUN_ENOTFOUND. Slices are borrowed from the view. */
int qun_outbox_get(const struct qun_view *v, qun_slice plugin, qun_slice key, struct qun_outbox_entry *entry);
/* Moves a row on. QUN_ENOTFOUND; QUN_ECONFLICT: a row that is sent, failed, blocked or cancelled stays so. */
int qun_outbox_move(struct qun_batch *b, qun_slice plugin, qun_slice key, enum qun_outbox_state state);
/* Writes a row anew that is there. QUN_ENOTFOUND. */
int qun_outbox_rewrite(struct qun_batch *b, const struct qun_outbox_entry *entry);
/* Ends an interception: released (or held, if gated) with the body as the patch has it (empty: as it is), or blocked. QUN_ECONFLICT: it is none. */
int qun_outbox_decide(struct qun_batch *b, qun_slice plugin, qun_slice key, bool release, qun_slice patch);
/* Notes that plugin `by` is asked about a row, or (decided) that this has ended. `token`: "<plugin>/<key>". */
int qun_outbox_ask(struct qun_batch *b, qun_slice by, qun_slice token, bool decided);
/* 0: it is asked. QUN_ECONFLICT: that is decided. QUN_ENOTFOUND: it never was. */
int qun_outbox_asked(const struct qun_view *v, qun_slice by, qun_slice token);
/* Released rows due at or before now_ms, in order of time, at most cap. */
int qun_outbox_due(const struct qun_view *v, int64_t now_ms, struct qun_outbox_entry *entries, uint32_t cap,
                   uint32_t *count);
/* Calls `each` with every row. Stops when it answers other than 0, and answers that. */
int qun_outbox_each(const struct qun_view *v, int (*each)(void *arg, const struct qun_outbox_entry *entry), void *arg);

#endif
