/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads send durable events by way of the journal to several tenants, while others read them, scrub the journal, and
 * make and delete tenants; then the engine is closed and opened again. What was answered must be there once. A plain
 * program, as Criterion does not run under ThreadSanitizer; it prints nothing but failures and ends with 1 after one.
 *   journal [ROUNDS [PACKAGES]]
 */
#include "host/engine/internal.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SENDERS = 3, TENANTS = 5, TOGETHER = 4, SEGMENT = 1 << 18 };

struct stress {
  struct qun_engine *engine;
  uint32_t rounds;
  atomic_uint kept[TENANTS]; /* events answered as durable */
  atomic_uint waiting;       /* answers */
  atomic_int failures;
  atomic_bool over;
};

struct place { /* of an answer */
  struct stress *s;
  uint32_t tenant, events;
};

struct sender {
  struct stress *s;
  uint32_t number;
  struct place places[TENANTS];
};

static void fail(struct stress *s, const char *what, int code, const struct qun_error *err) {
  fprintf(stderr, "%s: %d %s\n", what, code, err->message);
  atomic_fetch_add(&s->failures, 1);
}

static void tenant_name(char out[32], uint32_t tenant) {
  snprintf(out, 32, "t%u", tenant);
}

/* ---------------------------------------------------------------- senders */

static void answered(void *arg, const struct qun_submit_result *result) {
  struct place *p = arg;
  struct qun_error none = {0};
  if (result->code < 0)
    fail(p->s, "an answer", result->code, &none);
  else
    atomic_fetch_add(&p->s->kept[p->tenant], p->events);
  atomic_fetch_sub(&p->s->waiting, 1);
}

static int fill(struct stress *s, const char *tenant, const char *id, struct qun_input_batch *in,
                struct qun_error *err) {
  struct qun_normaliser *norm = NULL;
  struct qun_pack p;
  int rc = qun_engine_normaliser_open(s->engine, tenant, &norm, err);
  if (rc < 0) return rc;
  qun_pack_init(&p);
  qun_pack_map(&p, 5);
  qun_pack_kv_cstr(&p, "id", id);
  qun_pack_kv_cstr(&p, "source", "stress");
  qun_pack_kv_cstr(&p, "type", "message");
  qun_pack_kv_cstr(&p, "member", id);
  qun_pack_cstr(&p, "data");
  qun_pack_map(&p, 1);
  qun_pack_kv_cstr(&p, "text", "what people say to each other");
  rc = qun_normalise(norm, in, qun_pack_slice(&p), err);
  qun_engine_normaliser_close(s->engine, norm);
  qun_pack_fini(&p);
  return rc;
}

static void send_one(struct sender *w, uint32_t tenant, uint32_t number) {
  struct qun_input_batch in;
  struct qun_error err = {0};
  char name[32], id[40];
  int rc;
  tenant_name(name, tenant);
  snprintf(id, sizeof id, "%u-%u", w->number, number);
  qun_input_batch_init(&in);
  rc = fill(w->s, name, id, &in, &err);
  atomic_fetch_add(&w->s->waiting, 1);
  while (rc == 0 && (rc = qun_engine_submit_with(w->s->engine, name, &in, QUN_SUBMIT_DURABLE | QUN_SUBMIT_DEFER,
                                                 answered, &w->places[tenant], &err)) == QUN_EAGAIN) {
    qun_engine_flush(w->s->engine);
    sched_yield();
    rc = 0;
  }
  if (rc < 0) {
    atomic_fetch_sub(&w->s->waiting, 1);
    fail(w->s, name, rc, &err);
  }
  qun_input_batch_fini(&in);
}

static void *send_all(void *arg) {
  struct sender *w = arg;
  for (uint32_t round = 0; round < w->s->rounds; round++) {
    for (uint32_t i = 0; i < TOGETHER; i++) send_one(w, (round + i * w->number) % TENANTS, round * TOGETHER + i);
    qun_engine_flush(w->s->engine);
  }
  return NULL;
}

/* ---------------------------------------------------------------- beside them */

static uint32_t events_of(struct stress *s, uint32_t tenant) {
  struct qun_pack p;
  struct qun_error err = {0};
  char name[32];
  tenant_name(name, tenant);
  qun_pack_init(&p);
  int rc = qun_engine_tenant_show(s->engine, name, &p, &err);
  if (rc < 0) fail(s, name, rc, &err);
  uint32_t n = (uint32_t)qun_mp_int(qun_pack_slice(&p), "events", 0);
  qun_pack_fini(&p);
  return n;
}

