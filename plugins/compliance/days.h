/* SPDX-License-Identifier: Apache-2.0 */
/* Civil dates and working days. Days count from 1970-01-01. No time zone is read here: callers give the tenant's own
 * days. */
#ifndef QUN_COMPLIANCE_DAYS_H
#define QUN_COMPLIANCE_DAYS_H

#include <qun/plugin.h>

#include <stdbool.h>

enum { QUN_DAY_MS = 86400000, QUN_HOUR_MS = 3600000 };

/* Proleptic Gregorian calendar; formula: H. Hinnant, "chrono-compatible low-level date algorithms". */
int32_t qun__day_of(int year, int month, int day);
void qun__day_split(int32_t day, int *year, int *month, int *mday);
/* "YYYY-MM-DD", a date that exists. 0 or -1. */
int qun__day_parse(const char *text, int32_t *day);
/* The same day `months` later, or the last day of that month. */
int32_t qun__day_add_months(int32_t day, int months);

enum { QUN_HOLIDAY_YEARS = 64 };

/* One year: bit set = a working day. */
struct qun_holiday_year {
  int year;
  uint32_t work[12];
};

struct qun_holidays {
  struct qun_holiday_year years[QUN_HOLIDAY_YEARS];
  uint32_t count;
};

/* Reads packs/holidays-<country>.yaml. Strict, as qun__pack_parse(). */
int qun__holidays_parse(struct qun_holidays *h, const char *file, qun_slice body, char *message, size_t message_cap);
/* The nth working day after `day`. QUN_ENOTFOUND: the year *missing has no table. */
int qun__holidays_add(const struct qun_holidays *h, int32_t day, int64_t n, int32_t *due, int *missing);

#endif
