/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's lane: its jobs in order on the shard that owns it. Lanes with work are waiting (journaled entries that may
 * gather until `due_us`) or ready; ready lanes take turns by deficit round robin over handler time (DECISIONS 21).
 */
#ifndef QUN_HOST_ENGINE_LANE_H
#define QUN_HOST_ENGINE_LANE_H

#include <stdbool.h>
#include <stdint.h>

struct qun_job;
struct qun_tenant;

enum qun_lane_state { QUN_LANE_IDLE = 0, QUN_LANE_WAITING, QUN_LANE_READY, QUN_LANE_RUNNING };

struct qun_lane {
  /* guarded by the shard's lock */
  struct qun_lane *prev, *next; /* in the shard's list of waiting or ready lanes */
  struct qun_tenant *tenant;
  struct qun_job *head, *last;
  enum qun_lane_state state;
  uint32_t events;            /* queued or promised */
  uint32_t queued;            /* of them journaled and gathering */
  uint32_t urgent;            /* jobs that somebody waits for: apply at once */
  int64_t due_us, since_us;   /* monotonic: until when it gathers, and since when */
  int64_t debt_us;            /* handler time it took beyond its share */
  int64_t event_ns;           /* what an event costs, a moving average; 0: unknown */
  uint64_t running, applied;  /* journal numbers: first of the commit that runs (0: none), last committed */
  uint64_t stuck, stuck_last; /* first and last number that could be neither applied nor spilled; 0: none */
  bool checked;               /* spill file looked for */
  bool parked;                /* its store takes nothing; entries go to the spill file */
  char reason[200];
  /* guarded by the journal's lock */
  struct qun_tenant *fed_next, *fed_prev; /* tenants with entries not yet durable in their stores */
  bool fed;
  uint64_t oldest, newest; /* numbers */
  uint32_t unsynced;       /* jobs in the journal's queue */
};

#endif
