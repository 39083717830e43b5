/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void open_engine(struct bed *b) {
  char data[128], keys[128];
  struct qun_error err = {0};
  snprintf(data, sizeof data, "%s/data", b->dir);
  snprintf(keys, sizeof keys, "%s/keys", b->dir);
  struct qun_engine_options o = {.data_dir = data,
                                 .keys_dir = keys,
                                 .plugins_dir = b->packages[0] ? b->packages : QUN_TEST_PACKAGES,
                                 .shards = b->shards,
                                 .open_tenants = b->open_max,
                                 .journal = b->journal,
                                 .journal_segment = b->segment,
                                 .allow_untrusted = true,
                                 .live = b->live,
                                 .now = b->now,
                                 .now_arg = b->now_arg};
  cr_assert_eq(qun_engine_open(&b->engine, &o, &err), 0, "%s", err.message);
}

static void make_dir(struct bed *b, uint32_t shards) {
  memset(b, 0, sizeof *b);
  snprintf(b->dir, sizeof b->dir, "/tmp/qun-engine-XXXXXX");
  cr_assert_not_null(mkdtemp(b->dir));
  b->shards = shards;
}

void bed_open(struct bed *b, uint32_t shards) {
  make_dir(b, shards);
  open_engine(b);
}

void bed_live(struct bed *b, uint32_t shards, int64_t (*now)(void *arg), void *arg) {
  make_dir(b, shards);
  b->live = true;
  b->now = now;
  b->now_arg = arg;
  open_engine(b);
}

void bed_close(struct bed *b) {
  qun_engine_close(b->engine);
  b->engine = NULL;
}

void bed_reopen(struct bed *b) {
  open_engine(b);
}

void bed_remove(struct bed *b) {
  char command[128];
  bed_close(b);
  snprintf(command, sizeof command, "rm -rf '%s'", b->dir);
  cr_assert_eq(system(command), 0);
}

void bed_tenant(struct bed *b, const char *name, bool ledger) {
  struct qun_error err = {0};
  struct qun_tenant_spec spec = {.name = name};
  cr_assert_eq(qun_engine_tenant_create(b->engine, &spec, &err), 0, "%s", err.message);
  if (ledger) cr_assert_eq(qun_engine_plugin_enable(b->engine, name, "ledger", true, &err), 0, "%s", err.message);
}

static void community(struct qun_pack *p, uint32_t n) {
  static const char *const types[] = {"message", "join", "reaction", "message", "message"};
  uint32_t x = n * 2654435761u;
  const char *type = types[n % 5];
  char id[24], member[24];
  snprintf(id, sizeof id, "e%u", n);
  snprintf(member, sizeof member, "u%u", (x >> 8) % 40);
  bool join = n % 5 == 1;
  qun_pack_map(p, 7);
  qun_pack_kv_cstr(p, "id", id);
  qun_pack_kv_cstr(p, "source", "test");
  qun_pack_kv_cstr(p, "type", type);
  qun_pack_kv_int(p, "time", 1500000000000ll + (int64_t)n * 600000); /* an event each ten minutes of 2017 */
  qun_pack_kv_cstr(p, "member", member);
  qun_pack_kv_cstr(p, "group", "g");
  qun_pack_cstr(p, "data");
  qun_pack_map(p, 1);
  if (join) {
    snprintf(member, sizeof member, "u%u", (x >> 16) % 60);
    qun_pack_kv_cstr(p, "inviter", member);
  } else if (n % 5 == 2) {
    qun_pack_kv_int(p, "value", 1);
  } else {
    qun_pack_kv_cstr(p, "text", "hello");
  }
}

static struct qun_submit_result send(struct bed *b, const char *tenant, struct qun_normaliser *n,
                                     struct qun_input_batch *batch) {
  struct qun_submit_result result = {0};
  struct qun_error err = {0};
  (void)n;
  cr_assert_eq(qun_engine_submit_wait(b->engine, tenant, batch, &result, &err), 0, "%s", err.message);
  return result;
}

struct qun_submit_result bed_feed(struct bed *b, const char *tenant, uint32_t from, uint32_t n, uint32_t batch) {
  struct qun_submit_result sum = {0};
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_error err = {0};
  struct qun_pack p;
  cr_assert_eq(qun_engine_normaliser_open(b->engine, tenant, &norm, &err), 0, "%s", err.message);
  norm->imported = true;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  for (uint32_t i = from; i < from + n; i++) {
    qun_pack_clear(&p);
    community(&p, i);
    cr_assert_eq(qun_normalise(norm, &in, qun_pack_slice(&p), &err), 0, "%s", err.message);
    if (in.count < batch && i + 1 < from + n) continue;
    struct qun_submit_result r = send(b, tenant, norm, &in);
    sum.accepted += r.accepted;
    sum.duplicates += r.duplicates;
    sum.conflicts += r.conflicts;
    sum.position = r.position;
  }
  qun_input_batch_fini(&in);
  qun_pack_fini(&p);
  qun_engine_normaliser_close(b->engine, norm);
  return sum;
}

