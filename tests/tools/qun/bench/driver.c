/* SPDX-License-Identifier: Apache-2.0 */
/* The client of all contenders, against servers that answer each frame of FRAME bytes with one byte. */
#include "tools/qun/bench/driver.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME = 40000 }; /* more than a socket takes at once */

struct server {
  int fd;
  uint32_t frames, stop_after; /* stop_after 0: never */
  unsigned char next;          /* frames carry their number modulo 251 in each byte */
  bool in_order;
};

static void *serve(void *arg) {
  struct server *s = arg;
  static _Thread_local unsigned char frame[FRAME];
  size_t held = 0;
  ssize_t n;
  while ((n = recv(s->fd, frame + held, FRAME - held, 0)) > 0) {
    held += (size_t)n;
    if (held < FRAME) continue;
    held = 0;
    s->in_order &= frame[0] == frame[FRAME - 1];
    if (s->stop_after && s->frames == s->stop_after) break;
    s->frames++;
    if (send(s->fd, frame, 1, MSG_NOSIGNAL) != 1) break;
  }
  shutdown(s->fd, SHUT_RDWR);
  return NULL;
}

static void encode(void *arg, struct qun_pack *out, uint32_t frame, uint32_t tenant, uint64_t nth,
                   const struct qun_bench_event *events, uint32_t count) {
  (void)arg, (void)tenant, (void)nth, (void)events, (void)count;
  unsigned char *at = qun__pack_room(out, FRAME);
  cr_assert_not_null(at);
  memset(at, (int)(frame % 251), FRAME);
}

static int take(struct qun_bench_link *link, struct qun_error *err) {
  int n = (int)(link->to - link->from);
  (void)err;
  link->from = link->to;
  return n;
}

static const struct qun_bench_wire wire = {.take = take};

static int run(struct qun_bench_plan plan, uint32_t links, uint32_t groups, uint32_t depth, uint32_t stop_after,
               struct qun_bench_drive *out, struct server *servers, struct qun_error *err) {
  struct qun_bench_frames frames;
  struct qun_bench_link *list = calloc(links, sizeof *list);
  pthread_t threads[16];
  cr_assert_eq(qun_bench_frames_make(&frames, &plan, encode, NULL, err), 0);
  for (uint32_t i = 0; i < links; i++) {
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    list[i].fd = ends[0];
    servers[i] = (struct server){.fd = ends[1], .stop_after = stop_after, .in_order = true};
    cr_assert_eq(pthread_create(&threads[i], NULL, serve, &servers[i]), 0);
  }
  struct qun_bench_drive d = {.plan = &plan,
                              .frames = &frames,
                              .wire = &wire,
                              .links = list,
                              .links_count = links,
                              .groups = groups,
                              .depth = depth};
  int rc = qun_bench_drive(&d, err);
  for (uint32_t i = 0; i < links; i++) {
    shutdown(list[i].fd, SHUT_RDWR);
    pthread_join(threads[i], NULL);
    close(list[i].fd);
    close(servers[i].fd);
  }
  *out = d;
  for (uint32_t i = 0; rc == 0 && i < d.count; i++) cr_assert(d.latency_us[i] > 0);
  qun_bench_drive_fini(&d);
  qun_bench_frames_fini(&frames);
  free(list);
  return rc;
}

Test(tools_qun_bench_driver, every_frame_is_sent_once_and_answered) {
  struct qun_bench_plan plan = {.tenants = 1, .batch = 10, .under_way = 8, .members = 5, .events = 2000};
  struct qun_bench_drive d;
  struct server servers[2];
  struct qun_error err = {0};
  cr_assert_eq(run(plan, 2, 1, 4, 0, &d, servers, &err), 0, "%s", err.message);
  cr_assert_eq(d.events, 2000);
  cr_assert_eq(d.count, 200);
  cr_assert_eq(servers[0].frames + servers[1].frames, 200);
  cr_assert(servers[0].in_order && servers[1].in_order);
  cr_assert(servers[0].frames > 0 && servers[1].frames > 0);
}

Test(tools_qun_bench_driver, a_frame_goes_to_a_link_of_its_tenant) {
  struct qun_bench_plan plan = {.tenants = 4, .batch = 1, .under_way = 3, .members = 5, .events = 100};
  struct qun_bench_drive d;
  struct server servers[4];
  struct qun_error err = {0};
  cr_assert_eq(run(plan, 4, 4, 2, 0, &d, servers, &err), 0, "%s", err.message);
  for (int i = 0; i < 4; i++) cr_assert_eq(servers[i].frames, 25);
}

Test(tools_qun_bench_driver, a_server_that_goes_is_told_of) {
  struct qun_bench_plan plan = {.tenants = 1, .batch = 1, .under_way = 4, .members = 5, .events = 100};
  struct qun_bench_drive d;
  struct server servers[1];
  struct qun_error err = {0};
  cr_assert_eq(run(plan, 1, 1, 4, 7, &d, servers, &err), QUN_EFAIL);
  cr_assert_str_not_empty(err.message);
}
