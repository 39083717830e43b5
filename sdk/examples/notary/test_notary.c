/* SPDX-License-Identifier: Apache-2.0 */
#include <qun/fake_host.h>

#include <criterion/criterion.h>

static struct qun_fake *f;

static void open_fake(void) {
  f = qun_fake_open(QUN_PACKAGE_DIR);
  cr_assert_not_null(f);
}

static void close_fake(void) {
  qun_fake_close(f);
}

TestSuite(notary, .init = open_fake, .fini = close_fake);

static int buy(const char *id) {
  return qun_fake_event(f, .type = "purchase", .id = id, .member = 7, .fields = {QUN_INT("amount", 500)});
}

Test(notary, asks_approved_hosts_alone) {
  cr_assert_eq(buy("order-1"), QUN_EDENIED);
  cr_assert_eq(qun_fake_set(f, "http_hosts=notary.example.com"), 0);
  cr_assert_eq(buy("order-2"), 0, "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_http_answer(f, "order-2", 201, "text/plain", qun_str("ok")), 0, "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert(qun_slice_is(qun_fake_emitted(f, 0)->subject, "order-2"));
}

Test(notary, bears_that_nobody_answers) {
  qun_fake_set(f, "http_hosts=notary.example.com");
  buy("order-1");
  cr_assert_eq(qun_fake_http_silence(f, "order-1", "timed out"), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 0);
}

Test(notary, takes_signed_confirmations_alone) {
  qun_fake_signature(f, "callback", QUN_SECRET_HMAC_SHA256, qun_str("order-1"), qun_str("right"));
  cr_assert_eq(qun_fake_ask(f, "notary.confirm", QUN_TEXT("id", "order-1"), QUN_TEXT("signature", "wrong")).len, 0);
  cr_assert_eq(qun_fake_code(f), QUN_EDENIED);
  cr_assert_gt(qun_fake_ask(f, "notary.confirm", QUN_TEXT("id", "order-1"), QUN_TEXT("signature", "right")).len, 0,
               "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_emitted_count(f), 1);
}
