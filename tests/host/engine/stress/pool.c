/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads open, use, close, claim, delete and make tenants of one engine that may keep four of them open. A plain
 * program, as Criterion does not run under ThreadSanitizer; it prints nothing but failures and ends with 1 after one.
 *   pool [ROUNDS [PACKAGES]]
 */
#include "host/engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 6, TENANTS = 24, OPEN = 4 };

struct stress {
  struct qun_engine *engine;
  uint32_t rounds;
  atomic_uint sent[TENANTS];
  atomic_int failures;
};

struct worker {
  struct stress *s;
  uint32_t number;
  uint64_t random;
};

static void fail(struct stress *s, const char *what, int code, const struct qun_error *err) {
  fprintf(stderr, "%s: %d %s\n", what, code, err->message);
  atomic_fetch_add(&s->failures, 1);
}

static uint32_t below(struct worker *w, uint32_t n) {
  w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)(w->random >> 33) % n;
}

/* More threads at work than tenants may be open never happens here, so that the one code that may come is of a claim. */
static bool elsewhere(int rc) {
  return rc == QUN_EAGAIN;
}

static void look(struct worker *w, const char *name) {
  struct qun_tenant *t = NULL;
  struct qun_error err = {0};
  struct qun_view v;
  struct qun_head head;
  int rc = qun_tenant_get(w->s->engine->pool, name, &t, &err);
  if (elsewhere(rc)) return;
  if (rc == 0) rc = qun_view_begin(&v, t->store, &err);
  if (rc == 0) {
    if (qun_head_read(&v, &head) < 0 || head.seq == 0) fail(w->s, "a tenant without records", 0, &err);
    qun_view_end(&v);
  }
  if (rc < 0) fail(w->s, name, rc, &err);
  if (t) qun_tenant_put(qun_tenant_ref(t));
  qun_tenant_put(t);
}

static void send(struct worker *w, uint32_t tenant, const char *name, uint32_t round) {
  struct qun_error err = {0};
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_submit_result r = {0};
  struct qun_pack p;
  char id[40];
  int rc = qun_engine_normaliser_open(w->s->engine, name, &norm, &err);
  if (elsewhere(rc)) return;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  snprintf(id, sizeof id, "%u-%u", w->number, round);
  qun_pack_map(&p, 4);
  qun_pack_kv_cstr(&p, "id", id);
  qun_pack_kv_cstr(&p, "source", "stress");
  qun_pack_kv_cstr(&p, "type", "join");
  qun_pack_kv_cstr(&p, "member", id);
  if (rc == 0) rc = qun_normalise(norm, &in, qun_pack_slice(&p), &err);
  qun_engine_normaliser_close(w->s->engine, norm);
  if (rc == 0) rc = qun_engine_submit_wait(w->s->engine, name, &in, &r, &err);
  if (rc == 0)
    atomic_fetch_add(&w->s->sent[tenant], r.accepted);
  else if (!elsewhere(rc))
    fail(w->s, name, rc, &err);
  qun_input_batch_fini(&in);
  qun_pack_fini(&p);
}

static void claim(struct worker *w, const char *name) {
  struct qun_error err = {0};
  int rc = qun_tenant_claim(w->s->engine->pool, name, QUN_EAGAIN, &err);
  if (rc == 0)
    qun_tenant_release(w->s->engine->pool, name);
  else if (rc != QUN_ECONFLICT)
    fail(w->s, "claim", rc, &err);
}

/* A name of the thread's own comes and goes. */
static void come_and_go(struct worker *w) {
  struct qun_error err = {0};
  char name[32];
  snprintf(name, sizeof name, "guest-%u", w->number);
  struct qun_tenant_spec spec = {.name = name};
  int rc = qun_engine_tenant_create(w->s->engine, &spec, &err);
  if (rc < 0) fail(w->s, "create", rc, &err);
  if (rc == 0) look(w, name);
  if (rc == 0 && (rc = qun_engine_tenant_delete(w->s->engine, name, &err)) < 0) fail(w->s, "delete", rc, &err);
}

static void *work(void *arg) {
  struct worker *w = arg;
  for (uint32_t round = 0; round < w->s->rounds; round++) {
    uint32_t tenant = below(w, TENANTS), what = below(w, 100);
    char name[32];
    snprintf(name, sizeof name, "t%u", tenant);
    if (what < 70)
      look(w, name);
    else if (what < 90)
      send(w, tenant, name, round);
    else if (what < 97)
      claim(w, name);
    else
      come_and_go(w);
  }
  return NULL;
}

static uint64_t events_of(struct stress *s, const char *name) {
  struct qun_pack p;
  struct qun_error err = {0};
  qun_pack_init(&p);
  if (qun_engine_tenant_show(s->engine, name, &p, &err) < 0) fail(s, "show", err.code, &err);
  int64_t n = qun_mp_int(qun_pack_slice(&p), "events", 0);
  qun_pack_fini(&p);
  return (uint64_t)n;
}

static void run(struct stress *s) {
  struct worker workers[THREADS];
  pthread_t threads[THREADS];
  struct qun_error err = {0};
  char name[32];
  for (uint32_t i = 0; i < TENANTS; i++) {
    snprintf(name, sizeof name, "t%u", i);
    struct qun_tenant_spec spec = {.name = name};
    if (qun_engine_tenant_create(s->engine, &spec, &err) < 0) fail(s, "create", err.code, &err);
  }
  for (uint32_t i = 0; i < THREADS; i++) {
    workers[i] = (struct worker){s, i, i * 7919 + 1};
    if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) abort();
  }
  for (uint32_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (uint32_t i = 0; i < TENANTS; i++) {
    snprintf(name, sizeof name, "t%u", i);
    if (events_of(s, name) != atomic_load(&s->sent[i])) fail(s, "events were lost or doubled", (int)i, &err);
  }
}

int main(int argc, char **argv) {
  char dir[] = "/tmp/qun-pool-XXXXXX", data[64], keys[64], command[80];
  static struct stress s;
  struct qun_error err = {0};
  s.rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 300;
  if (!mkdtemp(dir)) return 1;
  snprintf(data, sizeof data, "%s/data", dir);
  snprintf(keys, sizeof keys, "%s/keys", dir);
  struct qun_engine_options o = {.data_dir = data,
                                 .keys_dir = keys,
                                 .plugins_dir = argc > 2 ? argv[2] : QUN_TEST_PACKAGES,
                                 .open_tenants = OPEN,
                                 .live = true,
                                 .allow_untrusted = true};
  if (qun_engine_open(&s.engine, &o, &err) < 0) {
    fail(&s, "open", err.code, &err);
  } else {
    run(&s);
    struct qun_tenant_pool_counts c;
    qun_tenant_pool_count(s.engine->pool, &c);
    if (c.closed < TENANTS) fail(&s, "hardly a tenant was closed", (int)c.closed, &err);
    qun_engine_close(s.engine);
  }
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  if (system(command) != 0) return 1;
  return atomic_load(&s.failures) ? 1 : 0;
}
