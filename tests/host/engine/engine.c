/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/audit_log.h"
#include "tenants/audit_proof.h"
#include "tenants/note.h"
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Test(host_engine, counts_what_comes_in_and_keeps_it_over_a_restart) {
  struct bed b;
  char before[65], after[65];
  bed_open(&b, 2);
  bed_tenant(&b, "acme", true);
  struct qun_submit_result r = bed_feed(&b, "acme", 0, 500, 100);
  cr_assert_eq(r.accepted, 500);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 500);
  cr_assert_eq(bed_int(&b, "acme", "by_type", "message"), 300);
  cr_assert_eq(bed_int(&b, "acme", "by_type", "join"), 100);
  cr_assert_gt(bed_int(&b, "acme", "derived", "ledger.tenth"), 10);
  cr_assert_gt(bed_int(&b, "acme", "control", "qun.timer"), 0);
  bed_hash(&b, "acme", before);
  bed_close(&b);
  bed_reopen(&b);
  bed_hash(&b, "acme", after);
  cr_assert_str_eq(before, after);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 500);
  bed_remove(&b);
}

Test(host_engine, takes_an_event_once_also_after_a_restart) {
  struct bed b;
  char before[65], after[65];
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 300, 100);
  bed_hash(&b, "acme", before);
  struct qun_submit_result r = bed_feed(&b, "acme", 100, 200, 50);
  cr_assert_eq(r.accepted, 0);
  cr_assert_eq(r.duplicates, 200);
  bed_close(&b);
  bed_reopen(&b);
  r = bed_feed(&b, "acme", 0, 300, 300);
  cr_assert_eq(r.duplicates, 300);
  bed_hash(&b, "acme", after);
  cr_assert_str_eq(before, after);
  bed_remove(&b);
}

Test(host_engine, puts_the_same_id_with_other_content_into_the_dead_letters) {
  struct bed b;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  cr_assert_eq(bed_say(&b, "acme", "1", "ann", "hello").accepted, 1);
  cr_assert_eq(bed_say(&b, "acme", "1", "ann", "hello").duplicates, 1);
  cr_assert_eq(bed_say(&b, "acme", "1", "ann", "other").conflicts, 1);
  cr_assert_eq(bed_int(&b, "acme", "dead_letters", NULL), 1);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 1);
  bed_remove(&b);
}

Test(host_engine, remembers_more_ids_than_fit_in_memory) {
  struct bed b;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", false);
  cr_assert_eq(bed_feed(&b, "acme", 0, 70000, 5000).accepted, 70000);
  cr_assert_eq(bed_feed(&b, "acme", 0, 70000, 5000).duplicates, 70000);
  bed_close(&b);
  bed_reopen(&b);
  cr_assert_eq(bed_feed(&b, "acme", 0, 70010, 5000).duplicates, 70000);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 70010);
  bed_remove(&b);
}

Test(host_engine, gives_one_state_for_any_batch_size_and_number_of_shards) {
  char first[65] = "", hash[65];
  const uint32_t batches[] = {1, 7, 1000}, shards[] = {1, 2, 2};
  for (int i = 0; i < 3; i++) {
    struct bed b;
    bed_open(&b, shards[i]);
    bed_tenant(&b, "acme", true);
    bed_feed(&b, "acme", 0, 1500, batches[i]);
    bed_hash(&b, "acme", hash);
    if (i == 0) strcpy(first, hash);
    cr_assert_str_eq(first, hash, "batches of %u differ", batches[i]);
    bed_remove(&b);
  }
}

static void replay(struct bed *b, enum qun_replay_mode mode, uint32_t batch, qun_slice changes, struct qun_pack *p) {
  struct qun_error err = {0};
  struct qun_replay_spec spec = {.mode = mode, .changes = changes, .until_ms = INT64_MAX, .batch = batch};
  qun_pack_init(p);
  cr_assert_eq(qun_engine_replay(b->engine, "acme", &spec, p, &err), 0, "%s", err.message);
}

