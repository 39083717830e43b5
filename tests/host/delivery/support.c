/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/host/delivery/support.h"

#include "host/ops/json.h"
#include "tenants/outbox.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct qun_error err;

static int64_t now_of(void *arg) {
  struct post *p = arg;
  return atomic_load(&p->now);
}

static void open_engine(struct post *p) {
  char data[128], keys[128];
  snprintf(data, sizeof data, "%s/data", p->dir);
  snprintf(keys, sizeof keys, "%s/keys", p->dir);
  struct qun_engine_options o = {.data_dir = data,
                                 .keys_dir = keys,
                                 .plugins_dir = QUN_TEST_PACKAGES,
                                 .allow_untrusted = true,
                                 .now = now_of,
                                 .now_arg = p};
  cr_assert_eq(qun_engine_open(&p->engine, &o, &err), 0, "%s", err.message);
  const struct qun_plugin_set *set = qun_engine_plugins(p->engine);
  cr_assert_eq(set->refused_count, 0, "%s", set->refused_count ? set->refused[0].reason : "");
}

static void make_tenant(struct post *p, const char *name) {
  struct qun_tenant_spec spec = {.name = name};
  cr_assert_eq(qun_engine_tenant_create(p->engine, &spec, &err), 0, "%s", err.message);
  cr_assert_eq(qun_engine_plugin_enable(p->engine, name, "crosspromo", true, &err), 0, "%s", err.message);
}

void post_open(struct post *p) {
  memset(p, 0, sizeof *p);
  atomic_store(&p->now, 1763712000000ll); /* 2025-11-21T08:00:00Z */
  p->options.first_wait_ms = 1000;
  p->options.tries = 3;
  p->options.sweep = true;
  snprintf(p->dir, sizeof p->dir, "/tmp/qun-post-XXXXXX");
  cr_assert_not_null(mkdtemp(p->dir));
  open_engine(p);
  make_tenant(p, "acme");
  make_tenant(p, "bolt");
}

void post_start(struct post *p) {
  cr_assert_eq(qun_delivery_start(&p->delivery, p->engine, &p->options, &err), 0, "%s", err.message);
}

void post_stop(struct post *p) {
  qun_delivery_stop(p->delivery);
  p->delivery = NULL;
}

void post_reopen(struct post *p) {
  post_stop(p);
  qun_engine_close(p->engine);
  open_engine(p);
}

void post_remove(struct post *p) {
  char command[128];
  post_stop(p);
  qun_engine_close(p->engine);
  snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
  cr_assert_eq(system(command), 0);
}

void post_settle(struct post *p) {
  qun_delivery_settle(p->delivery);
}

void post_pass(struct post *p, int64_t ms) {
  atomic_fetch_add(&p->now, ms);
}

void post_send(struct post *p, const char *tenant, const char *key, const char *via, const char *target,
               int64_t after_ms, const char *body) {
  struct qun_pack params, reply;
  qun_pack_init(&params);
  qun_pack_init(&reply);
  qun_pack_map(&params, 5);
  qun_pack_kv_cstr(&params, "key", key);
  qun_pack_kv_cstr(&params, "via", via);
  qun_pack_kv_cstr(&params, "target", target);
  qun_pack_kv_int(&params, "after", after_ms);
  qun_pack_cstr(&params, "body");
  cr_assert_eq(qun_json_to_msgpack(&params, qun_str(body), &err), 0, "%s", err.message);
  struct qun_call_spec call = {.tenant = tenant,
                               .service = "crosspromo.send",
                               .params = qun_pack_slice(&params),
                               .role = "operator"};
  cr_assert_eq(qun_engine_call_wait(p->engine, &call, &reply, &err), 0, "%s", err.message);
  qun_pack_fini(&params);
  qun_pack_fini(&reply);
}

void post_event(struct post *p, const char *tenant, const char *json) {
  struct qun_normaliser *n = NULL;
  struct qun_input_batch batch;
  struct qun_submit_result result = {0};
  struct qun_pack pack;
  qun_pack_init(&pack);
  qun_input_batch_init(&batch);
  cr_assert_eq(qun_json_to_msgpack(&pack, qun_str(json), &err), 0, "%s", err.message);
  cr_assert_eq(qun_engine_normaliser_open(p->engine, tenant, &n, &err), 0, "%s", err.message);
  n->operator_types = true;
  cr_assert_eq(qun_normalise(n, &batch, qun_pack_slice(&pack), &err), 0, "%s", err.message);
  cr_assert_eq(qun_engine_submit_wait(p->engine, tenant, &batch, &result, &err), 0, "%s", err.message);
  qun_engine_normaliser_close(p->engine, n);
  qun_input_batch_fini(&batch);
  qun_pack_fini(&pack);
}

struct search {
  const char *type;
  uint32_t count;
  char data[8192], id[256];
};

static int look(void *arg, const struct qun_log_entry *e) {
  struct search *s = arg;
  struct qun_pack text;
  if (!qun_slice_is(e->type, s->type)) return 0;
  s->count++;
  qun_pack_init(&text);
  cr_assert_eq(qun_msgpack_to_json(&text, e->data, false, NULL), 0);
  snprintf(s->data, sizeof s->data, "%.*s", (int)text.len, (const char *)text.buf);
  snprintf(s->id, sizeof s->id, "%.*s", (int)e->id.len, (const char *)e->id.ptr);
  qun_pack_fini(&text);
  return 0;
}

static const struct search *search(struct post *p, const char *tenant, const char *type) {
  static struct search s;
  memset(&s, 0, sizeof s);
  s.type = type;
  cr_assert_eq(qun_engine_log_each(p->engine, tenant, 0, 0, look, &s, &err), 0, "%s", err.message);
  return &s;
}

uint32_t post_count(struct post *p, const char *tenant, const char *type) {
  return search(p, tenant, type)->count;
}

const char *post_last(struct post *p, const char *tenant, const char *type) {
  return search(p, tenant, type)->data;
}

const char *post_last_id(struct post *p, const char *tenant, const char *type) {
  return search(p, tenant, type)->id;
}

const char *post_state(struct post *p, const char *tenant, const char *key) {
  struct qun_reading r;
  struct qun_outbox_entry e;
  cr_assert_eq(qun_engine_read_begin(p->engine, tenant, &r, &err), 0, "%s", err.message);
  int rc = qun_outbox_get(&r.view, qun_str("crosspromo"), qun_str(key), &e);
  const char *state = rc < 0 ? "none" : qun_outbox_state_name(e.state);
  qun_engine_read_end(&r);
  return state;
}

const char *post_file(struct post *p, const char *path) {
  static char text[65536];
  char whole[512];
  snprintf(whole, sizeof whole, "%s/%s", p->dir, path);
  FILE *f = fopen(whole, "r");
  size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
  text[n] = '\0';
  if (f) fclose(f);
  return text;
}

void post_write(struct post *p, const char *path, const char *text) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s/%s", p->dir, path);
  FILE *f = fopen(whole, "w");
  cr_assert_not_null(f);
  fputs(text, f);
  fclose(f);
  cr_assert_eq(chmod(whole, 0600), 0);
}
