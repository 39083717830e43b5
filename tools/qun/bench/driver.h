/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of every contender: one thread, one epoll loop, prebuilt frames, one gathered send a connection and turn.
 * It keeps `under_way` frames without an answer and takes the time of each.
 */
#ifndef QUN_TOOLS_QUN_BENCH_DRIVER_H
#define QUN_TOOLS_QUN_BENCH_DRIVER_H

#include "tools/qun/bench/frames.h"

struct qun_bench_link;

/* How a contender answers. */
struct qun_bench_wire {
  /* Cuts whole answers off link->in[from..to) and answers how many frames they are for; less: QUN_E..., a refusal in
   * the contender's words. Mandatory. */
  int (*take)(struct qun_bench_link *link, struct qun_error *err);
};

struct qun_bench_link {
  int fd;         /* set by the caller, who closes it; made nonblocking here */
  uint32_t group; /* serves frames of the tenants t with t % groups == group */
  void *state;    /* the wire's own */
  unsigned char *in;
  size_t from, to, cap;
  struct qun_bench_sent {
    uint32_t frame;
    double begun;
  } * sent; /* ring of frames without an answer, `depth` long */
  uint32_t head, waiting, unsent;
  size_t offset; /* bytes of the first unsent frame that are out */
  bool dirty, blocked;
};

struct qun_bench_drive {
  const struct qun_bench_plan *plan;
  const struct qun_bench_frames *frames;
  const struct qun_bench_wire *wire;
  struct qun_bench_link *links;
  uint32_t links_count, groups, depth; /* frames a link may have without an answer */

  /* results */
  uint64_t events;   /* acknowledged */
  uint32_t count;    /* frames acknowledged */
  double seconds;    /* from the first byte sent to the last answer */
  double begun;      /* monotonic, s */
  float *latency_us; /* of each frame; freed by fini */
};

double qun_bench_now(void);
/* Sends and takes until all that was begun is answered. QUN_EFAIL: a connection broke, or nothing came for a minute;
 * else the wire's code. Fini in any case; the links' descriptors stay open. Blocking. */
int qun_bench_drive(struct qun_bench_drive *d, struct qun_error *err);
void qun_bench_drive_fini(struct qun_bench_drive *d);

#endif
