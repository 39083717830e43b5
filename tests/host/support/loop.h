/* SPDX-License-Identifier: Apache-2.0 */
/* A libuv loop on a thread of its own, with the HTTP server and the intake socket over the fake engine; and blocking
 * clients for them. */
#ifndef QUN_TESTS_HOST_SUPPORT_LOOP_H
#define QUN_TESTS_HOST_SUPPORT_LOOP_H

#include "host/http/listen.h"
#include "host/http/server.h"
#include "host/http/tokens.h"
#include "host/intake/socket.h"
#include "tests/host/support/fake_engine.h"

enum { LOOP_TENANTS = 2, LOOP_BODY_LIMIT = 100000 };

struct loop {
  struct qun_engine *engine;
  struct qun_api *api;
  uv_loop_t uv;
  uv_async_t stop;
  pthread_t thread;
  struct qun_http *http;
  struct qun_intake *intake;
  char address[QUN_ADDRESS_SIZE];
  char dir[64], http_path[96], intake_path[96];
  char tokens[LOOP_TENANTS][QUN_ROLE_AGENCY][QUN_TOKEN_SIZE]; /* of tenants "aaaa" and "bbbb", by role */
};

void loop_start(struct loop *l);
/* As SIGTERM does: drains and waits for the end of the loop. Then everything is freed. */
void loop_stop(struct loop *l);
/* Begins the stop and does not wait; loop_stop() waits. */
void loop_stop_begin(struct loop *l);

int client_tcp(const struct loop *l);
int client_unix(const char *path);
/* Writes all; false: the other side closed. */
bool client_write(int fd, const void *bytes, size_t len);
/* Reads up to the end of the connection or `until` (NULL: the end) into `out` as text. Answers how much. */
size_t client_read(int fd, char *out, size_t size, const char *until);

/* One frame each way, for the intake socket. *content is malloc'ed; 0: the end. */
bool frame_write(int fd, const struct qun_pack *content);
int frame_read(int fd, qun_slice *content);

#endif
