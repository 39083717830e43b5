/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for batches that a thread keeps: what a store's last batch read and wrote need not be looked up again by its
 * next one, as long as nobody else has committed in between. A few stores at a time; least used goes first. One thread.
 */
#ifndef QUN_HOST_ENGINE_ROOMS_H
#define QUN_HOST_ENGINE_ROOMS_H

#include "tenants/batch.h"

enum { QUN_ROOMS_MAX = 8 };

struct qun_room {
  struct qun_overlay *overlay; /* NULL: empty, or its batch is under way */
  uint64_t stamp, commit;      /* of which store, after which commit; 0: of none */
  uint64_t used;               /* order of use */
};

/* All zero before use. */
struct qun_rooms {
  struct qun_room rooms[QUN_ROOMS_MAX];
  uint64_t clock;
};

void qun_rooms_fini(struct qun_rooms *r);
/* Begins a batch in the store's room, or in the one that was used longest ago. As qun_batch_begin. */
int qun_rooms_begin(struct qun_rooms *r, struct qun_batch *b, struct qun_store *s, struct qun_error *err);
/* Ends the batch and keeps its memory. A zeroed batch is fine. */
void qun_rooms_end(struct qun_rooms *r, struct qun_batch *b);

#endif
