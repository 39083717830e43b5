/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/overlap.h"

#include "host/bridge/bridge.h"
#include "tests/host/delivery/support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct post p;

static void setup(void) {
  post_open(&p);
  post_start(&p);
}

static void teardown(void) {
  post_remove(&p);
}

TestSuite(host_bridge_overlap_run, .init = setup, .fini = teardown);

/* Members `from` and on, whose unionid or phone says which person of the world they are. */
static void people(const char *tenant, int from, int n, bool phone) {
  for (int i = from; i < from + n; i++) {
    char json[300], id[40];
    if (phone)
      snprintf(id, sizeof id, "%s138%08d", strcmp(tenant, "acme") == 0 ? "+86 " : "", i); /* written in two ways */
    else
      snprintf(id, sizeof id, "u-%d", i);
    snprintf(json, sizeof json,
             "{\"id\":\"p%d%d\",\"source\":\"t\",\"type\":\"member.profile\",\"member\":\"%s-%d-%d\",\"data\":{\"%s\":"
             "\"%s\"}}",
             i, phone, tenant, i, phone, phone ? "phone" : "unionid", id);
    post_event(&p, tenant, json);
  }
}

static void set(const char *tenant, const char *key, int value) {
  char text[16], name[40];
  struct qun_pack c;
  struct qun_error err;
  snprintf(text, sizeof text, "%d", value);
  snprintf(name, sizeof name, "crosspromo.%s", key);
  qun_pack_init(&c);
  qun_pack_map(&c, 1);
  qun_pack_kv_cstr(&c, name, text);
  cr_assert_eq(qun_engine_tenant_set(p.engine, tenant, qun_pack_slice(&c), &err), 0, "%s", err.message);
  qun_pack_fini(&c);
}

static void agree(const char *kinds) {
  char json[300];
  const char *names[] = {"acme", "bolt"};
  for (int i = 0; i < 2; i++) {
    snprintf(json, sizeof json,
             "{\"id\":\"agree\",\"source\":\"t\",\"type\":\"agreement.accepted\",\"subject\":\"deal\",\"data\":{"
             "\"partner\":\"%s\",\"kinds\":%s}}",
             names[!i], kinds);
    post_event(&p, names[i], json);
  }
}

static void ask(const char *tenant, const char *partner, const char *key) {
  post_send(&p, tenant, key, "bridge", partner, 0, "{\"agreement\":\"deal\",\"kind\":\"overlap\"}");
  post_settle(&p);
}

static int64_t counted(const char *tenant, const char *key) {
  char find[40];
  snprintf(find, sizeof find, "\"%s\":", key);
  const char *text = post_last(&p, tenant, "overlap.counted");
  const char *at = strstr(text, find);
  cr_assert_not_null(at, "%s has no %s: %s", tenant, key, text);
  return atoll(at + strlen(find));
}

/* 60 people at acme, 60 at bolt, 40 of them the same: 30 by unionid, 10 by phone. */
static void communities(void) {
  agree("[\"count\"]");
  people("acme", 0, 50, false);
  people("acme", 0, 10, true);
  people("bolt", 20, 50, false);
  people("bolt", 0, 10, true);
  set("acme", "members", 60);
  set("bolt", "members", 60);
}

Test(host_bridge_overlap_run, counts_on_both_sides_after_access_and_commitment) {
  communities();
  ask("acme", "bolt", "k1");
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent", "%s", post_last(&p, "acme", "outbox.failed"));
  cr_assert_eq(counted("acme", "count"), counted("bolt", "count"));
  cr_assert_eq(counted("acme", "count") % QUN_OVERLAP_ROUND, 0);
  cr_assert(llabs(counted("acme", "count") - 40) <= 60, "%lld", (long long)counted("acme", "count"));
  cr_assert_eq(counted("acme", "own"), 60);
  const char *sides[] = {"acme", "bolt"};
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(post_count(&p, sides[i], "qun.access"), 1);
    cr_assert_eq(post_count(&p, sides[i], "overlap.committed"), 1);
    cr_assert_eq(post_count(&p, sides[i], "overlap.counted"), 1);
    cr_assert(strstr(post_last(&p, sides[i], "overlap.committed"), "\"size\":60"));
  }
  char ours[200];
  snprintf(ours, sizeof ours, "%s", post_last(&p, "acme", "overlap.committed"));
  cr_assert_str_neq(ours, post_last(&p, "bolt", "overlap.committed"));
}

Test(host_bridge_overlap_run, gives_the_same_figure_for_the_same_sets_whoever_asks) {
  communities();
  ask("acme", "bolt", "k1");
  int64_t first = counted("acme", "count");
  ask("acme", "bolt", "k2");
  cr_assert_eq(post_count(&p, "acme", "overlap.counted"), 2);
  cr_assert_eq(counted("acme", "count"), first);
  ask("bolt", "acme", "k3");
  cr_assert_eq(post_count(&p, "acme", "overlap.counted"), 3);
  cr_assert_eq(counted("acme", "count"), first);
}

static void refused(const char *tenant, const char *key, const char *why) {
  cr_assert_str_eq(post_state(&p, tenant, key), "failed");
  const char *sides[] = {"acme", "bolt"};
  for (int i = 0; i < 2; i++) {
    const char *text = post_last(&p, sides[i], "overlap.counted");
    cr_assert(strstr(text, why) && strstr(text, "\"refused\""), "%s", text);
    cr_assert_null(strstr(text, "\"count\""));
  }
}

