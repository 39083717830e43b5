/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench ingest: how many events a second a qund of its own takes in, counted from the first byte sent to the last
 * answer, which comes after the commit on disk; over the Unix socket, with every plugin on. Each round is a new tenant;
 * each round's count is checked against what the tenant holds.
 */
#include "host/ops/json.h"
#include "tools/qun/bench_daemon.h"
#include "tools/qun/bench_events.h"
#include "tools/qun/cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 99 };

struct bench {
  struct qun_cli *cli;
  struct qun_bench_daemon daemon;
  struct qun_client *client;
  int64_t events, rounds, batch, window;
  struct qun_pack *frames; /* a round's batches, made before the clock starts */
  uint32_t frames_count;
  double rates[ROUNDS_MAX];
};

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int make_frames(struct bench *b, struct qun_error *err) {
  b->frames_count = (uint32_t)((b->events + b->batch - 1) / b->batch);
  b->frames = calloc(b->frames_count, sizeof *b->frames);
  if (!b->frames) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; i < b->frames_count; i++) {
    struct qun_pack *p = &b->frames[i];
    int64_t first = (int64_t)i * b->batch, n = b->events - first < b->batch ? b->events - first : b->batch;
    qun_pack_map(p, 2);
    qun_pack_kv_int(p, "batch", i);
    qun_pack_cstr(p, "events");
    qun_pack_array(p, (uint32_t)n);
    for (int64_t k = 0; k < n; k++) qun_bench_event(p, 1, (uint64_t)(first + k));
    if (p->failed) return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  return 0;
}

static int ask(struct bench *b, const char *method, const char *path, const char *json, struct qun_pack *reply,
               struct qun_error *err) {
  struct qun_client_answer answer;
  struct qun_client_request request = {.method = method,
                                       .path = path,
                                       .content_type = json ? "application/json" : NULL,
                                       .body = qun_str(json)};
  int rc = qun_client_request(b->client, &request, &answer, err);
  if (rc < 0) return rc;
  if (answer.status >= 300)
    rc = qun_error_set(err, QUN_EFAIL, "%s %s: status %d", method, path, answer.status);
  else
    rc = qun_json_to_msgpack(reply, qun_pack_slice(&answer.body), err);
  qun_client_answer_fini(&answer);
  return rc;
}

/* A tenant for this round; its ingest token. */
static int make_tenant(struct bench *b, int64_t round, char token[128], struct qun_error *err) {
  struct qun_pack reply;
  qun_slice tokens, t = {0};
  char json[64];
  qun_pack_init(&reply);
  snprintf(json, sizeof json, "{\"name\":\"bench-%lld\"}", (long long)round);
  int rc = ask(b, "POST", "/v1/tenants", json, &reply, err);
  if (rc == 0 && qun_mp_find(qun_pack_slice(&reply), "tokens", &tokens)) t = qun_mp_str(tokens, "ingest");
  if (rc == 0 && (t.len == 0 || t.len > 127)) rc = qun_error_set(err, QUN_EFAIL, "the new tenant has no ingest token");
  if (rc == 0) snprintf(token, 128, "%.*s", (int)t.len, (const char *)t.ptr);
  qun_pack_fini(&reply);
  return rc;
}

/* Every event is in the log, and every plugin has seen it. */
static int check_tenant(struct bench *b, int64_t round, uint32_t *plugins, struct qun_error *err) {
  struct qun_pack reply;
  struct qun_unpack u;
  qun_slice list, name, p;
  char path[64];
  uint32_t n = 0;
  qun_pack_init(&reply);
  snprintf(path, sizeof path, "/v1/tenants/bench-%lld", (long long)round);
  int rc = ask(b, "GET", path, NULL, &reply, err);
  qun_slice map = qun_pack_slice(&reply);
  int64_t events = rc == 0 ? qun_mp_int(map, "events", -1) : 0, seq = rc == 0 ? qun_mp_int(map, "seq", -1) : 0;
  if (rc == 0 && events != b->events)
    rc = qun_error_set(err, QUN_EFAIL, "%lld events were acknowledged, the tenant holds %lld", (long long)b->events,
                       (long long)events);
  if (rc == 0 && !qun_mp_find(map, "plugins", &list)) rc = qun_error_set(err, QUN_EFAIL, "the tenant names no plugins");
  if (rc == 0) {
    qun_unpack_init(&u, list);
    qun_unpack_map(&u, &n);
    *plugins = n;
    for (; rc == 0 && n > 0 && qun_unpack_str(&u, &name) && qun_unpack_any(&u, &p); n--)
      if (!qun_slice_is(qun_mp_str(p, "status"), "live") || qun_mp_int(p, "cursor", -1) != seq)
        rc =
            qun_error_set(err, QUN_EFAIL, "plugin %.*s has not seen all events", (int)name.len, (const char *)name.ptr);
  }
  qun_pack_fini(&reply);
  return rc;
}

