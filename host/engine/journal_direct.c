/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/internal.h"

static int direct_append(struct qun_engine *e, struct qun_job *job, bool wait) {
  return qun__shard_push(qun__shard_of(e, job->tenant->name), job, wait);
}

/* A shard's thread ends only when its queue is empty, so there is nothing more to wait for. */
static void direct_drain(struct qun_engine *e) {
  for (uint32_t i = 0; i < e->shards_count; i++) qun__shard_stop(&e->shards[i]);
}

const struct qun_journal_ops qun_journal_direct = {.name = "direct", .append = direct_append, .drain = direct_drain};
