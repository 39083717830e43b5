/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP over TCP and over a Unix socket. libmicrohttpd has no thread of its own: its epoll descriptor is watched by the
 * libuv loop. A request's answer may come from any thread; the connection sleeps until then. A caller on the Unix
 * socket with this process's user or root, and without a token, has the role agency; everybody else needs a token.
 *
 * All functions: the loop's thread.
 */
#ifndef QUN_HOST_HTTP_SERVER_H
#define QUN_HOST_HTTP_SERVER_H

#include "host/ops/api.h"
#include "host/ops/log.h"

#include <uv.h>

struct qun_http;

struct qun_http_options {
  uv_loop_t *loop;
  struct qun_api *api;
  const struct qun_log *log; /* NULL: no lines */
  int tcp_fd;                /* listening (host/http/listen.h), taken over; -1: none */
  int unix_fd;               /* the same; the name in the file system stays the caller's */
  uint64_t body_limit;       /* bytes of one request's body; 0: 16 MiB */
  uint64_t body_budget;      /* bytes of all bodies held at a time; 0: 256 MiB */
  uint32_t connections;      /* at a time, each listener; 0: 1000 */
  uint32_t timeout_s;        /* of a connection that neither sends nor reads; 0: 30 */
  uint32_t drain_s;          /* how long a stop waits for clients that read slowly; 0: 10 */
};

int qun_http_start(struct qun_http **out, const struct qun_http_options *options, struct qun_error *err);
/* Takes no more connections and no more requests, waits for the answers of those begun, closes and frees everything,
 * then calls `stopped`. */
void qun_http_stop(struct qun_http *http, void (*stopped)(void *arg), void *arg);

#endif
