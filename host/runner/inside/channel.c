/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/inside/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MUCH = 32 << 10, OLD_MS = 50, EXIT_HOST_GONE = 0, EXIT_NO_MEMORY = 5 };

static int64_t steady_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void qun_channel_init(struct qun_channel *c, int fd) {
  *c = (struct qun_channel){.fd = fd, .reader = pthread_self(), .sent_ms = steady_ms()};
  pthread_mutex_init(&c->lock, NULL);
  qun_pack_init(&c->out);
}

/* ---------------------------------------------------------------- out. With the lock held. */

static void wait_for_room(int fd) {
  struct pollfd on = {.fd = fd, .events = POLLOUT};
  poll(&on, 1, -1);
}

static void send_all(struct qun_channel *c) {
  const unsigned char *at = c->out.buf;
  size_t left = c->out.len;
  if (c->out.failed) _exit(EXIT_NO_MEMORY);
  while (left > 0) {
    ssize_t n = write(c->fd, at, left);
    if (n < 0 && errno == EAGAIN) wait_for_room(c->fd);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) _exit(EXIT_HOST_GONE);
    at += n;
    left -= (size_t)n;
  }
  qun_pack_clear(&c->out);
  c->sent_ms = steady_ms();
}

void qun_channel_note(struct qun_channel *c, uint32_t method, qun_slice args) {
  pthread_mutex_lock(&c->lock);
  qun_wire_put(&c->out, QUN_WIRE_NOTE, 0, method, args);
  if (c->out.len > MUCH) send_all(c);
  pthread_mutex_unlock(&c->lock);
}

void qun_channel_flush(struct qun_channel *c, bool lazy) {
  pthread_mutex_lock(&c->lock);
  if (c->out.len && (!lazy || steady_ms() - c->sent_ms > OLD_MS)) send_all(c);
  pthread_mutex_unlock(&c->lock);
}

/* ---------------------------------------------------------------- in */

/* The next frame off the socket. What the host sends is taken to be sound: a host that isn't has other ways. */
static void read_frame(struct qun_channel *c, struct qun_frame *frame) {
  const char *why = NULL;
  int got;
  while ((got = qun_wire_take(&c->in, frame, &why)) == 0) {
    size_t room;
    void *at = qun_wire_room(&c->in, &room);
    if (!at) _exit(EXIT_NO_MEMORY);
    ssize_t n = read(c->fd, at, room);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(EXIT_HOST_GONE);
    qun_wire_came(&c->in, (size_t)n);
  }
  if (got < 0) _exit(EXIT_HOST_GONE);
}

static struct qun_waiting *copy(const struct qun_frame *f) {
  struct qun_waiting *w = malloc(sizeof *w + (size_t)f->args.len);
  if (!w) _exit(EXIT_NO_MEMORY);
  *w = (struct qun_waiting){.id = f->id, .method = f->method, .len = (size_t)f->args.len};
  memcpy(w->args, f->args.ptr, w->len);
  return w;
}

static void append(struct qun_channel *c, struct qun_waiting *w) {
  if (c->last)
    c->last->next = w;
  else
    c->first = w;
  c->last = w;
}

void qun_channel_call(struct qun_channel *c, uint32_t method, qun_slice args, qun_slice *answer) {
  struct qun_frame frame;
  uint32_t id = ++c->calls;
  pthread_mutex_lock(&c->lock);
  qun_wire_put(&c->out, QUN_WIRE_CALL, id, method, args);
  send_all(c);
  pthread_mutex_unlock(&c->lock);
  for (;;) {
    read_frame(c, &frame);
    if (frame.type == QUN_WIRE_ANSWER && frame.id == id) break;
    append(c, copy(&frame));
  }
  *answer = frame.args;
}

struct qun_waiting *qun_channel_take(struct qun_channel *c, uint32_t method) {
  struct qun_waiting *before = NULL, *w = c->first;
  while (w && method && w->method != method) {
    before = w;
    w = w->next;
  }
  if (!w) return NULL;
  if (before)
    before->next = w->next;
  else
    c->first = w->next;
  if (c->last == w) c->last = before;
  return w;
}

void qun_channel_wait(struct qun_channel *c) {
  struct qun_frame frame;
  qun_channel_flush(c, false);
  read_frame(c, &frame);
  append(c, copy(&frame));
}

struct qun_waiting *qun_channel_next(struct qun_channel *c) {
  if (!c->first) qun_channel_wait(c);
  return qun_channel_take(c, 0);
}
