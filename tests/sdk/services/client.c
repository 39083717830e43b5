/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to other machines, work and secrets, over an engine with a delivery and a server on this machine. */
#include "host/delivery/delivery.h"
#include "tests/host/delivery/receiver.h"
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>

#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/stat.h>

static struct bed b;
static struct qun_delivery *delivery;
static struct receiver *other;
static char url[200];
static struct qun_pack reply;

static void deliver(void) {
  struct qun_delivery_options options = {.allow_loopback = true, .sweep = true, .first_wait_ms = 1};
  struct qun_error err = {0};
  cr_assert_eq(qun_delivery_start(&delivery, b.engine, &options, &err), 0, "%s", err.message);
}

static void set(const char *key, const char *value) {
  struct qun_pack p;
  struct qun_error err = {0};
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_cstr(&p, key, value);
  cr_assert_eq(qun_engine_tenant_set(b.engine, "acme", qun_pack_slice(&p), &err), 0, "%s", err.message);
  qun_pack_fini(&p);
}

static void approve(const char *host, const char *path) {
  char authority[64];
  snprintf(authority, sizeof authority, "%s:%u", host, receiver_port(other));
  set("probe.http_hosts", authority);
  snprintf(url, sizeof url, "fetch http://%s%s", authority, path);
}

static void secrets(const char *text) {
  char path[200];
  snprintf(path, sizeof path, "%s/keys/acme/secrets.yaml", b.dir);
  FILE *file = fopen(path, "w");
  cr_assert_not_null(file);
  fputs(text, file);
  fclose(file);
  cr_assert_eq(chmod(path, 0600), 0);
}

static void setup(void) {
  struct qun_error err = {0};
  qun_pack_init(&reply);
  bed_open(&b, 1);
  bed_tenant(&b, "acme", false);
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", "probe", true, &err), 0, "%s", err.message);
  other = receiver_start();
  deliver();
  secrets("secrets: [{name: api, plugin: probe, host: elsewhere.example, value: s3cret}]\n");
}

static void teardown(void) {
  qun_delivery_stop(delivery);
  bed_remove(&b);
  receiver_stop(other);
  qun_pack_fini(&reply);
}

TestSuite(sdk_services_client, .init = setup, .fini = teardown);

/* Secrets of the receiver's place. */
static void bind_secret(void) {
  char text[300];
  snprintf(text, sizeof text,
           "secrets:\n  - {name: api, plugin: other, host: \"127.0.0.1:%u\", value: wrong}\n"
           "  - {name: api, plugin: probe, host: \"127.0.0.1:%u\", value: s3cret}\n",
           receiver_port(other), receiver_port(other));
  secrets(text);
}

static void settle(void) {
  qun_delivery_settle(delivery);
}

/* What the plugin was told under a key; the empty slice: nothing. */
static qun_slice told(const char *key) {
  struct qun_pack params;
  struct qun_error err = {0};
  qun_pack_clear(&reply);
  qun_pack_init(&params);
  qun_pack_map(&params, 1);
  qun_pack_kv_cstr(&params, "key", key);
  struct qun_call_spec spec = {.tenant = "acme",
                               .service = "probe.read",
                               .params = qun_pack_slice(&params),
                               .role = "owner"};
  int rc = qun_engine_call_wait(b.engine, &spec, &reply, &err);
  qun_pack_fini(&params);
  return rc < 0 ? (qun_slice){NULL, 0} : qun_pack_slice(&reply);
}

static bool error_has(const char *key, const char *part) {
  qun_slice data = told(key), error = qun_mp_str(data, "error");
  char text[400];
  snprintf(text, sizeof text, "%.*s", (int)error.len, error.ptr ? (const char *)error.ptr : "");
  bool has = strstr(text, part) != NULL;
  if (!has) fprintf(stderr, "error of %s: \"%s\"\n", key, text);
  return has;
}

static int64_t dead(void) {
  return bed_int(&b, "acme", "dead_letters", NULL);
}

Test(sdk_services_client, an_answer_comes_back_as_a_record) {
  bind_secret();
  approve("127.0.0.1", "/v1/things?x=1");
  receiver_answer(other, 203, "Content-Type: text/plain");
  receiver_say(other, "hello there", 11);
  bed_say(&b, "acme", "f1", "ann", url);
  settle();
  cr_assert_eq(dead(), 0);
  qun_slice data = told("f1");
  cr_assert_eq(qun_mp_int(data, "status", 0), 203);
  cr_assert(qun_slice_is(qun_mp_str(data, "body"), "hello there"));
  cr_assert(qun_slice_is(qun_mp_str(data, "type"), "text/plain"));
  cr_assert(qun_slice_is(qun_mp_str(data, "plugin"), "probe"));
  struct received last = receiver_last(other);
  cr_assert_str_eq(last.method, "PUT");
  cr_assert_str_eq(last.path, "/v1/things");
  cr_assert_str_eq(last.body, "a body");
  cr_assert_str_eq(last.authorization, "Bearer s3cret!");
  cr_assert_eq(bed_int(&b, "acme", "control", "http.answer"), 1);
  settle();
  cr_assert_eq(receiver_count(other), 1);
}