Test(host_engine, replays_the_log_to_the_same_state) {
  struct bed b;
  struct qun_pack p;
  char hash[65];
  bed_open(&b, 2);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 1200, 100);
  bed_say(&b, "acme", "f", "bob", "please fail");
  bed_hash(&b, "acme", hash);
  const uint32_t batches[] = {1, 1000};
  for (int i = 0; i < 4; i++) {
    replay(&b, i < 2 ? QUN_REPLAY_VERIFY : QUN_REPLAY_REBUILD, batches[i % 2], (qun_slice){NULL, 0}, &p);
    cr_assert_eq(qun_mp_int(qun_pack_slice(&p), "derived_differ", -1), 0, "mode %d batch %u", i / 2, batches[i % 2]);
    cr_assert(qun_mp_bool(qun_pack_slice(&p), "match", 0), "mode %d batch %u", i / 2, batches[i % 2]);
    cr_assert(qun_slice_is(qun_mp_str(qun_pack_slice(&p), "state_hash"), hash));
    qun_pack_fini(&p);
  }
  bed_remove(&b);
}

Test(host_engine, shows_what_other_settings_would_have_given) {
  struct bed b;
  struct qun_pack p, changes;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 400, 100);
  qun_pack_init(&changes);
  qun_pack_map(&changes, 1);
  qun_pack_kv_cstr(&changes, "ledger.step", "5");
  replay(&b, QUN_REPLAY_WHATIF, 100, qun_pack_slice(&changes), &p);
  cr_assert_not(qun_mp_bool(qun_pack_slice(&p), "match", 1));
  qun_pack_fini(&p);
  qun_pack_fini(&changes);
  bed_remove(&b);
}

Test(host_engine, brings_a_plugin_that_is_switched_on_late_to_the_same_rows) {
  struct bed early, late;
  char a[65], z[65];
  struct qun_error err = {0};
  struct qun_pack p;
  bed_open(&early, 1);
  bed_tenant(&early, "acme", true);
  bed_feed(&early, "acme", 0, 5000, 1000);
  bed_keyspace_hash(&early, "acme", "ledger", a);
  bed_open(&late, 1);
  bed_tenant(&late, "acme", false);
  bed_feed(&late, "acme", 0, 5000, 1000);
  cr_assert_eq(qun_engine_plugin_enable(late.engine, "acme", "ledger", true, &err), 0, "%s", err.message);
  bed_keyspace_hash(&late, "acme", "ledger", z);
  cr_assert_str_eq(a, z);
  replay(&late, QUN_REPLAY_REBUILD, 1000, (qun_slice){NULL, 0}, &p);
  cr_assert(qun_mp_bool(qun_pack_slice(&p), "match", 0));
  qun_pack_fini(&p);
  replay(&late, QUN_REPLAY_VERIFY, 10, (qun_slice){NULL, 0}, &p);
  cr_assert(qun_mp_bool(qun_pack_slice(&p), "match", 0));
  qun_pack_fini(&p);
  bed_remove(&early);
  bed_remove(&late);
}

Test(host_engine, tells_a_plugin_nothing_twice_that_is_switched_off_and_on) {
  struct bed b, never;
  char off_on[65], steady[65];
  struct qun_error err = {0};
  struct qun_pack p;
  bed_open(&never, 1);
  bed_tenant(&never, "acme", true);
  bed_feed(&never, "acme", 0, 600, 100);
  bed_keyspace_hash(&never, "acme", "ledger", steady);
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 300, 100);
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", "ledger", false, &err), 0, "%s", err.message);
  bed_feed(&b, "acme", 300, 200, 100);
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", "ledger", true, &err), 0, "%s", err.message);
  bed_feed(&b, "acme", 500, 100, 100);
  bed_keyspace_hash(&b, "acme", "ledger", off_on);
  cr_assert_str_eq(off_on, steady);
  const uint32_t batches[] = {1, 7, 100000}; /* the last has the events and both switches in one batch */
  for (int i = 0; i < 6; i++) {
    replay(&b, i < 3 ? QUN_REPLAY_VERIFY : QUN_REPLAY_REBUILD, batches[i % 3], (qun_slice){NULL, 0}, &p);
    cr_expect(qun_mp_bool(qun_pack_slice(&p), "match", 0), "mode %d batch %u", i / 3, batches[i % 3]);
    qun_pack_fini(&p);
  }
  bed_remove(&never);
  bed_remove(&b);
}

