/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames between the host and a runner, in both directions: u32 length (big-endian, of what follows), then one msgpack array
 *   [type, id, method, args]
 * type QUN_WIRE_*; id pairs an answer with its call (0: none); method: a service call is QUN_WIRE_SERVICE, all else is
 * enum qun_wire_method; args one msgpack value. Whoever reads takes the other side to be hostile: a length, a depth or a
 * byte that does not fit ends the connection. No blocking, no descriptors here: bytes in, frames out. One thread.
 */
#ifndef QUN_HOST_RUNNER_WIRE_H
#define QUN_HOST_RUNNER_WIRE_H

#include <qun/msgpack.h>

#include <stdbool.h>

enum {
  QUN_WIRE_FRAME_MAX = (32 << 20) + (1 << 16), /* bytes after the length: the largest argument and what is around it */
  QUN_WIRE_DEPTH = 36,                         /* levels of msgpack in args */
  QUN_WIRE_HEAD = 4
};

enum qun_wire_type { QUN_WIRE_CALL = 1, QUN_WIRE_ANSWER = 2, QUN_WIRE_NOTE = 3 };

enum qun_wire_method {
  /* runner to host */
  QUN_WIRE_HELLO =
      1, /* note, first of all and before any code of the plugin: [hash of services.def, landlock, seccomp, rlimits] */
  QUN_WIRE_SERVICE, /* call or note: [service, method, args], numbers of the table; a note is a write that can't fail */
  QUN_WIRE_DONE,    /* note, a callback has ended: [number, code, message] */
  QUN_WIRE_LOG,     /* note: [level, text] */
  /* host to runner */
  QUN_WIRE_OPEN,    /* call: [id, version, [required service ids]]; answer [code, message] */
  QUN_WIRE_CREATE,  /* note: number; the instance is made; ends with DONE */
  QUN_WIRE_TENANT,  /* note: [number, context, info]; ends with DONE */
  QUN_WIRE_EVENTS,  /* note: [[number, context, event, hold]...]; each ends with DONE */
  QUN_WIRE_TIMER,   /* note: [number, context, timer]; ends with DONE; goes before events that wait */
  QUN_WIRE_REQUEST, /* note: [number, context, request]; ends with DONE */
  QUN_WIRE_DUE,     /* note: time of the next timer: an event whose `hold` is that or later waits for it */
  QUN_WIRE_KNOWN,   /* note: [key, value or nil]...: rows of the keyspace that will be asked for */
  QUN_WIRE_FORGET   /* note: nothing is known of the keyspace any more */
};

struct qun_frame {
  enum qun_wire_type type;
  uint32_t id;
  uint32_t method;
  qun_slice args; /* borrowed from the reader until its next qun_wire_room */
};

/* Appends a frame. *args: one msgpack value. p->failed: memory ran out. */
void qun_wire_put(struct qun_pack *p, enum qun_wire_type type, uint32_t id, uint32_t method, qun_slice args);
/* The same in two steps: what is packed in between is the args. */
size_t qun_wire_begin(struct qun_pack *p, enum qun_wire_type type, uint32_t id, uint32_t method);
void qun_wire_end(struct qun_pack *p, size_t begun);

/* Bytes that have come. All zero before use. */
struct qun_wire_in {
  unsigned char *buf;
  size_t from, to, cap;
  uint32_t max; /* bytes of a frame; 0: QUN_WIRE_FRAME_MAX */
};

void qun_wire_in_fini(struct qun_wire_in *in);
/* Room for at least one more byte, *n of them; then qun_wire_came says how many were written there. The room grows with
   what comes, never with what a length promises. NULL: out of memory. */
void *qun_wire_room(struct qun_wire_in *in, size_t *n);
void qun_wire_came(struct qun_wire_in *in, size_t n);
/* 1: a frame; 0: not all of it is there yet; QUN_EINVAL: these bytes are no frame, *why says what is wrong. */
int qun_wire_take(struct qun_wire_in *in, struct qun_frame *frame, const char **why);

#endif
