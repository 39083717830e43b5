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

TestSuite(thanks, .init = open_fake, .fini = close_fake);

Test(thanks, is_held_until_compliance_releases_it) {
  cr_assert_eq(qun_fake_event(f, .type = "purchase", .id = "order-1", .member = 7, .fields = {QUN_INT("amount", 500)}),
               0);
  cr_assert_eq(qun_fake_outbox_count(f), 1);
  cr_assert_eq(qun_fake_outbox(f, 0)->state, QUN_FAKE_HELD);
  cr_assert(qun_slice_is(qun_fake_outbox(f, 0)->target, "thanks"));
  cr_assert_eq(qun_mp_int(qun_fake_outbox(f, 0)->body, "amount", 0), 500);
}

Test(thanks, counts_what_became_of_it) {
  qun_fake_event(f, .type = "purchase", .id = "order-1", .member = 7, .fields = {QUN_INT("amount", 500)});
  qun_fake_event(f, .type = "purchase", .id = "order-2", .member = 7, .fields = {QUN_INT("amount", 500)});
  cr_assert_eq(qun_fake_outbox_end(f, "order-1", QUN_FAKE_SENT, NULL), 0);
  cr_assert_eq(qun_fake_outbox_end(f, "order-2", QUN_FAKE_FAILED, "no answer"), 0);
  qun_slice counts = qun_fake_ask(f, "thanks.count", QUN_INT("x", 0));
  cr_assert_eq(qun_mp_int(counts, "delivered", 0), 1);
  cr_assert_eq(qun_mp_int(counts, "failed", 0), 1);
}