Test(host_engine, refuses_to_guess_what_a_setting_that_is_none_would_have_given) {
  struct bed b;
  struct qun_pack p, changes;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  const char *const bad[][2] = {{"ledger.stepp", "5"},
                                {"ledger.step", "1"},
                                {"nobody.step", "5"},
                                {"zone", "Mars/Base"}};
  for (size_t i = 0; i < 4; i++) {
    struct qun_error err = {0};
    qun_pack_init(&changes);
    qun_pack_init(&p);
    qun_pack_map(&changes, 1);
    qun_pack_kv_cstr(&changes, bad[i][0], bad[i][1]);
    struct qun_replay_spec spec = {.mode = QUN_REPLAY_WHATIF,
                                   .changes = qun_pack_slice(&changes),
                                   .until_ms = INT64_MAX};
    cr_expect_eq(qun_engine_replay(b.engine, "acme", &spec, &p, &err), QUN_EINVAL, "%s", bad[i][0]);
    cr_expect_neq(err.message[0], '\0');
    qun_pack_fini(&p);
    qun_pack_fini(&changes);
  }
  bed_remove(&b);
}

Test(host_engine, takes_back_all_that_a_failed_handler_did) {
  struct bed b;
  char before[65], after[65];
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 100, 100);
  bed_keyspace_hash(&b, "acme", "ledger", before);
  int64_t derived = bed_int(&b, "acme", "derived", "ledger.tenth");
  cr_assert_eq(bed_say(&b, "acme", "f", "u1", "please fail").accepted, 1);
  bed_keyspace_hash(&b, "acme", "ledger", after);
  cr_assert_str_eq(before, after);
  cr_assert_eq(bed_int(&b, "acme", "dead_letters", NULL), 1);
  cr_assert_eq(bed_int(&b, "acme", "derived", "ledger.tenth"), derived);
  bed_remove(&b);
}

Test(host_engine, answers_services_by_role_and_appends_what_they_emit) {
  struct bed b;
  struct qun_pack reply, params;
  struct qun_error err = {0};
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  qun_pack_init(&params);
  qun_pack_map(&params, 1);
  qun_pack_kv_cstr(&params, "text", "call the printer");
  struct qun_call_spec spec = {.tenant = "acme",
                               .service = "ledger.note",
                               .params = qun_pack_slice(&params),
                               .role = "auditor"};
  qun_pack_init(&reply);
  cr_assert_eq(qun_engine_call_wait(b.engine, &spec, &reply, &err), QUN_EDENIED);
  cr_assert_str_eq(err.message, "ledger.note needs role operator; the caller has auditor");
  spec.role = "operator";
  cr_assert_eq(qun_engine_call_wait(b.engine, &spec, &reply, &err), 0, "%s", err.message);
  cr_assert_eq(bed_int(&b, "acme", "derived", "ledger.note"), 1);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 0);
  spec.service = "ledger.nothing";
  cr_assert_eq(qun_engine_call_wait(b.engine, &spec, &reply, &err), QUN_ENOTFOUND);
  qun_pack_fini(&reply);
  qun_pack_fini(&params);
  bed_remove(&b);
}

struct seen {
  uint32_t plain;
  uint32_t records;
};

static int look(void *arg, const struct qun_log_entry *e) {
  struct seen *s = arg;
  s->records++;
  if (e->bytes.len > 5 && memmem(e->bytes.ptr, (size_t)e->bytes.len, "hello", 5)) s->plain++;
  return 0;
}

Test(host_engine, keeps_what_people_wrote_sealed_in_the_log) {
  struct bed b;
  struct seen s = {0};
  struct qun_error err = {0};
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 50, 50);
  cr_assert_eq(qun_engine_log_each(b.engine, "acme", 0, 0, look, &s, &err), 0, "%s", err.message);
  cr_assert_gt(s.records, 50);
  cr_assert_eq(s.plain, 0);
  bed_remove(&b);
}

