/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Isolated plugins follow the log at their own pace (DECISIONS 15): for each (plugin, tenant) with work there is a follower, a
 * thread that owns one runner. It reads the log from the plugin's cursor over a snapshot, has the runner handle a batch of
 * records, and hands what that did to the tenant's shard as one job (host/engine/lag.h). Shards and readers never wait for a
 * runner. A runner dies with the thread that started it, so a follower's end is its runner's.
 */
#ifndef QUN_HOST_ENGINE_ISOLATED_H
#define QUN_HOST_ENGINE_ISOLATED_H

#include "host/engine/runtime.h"

struct qun_engine;
struct qun_isolated;

/* *out NULL: no loaded plugin is isolated. Looks for tenants with a backlog in the background. */
int qun__isolated_start(struct qun_isolated **out, struct qun_engine *e, struct qun_error *err);
/* Ends the runners; what they had not handed over is done again at the next start. NULL is fine. Blocking. */
void qun__isolated_stop(struct qun_isolated *all);
/* After the shards have ended, which may still poke. NULL is fine. */
void qun__isolated_destroy(struct qun_isolated *all);
/* The tenant has new records. NULL is fine. Any thread, quick. */
void qun__isolated_poke(struct qun_isolated *all, struct qun_tenant *t);
/* A tenant is to be closed: followers let go of what they have in memory. NULL is fine. Any thread, quick. */
void qun__isolated_purge(struct qun_isolated *all);
/* Waits until the tenant's isolated plugins that are on have come to record `seq`. QUN_EAGAIN: not within `ms`. Blocking. */
int qun__isolated_settle(struct qun_isolated *all, struct qun_tenant *t, uint64_t seq, int64_t ms,
                         struct qun_error *err);

/* Work on the follower's thread, between batches: `run` with the runtime that has the plugin, the tenant's slot and a snapshot;
   then `end` with what it answered. 1 from `run`: somebody else ends it. */
struct qun_isolated_errand {
  int (*run)(void *arg, struct qun_runtime *rt, struct qun_slot *slot, const struct qun_view *view,
             struct qun_error *err);
  void (*end)(void *arg, int rc, const char *message);
  void *arg;
};
/* QUN_EFAIL: the engine is closing, or memory ran out; `end` is not called. Any thread, quick. */
int qun__isolated_ask(struct qun_isolated *all, const char *tenant, uint32_t plugin,
                      const struct qun_isolated_errand *errand, struct qun_error *err);

/* What is shown of a plugin at a tenant. */
struct qun_isolated_state {
  bool held;        /* it came down too often: it is not started again until qund is, or its settings change */
  uint32_t crashes; /* since the start */
  int pid;          /* of its runner; 0: none runs */
  char reason[200]; /* of the last crash or refusal; "": none */
};
void qun__isolated_look(struct qun_isolated *all, const char *tenant, uint32_t plugin, struct qun_isolated_state *out);

/* ---- isolated_batch.c: one follower's work */

struct qun__follow {
  struct qun_engine *engine;
  uint32_t plugin;
  char tenant[64];
  struct qun_runtime *rt;
  struct qun_slot *slot; /* NULL: the tenant has not been met */
  unsigned char incarnation[16];
  uint64_t known_to; /* the slot's config is as of this record */
  uint64_t limit;    /* a batch goes no further; UINT64_MAX */
  uint64_t skip;     /* this record is passed over; 0: none */
  uint64_t poison;   /* where the runner came down last */
  char broken[200];  /* how; "": it did not */
  struct qun__prefetch *prefetch;
};

void qun__follow_fini(struct qun__follow *f);
/* Does a batch and waits for its commit. 1: there may be more; 0: up to date, or off; QUN_EGONE: the runner came down, f->broken
   and f->poison say how and where; less: it did not work. Blocking. */
int qun__follow_batch(struct qun__follow *f, struct qun_error *err);
/* Runs an errand. As its `run`. */
int qun__follow_errand(struct qun__follow *f, const struct qun_isolated_errand *errand, struct qun_error *err);

#endif
