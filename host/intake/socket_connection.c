/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the intake socket: a small machine that one function drives, so that order and limits are in one
 * place. */
#include "host/intake/socket_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { HELLO_MS = 10000, FULL_MS = 2, UNREAD_MAX = 1 << 20 };

/* ---- writing */

struct answer {
  uv_write_t write;
  struct qun_pack bytes;
};

static void on_written(uv_write_t *write, int status) {
  struct answer *a = (struct answer *)write->data;
  struct qun__connection *c = write->handle->data;
  qun_pack_fini(&a->bytes);
  free(a);
  if (status < 0) c->broken = true;
  qun__connection_pump(c);
}

/* What the socket did not take at once. */
static void send_rest(struct qun__connection *c, const unsigned char *from, size_t len) {
  struct answer *a = calloc(1, sizeof *a);
  if (a) qun_pack_raw(&a->bytes, qun_slice_of(from, len));
  if (!a || a->bytes.failed) {
    if (a) qun_pack_fini(&a->bytes);
    free(a);
    c->broken = true; /* the client waits for an answer that cannot be kept for it */
    return;
  }
  a->write.data = a;
  uv_buf_t buf = uv_buf_init((char *)a->bytes.buf, (unsigned)a->bytes.len);
  if (uv_write(&a->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written) == 0) return;
  qun_pack_fini(&a->bytes);
  free(a);
  c->broken = true;
}

/* Mostly one call of the kernel, and nothing is kept. */
static void send_bytes(struct qun__connection *c, const struct qun_pack *bytes) {
  uv_buf_t buf = uv_buf_init((char *)bytes->buf, (unsigned)bytes->len);
  int n;
  if (uv_is_closing((uv_handle_t *)&c->pipe)) return;
  if (bytes->failed) {
    c->broken = true;
    return;
  }
  n = uv_try_write((uv_stream_t *)&c->pipe, &buf, 1);
  if (n == UV_EAGAIN) n = 0;
  if (n < 0)
    c->broken = true;
  else if ((size_t)n < bytes->len)
    send_rest(c, bytes->buf + n, bytes->len - (size_t)n);
}

/* ---- the end */

static void on_closed(uv_handle_t *handle) {
  struct qun__connection *c = handle->data;
  struct qun_intake *s = c->intake;
  if (--c->handles > 0) return;
  qun_frames_fini(&c->frames);
  qun__pin_put(s, c->pin);
  *c->link = c->next;
  if (c->next) c->next->link = c->link;
  s->count--;
  qun_metric_add(s->metrics, QUN_METRIC_SOCKET_CONNECTIONS, -1);
  free(c);
  qun__intake_try_close(s);
}

void qun__connection_cut(struct qun__connection *c) {
  if (uv_is_closing((uv_handle_t *)&c->pipe)) return;
  qun__intake_not_due(c);
  uv_close((uv_handle_t *)&c->timer, on_closed);
  uv_close((uv_handle_t *)&c->pipe, on_closed);
}

void qun__connection_fail(struct qun__connection *c, const char *why) {
  if (c->fatal[0]) return;
  snprintf(c->fatal, sizeof c->fatal, "%s", why);
  qun_metric_add(c->intake->metrics, QUN_METRIC_SOCKET_ERRORS, 1);
}

/* ---- waiting */

static void on_timer(uv_timer_t *timer) {
  struct qun__connection *c = timer->data;
  if (!c->known) qun__connection_fail(c, "no first frame {token, v: 1} came within 10 s");
  qun__connection_pump(c);
}

void qun__connection_later(struct qun__connection *c) {
  uv_timer_start(&c->timer, on_timer, FULL_MS, 0);
}

/* ---- frames */

static int greet(struct qun__connection *c, qun_slice content, struct qun_error *err) {
  struct qun_intake *s = c->intake;
  struct qun_hello hello;
  int rc = qun_hello_read(content, &hello, err);
  if (rc < 0) return rc;
  if (qun_tokens_verify(s->tokens, hello.token, &c->grant) < 0) {
    qun_metric_add(s->metrics, QUN_METRIC_DENIED, 1);
    return qun_error_set(err, QUN_EDENIED, "the token is not known");
  }
  if (!qun_role_in(c->grant.role, QUN_ROLES_INGEST)) {
    qun_metric_add(s->metrics, QUN_METRIC_DENIED, 1);
    return qun_error_set(err, QUN_EDENIED, "a token of role %s may not send events", qun_role_name(c->grant.role));
  }
  c->pin = qun__pin_get(s, c->grant.tenant);
  if (!c->pin) return qun_error_set(err, QUN_EFAIL, "there is no memory for the connection");
  c->known = true;
  c->durable = hello.durable;
  uv_timer_stop(&c->timer);
  qun_pack_clear(&s->answers);
  qun_hello_answer(&s->answers, &(struct qun_hello_reply){.tenant = c->grant.tenant,
                                                          .role = c->grant.role,
                                                          .durable = c->durable,
                                                          .window = s->options.window,
                                                          .max_frame = s->options.max_frame});
  send_bytes(c, &s->answers);
  return 0;
}

