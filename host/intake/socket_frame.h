/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the intake socket: cutting a stream of bytes into frames, and writing answers. Pure; hostile bytes are
 * fine.
 */
#ifndef QUN_HOST_INTAKE_SOCKET_FRAME_H
#define QUN_HOST_INTAKE_SOCKET_FRAME_H

#include "host/engine/engine.h"
#include "host/intake/msgpack_batch.h"
#include "host/ops/role.h"

enum { QUN_FRAME_HEAD = 4, QUN_FRAME_HELLO_MAX = 1024, QUN_SOCKET_VERSION = 1 };

struct qun_frames {
  unsigned char *buf;
  size_t from, to, cap; /* what is not yet cut off: [from, to) */
};

void qun_frames_init(struct qun_frames *f);
void qun_frames_fini(struct qun_frames *f);
/* Keeps a copy of the bytes. QUN_EFAIL: no memory. */
int qun_frames_push(struct qun_frames *f, const void *bytes, size_t len);
size_t qun_frames_held(const struct qun_frames *f);
/* 1 and the next frame's content, borrowed until the next push or cut; 0: it is not whole yet. QUN_EINVAL: its length
 * is 0 or over `max`, said in err. */
int qun_frames_cut(struct qun_frames *f, uint32_t max, qun_slice *content, struct qun_error *err);

/* The first frame. The token is borrowed from `content`. QUN_EINVAL says what is wrong. */
struct qun_hello {
  qun_slice token;
  bool durable; /* ack: "durable" */
};
int qun_hello_read(qun_slice content, struct qun_hello *hello, struct qun_error *err);
/* A batch frame: its members, and no others. Where the events come last, as they should, they are not looked at: what
   reads them (qun_msgpack_events_read) finds whether they are whole and the frame ends with them. */
struct qun_batch_head {
  uint64_t batch;
  uint32_t count;   /* of events */
  qun_slice events; /* borrowed from the frame, to its end if they come last */
  bool imported;
};
int qun_batch_head_read(qun_slice content, struct qun_batch_head *head, struct qun_error *err);

/* Reads the events into `batch`. Answers how many were taken, or less: QUN_EQUOTA: more than `max_events`; or *broken is
 * set: the frame was not whole. */
int qun_batch_events_read(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refused,
                          const struct qun_batch_head *head, uint32_t max_events, bool *broken, struct qun_error *err);

struct qun_hello_reply {
  const char *tenant;
  enum qun_role role;
  bool durable;
  uint32_t window, max_frame;
};
/* Each appends one frame, head included, to `out`. */
void qun_hello_answer(struct qun_pack *out, const struct qun_hello_reply *reply);
/* Of a batch that is applied. */
void qun_batch_answer(struct qun_pack *out, uint64_t batch, const struct qun_submit_result *result,
                      const struct qun_refusals *refused);
/* Of a batch whose `events` events are in the journal. */
void qun_batch_journaled(struct qun_pack *out, uint64_t batch, uint32_t events, const struct qun_submit_result *result,
                         const struct qun_refusals *refused);
void qun_batch_error(struct qun_pack *out, uint64_t batch, const struct qun_submit_result *result);
void qun_frame_error(struct qun_pack *out, const char *message);

#endif
