/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/wire.h"

enum { ROOM_LEAST = 1 << 16, ROOM_KEPT = 1 << 20, LARGEST_METHOD = QUN_WIRE_FORGET };

/* ---------------------------------------------------------------- writing */

size_t qun_wire_begin(struct qun_pack *p, enum qun_wire_type type, uint32_t id, uint32_t method) {
  size_t at = p->len;
  static const unsigned char length[QUN_WIRE_HEAD] = {0};
  qun_pack_raw(p, qun_slice_of(length, sizeof length));
  qun_pack_array(p, 4);
  qun_pack_int(p, type);
  qun_pack_int(p, id);
  qun_pack_int(p, method);
  return at;
}

void qun_wire_end(struct qun_pack *p, size_t begun) {
  if (p->failed) return;
  size_t n = p->len - begun - QUN_WIRE_HEAD;
  for (int i = QUN_WIRE_HEAD - 1; i >= 0; i--, n >>= 8) p->buf[begun + (size_t)i] = (unsigned char)(n & 0xff);
}

void qun_wire_put(struct qun_pack *p, enum qun_wire_type type, uint32_t id, uint32_t method, qun_slice args) {
  size_t at = qun_wire_begin(p, type, id, method);
  qun_pack_raw(p, args);
  qun_wire_end(p, at);
}

/* ---------------------------------------------------------------- reading */

void qun_wire_in_fini(struct qun_wire_in *in) {
  free(in->buf);
  *in = (struct qun_wire_in){.max = in->max};
}

/* A large frame's memory is given back once it is read. */
static void shrink(struct qun_wire_in *in) {
  if (in->from != in->to || in->cap <= ROOM_KEPT) return;
  free(in->buf);
  in->buf = NULL;
  in->cap = in->from = in->to = 0;
}

void *qun_wire_room(struct qun_wire_in *in, size_t *n) {
  shrink(in);
  if (in->from > 0) {
    memmove(in->buf, in->buf + in->from, in->to - in->from);
    in->to -= in->from;
    in->from = 0;
  }
  if (in->cap - in->to < ROOM_LEAST) {
    size_t cap = in->cap ? in->cap * 2 : 2 * (size_t)ROOM_LEAST;
    unsigned char *grown = realloc(in->buf, cap);
    if (!grown) return NULL;
    in->buf = grown;
    in->cap = cap;
  }
  *n = in->cap - in->to;
  return in->buf + in->to;
}

void qun_wire_came(struct qun_wire_in *in, size_t n) {
  in->to += n;
}

static bool small(struct qun_unpack *u, int64_t least, int64_t most, uint32_t *out) {
  int64_t v;
  if (!qun_unpack_int(u, &v) || v < least || v > most) return false;
  *out = (uint32_t)v;
  return true;
}

static const char *parse(qun_slice bytes, struct qun_frame *frame) {
  struct qun_unpack u;
  uint32_t n, type;
  qun_unpack_init(&u, bytes);
  if (!qun_unpack_array(&u, &n) || n != 4) return "is not an array of four";
  if (!small(&u, QUN_WIRE_CALL, QUN_WIRE_NOTE, &type)) return "has a type that does not exist";
  if (!small(&u, 0, UINT32_MAX, &frame->id)) return "has an id that is no number of 32 bits";
  if (!small(&u, 0, LARGEST_METHOD, &frame->method)) return "has a method that does not exist";
  if (!qun_mp_valid(qun_slice_of(u.at, (size_t)(u.end - u.at)), QUN_WIRE_DEPTH))
    return "has arguments that are not one value of msgpack, or nest too deep";
  frame->type = (enum qun_wire_type)type;
  frame->args = qun_slice_of(u.at, (size_t)(u.end - u.at));
  return NULL;
}

int qun_wire_take(struct qun_wire_in *in, struct qun_frame *frame, const char **why) {
  const unsigned char *at = in->buf + in->from;
  size_t here = in->to - in->from, length = 0;
  uint32_t max = in->max ? in->max : QUN_WIRE_FRAME_MAX;
  if (here < QUN_WIRE_HEAD) return 0;
  for (int i = 0; i < QUN_WIRE_HEAD; i++) length = length << 8 | at[i];
  if (length == 0 || length > max) {
    *why = length ? "is longer than a frame may be" : "is empty";
    return QUN_EINVAL;
  }
  if (here - QUN_WIRE_HEAD < length) return 0;
  *why = parse(qun_slice_of(at + QUN_WIRE_HEAD, length), frame);
  if (*why) return QUN_EINVAL;
  in->from += QUN_WIRE_HEAD + length;
  return 1;
}
