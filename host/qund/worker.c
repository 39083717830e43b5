/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/worker.h"

#include "host/delivery/delivery.h"
#include "host/http/server.h"
#include "host/intake/socket.h"
#include "host/qund/crash.h"
#include "host/qund/limits.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* The stop signals, as tables of numbers, names and handles. */
static const struct {
  int number;
  const char *name;
} stops[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGHUP, "SIGHUP"}};

enum { STOPS = (int)(sizeof stops / sizeof *stops) };

struct daemon {
  const struct qun_qund_settings *settings;
  const struct qun_log *log;
  const struct qun_qund_handover *handover; /* NULL: not supervised */
  struct qun_qund_sockets sockets;
  struct qun_api_worker story;
  uv_loop_t loop;
  uv_signal_t signals[STOPS];
  uv_async_t again_wish;
  bool again; /* another worker shall come */
  struct qun_engine *engine;
  struct qun_delivery *delivery;
  struct qun_api *api;
  struct qun_http *http;
  struct qun_intake *intake;
  bool stopping;
};

static int64_t steady_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- stopping: no new work, answers out, loop ends; then the engine commits what waits */

static void part_stopped(void *part) {
  *(void **)part = NULL;
}

static void stop(struct daemon *d, const char *why) {
  if (d->stopping) return;
  d->stopping = true;
  qun_log_line(d->log, QUN_LOG_INFO, "stopping: %s", why);
  if (d->api) qun_api_drain(d->api);
  if (d->http) qun_http_stop(d->http, part_stopped, &d->http);
  if (d->intake) qun_intake_stop(d->intake, part_stopped, &d->intake);
}

static void on_signal(uv_signal_t *handle, int number) {
  for (int i = 0; i < STOPS; i++)
    if (stops[i].number == number) stop(handle->data, stops[i].name);
}

static void on_again(uv_async_t *handle) {
  struct daemon *d = handle->data;
  d->again = !d->stopping;
  stop(d, "another worker takes over");
}

/* Any thread. */
static void wish_again(void *arg) {
  struct daemon *d = arg;
  uv_async_send(&d->again_wish);
}

/* ---- starting */

/* On the delivery's thread. */
static void delivery_line(void *arg, int level, const char *line) {
  struct daemon *d = arg;
  qun_log_line(d->log, level, "%s", line);
}

static int open_delivery(struct daemon *d, struct qun_error *err) {
  struct qun_delivery_options options = {.allow_loopback = qun_qund_number(d->settings->allow_loopback) != 0,
                                         .sweep = true,
                                         .log = delivery_line,
                                         .log_arg = d};
  return qun_delivery_start(&d->delivery, d->engine, &options, err);
}

/* What the journal still had for the stores. */
static void say_recovered(struct daemon *d) {
  struct qun_recovery r;
  qun_engine_recovery(d->engine, &r);
  if (r.entries + r.skipped + r.spilled + r.damaged == 0) return;
  qun_log_line(
      d->log, r.damaged || r.spilled ? QUN_LOG_WARN : QUN_LOG_INFO,
      "journal: %llu entries (%llu events) of %u tenants applied, %llu were applied before, %llu kept for parked "
      "tenants, %u segments damaged; %u ms",
      (unsigned long long)r.entries, (unsigned long long)r.events, r.tenants, (unsigned long long)r.skipped,
      (unsigned long long)r.spilled, r.damaged, r.ms);
}

/* Who brought the worker before down, and who does not run. */
static void say_plugins(struct daemon *d) {
  const struct qun_plugin_set *plugins = qun_engine_plugins(d->engine);
  const char *const *sentences;
  uint32_t n = qun_engine_came_down(d->engine, &sentences);
  for (uint32_t i = 0; i < n; i++)
    qun_log_line(d->log, QUN_LOG_ERROR, "the worker before came down by plugin %s", sentences[i]);
  for (uint32_t i = 0; i < plugins->count; i++)
    if (plugins->plugins[i].where == QUN_PARKED)
      qun_log_line(d->log, QUN_LOG_ERROR, "plugin %s is parked: %s", plugins->plugins[i].manifest->id,
                   plugins->plugins[i].aside);
  for (uint32_t i = 0; i < plugins->refused_count; i++)
    qun_log_line(d->log, QUN_LOG_WARN, "plugin refused: %s: %s", plugins->refused[i].dir, plugins->refused[i].reason);
}

