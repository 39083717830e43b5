/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 65536, PIECES = 64, TURN = 256, SILENCE_MS = 60000 };

struct pool {
  uint32_t *slots; /* free places of the group's links, last in first out */
  uint32_t free;
};

struct loop {
  struct qun_bench_drive *d;
  struct pool *pools;
  uint32_t *slots, *dirty;
  uint32_t dirty_count, next, under_way;
  int epoll;
};

double qun_bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- sending */

static void assign(struct loop *l, struct qun_bench_link *link, double now) {
  struct qun_bench_sent *s = &link->sent[(link->head + link->waiting) % l->d->depth];
  *s = (struct qun_bench_sent){.frame = l->next++, .begun = now};
  link->waiting++;
  link->unsent++;
  l->under_way++;
  if (link->dirty) return;
  link->dirty = true;
  l->dirty[l->dirty_count++] = (uint32_t)(link - l->d->links);
}

/* Gives frames to links, in the frames' order, as long as there is room. */
static void fill(struct loop *l, double now) {
  const struct qun_bench_drive *d = l->d;
  while (l->next < d->frames->count && l->under_way < d->plan->under_way) {
    struct pool *p = &l->pools[d->frames->list[l->next].tenant % d->groups];
    if (p->free == 0) return;
    assign(l, &d->links[p->slots[--p->free]], now);
  }
}

static int gather(const struct loop *l, const struct qun_bench_link *link, struct iovec *pieces) {
  const struct qun_bench_frames *f = l->d->frames;
  int n = 0;
  for (uint32_t i = link->waiting - link->unsent; i < link->waiting && n < PIECES; i++, n++) {
    const struct qun_bench_frame *frame = &f->list[link->sent[(link->head + i) % l->d->depth].frame];
    size_t skip = n == 0 ? link->offset : 0;
    pieces[n] = (struct iovec){f->bytes.buf + frame->at + skip, frame->len - skip};
  }
  return n;
}

static void count_sent(struct qun_bench_link *link, const struct iovec *pieces, size_t bytes) {
  for (int i = 0; bytes; i++) {
    if (bytes < pieces[i].iov_len) {
      link->offset = (i == 0 ? link->offset : 0) + bytes;
      return;
    }
    bytes -= pieces[i].iov_len;
    link->offset = 0;
    link->unsent--;
  }
}

static int watch(struct loop *l, struct qun_bench_link *link, bool blocked, struct qun_error *err) {
  struct epoll_event e = {.events = EPOLLIN | (blocked ? EPOLLOUT : 0u), .data.u32 = (uint32_t)(link - l->d->links)};
  if (blocked == link->blocked) return 0;
  link->blocked = blocked;
  return epoll_ctl(l->epoll, EPOLL_CTL_MOD, link->fd, &e) == 0 ? 0 : qun_error_set(err, QUN_EFAIL, "epoll: %m");
}