Test(sdk_services_client, a_replay_hears_the_recorded_answer_and_calls_nobody) {
  struct qun_error err = {0};
  struct qun_pack p;
  bind_secret();
  approve("127.0.0.1", "/");
  receiver_answer(other, 200, NULL);
  bed_say(&b, "acme", "f1", "ann", url);
  bed_say(&b, "acme", "w1", "ann", "work 10");
  settle();
  cr_assert_eq(receiver_count(other), 1);
  receiver_say(other, "something else", 14);
  static const enum qun_replay_mode modes[] = {QUN_REPLAY_VERIFY, QUN_REPLAY_REBUILD};
  for (int i = 0; i < 2; i++) {
    struct qun_replay_spec spec = {.mode = modes[i], .until_ms = INT64_MAX};
    qun_pack_init(&p);
    cr_assert_eq(qun_engine_replay(b.engine, "acme", &spec, &p, &err), 0, "%s", err.message);
    cr_assert(qun_mp_bool(qun_pack_slice(&p), "match", 0), "mode %d", i);
    qun_pack_fini(&p);
  }
  settle();
  cr_assert_eq(receiver_count(other), 1);
  cr_assert(qun_slice_is(qun_mp_str(told("f1"), "body"), "ok"));
}

Test(sdk_services_client, a_host_that_was_not_approved_is_refused_in_the_handler) {
  approve("127.0.0.1", "/");
  set("probe.http_hosts", "api.example.com");
  bed_say(&b, "acme", "f1", "ann", url);
  bed_say(&b, "acme", "f2", "ann", "fetch https://api.example.com:444/");
  bed_say(&b, "acme", "f3", "ann", "fetch https://API.example.com/");
  bed_say(&b, "acme", "f4", "ann", "fetch https://api.example.com@evil.example/");
  bed_say(&b, "acme", "f5", "ann", "fetch http://api.example.com/");
  settle();
  cr_assert_eq(dead(), 5);
  cr_assert_eq(receiver_count(other), 0);
}

Test(sdk_services_client, an_approval_that_was_taken_back_counts_when_it_goes_out) {
  bind_secret();
  approve("127.0.0.1", "/");
  qun_delivery_stop(delivery);
  bed_say(&b, "acme", "f1", "ann", url);
  set("probe.http_hosts", "");
  deliver();
  settle();
  cr_assert_eq(receiver_count(other), 0);
  cr_assert(error_has("f1", "does not approve of 127.0.0.1:"));
}

Test(sdk_services_client, a_secret_goes_to_its_own_host_alone) {
  approve("127.0.0.1", "/");
  bed_say(&b, "acme", "f1", "ann", url);
  secrets("secrets: [{name: api, plugin: probe, value: s3cret}]\n");
  settle();
  cr_assert_eq(receiver_count(other), 0);
  cr_assert(error_has("f1", "the secret \"api\" is not bound to 127.0.0.1:"));
  secrets("secrets: [{name: api, plugin: somebody, host: x, value: s3cret}]\n");
  bed_say(&b, "acme", "f2", "ann", url);
  settle();
  cr_assert(error_has("f2", "no secret \"api\" of this plugin"));
  cr_assert_eq(receiver_count(other), 0);
}

Test(sdk_services_client, no_loopback_without_the_operators_word) {
  struct qun_error err = {0};
  struct qun_delivery_options options = {.first_wait_ms = 1};
  bind_secret();
  approve("127.0.0.1", "/");
  qun_delivery_stop(delivery);
  cr_assert_eq(qun_delivery_start(&delivery, b.engine, &options, &err), 0, "%s", err.message);
  bed_say(&b, "acme", "f1", "ann", url);
  settle();
  cr_assert(error_has("f1", "must begin with https://"));
  set("probe.http_hosts", "localhost, 127.0.0.1");
  secrets("secrets: [{name: api, plugin: probe, host: localhost, value: x}]\n");
  bed_say(&b, "acme", "f2", "ann", "fetch https://localhost/");
  settle();
  cr_assert(error_has("f2", "not public"));
  cr_assert_eq(receiver_count(other), 0);
}

Test(sdk_services_client, a_redirect_is_an_answer_and_is_not_followed) {
  bind_secret();
  approve("127.0.0.1", "/");
  receiver_answer(other, 302, "Location: http://127.0.0.1/elsewhere");
  bed_say(&b, "acme", "f1", "ann", url);
  settle();
  cr_assert_eq(qun_mp_int(told("f1"), "status", 0), 302);
  cr_assert_eq(receiver_count(other), 1);
}