struct durable {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  uint32_t open, refused;
};

static void durable_done(void *arg, const struct qun_submit_result *result) {
  struct durable *d = arg;
  pthread_mutex_lock(&d->lock);
  d->open--;
  if (result->code < 0) d->refused++;
  pthread_cond_signal(&d->cond);
  pthread_mutex_unlock(&d->lock);
}

uint32_t bed_feed_durable(struct bed *b, const char *tenant, uint32_t from, uint32_t n, uint32_t batch) {
  struct durable d = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_error err = {0};
  struct qun_pack p;
  cr_assert_eq(qun_engine_normaliser_open(b->engine, tenant, &norm, &err), 0, "%s", err.message);
  norm->imported = true;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  for (uint32_t i = from; i < from + n; i++) {
    qun_pack_clear(&p);
    community(&p, i);
    cr_assert_eq(qun_normalise(norm, &in, qun_pack_slice(&p), &err), 0, "%s", err.message);
    if (in.count < batch && i + 1 < from + n) continue;
    pthread_mutex_lock(&d.lock);
    d.open++;
    pthread_mutex_unlock(&d.lock);
    int rc;
    while ((rc = qun_engine_submit_with(b->engine, tenant, &in, QUN_SUBMIT_DURABLE | QUN_SUBMIT_DEFER, durable_done, &d,
                                        &err)) == QUN_EAGAIN)
      usleep(1000);
    if (rc < 0) durable_done(&d, &(struct qun_submit_result){.code = rc});
    if (rc < 0) qun_input_batch_fini(&in);
    if (i % 7 == 0) qun_engine_flush(b->engine);
  }
  qun_engine_flush(b->engine);
  pthread_mutex_lock(&d.lock);
  while (d.open) pthread_cond_wait(&d.cond, &d.lock);
  pthread_mutex_unlock(&d.lock);
  qun_pack_fini(&p);
  qun_input_batch_fini(&in);
  qun_engine_normaliser_close(b->engine, norm);
  return d.refused;
}

struct qun_submit_result bed_say(struct bed *b, const char *tenant, const char *id, const char *member,
                                 const char *text) {
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_error err = {0};
  struct qun_pack p;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  qun_pack_map(&p, 6);
  qun_pack_kv_int(&p, "time", 1500000000000ll); /* history: the clock does not jump to today */
  qun_pack_kv_cstr(&p, "id", id);
  qun_pack_kv_cstr(&p, "source", "say");
  qun_pack_kv_cstr(&p, "type", "message");
  qun_pack_kv_cstr(&p, "member", member);
  qun_pack_cstr(&p, "data");
  qun_pack_map(&p, 1);
  qun_pack_kv_cstr(&p, "text", text);
  cr_assert_eq(qun_engine_normaliser_open(b->engine, tenant, &norm, &err), 0, "%s", err.message);
  norm->imported = true;
  cr_assert_eq(qun_normalise(norm, &in, qun_pack_slice(&p), &err), 0, "%s", err.message);
  struct qun_submit_result r = send(b, tenant, norm, &in);
  qun_engine_normaliser_close(b->engine, norm);
  qun_input_batch_fini(&in);
  qun_pack_fini(&p);
  return r;
}

static void show(struct bed *b, const char *tenant, struct qun_pack *p) {
  struct qun_error err = {0};
  qun_pack_init(p);
  cr_assert_eq(qun_engine_tenant_show(b->engine, tenant, p, &err), 0, "%s", err.message);
  cr_assert(qun_mp_valid(qun_pack_slice(p), 16));
}

int64_t bed_int(struct bed *b, const char *tenant, const char *a, const char *b2) {
  struct qun_pack p;
  qun_slice inner;
  show(b, tenant, &p);
  int64_t n = -1;
  if (!b2)
    n = qun_mp_int(qun_pack_slice(&p), a, -1);
  else if (qun_mp_find(qun_pack_slice(&p), a, &inner))
    n = qun_mp_int(inner, b2, -1);
  qun_pack_fini(&p);
  return n;
}

void bed_hash(struct bed *b, const char *tenant, char out[65]) {
  struct qun_pack p;
  show(b, tenant, &p);
  qun_slice s = qun_mp_str(qun_pack_slice(&p), "state_hash");
  cr_assert_eq(s.len, 64);
  snprintf(out, 65, "%.*s", 64, (const char *)s.ptr);
  qun_pack_fini(&p);
}

void bed_keyspace_hash(struct bed *b, const char *tenant, const char *plugin, char out[65]) {
  struct qun_pack p;
  qun_slice plugins, one;
  show(b, tenant, &p);
  cr_assert(qun_mp_find(qun_pack_slice(&p), "plugins", &plugins) && qun_mp_find(plugins, plugin, &one));
  qun_slice s = qun_mp_str(one, "state_hash");
  snprintf(out, 65, "%.*s", 64, (const char *)s.ptr);
  qun_pack_fini(&p);
}
