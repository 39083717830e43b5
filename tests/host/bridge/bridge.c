/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/bridge.h"
#include "tests/host/delivery/support.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct post p;

static void setup(void) {
  post_open(&p);
  post_start(&p);
}

static void teardown(void) {
  post_remove(&p);
}

TestSuite(host_bridge, .init = setup, .fini = teardown);

static void accept(const char *tenant, const char *partner, const char *kinds, const char *more) {
  static int n;
  char json[512];
  snprintf(
      json, sizeof json,
      "{\"id\":\"a%d\",\"source\":\"t\",\"type\":\"agreement.accepted\",\"subject\":\"deal\",\"data\":{\"partner\":"
      "\"%s\",\"kinds\":%s%s}}",
      n++, partner, kinds, more);
  post_event(&p, tenant, json);
}

static void agree(void) {
  accept("acme", "bolt", "[\"count\",\"code\"]", "");
  accept("bolt", "acme", "[\"count\",\"code\"]", "");
}

static void end(const char *tenant) {
  post_event(&p, tenant,
             "{\"id\":\"end\",\"source\":\"t\",\"type\":\"agreement.ended\",\"subject\":\"deal\",\"data\":{}}");
}

static void code(const char *key) {
  post_send(&p, "acme", key, "bridge", "bolt", 0,
            "{\"agreement\":\"deal\",\"kind\":\"code\",\"body\":{\"code\":\"S1\"}}");
  post_settle(&p);
}

static void refused(const char *key, const char *why) {
  cr_assert_str_eq(post_state(&p, "acme", key), "failed", "%s", key);
  cr_assert(strstr(post_last(&p, "acme", "bridge.refused"), why), "%s: %s", why,
            post_last(&p, "acme", "bridge.refused"));
  cr_assert(strstr(post_last(&p, "acme", "bridge.refused"), "\"partner\":\"bolt\""));
  cr_assert_eq(post_count(&p, "acme", "bridge.sent"), 0);
  cr_assert_eq(post_count(&p, "bolt", "bridge.received"), 0);
  cr_assert_eq(post_count(&p, "bolt", "bridge.refused"), 0); /* nothing of it shows at the partner */
}

Test(host_bridge, carries_what_both_agreed_on_and_records_it_on_both_sides) {
  agree();
  code("k1");
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
  cr_assert_str_eq(post_last(&p, "acme", "bridge.sent"),
                   "{\"partner\":\"bolt\",\"agreement\":\"deal\",\"kind\":\"code\"}");
  cr_assert_str_eq(post_last(&p, "bolt", "bridge.received"),
                   "{\"partner\":\"acme\",\"agreement\":\"deal\",\"kind\":\"code\",\"body\":{\"code\":\"S1\"}}");
  cr_assert_eq(post_count(&p, "acme", "bridge.received"), 0);
  cr_assert_eq(post_count(&p, "bolt", "bridge.sent"), 0);
}

Test(host_bridge, carries_a_row_without_a_body_of_its_own) {
  agree();
  post_send(&p, "acme", "k1", "bridge", "bolt", 0, "{\"agreement\":\"deal\",\"kind\":\"count\",\"joins\":12}");
  post_settle(&p);
  cr_assert(strstr(post_last(&p, "bolt", "bridge.received"), "\"body\":{\"joins\":12}"));
}

Test(host_bridge, refuses_without_an_agreement) {
  code("k1");
  refused("k1", "this tenant has not accepted an agreement \\\"deal\\\" with bolt");
}

Test(host_bridge, refuses_until_both_have_accepted) {
  accept("acme", "bolt", "[\"code\"]", "");
  code("k1");
  refused("k1", "bolt has no open agreement \\\"deal\\\" with the same terms");
}

Test(host_bridge, says_the_same_of_a_partner_that_does_not_exist) {
  accept("acme", "nobody", "[\"code\"]", "");
  post_send(&p, "acme", "k1", "bridge", "nobody", 0, "{\"agreement\":\"deal\",\"kind\":\"code\",\"body\":{}}");
  post_settle(&p);
  cr_assert(
      strstr(post_last(&p, "acme", "bridge.refused"), "nobody has no open agreement \\\"deal\\\" with the same terms"));
}

Test(host_bridge, refuses_when_the_terms_differ) {
  accept("acme", "bolt", "[\"code\"]", "");
  accept("bolt", "acme", "[\"code\",\"item\"]", "");
  code("k1");
  refused("k1", "with the same terms");
}

Test(host_bridge, refuses_when_the_share_differs) {
  accept("acme", "bolt", "[\"code\"]", ",\"share\":100000");
  accept("bolt", "acme", "[\"code\"]", ",\"share\":200000");
  code("k1");
  refused("k1", "with the same terms");
}

Test(host_bridge, refuses_after_either_side_has_ended_it) {
  agree();
  end("acme");
  code("k1");
  refused("k1", "agreement \\\"deal\\\" has ended");
}

Test(host_bridge, refuses_after_the_partner_has_ended_it) {
  agree();
  end("bolt");
  code("k1");
  refused("k1", "bolt has no open agreement");
}

Test(host_bridge, refuses_outside_its_time) {
  accept("acme", "bolt", "[\"code\"]", ",\"from\":\"2026-01-01T00:00:00Z\"");
  accept("bolt", "acme", "[\"code\"]", ",\"from\":\"2026-01-01T00:00:00Z\"");
  code("k1");
  refused("k1", "is not open at this time");
}