Test(sdk_services_client, a_large_answer_is_cut_and_bytes_are_base64) {
  static unsigned char large[100000];
  bind_secret();
  approve("127.0.0.1", "/");
  memset(large, 'x', sizeof large);
  receiver_answer(other, 200, NULL);
  receiver_say(other, large, sizeof large);
  bed_say(&b, "acme", "f1", "ann", url);
  settle();
  cr_assert_eq(qun_mp_str(told("f1"), "body").len, 65536);
  cr_assert(qun_mp_bool(told("f1"), "cut", 0));
  receiver_say(other, "\xff\xfe\x00", 3);
  bed_say(&b, "acme", "f2", "ann", url);
  settle();
  cr_assert(qun_slice_is(qun_mp_str(told("f2"), "base64"), "//4A"));
  cr_assert_eq(qun_mp_str(told("f2"), "body").len, 0);
}

Test(sdk_services_client, silence_is_an_answer_too_after_so_many_tries) {
  bind_secret();
  approve("127.0.0.1", "/");
  receiver_stop(other);
  bed_say(&b, "acme", "f1", "ann", url);
  settle();
  other = receiver_start();
  cr_assert(error_has("f1", "given up after 1 tries: nothing was answered"));
}

Test(sdk_services_client, work_is_done_once_and_its_reply_recorded) {
  bed_say(&b, "acme", "w1", "ann", "work 100");
  bed_say(&b, "acme", "w2", "ann", "work 3");
  bed_say(&b, "acme", "w3", "ann", "work -1");
  settle();
  cr_assert_eq(dead(), 0);
  qun_slice result;
  cr_assert(qun_mp_find(told("w1"), "result", &result));
  cr_assert_eq(qun_mp_int(result, "sum", 0), 5050);
  cr_assert(qun_slice_is(qun_mp_str(told("w1"), "service"), "probe.sum"));
  cr_assert(qun_mp_find(told("w2"), "result", &result));
  cr_assert_eq(qun_mp_int(result, "sum", 0), 6);
  cr_assert(error_has("w3", "n is less than 0"));
  cr_assert_eq(bed_int(&b, "acme", "control", "work.answer"), 3);
}

static int verify(const char *secret, int64_t algorithm, const char *message, qun_slice signature) {
  struct qun_pack params;
  struct qun_error err = {0};
  qun_pack_init(&params);
  qun_pack_clear(&reply);
  qun_pack_map(&params, 4);
  qun_pack_kv_cstr(&params, "secret", secret);
  qun_pack_kv_int(&params, "algorithm", algorithm);
  qun_pack_kv_cstr(&params, "message", message);
  qun_pack_kv_str(&params, "signature", signature);
  struct qun_call_spec spec = {.tenant = "acme",
                               .service = "probe.verify",
                               .params = qun_pack_slice(&params),
                               .role = "owner"};
  int rc = qun_engine_call_wait(b.engine, &spec, &reply, &err);
  qun_pack_fini(&params);
  return rc;
}

Test(sdk_services_client, the_host_checks_signatures) {
  unsigned char mac[32];
  unsigned n = 0;
  secrets(
      "secrets: [{name: callback, plugin: probe, value: \"key\"}, {name: callback, plugin: other, value: \"yek\"}]\n");
  cr_assert_not_null(HMAC(EVP_sha256(), "key", 3, (const unsigned char *)"the text", 8, mac, &n));
  cr_assert_eq(verify("callback", QUN_SECRET_HMAC_SHA256, "the text", qun_slice_of(mac, 32)), 0);
  cr_assert_eq(verify("callback", QUN_SECRET_HMAC_SHA256, "the texT", qun_slice_of(mac, 32)), QUN_EDENIED);
  cr_assert_eq(verify("callback", QUN_SECRET_HMAC_SHA256, "the text", qun_slice_of(mac, 31)), QUN_EDENIED);
  cr_assert_eq(verify("callback", QUN_SECRET_HMAC_SHA256, "the text", qun_slice_of("", 0)), QUN_EDENIED);
  cr_assert_eq(verify("callback", 3, "the text", qun_slice_of(mac, 32)), QUN_EINVAL);
  cr_assert_eq(verify("nobody", QUN_SECRET_HMAC_SHA256, "the text", qun_slice_of(mac, 32)), QUN_ENOTFOUND);
  cr_assert_not_null(HMAC(EVP_sha1(), "key", 3, (const unsigned char *)"the text", 8, mac, &n));
  cr_assert_eq(verify("callback", QUN_SECRET_HMAC_SHA1, "the text", qun_slice_of(mac, 20)), 0);
}
