/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/host/support/loop.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void part_stopped(void *part) {
  *(void **)part = NULL;
}

static void on_stop(uv_async_t *async) {
  struct loop *l = async->data;
  if (uv_is_closing((uv_handle_t *)async)) return;
  qun_api_drain(l->api);
  qun_http_stop(l->http, part_stopped, &l->http);
  qun_intake_stop(l->intake, part_stopped, &l->intake);
  uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *arg) {
  struct loop *l = arg;
  uv_run(&l->uv, UV_RUN_DEFAULT);
  return NULL;
}

static void make_tenants(struct loop *l) {
  static const char *const names[LOOP_TENANTS] = {"aaaa", "bbbb"};
  struct qun_error err;
  for (int i = 0; i < LOOP_TENANTS; i++) {
    cr_assert_eq(qun_engine_tenant_create(l->engine, &(struct qun_tenant_spec){.name = names[i]}, &err), 0, "%s",
                 err.message);
    for (int role = QUN_ROLE_INGEST; role <= QUN_ROLE_OWNER; role++)
      cr_assert_eq(qun_tokens_add(qun_api_tokens(l->api), names[i], (enum qun_role)role, 0, l->tokens[i][role], &err),
                   0);
  }
}

void loop_start(struct loop *l) {
  struct qun_error err = {0};
  int tcp, local, intake;
  memset(l, 0, sizeof *l);
  signal(SIGPIPE, SIG_IGN);
  l->engine = fake_engine_create();
  cr_assert_eq(qun_api_create(&l->api, l->engine, &err), 0, "%s", err.message);
  make_tenants(l);
  strcpy(l->dir, "/tmp/qun-loop-XXXXXX");
  cr_assert_not_null(mkdtemp(l->dir));
  snprintf(l->http_path, sizeof l->http_path, "%s/http", l->dir);
  snprintf(l->intake_path, sizeof l->intake_path, "%s/intake", l->dir);
  cr_assert_eq(qun_listen_tcp(&tcp, l->address, "127.0.0.1:0", &err), 0, "%s", err.message);
  cr_assert_eq(qun_listen_unix(&local, l->http_path, 0600, &err), 0, "%s", err.message);
  cr_assert_eq(qun_listen_unix(&intake, l->intake_path, 0600, &err), 0, "%s", err.message);
  uv_loop_init(&l->uv);
  uv_async_init(&l->uv, &l->stop, on_stop);
  l->stop.data = l;
  struct qun_http_options http = {.loop = &l->uv,
                                  .api = l->api,
                                  .tcp_fd = tcp,
                                  .unix_fd = local,
                                  .body_limit = LOOP_BODY_LIMIT,
                                  .body_budget = 1u << 20,
                                  .drain_s = 2};
  struct qun_intake_options socket = {.loop = &l->uv,
                                      .engine = l->engine,
                                      .api = l->api,
                                      .fd = intake,
                                      .max_frame = LOOP_BODY_LIMIT,
                                      .window = 4,
                                      .drain_s = 2};
  cr_assert_eq(qun_http_start(&l->http, &http, &err), 0, "%s", err.message);
  cr_assert_eq(qun_intake_start(&l->intake, &socket, &err), 0, "%s", err.message);
  cr_assert_eq(pthread_create(&l->thread, NULL, run, l), 0);
}

void loop_stop_begin(struct loop *l) {
  uv_async_send(&l->stop);
}

void loop_stop(struct loop *l) {
  uv_async_send(&l->stop);
  pthread_join(l->thread, NULL);
  cr_assert_null(l->http);
  cr_assert_null(l->intake);
  cr_assert_eq(uv_loop_close(&l->uv), 0, "every handle was closed");
  qun_api_destroy(l->api);
  fake_engine_destroy(l->engine);
  unlink(l->http_path);
  unlink(l->intake_path);
  rmdir(l->dir);
}

/* ---- clients */

/* No answer within this is a failure, not a wait without end. */
static void set_patience(int fd) {
  struct timeval patience = {.tv_sec = 60};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

int client_tcp(const struct loop *l) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  at.sin_port = htons((uint16_t)atoi(strrchr(l->address, ':') + 1));
  cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
  set_patience(fd);
  return fd;
}

int client_unix(const char *path) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  strcpy(at.sun_path, path);
  cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
  set_patience(fd);
  return fd;
}

bool client_write(int fd, const void *bytes, size_t len) {
  const char *at = bytes;
  while (len > 0) {
    ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
    if (n <= 0) return false;
    at += n;
    len -= (size_t)n;
  }
  return true;
}

size_t client_read(int fd, char *out, size_t size, const char *until) {
  size_t len = 0;
  out[0] = '\0';
  while (len + 1 < size && !(until && strstr(out, until))) {
    ssize_t n = recv(fd, out + len, size - 1 - len, 0);
    cr_assert(n >= 0 || errno != EAGAIN, "no answer came");
    if (n <= 0) break;
    len += (size_t)n;
    out[len] = '\0';
  }
  return len;
}

bool frame_write(int fd, const struct qun_pack *content) {
  unsigned char head[4];
  qun__put_be(head, content->len, 4);
  return client_write(fd, head, 4) && client_write(fd, content->buf, content->len);
}

static int read_exactly(int fd, unsigned char *out, size_t len) {
  while (len > 0) {
    ssize_t n = recv(fd, out, len, 0);
    cr_assert(n >= 0 || errno != EAGAIN, "no answer came");
    if (n <= 0) return 0;
    out += n;
    len -= (size_t)n;
  }
  return 1;
}

int frame_read(int fd, qun_slice *content) {
  unsigned char head[4];
  if (!read_exactly(fd, head, 4)) return 0;
  size_t len = (size_t)qun__get_be(head, 4);
  unsigned char *bytes = malloc(len);
  cr_assert_not_null(bytes);
  cr_assert(read_exactly(fd, bytes, len));
  *content = qun_slice_of(bytes, len);
  return 1;
}
