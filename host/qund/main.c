/* SPDX-License-Identifier: Apache-2.0 */
/* qund: the engine, HTTP and the intake socket on one libuv loop. */
#include "host/delivery/delivery.h"
#include "host/http/listen.h"
#include "host/http/server.h"
#include "host/intake/socket.h"
#include "host/qund/settings.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

struct daemon {
  struct qun_qund_settings settings;
  struct qun_log log;
  uv_loop_t loop;
  uv_signal_t sigterm, sigint;
  struct qun_engine *engine;
  struct qun_delivery *delivery;
  struct qun_api *api;
  struct qun_http *http;
  struct qun_intake *intake;
  char address[QUN_ADDRESS_SIZE];
  char unix_path[PATH_MAX], intake_path[PATH_MAX];
  bool stopping;
};

/* ---- stopping: no new work, answers out, loop ends; then the engine commits what waits */

static void part_stopped(void *part) {
  *(void **)part = NULL;
}

static void stop(struct daemon *d, const char *why) {
  if (d->stopping) return;
  d->stopping = true;
  qun_log_line(&d->log, QUN_LOG_INFO, "stopping: %s", why);
  qun_api_drain(d->api);
  if (d->http) qun_http_stop(d->http, part_stopped, &d->http);
  if (d->intake) qun_intake_stop(d->intake, part_stopped, &d->intake);
  uv_close((uv_handle_t *)&d->sigterm, NULL);
  uv_close((uv_handle_t *)&d->sigint, NULL);
}

static void on_signal(uv_signal_t *handle, int number) {
  stop(handle->data, number == SIGINT ? "SIGINT" : "SIGTERM");
}

/* ---- starting */

static int path_in(char out[PATH_MAX], const char *dir, const char *name, struct qun_error *err) {
  int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);
  if (n < 0 || n >= PATH_MAX) return qun_error_set(err, QUN_EINVAL, "the path of \"%s\" is too long", dir);
  return 0;
}

/* On the delivery's thread. */
static void delivery_line(void *arg, int level, const char *line) {
  struct daemon *d = arg;
  qun_log_line(&d->log, level, "%s", line);
}

static int open_delivery(struct daemon *d, struct qun_error *err) {
  struct qun_delivery_options options = {.allow_loopback = qun_qund_number(d->settings.allow_loopback) != 0,
                                         .sweep = true,
                                         .log = delivery_line,
                                         .log_arg = d};
  return qun_delivery_start(&d->delivery, d->engine, &options, err);
}

static int open_engine(struct daemon *d, struct qun_error *err) {
  const struct qun_qund_settings *s = &d->settings;
  struct qun_engine_options options = {
      .data_dir = s->data,
      .keys_dir = s->keys,
      .plugins_dir = s->plugins,
      .shards = (uint32_t)qun_qund_number(s->shards),
      .readers = (uint32_t)qun_qund_number(s->readers),
      .queue_events = (uint32_t)qun_qund_number(s->queue),
      .allow_untrusted = qun_qund_number(s->allow_untrusted) != 0,
      .live = true,
  };
  int rc = qun_engine_open(&d->engine, &options, err);
  if (rc < 0) return rc;
  const struct qun_plugin_set *plugins = qun_engine_plugins(d->engine);
  for (uint32_t i = 0; i < plugins->refused_count; i++)
    qun_log_line(&d->log, QUN_LOG_WARN, "plugin refused: %s: %s", plugins->refused[i].dir, plugins->refused[i].reason);
  rc = open_delivery(d, err);
  return rc < 0 ? rc : qun_api_create(&d->api, d->engine, err);
}

static int open_http(struct daemon *d, struct qun_error *err) {
  const struct qun_qund_settings *s = &d->settings;
  int tcp = -1, local = -1;
  int rc = path_in(d->unix_path, s->data, "qund.sock", err);
  if (rc == 0 && strcmp(s->listen, "off") != 0) rc = qun_listen_tcp(&tcp, d->address, s->listen, err);
  if (rc == 0) rc = qun_listen_unix(&local, d->unix_path, 0600, err);
  if (rc < 0) {
    if (tcp >= 0) close(tcp);
    d->unix_path[0] = '\0';
    return rc;
  }
  struct qun_http_options options = {
      .loop = &d->loop,
      .api = d->api,
      .log = &d->log,
      .tcp_fd = tcp,
      .unix_fd = local,
      .body_limit = qun_qund_number(s->body_limit),
      .body_budget = qun_qund_number(s->body_budget),
      .connections = (uint32_t)qun_qund_number(s->connections),
      .timeout_s = (uint32_t)qun_qund_number(s->timeout),
      .drain_s = (uint32_t)qun_qund_number(s->drain),
  };
  return qun_http_start(&d->http, &options, err);
}

