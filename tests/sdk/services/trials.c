/* SPDX-License-Identifier: Apache-2.0 */
/* The probe's trials, in the host and in the fake host. */
#include "tests/host/engine/support.h"

#include <qun/fake_host.h>

#include <criterion/criterion.h>

#include <stdio.h>

/* Trials of handlers, in order. */
static const char *const handled[] = {"store.many", "store.many_large", "store.batch", "store.batch_refused"};
/* Trials of requests, after them. */
static const char *const asked[] = {"store.reads_only"};

enum { HANDLED = sizeof handled / sizeof *handled, ASKED = sizeof asked / sizeof *asked };

static void ask(struct bed *b, const char *trial) {
  struct qun_pack params, reply;
  struct qun_error err = {0};
  qun_pack_init(&params);
  qun_pack_init(&reply);
  qun_pack_map(&params, 1);
  qun_pack_kv_cstr(&params, "trial", trial);
  struct qun_call_spec spec = {.tenant = "acme",
                               .service = "probe.try",
                               .params = qun_pack_slice(&params),
                               .role = "owner"};
  cr_assert_eq(qun_engine_call_wait(b->engine, &spec, &reply, &err), 0, "%s", err.message);
  qun_pack_fini(&params);
  qun_pack_fini(&reply);
}

Test(sdk_services, trials_pass_in_the_host) {
  struct bed b;
  struct qun_error err = {0};
  bed_open(&b, 1);
  bed_tenant(&b, "acme", false);
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", "probe", true, &err), 0, "%s", err.message);
  for (int i = 0; i < HANDLED; i++) {
    char id[8];
    snprintf(id, sizeof id, "%d", i);
    bed_say(&b, "acme", id, "ann", handled[i]);
    cr_assert_eq(bed_int(&b, "acme", "dead_letters", NULL), 0, "%s failed", handled[i]);
    cr_assert_eq(bed_int(&b, "acme", "derived", "probe.passed"), i + 1, "%s did not run", handled[i]);
  }
  for (int i = 0; i < ASKED; i++) ask(&b, asked[i]);
  bed_remove(&b);
}

Test(sdk_services, trials_pass_in_the_fake_host) {
  struct qun_fake *f = qun_fake_open(QUN_TEST_PACKAGES "/probe");
  cr_assert_not_null(f);
  for (int i = 0; i < HANDLED; i++)
    cr_assert_eq(qun_fake_event(f, .type = "message", .member = 7, .fields = {QUN_TEXT("text", handled[i])}), 0, "%s",
                 qun_fake_message(f));
  cr_assert_eq(qun_fake_emitted_count(f), HANDLED);
  for (int i = 0; i < ASKED; i++)
    cr_assert_neq(qun_fake_ask(f, "probe.try", QUN_TEXT("trial", asked[i])).len, 0, "%s", qun_fake_message(f));
  qun_fake_close(f);
}

Test(sdk_services, a_route_answers_in_the_fake_host) {
  struct qun_fake *f = qun_fake_open(QUN_TEST_PACKAGES "/probe");
  cr_assert_not_null(f);
  qun_slice headers = qun_fake_map(f, QUN_TEXT("x-note", "hi"), QUN_TEXT("cookie", "secret"));
  struct qun_fake_response r = qun_fake_http(f, "POST", "echo/a%20b/c?q=%C3%A9&z", headers, qun_str("body"));
  cr_assert_eq(r.status, 201, "%s", qun_fake_message(f));
  cr_assert(qun_slice_is(r.content_type, "text/html; charset=utf-8"));
  cr_assert(qun_slice_is(r.body, "a b|c|\xc3\xa9|hi|-|body"), "%.*s", (int)r.body.len, (const char *)r.body.ptr);
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert_eq(qun_fake_http(f, "GET", "echo/a/c", headers, qun_str("")).status, 405);
  cr_assert_eq(qun_fake_http(f, "POST", "echo/a", headers, qun_str("")).status, 404);
  cr_assert_eq(qun_fake_http(f, "GET", "plain", qun_slice_of(NULL, 0), qun_str("")).status, 200);
  qun_fake_close(f);
}

Test(sdk_services, fetches_and_work_end_in_the_fake_host_as_the_test_says) {
  struct qun_fake *f = qun_fake_open(QUN_TEST_PACKAGES "/probe");
  cr_assert_not_null(f);
  cr_assert_eq(qun_fake_set(f, "http_hosts=api.example.com"), 0);
#define SAY(ID, TEXT) qun_fake_event(f, .type = "message", .id = ID, .fields = {QUN_TEXT("text", TEXT)})
  cr_assert_eq(SAY("f1", "fetch https://evil.example/"), QUN_EDENIED);
  cr_assert_eq(SAY("f2", "fetch https://api.example.com/v1"), 0, "%s", qun_fake_message(f));
  cr_assert_eq(SAY("f3", "fetch https://api.example.com/v1"), 0);
  cr_assert_eq(SAY("w1", "work 4"), 0, "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_outbox_count(f), 3);
  cr_assert(qun_slice_is(qun_fake_outbox(f, 0)->target, "api.example.com"));
  cr_assert(qun_slice_is(qun_mp_str(qun_fake_outbox(f, 0)->body, "method"), "PUT"));
  cr_assert_eq(qun_fake_http_answer(f, "f2", 200, "text/plain", qun_str("fine")), 0, "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_http_answer(f, "f2", 200, "text/plain", qun_str("fine")), QUN_ECONFLICT);
  cr_assert_eq(qun_fake_http_silence(f, "f3", "nobody is there"), 0);
  cr_assert_eq(qun_fake_work(f, "w1"), 0, "%s", qun_fake_message(f));
  cr_assert(qun_slice_is(qun_mp_str(qun_fake_get(f, qun_str("f2")), "body"), "fine"));
  cr_assert(qun_slice_is(qun_mp_str(qun_fake_get(f, qun_str("f3")), "error"), "nobody is there"));
  qun_slice result;
  cr_assert(qun_mp_find(qun_fake_get(f, qun_str("w1")), "result", &result));
  cr_assert_eq(qun_mp_int(result, "sum", 0), 10);
  qun_fake_signature(f, "callback", QUN_SECRET_HMAC_SHA256, qun_str("text"), qun_str("sig"));
#define ASK(MESSAGE)                                                                                                   \
  qun_fake_ask(f, "probe.verify", QUN_TEXT("secret", "callback"), QUN_INT("algorithm", 1),                             \
               QUN_TEXT("message", MESSAGE), QUN_TEXT("signature", "sig"))                                             \
      .len
  cr_assert_eq(ASK("text"), 1);
  cr_assert_eq(ASK("other"), 0);
  cr_assert_eq(qun_fake_code(f), QUN_EDENIED);
  qun_fake_close(f);
}
