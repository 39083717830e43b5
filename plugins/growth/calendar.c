/* SPDX-License-Identifier: Apache-2.0 */
#include "calendar.h"

static int32_t floor_div(int32_t a, int32_t b) {
  int32_t q = a / b;
  return a % b < 0 ? q - 1 : q;
}

int32_t growth_week_of(int32_t day) {
  return floor_div(day + 3, 7);
}

int32_t growth_week_first(int32_t week) {
  return 7 * week - 3;
}

int32_t growth_weekday(int32_t day) {
  return day - growth_week_first(growth_week_of(day));
}

/* Years are counted from March, so that the leap day comes last (Fliegel and van Flandern's idea, in 400-year eras of
 * 146,097 days). */
enum { ERA_DAYS = 146097, ERA_TO_1970 = 719468 };

int32_t growth_month_of(int32_t day) {
  int32_t z = day + ERA_TO_1970;
  int32_t era = floor_div(z, ERA_DAYS);
  int32_t doe = z - era * ERA_DAYS;
  int32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int32_t march = (5 * doy + 2) / 153; /* 0 March .. 11 February */
  return (era * 400 + yoe - 1970) * 12 + march + 2;
}

int32_t growth_month_first(int32_t month) {
  int32_t from_march = month - 2;
  int32_t year = 1970 + floor_div(from_march, 12);
  int32_t march = from_march - 12 * floor_div(from_march, 12);
  int32_t era = floor_div(year, 400);
  int32_t yoe = year - era * 400;
  return era * ERA_DAYS + yoe * 365 + yoe / 4 - yoe / 100 + (153 * march + 2) / 5 - ERA_TO_1970;
}

static int digits(int32_t *out, const char *text, unsigned n) {
  int32_t v = 0;
  for (unsigned i = 0; i < n; i++) {
    if (text[i] < '0' || text[i] > '9') return -1;
    v = v * 10 + (text[i] - '0');
  }
  *out = v;
  return 0;
}

int growth_day_parse(int32_t *day, const char *text, uint64_t len) {
  int32_t y, m, d, month;
  if (len != 10 || text[4] != '-' || text[7] != '-') return -1;
  if (digits(&y, text, 4) || digits(&m, text + 5, 2) || digits(&d, text + 8, 2)) return -1;
  if (m < 1 || m > 12 || d < 1) return -1;
  month = (y - 1970) * 12 + m - 1;
  if (d > growth_month_first(month + 1) - growth_month_first(month)) return -1;
  *day = growth_month_first(month) + d - 1;
  return 0;
}
