/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a noisy tenant does to a quiet one on the same shard: the quiet one sends single events with pauses, alone and
 * then beside one that keeps batches under way without end. Prints what each event took until it was applied, and until
 * it was durable; figures of one machine, nothing is asserted.
 *   fairness [EVENTS [PACKAGES]]
 */
#include "host/engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 1000, WINDOW = 4, PAUSE_US = 2000 };

struct gate { /* counts answers */
  pthread_mutex_t lock;
  pthread_cond_t cond;
  uint32_t answered;
  uint64_t accepted;
};

struct noise {
  struct qun_engine *engine;
  struct gate gate;
  atomic_bool stop;
};

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void answered(void *arg, const struct qun_submit_result *result) {
  struct gate *g = arg;
  pthread_mutex_lock(&g->lock);
  g->answered++;
  g->accepted += result->accepted;
  pthread_cond_signal(&g->cond);
  pthread_mutex_unlock(&g->lock);
}

static void wait_for(struct gate *g, uint32_t n) {
  pthread_mutex_lock(&g->lock);
  while (g->answered < n) pthread_cond_wait(&g->cond, &g->lock);
  pthread_mutex_unlock(&g->lock);
}

static void fill(struct qun_engine *e, const char *tenant, struct qun_input_batch *in, uint64_t from, uint32_t n) {
  struct qun_normaliser *norm = NULL;
  struct qun_error err = {0};
  struct qun_pack p;
  qun_pack_init(&p);
  qun_input_batch_init(in);
  if (qun_engine_normaliser_open(e, tenant, &norm, &err) < 0) abort();
  for (uint32_t i = 0; i < n; i++) {
    char id[32], member[32];
    qun_pack_clear(&p);
    snprintf(id, sizeof id, "e%llu", (unsigned long long)(from + i));
    snprintf(member, sizeof member, "u%llu", (unsigned long long)((from + i) % 500));
    qun_pack_map(&p, 5);
    qun_pack_kv_cstr(&p, "id", id);
    qun_pack_kv_cstr(&p, "source", "fairness");
    qun_pack_kv_cstr(&p, "type", "message");
    qun_pack_kv_cstr(&p, "member", member);
    qun_pack_cstr(&p, "data");
    qun_pack_map(&p, 1);
    qun_pack_kv_cstr(&p, "text", "what people say to each other in a group");
    if (qun_normalise(norm, in, qun_pack_slice(&p), &err) < 0) abort();
  }
  qun_engine_normaliser_close(e, norm);
  qun_pack_fini(&p);
}

static void *make_noise(void *arg) {
  struct noise *n = arg;
  struct qun_error err = {0};
  uint32_t sent = 0;
  for (uint64_t from = 0; !atomic_load(&n->stop); from += BATCH) {
    struct qun_input_batch in;
    fill(n->engine, "noisy", &in, from, BATCH);
    if (qun_engine_submit(n->engine, "noisy", &in, answered, &n->gate, &err) == 0) sent++;
    qun_input_batch_fini(&in);
    if (sent >= WINDOW) wait_for(&n->gate, sent - WINDOW + 1);
  }
  wait_for(&n->gate, sent);
  return NULL;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Sends `n` single events with pauses and prints how long they took. */
static void measure(struct qun_engine *e, const char *label, uint64_t *from, uint32_t n, uint32_t flags) {
  struct gate g = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  struct timespec pause = {0, PAUSE_US * 1000};
  struct qun_error err = {0};
  double *took = calloc(n, sizeof *took);
  if (!took) abort();
  for (uint32_t i = 0; i < n; i++) {
    struct qun_input_batch in;
    fill(e, "quiet", &in, (*from)++, 1);
    double start = now_ms();
    if (qun_engine_submit_with(e, "quiet", &in, flags, answered, &g, &err) < 0) abort();
    wait_for(&g, i + 1);
    took[i] = now_ms() - start;
    qun_input_batch_fini(&in);
    nanosleep(&pause, NULL);
  }
  qsort(took, n, sizeof *took, by_size);
  printf("%-34s p50 %8.3f ms   p99 %8.3f ms   max %8.3f ms\n", label, took[n / 2], took[n * 99 / 100], took[n - 1]);
  free(took);
}

static void compare(struct qun_engine *e, uint32_t n) {
  static struct noise noise = {.gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER}};
  pthread_t thread;
  uint64_t from = 0;
  noise.engine = e;
  measure(e, "warming up", &from, n / 4 + 1, 0);
  measure(e, "alone, applied", &from, n, 0);
  measure(e, "alone, durable", &from, n, QUN_SUBMIT_DURABLE);
  double start = now_ms();
  if (pthread_create(&thread, NULL, make_noise, &noise) != 0) abort();
  measure(e, "beside the noisy one, applied", &from, n, 0);
  measure(e, "beside the noisy one, durable", &from, n, QUN_SUBMIT_DURABLE);
  atomic_store(&noise.stop, true);
  pthread_join(thread, NULL);
  printf("the noisy one: %.0f events a second\n", (double)noise.gate.accepted / (now_ms() - start) * 1e3);
}

int main(int argc, char **argv) {
  char dir[] = "/tmp/qun-fair-XXXXXX", data[64], keys[64], command[80];
  struct qun_engine *e = NULL;
  struct qun_error err = {0};
  struct qun_tenant_spec quiet = {.name = "quiet"}, noisy = {.name = "noisy"};
  if (!mkdtemp(dir)) return 1;
  snprintf(data, sizeof data, "%s/data", dir);
  snprintf(keys, sizeof keys, "%s/keys", dir);
  struct qun_engine_options o = {.data_dir = data,
                                 .keys_dir = keys,
                                 .plugins_dir = argc > 2 ? argv[2] : QUN_TEST_PACKAGES,
                                 .shards = 1,
                                 .live = true,
                                 .allow_untrusted = true};
  int rc = qun_engine_open(&e, &o, &err);
  if (rc == 0) rc = qun_engine_tenant_create(e, &quiet, &err);
  if (rc == 0) rc = qun_engine_tenant_create(e, &noisy, &err);
  if (rc == 0)
    compare(e, argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 300);
  else
    fprintf(stderr, "%s\n", err.message);
  qun_engine_close(e);
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  return system(command) != 0 || rc < 0;
}
