/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where accepted events become durable: the interface between intake and the shards. An implementation takes a batch
 * for a tenant and calls `done` once the batch is durable and will be in the tenant's log exactly once (DECISIONS 2).
 * The direct one below applies the batch and answers after the store's own commit; a journal shared by all tenants, or
 * a distributed log, takes its place behind the same calls.
 */
#ifndef QUN_HOST_ENGINE_JOURNAL_H
#define QUN_HOST_ENGINE_JOURNAL_H

#include "tenants/error.h"

#include <stdbool.h>

struct qun_job;
struct qun_engine;

struct qun_journal_ops {
  const char *name;
  /* Takes the job over and answers 0; job->done is called when it is durable. QUN_EAGAIN: full and not `wait`; the job
   * stays the caller's. Any thread. */
  int (*append)(struct qun_engine *e, struct qun_job *job, bool wait);
  /* Waits until all that was appended is applied. Blocking. */
  void (*drain)(struct qun_engine *e);
};

struct qun_journal {
  const struct qun_journal_ops *ops;
};

/* Applies at once, acknowledges after the store's commit. */
extern const struct qun_journal_ops qun_journal_direct;

#endif
