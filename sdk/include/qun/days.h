/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qun/days.h: weeks and months of local days. A day is a count since 1970-01-01 as in struct qun_event, a week begins
 * on Monday (ISO 8601) and is counted from that of 1970-01-01, a month is a count since 1970-01 as in qun/report.h.
 * Header only, C99 and C++. Pure; any thread, no blocking. Days within 5 million years of 1970.
 */
#ifndef QUN_DAYS_H
#define QUN_DAYS_H

#include <qun/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline int32_t qun__floor_div(int32_t a, int32_t b) {
  return a / b - (a % b < 0);
}

/* The week that a day is in: 0 is the week of 1970-01-01, a Thursday. */
static inline int32_t qun_week_of(int32_t day) {
  return qun__floor_div(day + 3, 7);
}

/* The Monday of a week. */
static inline int32_t qun_week_first(int32_t week) {
  return 7 * week - 3;
}

/* 0 Monday .. 6 Sunday. */
static inline int32_t qun_weekday(int32_t day) {
  return day - qun_week_first(qun_week_of(day));
}

/* Both of the next: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days and days_from_civil.
   Years begin in March, so that the leap day comes last; 400 of them have 146,097 days; 719,468 days lie between
   0000-03-01 and 1970-01-01. */

/* The month that a day is in. */
static inline int32_t qun_month_of(int32_t day) {
  int32_t z = day + 719468;
  int32_t era = qun__floor_div(z, 146097);
  int32_t doe = z - era * 146097;
  int32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int32_t march = (5 * doy + 2) / 153; /* 0 March .. 11 February */
  return (era * 400 + yoe - 1970) * 12 + march + 2;
}

/* The first day of a month. */
static inline int32_t qun_month_first(int32_t month) {
  int32_t from_march = month - 2;
  int32_t year = 1970 + qun__floor_div(from_march, 12);
  int32_t march = from_march - 12 * qun__floor_div(from_march, 12);
  int32_t era = qun__floor_div(year, 400);
  int32_t yoe = year - era * 400;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + (153 * march + 2) / 5 - 719468;
}

static inline int qun__digits(const char *text, unsigned n, int32_t *value) {
  int32_t v = 0;
  unsigned i;
  for (i = 0; i < n; i++) {
    if (text[i] < '0' || text[i] > '9') return 0;
    v = v * 10 + (text[i] - '0');
  }
  *value = v;
  return 1;
}

/* "2026-01-31" to a day. 1, or 0 and *day unchanged: no such date. */
static inline int qun_day_parse(qun_slice text, int32_t *day) {
  const char *p = (const char *)text.ptr;
  int32_t y, m, d, month;
  if (text.len != 10 || p[4] != '-' || p[7] != '-') return 0;
  if (!qun__digits(p, 4, &y) || !qun__digits(p + 5, 2, &m) || !qun__digits(p + 8, 2, &d)) return 0;
  if (m < 1 || m > 12 || d < 1) return 0;
  month = (y - 1970) * 12 + m - 1;
  if (d > qun_month_first(month + 1) - qun_month_first(month)) return 0;
  *day = qun_month_first(month) + d - 1;
  return 1;
}

#ifdef __cplusplus
}
#endif
#endif
