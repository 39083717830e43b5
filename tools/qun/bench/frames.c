/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/frames.h"

#include <stdlib.h>

static void make_frame(struct qun_bench_frames *f, uint32_t j, const struct qun_bench_plan *plan,
                       struct qun_bench_event *events, qun_bench_encode encode, void *arg) {
  struct qun_bench_frame *frame = &f->list[j];
  uint32_t tenant = j % plan->tenants;
  uint64_t nth = (uint64_t)(j / plan->tenants) * plan->batch;
  for (uint32_t k = 0; k < plan->batch; k++)
    qun_bench_event_make(&events[k], plan->seed * 1000003u + tenant, nth + k, plan->members);
  *frame = (struct qun_bench_frame){.at = f->bytes.len, .tenant = tenant, .events = plan->batch};
  encode(arg, &f->bytes, j, tenant, nth, events, plan->batch);
  frame->len = (uint32_t)(f->bytes.len - frame->at);
}

int qun_bench_frames_make(struct qun_bench_frames *f, const struct qun_bench_plan *plan, qun_bench_encode encode,
                          void *arg, struct qun_error *err) {
  memset(f, 0, sizeof *f);
  qun_pack_init(&f->bytes);
  uint64_t count = (plan->events + plan->batch - 1) / plan->batch;
  if (count > UINT32_MAX) return qun_error_set(err, QUN_EINVAL, "too many events for one round");
  struct qun_bench_event *events = calloc(plan->batch, sizeof *events);
  f->list = calloc(count, sizeof *f->list);
  f->count = (uint32_t)count;
  for (uint32_t j = 0; events && f->list && j < f->count; j++) make_frame(f, j, plan, events, encode, arg);
  bool whole = events && f->list && !f->bytes.failed;
  free(events);
  return whole
             ? 0
             : qun_error_set(err, QUN_EFAIL, "no memory for a round of %llu events", (unsigned long long)plan->events);
}

void qun_bench_frames_fini(struct qun_bench_frames *f) {
  qun_pack_fini(&f->bytes);
  free(f->list);
  f->list = NULL;
  f->count = 0;
}