Test(host_engine, proves_every_record_once_an_audit_states_the_tail) {
  struct bed b;
  struct qun_error err = {0};
  struct qun_audit_open tail = {0};
  struct qun_pack data, text, proof;
  struct qun_checkpoint cp;
  struct qun_verifier who;
  char hex[65];
  uint64_t seq = 0, size = 0;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 700, 100);
  cr_assert_eq(qun_engine_audit_tail(b.engine, "acme", &tail, &err), 0, "%s", err.message);
  cr_assert_gt(tail.count, 0);
  for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", tail.root[i]);
  qun_pack_init(&data);
  qun_pack_map(&data, 3);
  qun_pack_kv_int(&data, "upto", (int64_t)tail.upto);
  qun_pack_kv_cstr(&data, "tail", hex);
  qun_pack_kv_int(&data, "tail_first", (int64_t)tail.first);
  cr_assert_eq(qun_engine_control(b.engine, "acme", "qun.audit", (qun_slice){NULL, 0}, (qun_slice){NULL, 0},
                                  qun_pack_slice(&data), &seq, &err),
               0);
  qun_pack_init(&text);
  cr_assert_eq(qun_engine_checkpoint(b.engine, "acme", &text, &size, &err), 0, "%s", err.message);
  qun_pack_init(&proof);
  cr_assert_eq(qun_engine_verifier_key(b.engine, "acme", &proof, &err), 0);
  cr_assert_eq(qun_verifier_read(&who, qun_pack_slice(&proof), &err), 0, "%s", err.message);
  cr_assert_eq(qun_checkpoint_open(&cp, qun_pack_slice(&text), &who, 1, &err), 0, "%s", err.message);
  cr_assert_eq(cp.size, size);
  for (uint64_t s = 1; s <= seq; s++) {
    struct qun_bound bound;
    qun_pack_clear(&proof);
    cr_assert_eq(qun_engine_prove(b.engine, "acme", s, size, &proof, &err), 0, "%s", err.message);
    cr_assert_eq(qun_bound_read(&bound, NULL, qun_pack_slice(&proof), &err), 0, "%s", err.message);
    if (bound.kind == QUN_BOUND_TAIL)
      cr_assert_eq(qun_bound_verify_tail(&bound, tail.first, tail.upto, tail.root, &err), 0, "%s", err.message);
    else
      cr_assert_eq(qun_bound_verify(&bound, size, cp.root, &err), 0, "record %llu: %s", (unsigned long long)s,
                   err.message);
  }
  qun_pack_fini(&data);
  qun_pack_fini(&text);
  qun_pack_fini(&proof);
  bed_remove(&b);
}

Test(host_engine, leaves_nothing_of_a_deleted_tenant) {
  struct bed b;
  struct qun_error err = {0};
  char path[128];
  bed_open(&b, 2);
  bed_tenant(&b, "acme", true);
  bed_tenant(&b, "other", true);
  bed_feed(&b, "acme", 0, 100, 100);
  bed_feed(&b, "other", 0, 100, 100);
  cr_assert_eq(qun_engine_tenant_delete(b.engine, "acme", &err), 0, "%s", err.message);
  cr_assert_not(qun_engine_tenant_exists(b.engine, "acme"));
  snprintf(path, sizeof path, "%s/data/tenants/acme", b.dir);
  cr_assert_neq(access(path, F_OK), 0);
  snprintf(path, sizeof path, "%s/keys/acme", b.dir);
  cr_assert_neq(access(path, F_OK), 0);
  cr_assert_eq(bed_int(&b, "other", "events", NULL), 100);
  cr_assert_eq(qun_engine_tenant_delete(b.engine, "acme", &err), QUN_ENOTFOUND);
  bed_tenant(&b, "acme", true);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 0);
  bed_remove(&b);
}

Test(host_engine, refuses_a_second_process_and_names_the_first) {
  struct bed b;
  char data[128];
  struct qun_engine *second = NULL;
  struct qun_error err = {0};
  bed_open(&b, 1);
  snprintf(data, sizeof data, "%s/data", b.dir);
  struct qun_engine_options o = {.data_dir = data, .plugins_dir = QUN_TEST_PACKAGES, .allow_untrusted = true};
  cr_assert_eq(qun_engine_open(&second, &o, &err), QUN_ECONFLICT);
  snprintf(data, sizeof data, "is in use by process %ld", (long)getpid());
  cr_assert_not_null(strstr(err.message, data), "%s", err.message);
  bed_remove(&b);
}

