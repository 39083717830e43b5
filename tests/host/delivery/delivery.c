/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/host/delivery/support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static struct post p;

static void setup(void) {
  post_open(&p);
  post_start(&p);
}

static void teardown(void) {
  post_remove(&p);
}

TestSuite(host_delivery, .init = setup, .fini = teardown);

static uint32_t lines(const char *text) {
  uint32_t n = 0;
  for (; *text; text++) n += *text == '\n';
  return n;
}

Test(host_delivery, spools_a_row_and_records_it_once) {
  post_send(&p, "acme", "k1", "spool", "robot", 0, "{\"text\":\"群\"}");
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
  cr_assert_eq(post_count(&p, "acme", "outbox.sent"), 1);
  cr_assert_str_eq(post_last(&p, "acme", "outbox.sent"), "{\"plugin\":\"crosspromo\",\"via\":\"spool\"}");
  const char *text = post_file(&p, "data/tenants/acme/spool/robot.jsonl");
  cr_assert_eq(lines(text), 1);
  cr_assert(strstr(text, "\"key\":\"k1\"") && strstr(text, "\"body\":{\"text\":\"群\"}"), "%s", text);
  post_settle(&p);
  cr_assert_eq(lines(post_file(&p, "data/tenants/acme/spool/robot.jsonl")), 1);
  cr_assert_eq(post_count(&p, "bolt", "outbox.sent"), 0);
}

Test(host_delivery, begins_a_new_line_after_one_that_a_crash_cut) {
  post_send(&p, "acme", "k1", "spool", "robot", 0, "{}");
  post_settle(&p);
  char path[200];
  snprintf(path, sizeof path, "%s/data/tenants/acme/spool/robot.jsonl", p.dir);
  cr_assert_eq(truncate(path, 10), 0);
  post_send(&p, "acme", "k2", "spool", "robot", 0, "{}");
  post_settle(&p);
  const char *text = post_file(&p, "data/tenants/acme/spool/robot.jsonl");
  cr_assert_eq(lines(text), 2);
  cr_assert_eq(strchr(text, '\n') - text, 10);
}

Test(host_delivery, fails_a_way_that_it_does_not_know_with_a_sentence) {
  post_send(&p, "acme", "k1", "pigeon", "x", 0, "{}");
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "failed");
  cr_assert_str_eq(post_last(&p, "acme", "outbox.failed"),
                   "{\"plugin\":\"crosspromo\",\"reason\":\"this host does not deliver by \\\"pigeon\\\"; it knows "
                   "bridge, webhook, spool, http and work\"}");
}

Test(host_delivery, waits_for_a_rows_time_on_the_clock_of_a_live_tenant) {
  post_event(&p, "acme",
             "{\"id\":\"1\",\"source\":\"t\",\"type\":\"message\",\"member\":\"m\",\"data\":{\"text\":\"x\"}}");
  post_send(&p, "acme", "k1", "spool", "robot", 60000, "{}");
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  post_pass(&p, 59999);
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  post_pass(&p, 1);
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
}

Test(host_delivery, waits_for_the_tenants_own_clock_in_history) {
  post_send(&p, "acme", "k1", "spool", "robot", 60000, "{}"); /* no event yet: the tenant's clock stands */
  post_pass(&p, 3600000);
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  post_event(&p, "acme",
             "{\"id\":\"1\",\"source\":\"t\",\"type\":\"message\",\"member\":\"m\",\"data\":{\"text\":\"x\"}}");
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
}

Test(host_delivery, sends_what_an_earlier_process_left) {
  post_stop(&p);
  post_send(&p, "acme", "k1", "spool", "robot", 0, "{}");
  post_reopen(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  post_start(&p);
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
}

Test(host_delivery, sends_what_is_due_before_it_stops) {
  for (int i = 0; i < 100; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    post_send(&p, i % 2 ? "acme" : "bolt", key, "spool", "robot", 0, "{}");
  }
  post_stop(&p);
  cr_assert_eq(post_count(&p, "acme", "outbox.sent"), 50);
  cr_assert_eq(post_count(&p, "bolt", "outbox.sent"), 50);
}

Test(host_delivery, tries_again_later_and_gives_up_with_the_reason) {
  char path[200];
  snprintf(path, sizeof path, "%s/data/tenants/acme/spool", p.dir);
  post_write(&p, "data/tenants/acme/spool", "a file where the folder should be");
  post_send(&p, "acme", "k1", "spool", "robot", 0, "{}");
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  post_pass(&p, 999);
  post_settle(&p);
  post_pass(&p, 1); /* the second try, 1 s after the first */
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  post_pass(&p, 1999);
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  post_pass(&p, 1); /* the third and last, 2 s after the second */
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "failed");
  cr_assert(strstr(post_last(&p, "acme", "outbox.failed"), "given up after 3 tries: "));
  post_send(&p, "acme", "k2", "spool", "robot", 0, "{}");
  post_settle(&p);
  cr_assert_eq(unlink(path), 0);
  post_pass(&p, 1000);
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k2"), "sent");
}

Test(host_delivery, lets_a_deleted_tenant_go) {
  struct qun_error err;
  post_send(&p, "acme", "k1", "spool", "robot", 3600000, "{}");
  cr_assert_eq(qun_engine_tenant_delete(p.engine, "acme", &err), 0, "%s", err.message);
  post_settle(&p);
  post_send(&p, "bolt", "k1", "spool", "robot", 0, "{}");
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "bolt", "k1"), "sent");
}
