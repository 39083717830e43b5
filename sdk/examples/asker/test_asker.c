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

TestSuite(asker, .init = open_fake, .fini = close_fake);

Test(asker, says_what_the_other_plugin_counted) {
  cr_assert_eq(qun_fake_join(f, QUN_PACKAGES_DIR "/hello"), 0);
  qun_slice answer = qun_fake_ask(f, "asker.words", QUN_INT("member", 7));
  cr_assert(qun_slice_is(qun_mp_str(answer, "words"), "nothing yet"));
  qun_fake_event(f, .type = "message", .member = 7);
  answer = qun_fake_ask(f, "asker.words", QUN_INT("member", 7));
  cr_assert(qun_slice_is(qun_mp_str(answer, "words"), "a little"));
}

Test(asker, says_when_the_other_plugin_is_not_there) {
  cr_assert_eq(qun_fake_ask(f, "asker.words", QUN_INT("member", 7)).len, 0);
  cr_assert_str_eq(qun_fake_message(f), "the plugin hello is not there");
}
