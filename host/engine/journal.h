/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where accepted events become durable before they are applied: one journal for all tenants, so that an answer costs one
 * disk sync for all that waits (DECISIONS 2-4). The embedded one below writes segment files; a distributed log can take
 * its place behind the same calls.
 *
 * A job that is appended is synced with all others that wait, is put into its tenant's lane, and then, if its sender
 * asked for no more, answered. A checkpoint makes the stores durable that were fed and frees what is no longer needed.
 * A write or sync that fails ends it: nothing is acknowledged any more until the engine is opened anew.
 * Any thread, unless said otherwise.
 */
#ifndef QUN_HOST_ENGINE_JOURNAL_H
#define QUN_HOST_ENGINE_JOURNAL_H

#include "tenants/error.h"

#include <stdbool.h>
#include <stdint.h>

struct qun_engine;
struct qun_job;
struct qun_journal;
struct qun_lane;
struct qun_tenant;

struct qun_journal_stats {
  uint64_t syncs, entries, bytes, checkpoints; /* since the engine was opened */
  uint32_t segments, segments_used;
  uint64_t sync_ns; /* moving average of one */
  uint32_t parked;  /* tenants */
  bool failed;
};

struct qun_journal_ops {
  const char *name;
  /* Applies what an earlier life left behind, then starts. Blocking; before anything else runs. */
  int (*open)(struct qun_journal **out, struct qun_engine *e, struct qun_error *err);
  /* Takes the job over and answers 0; it is written with the next flush. QUN_EFAIL: broken. QUN_EQUOTA: the job is too
     large for it. */
  int (*append)(struct qun_journal *j, struct qun_job *job, struct qun_error *err);
  /* Writes and syncs what waits in the calling thread, unless another thread is at it or syncs are slow: then that
   * thread or the journal's own does. */
  void (*flush)(struct qun_journal *j);
  /* Waits until nothing of this lane is on its way. Blocking. */
  void (*settle)(struct qun_journal *j, struct qun_lane *lane);
  /* The same for the journal's own thread: answers at once. */
  void (*wake)(struct qun_journal *j);
  /* Makes the fed stores durable, frees segments; scrub: no entry's bytes stay on the disk except those of lanes that
   * are not applied. Blocking. */
  int (*checkpoint)(struct qun_journal *j, bool scrub, struct qun_error *err);
  /* The entries of a tenant from number `first` to `last`, which no checkpoint has freed, as jobs in order. Blocking. */
  int (*reread)(struct qun_journal *j, struct qun_tenant *t, uint64_t first, uint64_t last, struct qun_job **jobs,
                struct qun_error *err);
  /* 0, or why nothing is acknowledged any more. */
  int (*health)(struct qun_journal *j, struct qun_error *err);
  void (*stats)(struct qun_journal *j, struct qun_journal_stats *out);
  /* Flushes, and ends the threads. The lanes are drained between stop and close. */
  void (*stop)(struct qun_journal *j);
  /* After the lanes are drained: a last checkpoint; what is left is for the next life. NULL is fine. */
  void (*close)(struct qun_journal *j);
};

extern const struct qun_journal_ops qun_journal_embedded;

#endif