static int open_engine(struct daemon *d, struct qun_error *err) {
  const struct qun_qund_settings *s = d->settings;
  struct qun_engine_options options = {
      .data_dir = s->data,
      .keys_dir = s->keys,
      .plugins_dir = s->plugins,
      .shards = (uint32_t)qun_qund_number(s->shards),
      .readers = (uint32_t)qun_qund_number(s->readers),
      .open_tenants = (uint32_t)qun_qund_number(s->open_tenants),
      .tenant_memory = qun_qund_number(s->tenant_memory),
      .queue_events = (uint32_t)qun_qund_number(s->queue),
      .allow_untrusted = qun_qund_number(s->allow_untrusted) != 0,
      .isolation = {.runner = {.memory_bytes = qun_qund_number(s->runner_memory),
                               .cpu_s = qun_qund_number(s->runner_cpu),
                               .callback_ms = (uint32_t)qun_qund_number(s->runner_callback),
                               .require = s->sandbox_require},
                    .isolate = s->isolate,
                    .runners_max = (uint32_t)qun_qund_number(s->runners),
                    .idle_ms = (uint32_t)qun_qund_number(s->runner_idle) * 1000},
      .signatures = (enum qun_signatures)qun_signatures_of(s->signatures),
      .callback_ms = (uint32_t)qun_qund_number(s->callback_ms),
      .hang_log = strcmp(s->hang, "log") == 0,
      .safe_mode = qun_qund_number(s->safe_mode) != 0,
      .exited = d->handover && strncmp(d->handover->reason, "exit code", 9) == 0,
      .journal = qun_qund_number(s->journal) != 0,
      .journal_segment = (uint32_t)qun_qund_number(s->journal_segment),
      .live = true,
  };
  int64_t before = steady_ms();
  int rc = qun_engine_open(&d->engine, &options, err);
  if (rc < 0) return rc;
  d->story.open_ms = steady_ms() - before;
  say_recovered(d);
  say_plugins(d);
  const struct qun_plugin_set *plugins = qun_engine_plugins(d->engine);
  for (uint32_t i = 0; i < plugins->count && options.signatures == QUN_SIGNATURES_WARN; i++)
    if (!plugins->plugins[i].trusted)
      qun_log_line(d->log, QUN_LOG_WARN, "plugin %s is not trusted: %s", plugins->plugins[i].manifest->id,
                   plugins->plugins[i].package->reason);
  rc = open_delivery(d, err);
  if (rc == 0) rc = qun_api_create(&d->api, d->engine, err);
  if (rc == 0) qun_api_set_worker(d->api, &d->story);
  return rc;
}

/* What takes a socket over closes it also when it fails. */
static int take_over(int *fd) {
  int taken = *fd;
  *fd = -1;
  return taken;
}

static int open_http(struct daemon *d, struct qun_error *err) {
  const struct qun_qund_settings *s = d->settings;
  struct qun_http_options options = {
      .loop = &d->loop,
      .api = d->api,
      .log = d->log,
      .tcp_fd = take_over(&d->sockets.tcp),
      .unix_fd = take_over(&d->sockets.api),
      .body_limit = qun_qund_number(s->body_limit),
      .body_budget = qun_qund_number(s->body_budget),
      .connections = (uint32_t)qun_qund_number(s->connections),
      .timeout_s = (uint32_t)qun_qund_number(s->timeout),
      .drain_s = (uint32_t)qun_qund_number(s->drain),
  };
  return qun_http_start(&d->http, &options, err);
}

static int open_intake(struct daemon *d, struct qun_error *err) {
  const struct qun_qund_settings *s = d->settings;
  struct qun_intake_options options = {
      .loop = &d->loop,
      .engine = d->engine,
      .api = d->api,
      .log = d->log,
      .fd = take_over(&d->sockets.intake),
      .max_frame = (uint32_t)qun_qund_number(s->body_limit),
      .window = (uint32_t)qun_qund_number(s->window),
      .connections = (uint32_t)qun_qund_number(s->socket_connections),
      .drain_s = (uint32_t)qun_qund_number(s->drain),
  };
  return qun_intake_start(&d->intake, &options, err);
}

/* They do not keep the loop running, and stay caught until its end: a service manager tells worker and supervisor. */
static void watch_signals(struct daemon *d) {
  for (int i = 0; i < STOPS; i++) {
    struct sigaction now;
    bool ignored = sigaction(stops[i].number, NULL, &now) == 0 && now.sa_handler == SIG_IGN; /* nohup */
    uv_signal_init(&d->loop, &d->signals[i]);
    d->signals[i].data = d;
    if (!ignored) uv_signal_start(&d->signals[i], on_signal, stops[i].number);
    uv_unref((uv_handle_t *)&d->signals[i]);
  }
  uv_async_init(&d->loop, &d->again_wish, on_again);
  d->again_wish.data = d;
  uv_unref((uv_handle_t *)&d->again_wish);
}