Test(host_engine, refuses_keys_inside_the_data_folder) {
  struct bed b;
  struct qun_engine *second = NULL;
  struct qun_error err = {0};
  char data[128], keys[160];
  bed_open(&b, 1);
  snprintf(data, sizeof data, "%s/other", b.dir);
  const char *const inside[] = {"other/keys", "other", "keys/../other/tenants"};
  for (size_t i = 0; i < 3; i++) {
    struct qun_engine_options o = {.data_dir = data,
                                   .keys_dir = keys,
                                   .plugins_dir = QUN_TEST_PACKAGES,
                                   .allow_untrusted = true};
    snprintf(keys, sizeof keys, "%s/%s", b.dir, inside[i]);
    cr_assert_eq(qun_engine_open(&second, &o, &err), QUN_EINVAL, "%s", keys);
    cr_expect_not_null(strstr(err.message, keys), "%s", err.message);
  }
  snprintf(keys, sizeof keys, "%s/other-keys", b.dir);
  struct qun_engine_options o = {.data_dir = data,
                                 .keys_dir = keys,
                                 .plugins_dir = QUN_TEST_PACKAGES,
                                 .allow_untrusted = true};
  cr_assert_eq(qun_engine_open(&second, &o, &err), 0, "%s", err.message);
  qun_engine_close(second);
  bed_remove(&b);
}

Test(host_engine, refuses_settings_that_do_not_fit) {
  struct bed b;
  struct qun_error err = {0};
  struct qun_pack p;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  const char *const bad[][2] = {{"ledger.step", "1"}, {"ledger.nope", "3"}, {"zone", "Mars/Base"}, {"colour", "red"}};
  for (size_t i = 0; i < 4; i++) {
    qun_pack_init(&p);
    qun_pack_map(&p, 1);
    qun_pack_kv_cstr(&p, bad[i][0], bad[i][1]);
    cr_assert_eq(qun_engine_tenant_set(b.engine, "acme", qun_pack_slice(&p), &err), QUN_EINVAL, "%s", bad[i][0]);
    qun_pack_fini(&p);
  }
  bed_remove(&b);
}

Test(host_engine, gives_a_plugin_no_way_to_another_tenant) {
  struct bed b;
  bed_open(&b, 1); /* one shard: one instance meets both */
  bed_tenant(&b, "acme", true);
  bed_tenant(&b, "other", true);
  for (uint32_t i = 0; i < 10; i++) { /* the plugin aborts when a call with a handle not its own goes through */
    bed_feed(&b, "acme", i * 20, 20, 20);
    bed_feed(&b, "other", i * 20, 10, 10);
  }
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 200);
  cr_assert_eq(bed_int(&b, "other", "events", NULL), 100);
  cr_assert_eq(bed_int(&b, "other", "dead_letters", NULL), 0);
  bed_remove(&b);
}

Test(host_engine, refuses_more_than_the_quota_and_keeps_what_was) {
  struct bed b;
  struct qun_error err = {0};
  struct qun_pack p;
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_submit_result r = {0};
  char text[4000];
  int rc = 0;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 100, 100);
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_cstr(&p, "quota_bytes", "1048576");
  cr_assert_eq(qun_engine_tenant_set(b.engine, "acme", qun_pack_slice(&p), &err), 0, "%s", err.message);
  qun_pack_fini(&p);
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  cr_assert_eq(qun_engine_normaliser_open(b.engine, "acme", &norm, &err), 0);
  norm->imported = true;
  qun_input_batch_init(&in);
  uint32_t accepted = 0;
  for (int i = 0; i < 600 && rc == 0; i++) {
    char id[16];
    snprintf(id, sizeof id, "q%d", i);
    qun_pack_init(&p);
    qun_pack_map(&p, 4);
    qun_pack_kv_cstr(&p, "id", id);
    qun_pack_kv_cstr(&p, "source", "quota");
    qun_pack_kv_cstr(&p, "type", "message");
    qun_pack_cstr(&p, "data");
    qun_pack_map(&p, 1);
    qun_pack_kv_cstr(&p, "text", text);
    cr_assert_eq(qun_normalise(norm, &in, qun_pack_slice(&p), &err), 0, "%s", err.message);
    qun_pack_fini(&p);
    rc = qun_engine_submit_wait(b.engine, "acme", &in, &r, &err);
    if (rc == 0) accepted += r.accepted;
  }
  cr_assert_eq(rc, QUN_EQUOTA);
  cr_assert_not_null(strstr(err.message, "acme"), "%s", err.message);
  cr_assert_not_null(strstr(err.message, "quota"), "%s", err.message);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 100 + accepted);
  qun_input_batch_fini(&in);
  qun_engine_normaliser_close(b.engine, norm);
  bed_remove(&b);
}

