/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/base64.h"
#include "tests/host/delivery/receiver.h"
#include "tests/host/delivery/support.h"

#include <criterion/criterion.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct post p;
static struct receiver *receiver;

static const char secret[] = "0123456789abcdefghijklmnopqrstuv";

static void endpoint(const char *url) {
  char text[1024], key[QUN_BASE64_SIZE(sizeof secret)];
  qun_base64_write(key, secret, sizeof secret - 1);
  snprintf(text, sizeof text,
           "endpoints:\n  - {name: other, url: \"https://example.com/x\", secret: \"whsec_%s\"}\n"
           "  - {name: crm, url: \"%s\", secret: \"whsec_%s\"}\n",
           key, url, key);
  post_write(&p, "keys/acme/endpoints.yaml", text);
}

static void endpoint_here(void) {
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%u/hook", receiver_port(receiver));
  endpoint(url);
}

static void setup(void) {
  post_open(&p);
  p.options.allow_loopback = true;
  receiver = receiver_start();
  endpoint_here();
  post_start(&p);
}

static void teardown(void) {
  post_remove(&p);
  receiver_stop(receiver);
}

TestSuite(host_delivery_webhook, .init = setup, .fini = teardown);

static void send(const char *key) {
  post_send(&p, "acme", key, "webhook", "crm", 0, "{\"type\":\"item.sent\",\"n\":7}");
  post_settle(&p);
}

/* The receiver's side of Standard Webhooks, with another library. */
static void verify(const struct received *r) {
  char text[34000], expected[128] = "v1,";
  unsigned char mac[32];
  unsigned size = 0;
  int n = snprintf(text, sizeof text, "%s.%s.%s", r->id, r->timestamp, r->body);
  cr_assert_not_null(HMAC(EVP_sha256(), secret, sizeof secret - 1, (const unsigned char *)text, (size_t)n, mac, &size));
  qun_base64_write(expected + 3, mac, size);
  cr_assert_str_eq(r->signature, expected);
  cr_assert_null(strchr(r->id, '.'));
  cr_assert_eq(strncmp(r->id, "msg_", 4), 0);
}

Test(host_delivery_webhook, signs_and_sends_type_timestamp_and_data) {
  send("k1");
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
  struct received r = receiver_last(receiver);
  verify(&r);
  cr_assert_str_eq(r.type, "application/json");
  cr_assert_str_eq(r.timestamp, "1763712000");
  cr_assert(strstr(r.body, "{\"type\":\"item.sent\",\"timestamp\":\"2025-11-21T") == r.body, "%s", r.body);
  cr_assert(strstr(r.body, "\"data\":{\"type\":\"item.sent\",\"n\":7}}"), "%s", r.body);
}

Test(host_delivery_webhook, keeps_the_id_and_renews_the_timestamp_over_tries) {
  receiver_answer(receiver, 500, NULL);
  send("k1");
  struct received first = receiver_last(receiver);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  receiver_answer(receiver, 204, NULL);
  post_pass(&p, 5000);
  post_settle(&p);
  struct received second = receiver_last(receiver);
  verify(&second);
  cr_assert_str_eq(first.id, second.id);
  cr_assert_str_eq(first.body, second.body);
  cr_assert_str_neq(first.timestamp, second.timestamp);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
  send("k2");
  cr_assert_str_neq(receiver_last(receiver).id, first.id);
}

Test(host_delivery_webhook, gives_up_after_its_tries) {
  receiver_answer(receiver, 404, NULL);
  send("k1");
  for (int i = 0; i < 4; i++) {
    post_pass(&p, 4000);
    post_settle(&p);
  }
  cr_assert_eq(receiver_count(receiver), 3);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "failed");
  cr_assert(strstr(post_last(&p, "acme", "outbox.failed"), "answered 404"));
}

Test(host_delivery_webhook, switches_an_endpoint_off_that_is_gone_also_after_a_restart) {
  receiver_answer(receiver, 410, NULL);
  send("k1");
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "failed");
  cr_assert_eq(receiver_count(receiver), 1);
  receiver_answer(receiver, 204, NULL);
  post_reopen(&p);
  post_start(&p);
  send("k2");
  cr_assert_str_eq(post_state(&p, "acme", "k2"), "failed");
  cr_assert(strstr(post_last(&p, "acme", "outbox.failed"), "switched off"));
  cr_assert_eq(receiver_count(receiver), 1);
}

Test(host_delivery_webhook, holds_an_endpoint_back_as_it_asks) {
  receiver_answer(receiver, 429, "Retry-After: 120");
  send("k1");
  cr_assert_eq(receiver_count(receiver), 1);
  receiver_answer(receiver, 204, NULL);
  send("k2"); /* a row of its own waits as well */
  post_pass(&p, 119000);
  post_settle(&p);
  cr_assert_eq(receiver_count(receiver), 1);
  post_pass(&p, 1000);
  post_settle(&p);
  cr_assert_eq(receiver_count(receiver), 3);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
  cr_assert_str_eq(post_state(&p, "acme", "k2"), "sent");
}