static void leave_signals(struct daemon *d) {
  for (int i = 0; i < STOPS; i++) uv_close((uv_handle_t *)&d->signals[i], NULL);
  uv_close((uv_handle_t *)&d->again_wish, NULL);
  uv_run(&d->loop, UV_RUN_DEFAULT);
}

/* What an earlier life had acknowledged and not applied. */
static void say_recovery(const struct daemon *d) {
  struct qun_recovery r;
  qun_engine_recovery(d->engine, &r);
  if (r.entries || r.spilled)
    qun_log_line(d->log, QUN_LOG_INFO,
                 "recovered %" PRIu64 " entries of the journal, %" PRIu64 " events of %" PRIu32 " tenants, in %" PRIu32
                 " ms; %" PRIu64 " entries wait for parked tenants",
                 r.entries, r.events, r.tenants, r.ms, r.spilled);
  if (r.damaged)
    qun_log_line(d->log, QUN_LOG_ERROR, "%" PRIu32 " segments of the journal are damaged: what was behind it is lost",
                 r.damaged);
}

/* The line on stdout comes once, whatever worker is the first to serve. */
static void say_ready(struct daemon *d) {
  const struct qun_qund_sockets *at = &d->sockets;
  if (!d->handover || !d->handover->announced) {
    printf("qund ready: %s%s, %s, %s; %u plugins, data %s\n", at->address[0] ? "http://" : "HTTP off", at->address,
           at->api_path, at->intake_path, qun_engine_plugins(d->engine)->count, d->settings->data);
    fflush(stdout);
  }
  if (d->handover && write(d->handover->status, &(char){QUN_QUND_SAYS_SERVING}, 1) < 0)
    qun_log_line(d->log, QUN_LOG_WARN, "the supervisor cannot be told that this worker serves");
  say_recovery(d);
  if (!d->handover || !d->handover->restarts) return;
  d->story.gap_ms = d->handover->died_ms ? steady_ms() - d->handover->died_ms : 0;
  qun_log_line(d->log, QUN_LOG_INFO,
               "worker serves again, restart %" PRIu32 " after %s: opened in %" PRId64 " ms, %" PRId64
               " ms without a worker",
               d->story.restarts, d->story.reason, d->story.open_ms, d->story.gap_ms);
}

static int run(struct daemon *d, struct qun_error *err) {
  uv_loop_init(&d->loop);
  int rc = open_engine(d, err);
  watch_signals(d);
  if (rc == 0) rc = open_http(d, err);
  if (rc == 0) rc = open_intake(d, err);
  if (rc == 0)
    say_ready(d);
  else
    stop(d, "could not start");
  uv_run(&d->loop, UV_RUN_DEFAULT);
  qun_api_destroy(d->api);
  qun_delivery_stop(d->delivery);
  qun_engine_close(d->engine);
  leave_signals(d);
  uv_loop_close(&d->loop);
  if (rc == 0) qun_log_line(d->log, QUN_LOG_INFO, "stopped; all that was acknowledged is committed");
  return rc;
}

int qun_qund_worker_run(const struct qun_qund_settings *settings, const struct qun_log *log,
                        const struct qun_qund_handover *handover, struct qun_error *err) {
  struct daemon *d = calloc(1, sizeof *d); /* large: paths */
  char last = QUN_QUND_SAYS_ENDED;
  if (!d) return qun_error_set(err, QUN_EFAIL, "there is no memory for the daemon");
  qun_qund_limits_raise();
  *d = (struct daemon){.settings = settings, .log = log, .handover = handover, .story = {.supervised = handover}};
  int rc;
  if (handover) {
    prctl(PR_SET_NAME, "qund-worker");
    qun_qund_crash_watch(handover->status);
    d->story.restarts = handover->restarts;
    d->story.again = wish_again;
    d->story.again_arg = d;
    snprintf(d->story.reason, sizeof d->story.reason, "%s", handover->reason);
    rc = qun_qund_sockets_inherit(&d->sockets, settings, handover->tcp, handover->api, handover->intake, err);
  } else {
    qun_qund_crash_watch(-1);
    snprintf(d->story.reason, sizeof d->story.reason, "none");
    rc = qun_qund_sockets_open(&d->sockets, settings, err);
  }
  if (rc == 0) rc = run(d, err);
  qun_qund_sockets_close(&d->sockets);
  if (d->again) last = QUN_QUND_SAYS_AGAIN;
  if (rc == 0 && handover && write(handover->status, &last, 1) < 0)
    qun_log_line(log, QUN_LOG_WARN, "the supervisor cannot be told that this worker has stopped");
  free(d);
  return rc;
}
