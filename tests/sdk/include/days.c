/* SPDX-License-Identifier: Apache-2.0 */
#include <qun/days.h>

#include <criterion/criterion.h>

Test(sdk_include_days, knows_weeks) {
  cr_assert_eq(qun_weekday(0), 3, "1970-01-01 was a Thursday");
  cr_assert_eq(qun_week_of(-3), 0, "1969-12-29 was a Monday");
  cr_assert_eq(qun_week_of(-4), -1);
  cr_assert_eq(qun_week_first(qun_week_of(20454)), 20451, "2026-01-01, a Thursday, is in the week of 2025-12-29");
  for (int32_t day = -1000; day < 1000; day++) cr_assert(qun_weekday(day) >= 0 && qun_weekday(day) <= 6);
}

Test(sdk_include_days, knows_months) {
  cr_assert_eq(qun_month_of(0), 0);
  cr_assert_eq(qun_month_of(-1), -1);
  cr_assert_eq(qun_month_first(1), 31);
  cr_assert_eq(qun_month_of(19782), 649, "2024-02-29");
  cr_assert_eq(qun_month_first(650), 19783, "2024-03-01");
  cr_assert_eq(qun_month_first(1562) - qun_month_first(1561), 28, "2100 has no leap day");
  for (int32_t month = -30000; month < 60000; month++) {
    cr_assert_eq(qun_month_of(qun_month_first(month)), month);
    cr_assert_eq(qun_month_of(qun_month_first(month) - 1), month - 1);
  }
}

Test(sdk_include_days, reads_a_date_and_refuses_what_is_none) {
  static const char *const none[] = {"2023-02-29", "2023-13-01", "2023-00-01", "2023-01-00",
                                     "2023-1-01x", "2023-01-0",  "",           "20230101--"};
  int32_t day = 7;
  cr_assert(qun_day_parse(qun_str("2024-02-29"), &day));
  cr_assert_eq(day, 19782);
  for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
    cr_assert(!qun_day_parse(qun_str(none[i]), &day), "%s", none[i]);
  cr_assert_eq(day, 19782, "a refusal leaves it");
}
