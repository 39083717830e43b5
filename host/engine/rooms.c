/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/rooms.h"

void qun_rooms_fini(struct qun_rooms *r) {
  for (uint32_t i = 0; i < QUN_ROOMS_MAX; i++) qun_overlay_destroy(r->rooms[i].overlay);
  memset(r, 0, sizeof *r);
}

/* The store's own room, else the one to be given up. */
static struct qun_room *room_of(struct qun_rooms *r, uint64_t stamp) {
  struct qun_room *oldest = &r->rooms[0];
  for (uint32_t i = 0; i < QUN_ROOMS_MAX; i++) {
    if (r->rooms[i].stamp == stamp) return &r->rooms[i];
    if (r->rooms[i].used < oldest->used) oldest = &r->rooms[i];
  }
  return oldest;
}

int qun_rooms_begin(struct qun_rooms *r, struct qun_batch *b, struct qun_store *s, struct qun_error *err) {
  struct qun_room *room = room_of(r, s->stamp);
  struct qun_room was = *room;
  memset(room, 0, sizeof *room); /* the next to be filled */
  int rc = qun_batch_begin_in(b, s, was.overlay, err);
  if (rc == 0 && !(was.stamp == s->stamp && was.commit == mdb_txn_id(b->view.txn))) qun_overlay_clear(b->view.overlay);
  return rc;
}

void qun_rooms_end(struct qun_rooms *r, struct qun_batch *b) {
  uint64_t stamp = b->view.store ? b->view.store->stamp : 0, commit = b->commit;
  struct qun_overlay *overlay = qun_batch_end_keep(b);
  if (!overlay) return;
  struct qun_room *room = room_of(r, stamp);
  qun_overlay_destroy(room->overlay);
  *room = (struct qun_room){overlay, commit ? stamp : 0, commit, ++r->clock};
}