static int take_answer(int fd, struct qun_pack *room, int64_t *accepted, struct qun_error *err) {
  int rc = qun_bench_receive(fd, room, err);
  if (rc < 0) return rc;
  qun_slice refusal = qun_mp_str(qun_pack_slice(room), "error");
  if (refusal.len)
    return qun_error_set(err, QUN_EFAIL, "a batch was refused: %.*s", (int)refusal.len, (const char *)refusal.ptr);
  *accepted += qun_mp_int(qun_pack_slice(room), "accepted", 0);
  return 0;
}

static int run_round(struct bench *b, int64_t round, uint32_t *plugins, struct qun_error *err) {
  struct qun_pack room;
  char token[128];
  int64_t accepted = 0;
  uint32_t under_way = 0;
  int fd;
  int rc = make_tenant(b, round, token, err);
  if (rc == 0) rc = qun_bench_connect(&b->daemon, token, &fd, err);
  if (rc < 0) return rc;
  qun_pack_init(&room);
  double begun = now_s();
  for (uint32_t i = 0; rc == 0 && i < b->frames_count; i++) {
    rc = qun_bench_send(fd, qun_pack_slice(&b->frames[i]), err);
    if (rc == 0 && ++under_way == b->window) {
      rc = take_answer(fd, &room, &accepted, err);
      under_way--;
    }
  }
  while (rc == 0 && under_way-- > 0) rc = take_answer(fd, &room, &accepted, err);
  double seconds = now_s() - begun;
  qun_pack_fini(&room);
  close(fd);
  if (rc == 0 && accepted != b->events)
    rc = qun_error_set(err, QUN_EFAIL, "of %lld events %lld were accepted", (long long)b->events, (long long)accepted);
  if (rc == 0) rc = check_tenant(b, round, plugins, err);
  b->rates[round] = (double)b->events / seconds;
  return rc;
}

static int by_rate(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void print_result(struct bench *b, uint32_t plugins) {
  qsort(b->rates, (size_t)b->rounds, sizeof b->rates[0], by_rate);
  double least = b->rates[0], median = b->rates[b->rounds / 2], most = b->rates[b->rounds - 1];
  if (b->cli->json)
    fprintf(b->cli->out,
            "{\"case\":\"ingest\",\"unit\":\"events/"
            "s\",\"batch\":%lld,\"window\":%lld,\"events\":%lld,\"rounds\":%lld,\"plugins\":%u,"
            "\"ours\":{\"min\":%.0f,\"median\":%.0f,\"max\":%.0f},\"rival\":null,\"ratio\":null}\n",
            (long long)b->batch, (long long)b->window, (long long)b->events, (long long)b->rounds, plugins, least,
            median, most);
  else
    fprintf(b->cli->out,
            "ingest: min %.0f  median %.0f  max %.0f events/s  (batches of %lld, %lld under way, %u plugins, %lld "
            "rounds of %lld, durable)\n",
            least, median, most, (long long)b->batch, (long long)b->window, plugins, (long long)b->rounds,
            (long long)b->events);
}

static int run(struct bench *b, struct qun_error *err) {
  struct qun_client_options options = {.data = b->daemon.data, .keys = b->daemon.keys};
  struct qun_progress progress;
  uint32_t plugins = 0;
  int rc = make_frames(b, err);
  if (rc == 0) rc = qun_client_open(&b->client, &options, err);
  qun_progress_begin(&progress, b->cli, "bench ingest");
  for (int64_t round = 0; rc == 0 && round < b->rounds; round++) {
    rc = run_round(b, round, &plugins, err);
    qun_progress_draw(&progress, (uint64_t)round + 1, (uint64_t)b->rounds, NULL);
  }
  qun_progress_end(&progress);
  if (rc == 0) print_result(b, plugins);
  qun_client_close(b->client);
  for (uint32_t i = 0; b->frames && i < b->frames_count; i++) qun_pack_fini(&b->frames[i]);
  free(b->frames);
  return rc;
}

int qun_cmd_bench(struct qun_cli *cli) {
  struct bench b = {.cli = cli};
  struct qun_error err = {0};
  const char *name = qun_args_word(&cli->args, 0), *dir = qun_args_flag(&cli->args, "dir");
  if (strcmp(name, "ingest") != 0) return qun_cli_usage(cli, "there is no benchmark \"%s\"; there is ingest", name);
  int rc = qun_args_number(&cli->args, "events", 200000, 1, 100000000, &b.events, &err);
  if (rc == 0) rc = qun_args_number(&cli->args, "rounds", 5, 1, ROUNDS_MAX, &b.rounds, &err);
  if (rc == 0) rc = qun_args_number(&cli->args, "batch", 1000, 1, 10000, &b.batch, &err);
  if (rc == 0) rc = qun_args_number(&cli->args, "window", 4, 1, 8, &b.window, &err);
  if (rc < 0) return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  rc = qun_bench_daemon_start(&b.daemon, dir ? dir : "/var/tmp", qun_args_flag(&cli->args, "plugins"), &err);
  if (rc == 0) rc = run(&b, &err);
  qun_bench_daemon_stop(&b.daemon);
  return rc < 0 ? qun_cli_fail(cli, QUN_EXIT_FAILED, &err) : QUN_EXIT_OK;
}
