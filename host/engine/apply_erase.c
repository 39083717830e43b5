/* SPDX-License-Identifier: Apache-2.0 */
/* A qun.erased record: rows that plugins keep for the member (their owner, named by put) are dropped. It is done where
   the record stands in the log, so that a replay drops them at the same place. Rows of nobody, such as sums and sets,
   stay. */
#include "host/engine/apply.h"

enum { ROWS_AT_ONCE = 256 };

/* The owner that qun.store/1 writes in front of a value (host/engine/services.c). */
static uint64_t owner_of(qun_slice stored) {
  const unsigned char *p = stored.ptr;
  uint64_t owner = 0;
  for (uint64_t i = 0; i < stored.len && i < 10; i++) {
    owner |= (uint64_t)(p[i] & 0x7f) << (7 * i);
    if (!(p[i] & 0x80)) return owner;
  }
  return 0;
}

static int drop_rows(struct qun_apply *a, unsigned table, uint64_t owner) {
  struct qun_pair pairs[ROWS_AT_ONCE];
  qun_slice after = {NULL, 0};
  uint32_t n = ROWS_AT_ONCE;
  while (n == ROWS_AT_ONCE) {
    int rc = qun_view_scan(&a->batch.view, table, (qun_slice){NULL, 0}, after, pairs, ROWS_AT_ONCE, &n);
    if (rc < 0) return rc;
    if (n) after = qun_arena_copy(qun_overlay_arena(a->batch.view.overlay), pairs[n - 1].key);
    for (uint32_t i = 0; i < n && rc == 0; i++)
      if (owner_of(pairs[i].value) == owner) rc = qun_batch_del(&a->batch, table, pairs[i].key);
    if (rc < 0) return rc;
  }
  return 0;
}

int qun__apply_erased(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  int64_t number = qun_mp_int(r->data, "number", 0);
  if (number <= 0 || !(r->flags & QUN_EVENT_CONTROL)) return 0;
  for (uint32_t i = 0; i < a->o.rt->plugins->count; i++) {
    if (!(a->o.rt->here & (1u << i))) continue; /* an isolated one drops its rows when it comes here */
    if (drop_rows(a, QUN_TABLE_PLUGIN + i, (uint64_t)number) < 0)
      return qun_error_set(err, QUN_EFAIL, "rows of a member cannot be dropped");
  }
  return 0;
}
