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

TestSuite(gauge, .init = open_fake, .fini = close_fake);

Test(gauge, counts_and_shows) {
  for (int i = 0; i < 3; i++) cr_assert_eq(qun_fake_event(f, .type = "message", .member = 7), 0);
  cr_assert_eq(qun_fake_metric(f, "messages"), 3);
  struct qun_fake_response page = qun_fake_http(f, "GET", "page", qun_slice_of(NULL, 0), qun_slice_of(NULL, 0));
  cr_assert_eq(page.status, 200, "%s", qun_fake_message(f));
  cr_assert(qun_slice_is(page.body, "<p>00000000000000000003 messages"));
}

Test(gauge, has_one_page) {
  cr_assert_eq(qun_fake_http(f, "GET", "other", qun_slice_of(NULL, 0), qun_slice_of(NULL, 0)).status, 404);
  cr_assert_eq(qun_fake_http(f, "POST", "page", qun_slice_of(NULL, 0), qun_slice_of(NULL, 0)).status, 405);
}
