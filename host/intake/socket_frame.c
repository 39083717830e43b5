/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/socket_frame.h"

#include <stdlib.h>

void qun_frames_init(struct qun_frames *f) {
  memset(f, 0, sizeof *f);
}

void qun_frames_fini(struct qun_frames *f) {
  free(f->buf);
  qun_frames_init(f);
}

size_t qun_frames_held(const struct qun_frames *f) {
  return f->to - f->from;
}

int qun_frames_push(struct qun_frames *f, const void *bytes, size_t len) {
  if (f->from > 0) {
    memmove(f->buf, f->buf + f->from, f->to - f->from);
    f->to -= f->from;
    f->from = 0;
  }
  if (f->cap - f->to < len) {
    size_t cap = f->cap ? f->cap : 4096;
    while (cap - f->to < len) {
      if (cap > SIZE_MAX / 2) return QUN_EFAIL;
      cap *= 2;
    }
    unsigned char *buf = realloc(f->buf, cap);
    if (!buf) return QUN_EFAIL;
    f->buf = buf;
    f->cap = cap;
  }
  memcpy(f->buf + f->to, bytes, len);
  f->to += len;
  return 0;
}

int qun_frames_cut(struct qun_frames *f, uint32_t max, qun_slice *content, struct qun_error *err) {
  if (qun_frames_held(f) < QUN_FRAME_HEAD) return 0;
  uint64_t len = qun__get_be(f->buf + f->from, QUN_FRAME_HEAD);
  if (len == 0) return qun_error_set(err, QUN_EINVAL, "a frame of 0 bytes");
  if (len > max)
    return qun_error_set(err, QUN_EINVAL, "a frame of %llu bytes; the limit here is %u", (unsigned long long)len, max);
  if (qun_frames_held(f) - QUN_FRAME_HEAD < len) return 0;
  *content = qun_slice_of(f->buf + f->from + QUN_FRAME_HEAD, (size_t)len);
  f->from += QUN_FRAME_HEAD + (size_t)len;
  return 1;
}

/* ---- reading */

struct member {
  const char *name;
  enum qun_mp_type type;
  bool required;
  bool found;
};

/* A whole msgpack map of these members and no others. */
static int check_map(qun_slice content, const char *what, struct member *members, size_t count, struct qun_error *err) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice key;
  enum { DEPTH = 18 };
  if (!qun_mp_valid(content, DEPTH))
    return qun_error_set(err, QUN_EINVAL,
                         "the %s frame is not one whole msgpack value: it is cut off, broken or nested too deep", what);
  qun_unpack_init(&u, content);
  if (!qun_unpack_map(&u, &n)) return qun_error_set(err, QUN_EINVAL, "the %s frame is not a map", what);
  while (n-- > 0) {
    size_t i = 0;
    if (!qun_unpack_str(&u, &key))
      return qun_error_set(err, QUN_EINVAL, "the %s frame has a key that is not text", what);
    while (i < count && !qun_slice_eq(key, qun_str(members[i].name))) i++;
    if (i == count || members[i].found || qun_unpack_peek(&u) != members[i].type) {
      int shown = key.len > 40 || !qun_utf8_valid(key) ? 0 : (int)key.len;
      return qun_error_set(err, QUN_EINVAL,
                           "the %s frame's member \"%.*s\" is unknown, given twice or of the wrong kind", what, shown,
                           (const char *)key.ptr);
    }
    members[i].found = true;
    qun_unpack_skip(&u);
  }
  for (size_t i = 0; i < count; i++)
    if (members[i].required && !members[i].found)
      return qun_error_set(err, QUN_EINVAL, "the %s frame has no \"%s\"", what, members[i].name);
  return 0;
}

static int read_ack(qun_slice content, bool *durable, struct qun_error *err) {
  qun_slice ack = qun_mp_str(content, "ack");
  *durable = qun_slice_is(ack, "durable");
  if (*durable || ack.len == 0 || qun_slice_is(ack, "applied")) return 0;
  return qun_error_set(err, QUN_EINVAL, "the first frame's \"ack\" must be \"durable\" or \"applied\"");
}

