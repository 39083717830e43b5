/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of canonical events as msgpack: an array of maps, or a map {"events": [...]}. What is good is kept, each
 * refusal has its place.
 */
#ifndef QUN_HOST_INTAKE_MSGPACK_BATCH_H
#define QUN_HOST_INTAKE_MSGPACK_BATCH_H

#include "host/intake/normalise.h"

/* Why one event of a batch is not in. */
struct qun_refusal {
  uint32_t index; /* in the batch, from 0 */
  int code;       /* QUN_E... */
  char reason[496];
};

enum { QUN_REFUSALS_MAX = 100 };

/* The refusals of a batch: all are counted, the first QUN_REFUSALS_MAX are kept. Zeroed before use. */
struct qun_refusals {
  struct qun_refusal *items;
  uint32_t count; /* kept */
  uint32_t total;
};

int qun_refusals_add(struct qun_refusals *r, uint32_t index, const struct qun_error *why);
void qun_refusals_fini(struct qun_refusals *r);

struct qun_batch_limits {
  size_t bytes;    /* of the whole body; 0: 16 MiB */
  uint32_t events; /* in one batch; 0: 10,000 */
};

/* Reads a list of events, which must be all of `events`, in one pass. Otherwise as qun_msgpack_batch_read. */
int qun_msgpack_events_read(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                            qun_slice events, const struct qun_batch_limits *limits, struct qun_error *err);

/* Reads hostile bytes into `batch`. Answers the number of events taken (0 or more), or less when nothing could be read
   at all: QUN_EQUOTA: over a limit; QUN_EINVAL: not whole msgpack nested at most 16 deep, or not a batch. Then neither
   batch nor refusals changed. */
int qun_msgpack_batch_read(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                           qun_slice body, const struct qun_batch_limits *limits, struct qun_error *err);

#endif
