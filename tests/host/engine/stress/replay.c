/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant is replayed, in every mode and by several threads, while requests write to it and others read its reports. A
 * request's memory is freed by its answer, which may overtake the call that sent it. A plain program, as Criterion does
 * not run under ThreadSanitizer; it prints nothing but failures and ends with 1 after one.
 *   replay [ROUNDS]
 */
#include "host/engine/internal.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SENDERS = 2, EVENTS = 20, BEFORE = 120, REQUESTS = 25, REPORTS = 8, ROUNDS_A_REPLAY = 10 };

struct stress {
  struct qun_engine *engine;
  uint32_t rounds;
  atomic_uint waiting; /* requests without an answer */
  atomic_uint number;  /* of the next request */
  atomic_int failures;
};

static void fail(struct stress *s, const char *what, int code, const char *message) {
  fprintf(stderr, "%s: %d %s\n", what, code, message);
  atomic_fetch_add(&s->failures, 1);
}

/* ---------------------------------------------------------------- requests that write */

struct request {
  struct stress *s;
  struct qun_input_batch batch;
};

static void request_end(struct request *r) {
  qun_input_batch_fini(&r->batch);
  free(r);
}

static void answered(void *arg, const struct qun_submit_result *result) {
  struct request *r = arg;
  struct stress *s = r->s;
  if (result->code < 0) fail(s, "answer", result->code, result->message);
  request_end(r);
  atomic_fetch_sub(&s->waiting, 1);
}

static void write_event(struct qun_pack *p, uint32_t n) {
  static const char *const types[] = {"message", "join", "reaction", "message", "leave"};
  const char *type = types[n % 5];
  char id[24], member[24];
  snprintf(id, sizeof id, "e%u", n);
  snprintf(member, sizeof member, "u%u", n * 2654435761u >> 26);
  qun_pack_clear(p);
  qun_pack_map(p, 7);
  qun_pack_kv_cstr(p, "id", id);
  qun_pack_kv_cstr(p, "source", "stress");
  qun_pack_kv_cstr(p, "type", type);
  qun_pack_kv_int(p, "time", 1500000000000ll + (int64_t)n * 600000);
  qun_pack_kv_cstr(p, "member", member);
  qun_pack_kv_cstr(p, "group", "g");
  qun_pack_cstr(p, "data");
  qun_pack_map(p, n % 5 == 0 || n % 5 == 3);
  if (n % 5 == 0 || n % 5 == 3) qun_pack_kv_cstr(p, "text", "今天的茶很香, call me on 13800138000");
}

static int fill(struct request *r, uint32_t number, struct qun_error *err) {
  struct qun_normaliser *norm = NULL;
  struct qun_pack p;
  int rc = qun_engine_normaliser_open(r->s->engine, "acme", &norm, err);
  if (rc < 0) return rc;
  norm->imported = true;
  qun_pack_init(&p);
  for (uint32_t i = 0; i < EVENTS && rc == 0; i++) {
    write_event(&p, number * EVENTS + i);
    rc = qun_normalise(norm, &r->batch, qun_pack_slice(&p), err);
  }
  qun_pack_fini(&p);
  qun_engine_normaliser_close(r->s->engine, norm);
  return rc;
}

static void send_one(struct stress *s, uint32_t flags) {
  struct qun_error err = {0};
  struct request *r = calloc(1, sizeof *r);
  if (!r) abort();
  r->s = s;
  qun_input_batch_init(&r->batch);
  int rc = fill(r, atomic_fetch_add(&s->number, 1), &err);
  atomic_fetch_add(&s->waiting, 1);
  if (rc == 0) rc = qun_engine_submit_with(s->engine, "acme", &r->batch, flags, answered, r, &err);
  if (rc == 0) return;
  atomic_fetch_sub(&s->waiting, 1);
  request_end(r);
  if (rc != QUN_EAGAIN) fail(s, "submit", rc, err.message);
}

static void *send_all(void *arg) {
  struct stress *s = arg;
  for (uint32_t i = 0; i < REQUESTS; i++) send_one(s, i % 2 ? QUN_SUBMIT_DURABLE : 0);
  return NULL;
}

/* ---------------------------------------------------------------- reports */

static void *read_all(void *arg) {
  struct stress *s = arg;
  static const char *const services[] = {"growth.report", "content.report", "compliance.report", "crosspromo.report"};
  for (uint32_t i = 0; i < REPORTS; i++) {
    struct qun_error err = {0};
    struct qun_pack reply;
    struct qun_call_spec spec = {.tenant = "acme", .service = services[i % 4], .role = "owner"};
    qun_pack_init(&reply);
    int rc = qun_engine_call_wait(s->engine, &spec, &reply, &err);
    if (rc < 0) fail(s, services[i % 4], rc, err.message);
    qun_pack_fini(&reply);
  }
  return NULL;
}

/* ---------------------------------------------------------------- replays */

static void replay(struct stress *s, uint32_t nth) {
  static const uint32_t batches[] = {1000, 7, 0};
  struct qun_error err = {0};
  struct qun_pack answer;
  struct qun_replay_spec spec = {.mode = nth % 2 ? QUN_REPLAY_REBUILD : QUN_REPLAY_VERIFY,
                                 .until_ms = INT64_MAX,
                                 .batch = batches[nth % 3],
                                 .threads = 1 + nth % 4 * 2};
  qun_pack_init(&answer);
  int rc = qun_engine_replay(s->engine, "acme", &spec, &answer, &err);
  if (rc < 0) fail(s, "replay", rc, err.message);
  if (rc == 0 && !qun_mp_bool(qun_pack_slice(&answer), "match", 0)) fail(s, "another state in replay", (int)nth, "");
  qun_pack_fini(&answer);
}

/* All at once. */
static void round_of(struct stress *s, uint32_t nth) {
  pthread_t threads[SENDERS + 1];
  for (uint32_t i = 0; i <= SENDERS; i++) {
    if (pthread_create(&threads[i], NULL, i == SENDERS ? read_all : send_all, s) != 0) abort();
  }
  replay(s, nth);
  for (uint32_t i = 0; i <= SENDERS; i++) pthread_join(threads[i], NULL);
}

static void run(struct stress *s) {
  struct qun_error err = {0};
  struct qun_tenant_spec spec = {.name = "acme"};
  int rc = qun_engine_tenant_create(s->engine, &spec, &err);
  if (rc < 0) {
    fail(s, "create", rc, err.message);
    return;
  }
  for (uint32_t i = 0; i < BEFORE; i++) send_one(s, 0);
  for (uint32_t i = 0; i * ROUNDS_A_REPLAY < s->rounds; i++) round_of(s, i);
  while (atomic_load(&s->waiting) > 0) sched_yield();
}

int main(int argc, char **argv) {
  char dir[] = "/tmp/qun-replay-XXXXXX", data[64], keys[64], command[80];
  static struct stress s;
  struct qun_error err = {0};
  s.rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 120;
  if (!mkdtemp(dir)) return 1;
  snprintf(data, sizeof data, "%s/data", dir);
  snprintf(keys, sizeof keys, "%s/keys", dir);
  struct qun_engine_options o = {
      .data_dir = data, .keys_dir = keys, .plugins_dir = QUN_PLUGIN_PACKAGES, .journal = true, .allow_untrusted = true};
  if (qun_engine_open(&s.engine, &o, &err) < 0) {
    fail(&s, "open", err.code, err.message);
  } else {
    run(&s);
    qun_engine_close(s.engine);
  }
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  if (system(command) != 0) return 1;
  return atomic_load(&s.failures) ? 1 : 0;
}
