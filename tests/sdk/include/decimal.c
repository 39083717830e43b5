/* SPDX-License-Identifier: Apache-2.0 */
#include <qun/decimal.h>

#include <criterion/criterion.h>

static int64_t parsed(const char *text, unsigned places) {
  int64_t v = -77;
  return qun_decimal_parse(qun_str(text), places, &v) ? v : -77;
}

Test(sdk_include_decimal, is_exact) {
  cr_expect_eq(parsed("0.29", 2), 29);
  cr_expect_eq(parsed("1.1", 18), 1100000000000000000);
  cr_expect_eq(parsed("-12.5", 1), -125);
  cr_expect_eq(parsed("007", 0), 7);
  cr_expect_eq(parsed("3.000", 0), 3);
  cr_expect_eq(parsed("9223372036854775807", 0), INT64_MAX);
}

Test(sdk_include_decimal, refuses_all_else) {
  static const char *const texts[] = {
      "", "-", ".", "1.", ".1", "1,5", "1e1", " 1", "1 ", "+1", "9223372036854775808", "1.2.3", "0x10"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) cr_expect_eq(parsed(texts[i], 6), -77, "%s", texts[i]);
  cr_expect_eq(parsed("1.23", 1), -77);
  cr_expect_eq(parsed("10", 18), -77);
}