Test(host_bridge, refuses_a_kind_that_is_not_listed) {
  agree();
  post_send(&p, "acme", "k1", "bridge", "bolt", 0, "{\"agreement\":\"deal\",\"kind\":\"item\",\"body\":{}}");
  post_settle(&p);
  refused("k1", "does not list \\\"item\\\"");
  post_send(&p, "acme", "k2", "bridge", "bolt", 0, "{\"agreement\":\"deal\",\"kind\":\"members\",\"body\":{}}");
  post_settle(&p);
  refused("k2", "is not a kind of thing that crosses");
}

Test(host_bridge, refuses_an_agreement_with_another_partner) {
  struct qun_tenant_spec spec = {.name = "cafe"};
  struct qun_error err;
  cr_assert_eq(qun_engine_tenant_create(p.engine, &spec, &err), 0, "%s", err.message);
  accept("acme", "cafe", "[\"code\"]", "");
  accept("cafe", "acme", "[\"code\"]", "");
  code("k1"); /* to bolt, under the agreement with cafe */
  refused("k1", "this tenant has not accepted an agreement");
  cr_assert_eq(post_count(&p, "cafe", "bridge.received"), 0);
}

Test(host_bridge, refuses_rows_of_members) {
  agree();
  post_send(&p, "acme", "k1", "bridge", "bolt", 0,
            "{\"agreement\":\"deal\",\"kind\":\"code\",\"body\":{\"code\":\"S1\",\"who\":{\"phone\":\"138\"}}}");
  post_settle(&p);
  refused("k1", "is a person's and does not cross");
}

Test(host_bridge, refuses_targets_that_are_no_other_tenant) {
  agree();
  const char *targets[] = {"acme", "../bolt", "BOLT"};
  for (int i = 0; i < 3; i++) {
    char key[8];
    snprintf(key, sizeof key, "k%d", i);
    post_send(&p, "acme", key, "bridge", targets[i], 0, "{\"agreement\":\"deal\",\"kind\":\"code\",\"body\":{}}");
    post_settle(&p);
    cr_assert_str_eq(post_state(&p, "acme", key), "failed");
  }
  cr_assert_eq(post_count(&p, "bolt", "bridge.received"), 0);
}

Test(host_bridge, carries_a_proposal_without_an_agreement) {
  post_send(&p, "acme", "k1", "bridge", "bolt", 0,
            "{\"agreement\":\"deal\",\"kind\":\"proposal\",\"body\":{\"kinds\":[\"code\"],\"share\":1}}");
  post_settle(&p);
  cr_assert_str_eq(post_last(&p, "bolt", "bridge.received"),
                   "{\"partner\":\"acme\",\"agreement\":\"deal\",\"kind\":\"proposal\",\"body\":{\"kinds\":[\"code\"],"
                   "\"share\":1}}");
  post_send(&p, "acme", "k2", "bridge", "nobody", 0, "{\"agreement\":\"deal\",\"kind\":\"proposal\",\"body\":{}}");
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k2"), "sent"); /* nobody learns who exists */
}

/* The same row, as a process that crashed after it crossed and before it was recorded finds it again. */
Test(host_bridge, does_not_double_a_row_that_is_sent_again) {
  static const unsigned char key[] = "k1";
  struct qun_pack body;
  agree();
  post_stop(&p);
  qun_pack_init(&body);
  qun_pack_map(&body, 2);
  qun_pack_kv_cstr(&body, "agreement", "deal");
  qun_pack_kv_cstr(&body, "kind", "code");
  struct qun_outbox_entry entry = {.seq = 9,
                                   .plugin = qun_str("crosspromo"),
                                   .key = qun_slice_of(key, 2),
                                   .via = qun_str("bridge"),
                                   .target = qun_str("bolt"),
                                   .body = qun_pack_slice(&body)};
  for (int i = 0; i < 3; i++) {
    struct qun_delivery_row *row = qun_delivery_row_copy("acme", &entry);
    struct qun_send_outcome out = {0};
    qun_bridge_send(p.engine, row, &out);
    cr_assert_eq(out.code, QUN_SEND_SENT, "%s", out.reason);
    qun_delivery_row_destroy(row);
  }
  cr_assert_eq(post_count(&p, "bolt", "bridge.received"), 1);
  cr_assert_eq(post_count(&p, "acme", "bridge.sent"), 1);
  entry.key = qun_str("k2"); /* another row of the same record crosses too */
  struct qun_delivery_row *row = qun_delivery_row_copy("acme", &entry);
  struct qun_send_outcome out = {0};
  qun_bridge_send(p.engine, row, &out);
  cr_assert_eq(post_count(&p, "bolt", "bridge.received"), 2);
  cr_assert(strstr(post_last_id(&p, "bolt", "bridge.received"), "bridge/deal/acme/9/"));
  qun_delivery_row_destroy(row);
  qun_pack_fini(&body);
}

Test(host_bridge, crosses_before_the_process_ends) {
  agree();
  post_stop(&p);
  post_start(&p);
  post_send(&p, "acme", "k1", "bridge", "bolt", 0, "{\"agreement\":\"deal\",\"kind\":\"code\",\"body\":{}}");
  post_stop(&p);
  cr_assert_eq(post_count(&p, "bolt", "bridge.received"), 1);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
}