Test(host_delivery_webhook, follows_no_redirect) {
  char header[100];
  snprintf(header, sizeof header, "Location: http://127.0.0.1:%u/other", receiver_port(receiver));
  receiver_answer(receiver, 302, header);
  send("k1");
  cr_assert_eq(receiver_count(receiver), 1);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
}

Test(host_delivery_webhook, uses_no_proxy_of_the_environment) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("all_proxy", "http://127.0.0.1:1", 1);
  send("k1");
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "sent");
}

static void fails_with(const char *key, const char *word) {
  send(key);
  cr_assert_str_eq(post_state(&p, "acme", key), "failed", "%s", key);
  cr_assert(strstr(post_last(&p, "acme", "outbox.failed"), word), "%s: %s", key,
            post_last(&p, "acme", "outbox.failed"));
}

Test(host_delivery_webhook, goes_to_public_addresses_by_https_alone) {
  char url[100];
  post_stop(&p);
  p.options.allow_loopback = false;
  post_start(&p);
  fails_with("http", "must begin with https://");
  snprintf(url, sizeof url, "https://127.0.0.1:%u/hook", receiver_port(receiver));
  endpoint(url);
  fails_with("loop", "not public");
  snprintf(url, sizeof url, "https://localhost:%u/hook", receiver_port(receiver));
  endpoint(url);
  fails_with("name", "not public");
  endpoint("https://[::ffff:127.0.0.1]/hook");
  fails_with("mapped", "not public");
  endpoint("https://169.254.169.254/latest");
  fails_with("metadata", "not public");
  endpoint("https://2130706433/");
  fails_with("number", "not public");
  endpoint("https://u:p@example.com/");
  fails_with("user", "must not name a user");
  endpoint("file:///etc/passwd");
  fails_with("file", "its URL");
  cr_assert_eq(receiver_count(receiver), 0);
}

Test(host_delivery_webhook, goes_by_plain_http_to_this_machine_alone) {
  endpoint("http://example.com/hook");
  fails_with("k1", "plain http goes to this machine alone");
}

Test(host_delivery_webhook, says_what_is_wrong_with_the_endpoints_file) {
  char path[200];
  post_send(&p, "acme", "k0", "webhook", "nobody", 0, "{}");
  post_settle(&p);
  cr_assert(strstr(post_last(&p, "acme", "outbox.failed"), "names no endpoint \\\"nobody\\\""));
  post_write(&p, "keys/acme/endpoints.yaml",
             "endpoints:\n  - {name: crm, url: \"https://example.com\", secret: \"whsec_c2hvcnQ=\"}\n");
  fails_with("k1", "base64 of 24 to 64 bytes");
  post_write(&p, "keys/acme/endpoints.yaml", "endpoints:\n  - {name: crm, colour: red}\n");
  fails_with("k2", "cannot be read");
  endpoint_here();
  snprintf(path, sizeof path, "%s/keys/acme/endpoints.yaml", p.dir);
  cr_assert_eq(chmod(path, 0644), 0);
  fails_with("k3", "others may read");
  cr_assert_eq(unlink(path), 0);
  fails_with("k4", "endpoints.yaml");
}

Test(host_delivery_webhook, refuses_a_body_that_is_too_long) {
  char *body = malloc(30000);
  memset(body, 'x', 29999);
  memcpy(body, "{\"a\":\"", 6);
  memcpy(body + 29000, "\"}", 3);
  post_send(&p, "acme", "k1", "webhook", "crm", 0, body);
  post_settle(&p);
  cr_assert(strstr(post_last(&p, "acme", "outbox.failed"), "fewer than 20000"));
  free(body);
}

Test(host_delivery_webhook, does_not_hold_up_what_goes_another_way) {
  endpoint("http://127.0.0.1:1/hook"); /* nobody listens */
  post_send(&p, "acme", "k1", "webhook", "crm", 0, "{}");
  post_send(&p, "acme", "k2", "spool", "robot", 0, "{}");
  post_settle(&p);
  cr_assert_str_eq(post_state(&p, "acme", "k1"), "released");
  cr_assert_str_eq(post_state(&p, "acme", "k2"), "sent");
}

Test(host_delivery_webhook, sends_many_a_few_at_a_time) {
  for (int i = 0; i < 40; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    post_send(&p, "acme", key, "webhook", "crm", 0, "{}");
  }
  for (int i = 0; i < 40 && receiver_count(receiver) < 40; i++) {
    post_pass(&p, 200);
    post_settle(&p);
  }
  cr_assert_eq(receiver_count(receiver), 40);
  cr_assert_eq(post_count(&p, "acme", "outbox.sent"), 40);
}
