/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weeks and months of local days. A day is a count since 1970-01-01, a week begins on Monday, a month is a count since
 * 1970-01. Pure; any thread.
 */
#ifndef GROWTH_CALENDAR_H
#define GROWTH_CALENDAR_H

#include <stdint.h>

/* The week that a day is in: 0 is the week of 1970-01-01, a Thursday. */
int32_t growth_week_of(int32_t day);
/* The Monday of a week. */
int32_t growth_week_first(int32_t week);
/* 0 Monday .. 6 Sunday. */
int32_t growth_weekday(int32_t day);
/* The month that a day is in. */
int32_t growth_month_of(int32_t day);
/* The first day of a month. */
int32_t growth_month_first(int32_t month);
/* "2026-01-31" to a day. 0 if it is a date, -1 if not (then *day is left). */
int growth_day_parse(int32_t *day, const char *text, uint64_t len);

#endif