static int open_intake(struct daemon *d, struct qun_error *err) {
  const struct qun_qund_settings *s = &d->settings;
  int fd;
  int rc = 0;
  if (s->socket) {
    if (strlen(s->socket) >= sizeof d->intake_path)
      rc = qun_error_set(err, QUN_EINVAL, "the path of the socket is too long");
    else
      strcpy(d->intake_path, s->socket);
  } else {
    rc = path_in(d->intake_path, s->data, "intake.sock", err);
  }
  /* Group members may connect; what they may do, their token says. */
  if (rc == 0) rc = qun_listen_unix(&fd, d->intake_path, 0660, err);
  if (rc < 0) {
    d->intake_path[0] = '\0';
    return rc;
  }
  struct qun_intake_options options = {
      .loop = &d->loop,
      .engine = d->engine,
      .api = d->api,
      .log = &d->log,
      .fd = fd,
      .max_frame = (uint32_t)qun_qund_number(s->body_limit),
      .window = (uint32_t)qun_qund_number(s->window),
      .connections = (uint32_t)qun_qund_number(s->socket_connections),
      .drain_s = (uint32_t)qun_qund_number(s->drain),
  };
  return qun_intake_start(&d->intake, &options, err);
}

static void watch_signals(struct daemon *d) {
  uv_signal_init(&d->loop, &d->sigterm);
  uv_signal_init(&d->loop, &d->sigint);
  d->sigterm.data = d->sigint.data = d;
  uv_signal_start(&d->sigterm, on_signal, SIGTERM);
  uv_signal_start(&d->sigint, on_signal, SIGINT);
}

static void say_ready(struct daemon *d) {
  const struct qun_plugin_set *plugins = qun_engine_plugins(d->engine);
  printf("qund ready: %s%s, %s, %s; %u plugins, data %s\n", d->address[0] ? "http://" : "HTTP off", d->address,
         d->unix_path, d->intake_path, plugins->count, d->settings.data);
  fflush(stdout);
}

static int run(struct daemon *d, struct qun_error *err) {
  uv_loop_init(&d->loop);
  int rc = open_engine(d, err);
  if (rc == 0) watch_signals(d);
  bool watching = rc == 0;
  if (rc == 0) rc = open_http(d, err);
  if (rc == 0) rc = open_intake(d, err);
  if (rc == 0)
    say_ready(d);
  else if (watching)
    stop(d, "could not start");
  uv_run(&d->loop, UV_RUN_DEFAULT);
  qun_api_destroy(d->api);
  qun_delivery_stop(d->delivery);
  qun_engine_close(d->engine);
  if (d->unix_path[0]) unlink(d->unix_path);
  if (d->intake_path[0]) unlink(d->intake_path);
  uv_loop_close(&d->loop);
  if (rc == 0) qun_log_line(&d->log, QUN_LOG_INFO, "stopped; all that was acknowledged is committed");
  return rc;
}

int main(int argc, char **argv) {
  static struct daemon d; /* large: paths */
  struct qun_error err = {0};
  enum qun_qund_wish wish;
  int status = 0;
  d.log = (struct qun_log){.level = QUN_LOG_INFO, .fd = STDERR_FILENO};
  signal(SIGPIPE, SIG_IGN);
  int rc = qun_qund_settings_read(&d.settings, argc, argv, &wish, &err);
  if (rc == 0 && !wish && (d.log.level = qun_log_level(d.settings.log_level)) < 0)
    rc = qun_error_set(&err, QUN_EINVAL, "log_level must be debug, info, warn or error, not \"%s\"",
                       d.settings.log_level);
  if (rc < 0) {
    fprintf(stderr, "qund: %s\n", err.message);
    status = EXIT_USAGE;
  } else if (wish == QUN_QUND_HELP) {
    qun_qund_help(stdout);
  } else if (wish == QUN_QUND_VERSION) {
    puts("qund " QUN_VERSION);
  } else if (run(&d, &err) < 0) {
    fprintf(stderr, "qund: %s\n", err.message);
    status = EXIT_COULD_NOT;
  }
  qun_qund_settings_fini(&d.settings);
  return status;
}