Test(host_engine, names_a_data_folder_that_cannot_be_made) {
  struct qun_engine *e = NULL;
  struct qun_error err = {0};
  struct qun_engine_options o = {.data_dir = "/proc/qun-data",
                                 .plugins_dir = QUN_TEST_PACKAGES,
                                 .allow_untrusted = true};
  cr_assert_eq(qun_engine_open(&e, &o, &err), QUN_EFAIL);
  cr_assert_not_null(strstr(err.message, "/proc/qun-data"), "%s", err.message);
}

Test(host_engine, states_other_versions_in_the_log_before_anything_else) {
  struct bed b;
  struct qun_pack p;
  char command[256];
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 50, 50);
  cr_assert_eq(bed_int(&b, "acme", "control", "qun.runtime"), 1);
  bed_close(&b);
  bed_reopen(&b);
  bed_feed(&b, "acme", 50, 50, 50);
  cr_assert_eq(bed_int(&b, "acme", "control", "qun.runtime"), 1); /* the same versions are not said again */
  bed_close(&b);
  snprintf(command, sizeof command,
           "cp -r %s %s/newer && sed -i 's/1.0.0/1.0.1/' %s/newer/ledger/plugin.yaml && sed -i 's/1[.]0[.]0/1.0.1/g' "
           "%s/newer/ledger/ledger.so",
           QUN_TEST_PACKAGES, b.dir, b.dir, b.dir);
  cr_assert_eq(system(command), 0);
  snprintf(b.packages, sizeof b.packages, "%s/newer", b.dir);
  bed_reopen(&b);
  struct qun_submit_result r = bed_feed(&b, "acme", 100, 50, 25);
  cr_assert_eq(r.accepted, 50);
  cr_assert_eq(bed_int(&b, "acme", "control", "qun.runtime"), 2);
  replay(&b, QUN_REPLAY_VERIFY, 1000, (qun_slice){NULL, 0}, &p);
  cr_assert(qun_mp_bool(qun_pack_slice(&p), "match", 0));
  qun_pack_fini(&p);
  bed_remove(&b);
}

static struct qun_submit_result live(struct bed *b, const char *id) {
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_submit_result r = {0};
  struct qun_error err = {0};
  struct qun_pack p;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  qun_pack_map(&p, 3);
  qun_pack_kv_cstr(&p, "id", id);
  qun_pack_kv_cstr(&p, "source", "live");
  qun_pack_kv_cstr(&p, "type", "join");
  cr_assert_eq(qun_engine_normaliser_open(b->engine, "acme", &norm, &err), 0, "%s", err.message);
  cr_assert_eq(qun_normalise(norm, &in, qun_pack_slice(&p), &err), 0, "%s", err.message);
  cr_assert_eq(qun_engine_submit_wait(b->engine, "acme", &in, &r, &err), 0, "%s", err.message);
  qun_engine_normaliser_close(b->engine, norm);
  qun_input_batch_fini(&in);
  qun_pack_fini(&p);
  return r;
}

static int late(void *arg, const struct qun_log_entry *e) {
  uint32_t *n = arg;
  if (e->flags & QUN_EVENT_LATE) ++*n;
  return 0;
}

Test(host_engine, ends_an_import_whose_sender_is_gone) {
  struct bed b;
  struct qun_error err = {0};
  uint32_t marked = 0;
  qun_slice none = {NULL, 0};
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  cr_assert_eq(qun_engine_control(b.engine, "acme", "qun.import.begin", none, none, none, NULL, &err), 0, "%s",
               err.message);
  bed_feed(&b, "acme", 0, 20, 20);
  cr_assert_eq(live(&b, "1").accepted, 1); /* the import may still go on */
  bed_close(&b);
  bed_reopen(&b); /* nobody imports any more */
  cr_assert_eq(live(&b, "2").accepted, 1);
  cr_assert_eq(live(&b, "3").accepted, 1);
  cr_assert_eq(bed_int(&b, "acme", "control", "qun.import.end"), 1);
  cr_assert_eq(qun_engine_log_each(b.engine, "acme", 0, 0, late, &marked, &err), 0);
  cr_assert_eq(marked, 1);
  bed_remove(&b);
}