int qun_hello_read(qun_slice content, struct qun_hello *hello, struct qun_error *err) {
  struct member members[] = {{.name = "token", .type = QUN_MP_STR, .required = true},
                             {.name = "v", .type = QUN_MP_INT, .required = true},
                             {.name = "ack", .type = QUN_MP_STR}};
  int rc = check_map(content, "first", members, 3, err);
  if (rc < 0) return rc;
  if (qun_mp_int(content, "v", 0) != QUN_SOCKET_VERSION)
    return qun_error_set(err, QUN_EINVAL, "the first frame asks for another version than %d", QUN_SOCKET_VERSION);
  if ((rc = read_ack(content, &hello->durable, err)) < 0) return rc;
  hello->token = qun_mp_str(content, "token");
  return 0;
}

static int broken_batch(struct qun_error *err) {
  return qun_error_set(err, QUN_EINVAL,
                       "the batch frame is not one whole msgpack value: it is cut off, broken or nested too deep");
}

/* The events: counted, and stepped over if something follows them. */
static bool read_list(struct qun_batch_head *head, struct qun_unpack *u, bool last) {
  const unsigned char *from = u->at;
  struct qun_unpack at = *u;
  if (!qun_unpack_array(&at, &head->count)) return false;
  if (last)
    u->at = u->end;
  else if (!qun_unpack_skip(u))
    return false;
  head->events = qun_slice_of(from, (size_t)(u->at - from));
  return true;
}

/* One member; `given` has a bit for each that was there. QUN_EINVAL without words: the frame may be broken. */
static int read_member(struct qun_batch_head *head, struct qun_unpack *u, bool last, unsigned *given) {
  static const char *const names[] = {"batch", "events", "imported"};
  int64_t number;
  int imported;
  qun_slice key;
  unsigned i = 0;
  if (!qun_unpack_str(u, &key)) return QUN_EINVAL;
  while (i < 3 && !qun_slice_is(key, names[i])) i++;
  if (i == 3 || *given >> i & 1) return QUN_EINVAL;
  *given |= 1u << i;
  switch (i) {
  case 0:
    if (!qun_unpack_int(u, &number) || number < 0) return QUN_EINVAL;
    head->batch = (uint64_t)number;
    return 0;
  case 1: return read_list(head, u, last) ? 0 : QUN_EINVAL;
  default:
    if (!qun_unpack_bool(u, &imported)) return QUN_EINVAL;
    head->imported = imported;
    return 0;
  }
}

/* The words for what one pass found wrong. */
static int refuse_batch(qun_slice content, struct qun_error *err) {
  struct member members[] = {{.name = "batch", .type = QUN_MP_INT, .required = true},
                             {.name = "events", .type = QUN_MP_ARRAY, .required = true},
                             {.name = "imported", .type = QUN_MP_BOOL}};
  int rc = check_map(content, "batch", members, 3, err);
  if (rc < 0) return rc;
  if (qun_mp_int(content, "batch", -1) < 0)
    return qun_error_set(err, QUN_EINVAL, "the batch frame's number must be 0 to 2^63-1");
  return broken_batch(err);
}

int qun_batch_head_read(qun_slice content, struct qun_batch_head *head, struct qun_error *err) {
  struct qun_unpack u;
  uint32_t n = 0;
  unsigned given = 0;
  memset(head, 0, sizeof *head);
  qun_unpack_init(&u, content);
  if (!qun_unpack_map(&u, &n)) return refuse_batch(content, err);
  while (n-- > 0)
    if (read_member(head, &u, n == 0, &given) < 0) return refuse_batch(content, err);
  if ((given & 3) != 3 || u.at != u.end) return refuse_batch(content, err);
  return 0;
}

