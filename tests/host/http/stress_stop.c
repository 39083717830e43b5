/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server is stopped as soon as the first of some requests is answered, whose threads may still be at it, again and
 * again. A plain program, as Criterion does not run under ThreadSanitizer; it prints nothing but failures and ends with 1 after one.
 *   stop [ROUNDS]
 */
#include "host/http/listen.h"
#include "host/http/server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS = 3 };

struct stress {
  struct qun_engine *engine;
  struct qun_api *api;
  struct qun_http *http;
  uv_loop_t loop;
  uv_async_t stop;
  char socket[64];
  int failures;
};

static void fail(struct stress *s, const char *what, const char *message) {
  fprintf(stderr, "%s: %s\n", what, message);
  s->failures++;
}

/* Asks, tells the server to stop when the answer begins, and reads what still comes. */
static void *ask(void *arg) {
  struct stress *s = arg;
  static const char request[] = "GET /v1/tenants HTTP/1.1\r\nHost: x\r\n\r\n";
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  char answer[4096];
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(to.sun_path, sizeof to.sun_path, "%s", s->socket);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
      send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
    if (read(fd, answer, sizeof answer) > 0) uv_async_send(&s->stop);
    while (read(fd, answer, sizeof answer) > 0) continue;
  }
  uv_async_send(&s->stop);
  if (fd >= 0) close(fd);
  return NULL;
}

static void on_stopped(void *arg) {
  struct stress *s = arg;
  s->http = NULL;
}

static void on_stop(uv_async_t *async) {
  struct stress *s = async->data;
  if (s->http) qun_http_stop(s->http, on_stopped, s);
  s->http = NULL;
  uv_unref((uv_handle_t *)async); /* the loop ends with the server's handles */
}

static void round_of(struct stress *s) {
  pthread_t clients[CLIENTS];
  struct qun_error err = {0};
  struct qun_http_options o = {.loop = &s->loop, .api = s->api, .tcp_fd = -1};
  if (qun_listen_unix(&o.unix_fd, s->socket, 0600, &err) < 0 || qun_http_start(&s->http, &o, &err) < 0) {
    fail(s, "start", err.message);
    return;
  }
  uv_ref((uv_handle_t *)&s->stop);
  for (int i = 0; i < CLIENTS; i++) {
    if (pthread_create(&clients[i], NULL, ask, s) != 0) abort();
  }
  uv_run(&s->loop, UV_RUN_DEFAULT);
  for (int i = 0; i < CLIENTS; i++) pthread_join(clients[i], NULL);
  unlink(s->socket);
}

static void close_stop(struct stress *s) {
  uv_close((uv_handle_t *)&s->stop, NULL);
  uv_run(&s->loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&s->loop) != 0) fail(s, "loop", "something is still open");
}

int main(int argc, char **argv) {
  char dir[] = "/tmp/qun-stop-XXXXXX", data[64], keys[64], plugins[64], command[80];
  static struct stress s;
  struct qun_error err = {0};
  unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
  if (!mkdtemp(dir)) return 1;
  snprintf(data, sizeof data, "%s/data", dir);
  snprintf(keys, sizeof keys, "%s/keys", dir);
  snprintf(plugins, sizeof plugins, "%s/plugins", dir);
  snprintf(s.socket, sizeof s.socket, "%s/socket", dir);
  struct qun_engine_options o = {.data_dir = data, .keys_dir = keys, .plugins_dir = plugins};
  if (mkdir(plugins, 0700) < 0 || qun_engine_open(&s.engine, &o, &err) < 0 ||
      qun_api_create(&s.api, s.engine, &err) < 0) {
    fail(&s, "open", err.message);
  } else {
    uv_loop_init(&s.loop);
    uv_async_init(&s.loop, &s.stop, on_stop);
    s.stop.data = &s;
    for (unsigned long i = 0; i < rounds; i++) round_of(&s);
    close_stop(&s);
  }
  qun_api_destroy(s.api);
  qun_engine_close(s.engine);
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  if (system(command) != 0) return 1;
  return s.failures ? 1 : 0;
}
