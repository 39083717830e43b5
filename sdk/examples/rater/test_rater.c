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

TestSuite(rater, .init = open_fake, .fini = close_fake);

Test(rater, tells_when_the_work_is_done) {
  cr_assert_eq(qun_fake_event(f, .type = "purchase", .id = "order-1", .member = 7, .fields = {QUN_INT("amount", 1500)}),
               0, "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_emitted_count(f), 0);
  cr_assert_eq(qun_fake_work(f, "order-1"), 0, "%s", qun_fake_message(f));
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert(qun_slice_is(qun_fake_emitted(f, 0)->subject, "order-1"));
  cr_assert_eq(qun_mp_int(qun_fake_emitted(f, 0)->data, "stars", 0), 3);
}