int qun_batch_events_read(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refused,
                          const struct qun_batch_head *head, uint32_t max_events, bool *broken, struct qun_error *err) {
  struct qun_batch_limits limits = {.events = max_events};
  int rc = qun_msgpack_events_read(n, batch, refused, head->events, &limits, err);
  *broken = rc == QUN_EINVAL;
  return *broken ? broken_batch(err) : rc;
}

/* ---- answers */

static size_t begin_frame(struct qun_pack *out) {
  size_t at = out->len;
  unsigned char *head = qun__pack_room(out, QUN_FRAME_HEAD);
  if (head) qun__put_be(head, 0, QUN_FRAME_HEAD);
  return at;
}

static void end_frame(struct qun_pack *out, size_t at) {
  if (!out->failed) qun__put_be(out->buf + at, out->len - at - QUN_FRAME_HEAD, QUN_FRAME_HEAD);
}

void qun_hello_answer(struct qun_pack *out, const struct qun_hello_reply *reply) {
  size_t at = begin_frame(out);
  qun_pack_map(out, 6);
  qun_pack_kv_int(out, "v", QUN_SOCKET_VERSION);
  qun_pack_kv_cstr(out, "tenant", reply->tenant);
  qun_pack_kv_cstr(out, "role", qun_role_name(reply->role));
  qun_pack_kv_int(out, "window", reply->window);
  qun_pack_kv_int(out, "max_frame", reply->max_frame);
  qun_pack_kv_cstr(out, "ack", reply->durable ? "durable" : "applied");
  end_frame(out, at);
}

static void put_refused(struct qun_pack *out, const struct qun_refusals *refused) {
  qun_pack_cstr(out, "refused");
  qun_pack_array(out, refused->count);
  for (uint32_t i = 0; i < refused->count; i++) {
    qun_pack_map(out, 2);
    qun_pack_kv_int(out, "index", refused->items[i].index);
    qun_pack_kv_cstr(out, "reason", refused->items[i].reason);
  }
  qun_pack_kv_int(out, "refused_total", refused->total);
}

void qun_batch_answer(struct qun_pack *out, uint64_t batch, const struct qun_submit_result *result,
                      const struct qun_refusals *refused) {
  size_t at = begin_frame(out);
  qun_pack_map(out, 7);
  qun_pack_kv_int(out, "batch", (int64_t)batch);
  qun_pack_kv_int(out, "accepted", result->accepted);
  qun_pack_kv_int(out, "duplicates", result->duplicates);
  qun_pack_kv_int(out, "conflicts", result->conflicts);
  put_refused(out, refused);
  qun_pack_kv_int(out, "position", (int64_t)result->position);
  end_frame(out, at);
}

void qun_batch_journaled(struct qun_pack *out, uint64_t batch, uint32_t events, const struct qun_submit_result *result,
                         const struct qun_refusals *refused) {
  size_t at = begin_frame(out);
  qun_pack_map(out, refused->total > 0 ? 5 : 3);
  qun_pack_kv_int(out, "batch", (int64_t)batch);
  qun_pack_kv_int(out, "journaled", events);
  if (refused->total > 0) put_refused(out, refused);
  qun_pack_kv_int(out, "position", (int64_t)result->position);
  end_frame(out, at);
}

void qun_batch_error(struct qun_pack *out, uint64_t batch, const struct qun_submit_result *result) {
  size_t at = begin_frame(out);
  qun_pack_map(out, result->retry_ms ? 4 : 3);
  qun_pack_kv_int(out, "batch", (int64_t)batch);
  qun_pack_kv_cstr(out, "error", result->message);
  qun_pack_kv_int(out, "code", result->code);
  if (result->retry_ms) qun_pack_kv_int(out, "retry_ms", result->retry_ms);
  end_frame(out, at);
}

void qun_frame_error(struct qun_pack *out, const char *message) {
  size_t at = begin_frame(out);
  qun_pack_map(out, 1);
  qun_pack_kv_cstr(out, "error", message);
  end_frame(out, at);
}