/* A read that begins after an answer sees what was answered. */
static void *read_all(void *arg) {
  struct stress *s = arg;
  struct qun_error none = {0};
  for (uint32_t i = 0; !atomic_load(&s->over); i = (i + 1) % TENANTS) {
    uint32_t before = atomic_load(&s->kept[i]);
    if (events_of(s, i) < before) fail(s, "a read does not see what was answered", (int)i, &none);
  }
  return NULL;
}

static void *come_and_go(void *arg) {
  struct stress *s = arg;
  struct qun_journal_stats stats;
  while (!atomic_load(&s->over)) {
    struct qun_error err = {0};
    struct qun_tenant_spec guest = {.name = "guest"};
    struct qun_input_batch in;
    struct qun_submit_result r = {0};
    int rc = qun_engine_tenant_create(s->engine, &guest, &err);
    qun_input_batch_init(&in);
    if (rc == 0) rc = fill(s, "guest", "g", &in, &err);
    if (rc == 0) rc = qun_engine_submit_wait(s->engine, "guest", &in, &r, &err);
    if (rc == 0) rc = qun_engine_tenant_delete(s->engine, "guest", &err);
    if (rc == 0) rc = qun_engine_journal_scrub(s->engine, &err);
    qun_engine_journal_stats(s->engine, &stats);
    if (rc < 0 || stats.failed || stats.parked) fail(s, "a guest", rc, &err);
    qun_input_batch_fini(&in);
  }
  return NULL;
}

/* ---------------------------------------------------------------- all of it */

static void check_counts(struct stress *s, const char *when) {
  struct qun_error none = {0};
  for (uint32_t i = 0; i < TENANTS; i++) {
    uint32_t there = events_of(s, i), kept = atomic_load(&s->kept[i]);
    if (there == kept) continue;
    fprintf(stderr, "tenant %u %s: %u events are there, %u were answered\n", i, when, there, kept);
    fail(s, "events were lost or doubled", (int)i, &none);
  }
}

static void run(struct stress *s) {
  struct sender senders[SENDERS];
  pthread_t threads[SENDERS], reader, guest;
  struct qun_error err = {0};
  char name[32];
  for (uint32_t i = 0; i < TENANTS; i++) {
    struct qun_tenant_spec spec = {.name = name};
    tenant_name(name, i);
    if (qun_engine_tenant_create(s->engine, &spec, &err) < 0) fail(s, "create", err.code, &err);
  }
  for (uint32_t i = 0; i < SENDERS; i++) {
    senders[i] = (struct sender){.s = s, .number = i + 1};
    for (uint32_t t = 0; t < TENANTS; t++) senders[i].places[t] = (struct place){s, t, 1};
    if (pthread_create(&threads[i], NULL, send_all, &senders[i]) != 0) abort();
  }
  if (pthread_create(&reader, NULL, read_all, s) != 0 || pthread_create(&guest, NULL, come_and_go, s) != 0) abort();
  for (uint32_t i = 0; i < SENDERS; i++) pthread_join(threads[i], NULL);
  while (atomic_load(&s->waiting) > 0) {
    qun_engine_flush(s->engine);
    sched_yield();
  }
  atomic_store(&s->over, true);
  pthread_join(reader, NULL);
  pthread_join(guest, NULL);
  check_counts(s, "at the end");
}

int main(int argc, char **argv) {
  char dir[] = "/tmp/qun-journal-XXXXXX", data[64], keys[64], command[80];
  static struct stress s;
  struct qun_error err = {0};
  s.rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200;
  if (!mkdtemp(dir)) return 1;
  snprintf(data, sizeof data, "%s/data", dir);
  snprintf(keys, sizeof keys, "%s/keys", dir);
  struct qun_engine_options o = {.data_dir = data,
                                 .keys_dir = keys,
                                 .plugins_dir = argc > 2 ? argv[2] : QUN_TEST_PACKAGES,
                                 .journal = true,
                                 .journal_segment = SEGMENT,
                                 .live = true,
                                 .allow_untrusted = true};
  for (int life = 0; life < 2; life++) {
    if (qun_engine_open(&s.engine, &o, &err) < 0) {
      fail(&s, "open", err.code, &err);
      break;
    }
    if (life == 0)
      run(&s);
    else
      check_counts(&s, "after a restart");
    qun_engine_close(s.engine);
  }
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  if (system(command) != 0) return 1;
  return atomic_load(&s.failures) ? 1 : 0;
}
