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

TestSuite(phrases, .init = open_fake, .fini = close_fake);

static qun_slice phrase(int64_t n) {
  return qun_mp_str(qun_fake_ask(f, "phrases.get", QUN_INT("n", n)), "phrase");
}

Test(phrases, are_the_lines_of_the_file) {
  cr_assert(qun_slice_is(phrase(0), "Tea first."));
  cr_assert(qun_slice_is(phrase(1), "日拱一卒。"));
  cr_assert(qun_slice_is(phrase(2), "Tea first."));
  cr_assert_eq(phrase(-1).len, 0);
}
