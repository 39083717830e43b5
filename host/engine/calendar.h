/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days and minutes in a tenant's time zone, by ICU's data (never libc's, DECISIONS 18). A calendar belongs to one
 * thread at a time.
 */
#ifndef QUN_HOST_ENGINE_CALENDAR_H
#define QUN_HOST_ENGINE_CALENDAR_H

#include "tenants/error.h"

#include <stdint.h>

struct qun_calendar;

/* QUN_EINVAL: ICU does not know the zone. */
int qun_calendar_open(struct qun_calendar **out, const char *zone, struct qun_error *err);
/* NULL is fine. */
void qun_calendar_close(struct qun_calendar *c);
/* UTC ms to local day (days since 1970-01-01) and minute 0..1439. Quick: the offset is kept between two changes of it.
 */
void qun_calendar_to_local(struct qun_calendar *c, int64_t ms, int32_t *day, int32_t *minute);
/* Local day and minute to UTC ms; a time that a clock change skips gives the first one after it, one that comes twice
 * the first. */
int64_t qun_calendar_from_local(struct qun_calendar *c, int32_t day, int32_t minute);

#endif
