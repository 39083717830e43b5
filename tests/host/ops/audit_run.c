/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/audit_run.h"

#include "tenants/note.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char root[64], bundle[96];
static struct qun_engine *engine;
static struct qun_error err;
static uint64_t last; /* record */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st, (void)kind, (void)at;
  return remove(path);
}

static int64_t now(void *arg) {
  (void)arg;
  return 1773000000000;
}

static void setup(void) {
  static char data[96];
  strcpy(root, "/tmp/qun-audit-XXXXXX");
  cr_assert(mkdtemp(root));
  snprintf(data, sizeof data, "%s/data", root);
  snprintf(bundle, sizeof bundle, "%s/bundle", root);
  struct qun_engine_options options = {
      .data_dir = data, .plugins_dir = PLUGINS, .allow_untrusted = true, .now = now, .shards = 1, .readers = 1};
  cr_assert(qun_engine_open(&engine, &options, &err) == 0, "%s", err.message);
  struct qun_tenant_spec spec = {.name = "acme", .title = "Acme 群"};
  cr_assert(qun_engine_tenant_create(engine, &spec, &err) == 0, "%s", err.message);
  cr_assert(qun_engine_plugin_enable(engine, "acme", "compliance", true, &err) == 0, "%s", err.message);
  cr_assert(qun_engine_plugin_enable(engine, "acme", "i18n", true, &err) == 0, "%s", err.message);
}

static void teardown(void) {
  qun_engine_close(engine);
  nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(host_ops_audit_run, .init = setup, .fini = teardown);

static void pack_message(struct qun_pack *p, unsigned n) {
  qun_pack_map(p, 5);
  qun_pack_kv_int(p, "id", n);
  qun_pack_kv_cstr(p, "source", "test");
  qun_pack_kv_cstr(p, "type", "message");
  qun_pack_kv_cstr(p, "member", "wx_1");
  qun_pack_cstr(p, "data");
  qun_pack_map(p, 1);
  qun_pack_kv_cstr(p, "text", "hello");
}

/* Adds messages up to record `upto`. */
static void fill(uint64_t upto) {
  static unsigned id;
  while (last < upto) {
    struct qun_normaliser *n;
    struct qun_input_batch batch;
    struct qun_submit_result result;
    cr_assert(qun_engine_normaliser_open(engine, "acme", &n, &err) == 0, "%s", err.message);
    qun_input_batch_init(&batch);
    uint64_t wanted = last ? upto - last : 1;
    for (uint64_t i = 0; i < wanted; i++) {
      struct qun_pack p;
      qun_pack_init(&p);
      pack_message(&p, ++id);
      cr_assert(qun_normalise(n, &batch, qun_pack_slice(&p), &err) == 0, "%s", err.message);
      qun_pack_fini(&p);
    }
    cr_assert(qun_engine_submit_wait(engine, "acme", &batch, &result, &err) == 0, "%s", err.message);
    cr_assert(result.accepted == wanted, "%s", result.message);
    last = result.position;
    qun_input_batch_fini(&batch);
    qun_engine_normaliser_close(engine, n);
  }
}

static int run(const char *scope, qun_slice since, struct qun_audit_result *result) {
  struct qun_audit_options options = {.scope = scope, .since = since, .locale = "en"};
  int code = qun_audit_run(engine, "acme", &options, result, &err);
  if (code == 0) last = result->seq;
  return code;
}

static void verify(const struct qun_audit_result *r, qun_slice since, struct qun_bundle_result *out) {
  nftw(bundle, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  cr_assert(qun_bundle_store(bundle, r->files, r->files_count, &err) == 0, "%s", err.message);
  cr_assert(qun_bundle_verify(out, bundle, r->key, since, &err) == 0, "%s", err.message);
}

Test(host_ops_audit_run, makes_a_bundle_that_verifies_and_proves_what_is_cited) {
  struct qun_audit_result r;
  struct qun_bundle_result v;
  qun_slice none = {NULL, 0};
  fill(300);
  cr_assert(run("7,200,257,299,300,7", none, &r) == 0, "%s", err.message);
  cr_expect(r.upto == 300 && r.seq == 301, "upto %llu, seq %llu", (unsigned long long)r.upto,
            (unsigned long long)r.seq);
  cr_expect(r.records == 6 && r.satisfied == 4 && r.not_satisfied == 1 && r.not_applicable == 2);
  cr_expect(r.files_count == 7 && strcmp(r.files[4].path, "reports/audit.json") == 0 &&
            strcmp(r.files[6].path, "MANIFEST") == 0);
  verify(&r, none, &v);
  cr_expect(v.records == 6 && v.upto == 300 && v.audit_seq == 301 && v.size == r.size && !v.continues);
  qun_audit_result_fini(&r);
}

Test(host_ops_audit_run, covers_logs_that_end_anywhere_in_a_group) {
  static const uint64_t ends[] = {20, 255, 256, 258, 511, 512, 513};
  struct qun_audit_result r;
  struct qun_bundle_result v;
  qun_slice none = {NULL, 0};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    char scope[64];
    fill(ends[i]);
    snprintf(scope, sizeof scope, "1,%llu,%llu", (unsigned long long)last - 1, (unsigned long long)last);
    uint64_t upto = last;
    cr_assert(run(scope, none, &r) == 0, "log of %llu: %s", (unsigned long long)upto, err.message);
    cr_expect(r.upto == upto);
    verify(&r, none, &v);
    qun_audit_result_fini(&r);
  }
}

Test(host_ops_audit_run, shows_that_the_log_continues_an_earlier_checkpoint) {
  struct qun_audit_result r;
  struct qun_bundle_result v;
  struct qun_pack note;
  uint64_t size;
  qun_slice none = {NULL, 0};
  qun_pack_init(&note);
  fill(100);
  cr_assert(run("50", none, &r) == 0, "%s", err.message);
  qun_audit_result_fini(&r);
  cr_assert(qun_engine_checkpoint(engine, "acme", &note, &size, &err) == 0, "%s", err.message);
  fill(700);
  cr_assert(run("50,600", qun_pack_slice(&note), &r) == 0, "%s", err.message);
  verify(&r, qun_pack_slice(&note), &v);
  cr_expect(v.continues && v.since_size == size);
  qun_audit_result_fini(&r);
  cr_expect(run("50", qun_str("not a checkpoint\n"), &r) == QUN_EINVAL && strstr(err.message, "earlier checkpoint"),
            "%s", err.message);
  qun_pack_fini(&note);
}

Test(host_ops_audit_run, refuses_to_cite_a_record_that_is_not_there) {
  struct qun_audit_result r;
  qun_slice none = {NULL, 0};
  fill(30);
  cr_expect(run("5,4000", none, &r) == QUN_ENOTFOUND && strstr(err.message, "4000"), "%s", err.message);
}

Test(host_ops_audit_run, says_when_there_is_no_such_tenant) {
  struct qun_audit_options options = {.scope = NULL};
  struct qun_audit_result r;
  cr_expect(qun_audit_run(engine, "nobody", &options, &r, &err) == QUN_ENOTFOUND, "%s", err.message);
}

Test(host_ops_audit_run, refuses_when_compliance_is_off) {
  struct qun_audit_result r;
  qun_slice none = {NULL, 0};
  fill(5);
  cr_assert(qun_engine_plugin_enable(engine, "acme", "compliance", false, &err) == 0, "%s", err.message);
  cr_expect(run("1", none, &r) == QUN_ENOTFOUND && strstr(err.message, "compliance is off"), "%s", err.message);
}
