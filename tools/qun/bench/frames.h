/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a contender is sent in a round, made whole before the clock starts: frames of one or more events, each for one
 * tenant. One thread.
 */
#ifndef QUN_TOOLS_QUN_BENCH_FRAMES_H
#define QUN_TOOLS_QUN_BENCH_FRAMES_H

#include "tenants/error.h"
#include "tools/qun/bench/events.h"

#include <stdbool.h>

/* The shape of a round: the same for all contenders. */
struct qun_bench_plan {
  uint64_t seed;      /* another one each round and contender's turn: ids never come twice */
  uint32_t tenants;   /* frame j goes to tenant j % tenants */
  uint32_t batch;     /* events a frame */
  uint32_t under_way; /* frames without an answer, over all connections */
  uint32_t members;   /* a tenant's */
  uint64_t events;    /* at most; rounded up to whole frames */
  double seconds;     /* no frame is begun after so long; 0: all are sent */
  bool json;          /* CloudEvents in JSON */
};

struct qun_bench_frame {
  size_t at;
  uint32_t len, tenant, events;
};

struct qun_bench_frames {
  struct qun_pack bytes;
  struct qun_bench_frame *list;
  uint32_t count;
};

/* Appends one frame: events `events[0..count)` of `tenant`, the first being the tenant's nth. */
typedef void (*qun_bench_encode)(void *arg, struct qun_pack *out, uint32_t frame, uint32_t tenant, uint64_t nth,
                                 const struct qun_bench_event *events, uint32_t count);

/* QUN_EFAIL: no memory. Fini in any case. */
int qun_bench_frames_make(struct qun_bench_frames *f, const struct qun_bench_plan *plan, qun_bench_encode encode,
                          void *arg, struct qun_error *err);
void qun_bench_frames_fini(struct qun_bench_frames *f);

#endif