static int flush_link(struct loop *l, struct qun_bench_link *link, struct qun_error *err) {
  struct iovec pieces[PIECES];
  while (link->unsent) {
    struct msghdr m = {.msg_iov = pieces, .msg_iovlen = (size_t)gather(l, link, pieces)};
    ssize_t n = sendmsg(link->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return watch(l, link, true, err);
    if (n < 0) return qun_error_set(err, QUN_EFAIL, "a connection broke while sending: %m");
    count_sent(link, pieces, (size_t)n);
  }
  return watch(l, link, false, err);
}

static int flush(struct loop *l, struct qun_error *err) {
  int rc = 0;
  for (uint32_t i = 0; rc == 0 && i < l->dirty_count; i++) {
    struct qun_bench_link *link = &l->d->links[l->dirty[i]];
    link->dirty = false;
    if (!link->blocked) rc = flush_link(l, link, err);
  }
  l->dirty_count = 0;
  return rc;
}

/* ---- taking */

static int room(struct qun_bench_link *link, struct qun_error *err) {
  if (link->from > 0) {
    memmove(link->in, link->in + link->from, link->to - link->from);
    link->to -= link->from;
    link->from = 0;
  }
  if (link->cap - link->to >= READ_BYTES / 2) return 0;
  unsigned char *in = realloc(link->in, link->cap * 2 + READ_BYTES);
  if (!in) return qun_error_set(err, QUN_EFAIL, "out of memory");
  link->in = in;
  link->cap = link->cap * 2 + READ_BYTES;
  return 0;
}

static int settle(struct loop *l, struct qun_bench_link *link, int answers, double now, struct qun_error *err) {
  struct qun_bench_drive *d = l->d;
  struct pool *p = &l->pools[link->group];
  for (; answers > 0; answers--) {
    if (link->waiting == link->unsent) return qun_error_set(err, QUN_EFAIL, "an answer came to nothing that was sent");
    const struct qun_bench_sent *s = &link->sent[link->head];
    d->latency_us[d->count++] = (float)((now - s->begun) * 1e6);
    d->events += d->frames->list[s->frame].events;
    link->head = (link->head + 1) % d->depth;
    link->waiting--;
    l->under_way--;
    p->slots[p->free++] = (uint32_t)(link - d->links);
  }
  return 0;
}

static int receive(struct loop *l, struct qun_bench_link *link, struct qun_error *err) {
  for (;;) {
    int rc = room(link, err);
    if (rc < 0) return rc;
    size_t space = link->cap - link->to;
    ssize_t n = recv(link->fd, link->in + link->to, space, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return 0;
    if (n < 0) return qun_error_set(err, QUN_EFAIL, "a connection broke while taking answers: %m");
    if (n == 0) return qun_error_set(err, QUN_EFAIL, "a server closed its connection");
    link->to += (size_t)n;
    int answers = l->d->wire->take(link, err);
    if (answers < 0) return answers;
    rc = settle(l, link, answers, qun_bench_now(), err);
    if (rc < 0 || (size_t)n < space) return rc;
  }
}

static int turn(struct loop *l, struct qun_error *err) {
  struct epoll_event events[TURN];
  int n = epoll_wait(l->epoll, events, TURN, SILENCE_MS), rc = 0;
  if (n < 0 && errno == EINTR) return 0;
  if (n < 0) return qun_error_set(err, QUN_EFAIL, "epoll: %m");
  if (n == 0) return qun_error_set(err, QUN_EFAIL, "no answer came for %d s", SILENCE_MS / 1000);
  for (int i = 0; rc == 0 && i < n; i++) {
    struct qun_bench_link *link = &l->d->links[events[i].data.u32];
    if (events[i].events & EPOLLOUT) rc = flush_link(l, link, err);
    if (rc == 0 && (events[i].events & ~(uint32_t)EPOLLOUT)) rc = receive(l, link, err);
  }
  return rc;
}

/* ---- life */

/* Every link's places go into its group's pool, link by link, so that work spreads before it queues. */
static void fill_pools(struct loop *l) {
  struct qun_bench_drive *d = l->d;
  uint32_t at = 0;
  for (uint32_t g = 0; g < d->groups; g++) {
    struct pool *p = &l->pools[g];
    p->slots = l->slots + at;
    for (uint32_t pass = 0; pass < d->depth; pass++)
      for (uint32_t i = g; i < d->links_count; i += d->groups) p->slots[p->free++] = i;
    at += p->free;
  }
}

static int open_loop(struct loop *l, struct qun_error *err) {
  struct qun_bench_drive *d = l->d;
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  l->pools = calloc(d->groups, sizeof *l->pools);
  l->slots = calloc((size_t)d->links_count * d->depth, sizeof *l->slots);
  l->dirty = calloc(d->links_count, sizeof *l->dirty);
  d->latency_us = calloc(d->frames->count, sizeof *d->latency_us);
  if (l->epoll < 0 || !l->pools || !l->slots || !l->dirty || !d->latency_us)
    return qun_error_set(err, QUN_EFAIL, "a benchmark's client cannot begin: %m");
  for (uint32_t i = 0; i < d->links_count; i++) {
    struct qun_bench_link *link = &d->links[i];
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    link->group = i % d->groups;
    link->sent = calloc(d->depth, sizeof *link->sent);
    if (!link->sent || epoll_ctl(l->epoll, EPOLL_CTL_ADD, link->fd, &e) < 0)
      return qun_error_set(err, QUN_EFAIL, "a benchmark's client cannot begin: %m");
  }
  fill_pools(l);
  return 0;
}

static void close_loop(struct loop *l) {
  if (l->epoll >= 0) close(l->epoll);
  free(l->pools);
  free(l->slots);
  free(l->dirty);
}

int qun_bench_drive(struct qun_bench_drive *d, struct qun_error *err) {
  struct loop l = {.d = d};
  int rc = open_loop(&l, err);
  double now = d->begun = qun_bench_now(), until = d->plan->seconds > 0 ? now + d->plan->seconds : 0;
  bool more = true;
  while (rc == 0 && (more || l.under_way)) {
    if (more) fill(&l, now);
    rc = flush(&l, err);
    if (rc == 0 && l.under_way) rc = turn(&l, err);
    now = qun_bench_now();
    more = l.next < d->frames->count && (until == 0 || now < until);
  }
  d->seconds = now - d->begun;
  close_loop(&l);
  return rc;
}

void qun_bench_drive_fini(struct qun_bench_drive *d) {
  for (uint32_t i = 0; i < d->links_count; i++) {
    free(d->links[i].in);
    free(d->links[i].sent);
    d->links[i].in = NULL;
    d->links[i].sent = NULL;
  }
  free(d->latency_us);
  d->latency_us = NULL;
}