static bool has_room(const struct qun__connection *c) {
  const struct qun_intake_options *o = &c->intake->options;
  return c->jobs_count < o->window && c->held < 2 * (size_t)o->max_frame;
}

static void cut_frames(struct qun__connection *c) {
  struct qun_error err = {0};
  qun_slice content;
  while (!c->fatal[0] && has_room(c)) {
    if (!qun__connection_has_share(c)) { /* what is left stays in the buffer for the next turn */
      qun__intake_due(c);
      return;
    }
    int rc = qun_frames_cut(&c->frames, c->known ? c->intake->options.max_frame : QUN_FRAME_HELLO_MAX, &content, &err);
    if (rc == 0) return;
    if (rc > 0) rc = c->known ? qun__job_take(c, content, &err) : greet(c, content, &err);
    if (rc < 0) qun__connection_fail(c, err.message);
  }
}

/* ---- reading */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct qun__connection *c = handle->data;
  (void)suggested;
  *buf = uv_buf_init(c->intake->scratch, sizeof c->intake->scratch);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct qun__connection *c = stream->data;
  if (n == 0) return;
  if (n < 0) {
    c->ended = true; /* a client that only ends its side still reads */
    c->broken = n != UV_EOF;
  } else {
    qun_metric_add(c->intake->metrics, QUN_METRIC_SOCKET_RECEIVED, n);
    if (qun_frames_push(&c->frames, buf->base, (size_t)n) < 0)
      qun__connection_fail(c, "there is no memory for the frame");
  }
  qun__connection_pump(c);
  qun__intake_relieve(c->intake);
}

static bool wants_more(const struct qun__connection *c) {
  if (c->ended || c->broken || c->fatal[0] || c->intake->stopping || !has_room(c)) return false;
  /* A client that does not read its answers is not read either. */
  if (uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) > UNREAD_MAX) return false;
  return true;
}

static void read_or_rest(struct qun__connection *c) {
  bool want = wants_more(c);
  if (want == c->reading) return;
  c->reading = want;
  if (!want)
    uv_read_stop((uv_stream_t *)&c->pipe);
  else if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) < 0)
    c->broken = true;
}

/* ---- the machine */

static bool over(const struct qun__connection *c) {
  return !c->jobs && (c->fatal[0] || c->ended || c->broken || c->intake->stopping);
}

static void answer_done(struct qun__connection *c) {
  struct qun_pack *out = &c->intake->answers;
  if (!c->jobs || c->jobs->state != QUN__JOB_DONE) return;
  qun_pack_clear(out);
  qun__jobs_answer(c, out);
  send_bytes(c, out);
}

void qun__connection_pump(struct qun__connection *c) {
  if (uv_is_closing((uv_handle_t *)&c->pipe)) return;
  if (!c->closing) {
    cut_frames(c);
    qun__jobs_advance(c);
    answer_done(c);
    cut_frames(c); /* the answers made room in the window */
    qun__jobs_advance(c);
    read_or_rest(c);
    if (!over(c)) return;
    c->closing = true;
    if (c->fatal[0]) {
      struct qun_pack *out = &c->intake->answers;
      qun_pack_clear(out);
      qun_frame_error(out, c->fatal);
      qun_log_line(c->intake->options.log, QUN_LOG_INFO, "intake socket: closed a connection%s%s: %s",
                   c->known ? " of tenant " : "", c->known ? c->grant.tenant : "", c->fatal);
      send_bytes(c, out);
    }
  }
  /* The last answers leave first; on_written comes back here. */
  if (uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) == 0 || c->broken) qun__connection_cut(c);
}

int qun__connection_open(struct qun_intake *s) {
  struct qun__connection *c = calloc(1, sizeof *c);
  if (!c) return QUN_EFAIL;
  c->intake = s;
  qun_frames_init(&c->frames);
  uv_pipe_init(s->options.loop, &c->pipe, 0);
  uv_timer_init(s->options.loop, &c->timer);
  c->pipe.data = c->timer.data = c;
  c->handles = 2;
  c->next = s->connections;
  c->link = &s->connections;
  if (c->next) c->next->link = &c->next;
  s->connections = c;
  s->count++;
  qun_metric_add(s->metrics, QUN_METRIC_SOCKET_CONNECTIONS, 1);
  if (uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&c->pipe) < 0) {
    qun__connection_cut(c);
    return 0;
  }
  if (s->count > s->options.connections) qun__connection_fail(c, "there are too many connections");
  uv_timer_start(&c->timer, on_timer, HELLO_MS, 0);
  qun__connection_pump(c);
  return 0;
}