Test(host_bridge_overlap_run, refuses_sets_that_are_too_small) {
  communities();
  set("bolt", "members", 15);
  ask("acme", "bolt", "k1");
  refused("acme", "k1", "one of the two sets has fewer than 20 members");
  cr_assert_eq(post_count(&p, "bolt", "qun.access"), 0); /* nothing was opened */
  set("bolt", "members", 60);
  set("bolt", "minimum", 61);
  ask("acme", "bolt", "k2");
  refused("acme", "k2", "fewer than 61");
}

Test(host_bridge_overlap_run, counts_only_members_with_an_identity_that_can_match) {
  agree("[\"count\"]");
  people("acme", 0, 30, false);
  for (int i = 0; i < 30; i++) {
    char json[200];
    snprintf(json, sizeof json, "{\"id\":\"m%d\",\"source\":\"t\",\"type\":\"checkin\",\"member\":\"plain-%d\"}", i, i);
    post_event(&p, "bolt", json);
  }
  set("acme", "members", 30);
  set("bolt", "members", 30);
  ask("acme", "bolt", "k1");
  refused("acme", "k1", "fewer than 20");
  cr_assert_eq(post_count(&p, "bolt", "overlap.committed"), 0);
}

Test(host_bridge_overlap_run, refuses_a_set_that_differs_by_a_few) {
  communities();
  ask("acme", "bolt", "k1");
  set("acme", "members", 59);
  ask("acme", "bolt", "k2");
  refused("acme", "k2", "too near to one that was counted before");
  ask("bolt", "acme", "k3"); /* nor by the other side's asking */
  refused("bolt", "k3", "too near");
  set("acme", "members", 45);
  ask("acme", "bolt", "k4");
  cr_assert_str_eq(post_state(&p, "acme", "k4"), "sent");
}

Test(host_bridge_overlap_run, keeps_to_the_budget_of_a_pair) {
  char key[8];
  communities();
  for (int i = 0; i < QUN_OVERLAP_PAIR_BUDGET; i++) {
    snprintf(key, sizeof key, "k%d", i);
    ask(i % 2 ? "acme" : "bolt", i % 2 ? "bolt" : "acme", key);
    cr_assert_str_eq(post_state(&p, i % 2 ? "acme" : "bolt", key), "sent");
  }
  ask("acme", "bolt", "last");
  refused("acme", "last", "used up");
  post_pass(&p, 31 * 86400000ll);
  ask("acme", "bolt", "later");
  cr_assert_str_eq(post_state(&p, "acme", "later"), "sent");
}

Test(host_bridge_overlap_run, needs_an_agreement_that_lists_counts) {
  ask("acme", "bolt", "k1");
  cr_assert_eq(post_count(&p, "acme", "bridge.refused"), 1);
  agree("[\"code\"]");
  ask("acme", "bolt", "k2");
  cr_assert_eq(post_count(&p, "acme", "bridge.refused"), 2);
  cr_assert_eq(post_count(&p, "acme", "overlap.counted"), 0);
  cr_assert_eq(post_count(&p, "bolt", "overlap.counted"), 0);
}

Test(host_bridge_overlap_run, is_refused_when_the_partners_plugin_is_off) {
  struct qun_error err;
  communities();
  cr_assert_eq(qun_engine_plugin_enable(p.engine, "bolt", "crosspromo", false, &err), 0);
  ask("acme", "bolt", "k1");
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "failed");
  cr_assert_eq(post_count(&p, "bolt", "qun.access"), 0);
}

/* A row that is run again, as after a crash before its outcome was recorded. */
Test(host_bridge_overlap_run, gives_the_first_result_again_when_the_row_is_repeated) {
  struct qun_pack body;
  communities();
  post_stop(&p);
  qun_pack_init(&body);
  qun_pack_map(&body, 2);
  qun_pack_kv_cstr(&body, "agreement", "deal");
  qun_pack_kv_cstr(&body, "kind", "overlap");
  struct qun_outbox_entry entry = {.seq = 9,
                                   .plugin = qun_str("crosspromo"),
                                   .key = qun_str("k1"),
                                   .via = qun_str("bridge"),
                                   .target = qun_str("bolt"),
                                   .body = qun_pack_slice(&body)};
  for (int i = 0; i < 3; i++) {
    struct qun_delivery_row *row = qun_delivery_row_copy("acme", &entry);
    struct qun_send_outcome out = {0};
    qun_bridge_send(p.engine, row, &out);
    cr_assert_eq(out.code, QUN_SEND_SENT, "%s", out.reason);
    qun_delivery_row_destroy(row);
    if (i == 1) set("acme", "members", 59); /* what changes later does not matter to it */
  }
  cr_assert_eq(post_count(&p, "acme", "overlap.counted"), 1);
  cr_assert_eq(post_count(&p, "bolt", "overlap.counted"), 1);
  cr_assert_eq(post_count(&p, "acme", "overlap.committed"), 1);
  qun_pack_fini(&body);
}

/* Nothing that identifies a person stands in the log, nor beside the keys. */
Test(host_bridge_overlap_run, leaves_no_identifier_behind) {
  char command[300];
  communities();
  ask("acme", "bolt", "k1");
  snprintf(command, sizeof command, "grep -rqaE 'u-2[0-9]|13800000' %s/data %s/keys", p.dir, p.dir);
  cr_assert_neq(system(command), 0);
}

Test(host_bridge_overlap_run, goes_with_the_tenants_keys) {
  struct qun_error err;
  char command[200];
  communities();
  ask("acme", "bolt", "k1");
  snprintf(command, sizeof command, "test $(ls %s/keys/acme/ | grep -c '^overlap') = 2", p.dir);
  cr_assert_eq(system(command), 0);
  cr_assert_eq(qun_engine_tenant_delete(p.engine, "acme", &err), 0, "%s", err.message);
  snprintf(command, sizeof command, "test ! -e %s/keys/acme", p.dir);
  cr_assert_eq(system(command), 0);
}
