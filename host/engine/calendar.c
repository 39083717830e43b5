/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/calendar.h"

#include <qun/plugin.h>
#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

enum { MINUTE_MS = 60000, HOUR_MS = 3600000 };
static const int64_t day_ms = 86400000;

/* The zone's offset between two changes of it. */
struct span {
  int64_t from, to; /* UTC ms: from <= t < to */
  int64_t offset;   /* local = UTC + offset */
};

/* The minute that was asked for last: a record's callbacks all ask for it. */
struct minute {
  int64_t from, to; /* UTC ms: from <= t < to */
  int32_t day, minute;
};

struct qun_calendar {
  UCalendar *icu;
  struct span last;
  struct minute now;
};

int qun_calendar_open(struct qun_calendar **out, const char *zone, struct qun_error *err) {
  UErrorCode status = U_ZERO_ERROR;
  UChar id[64], canonical[64];
  UBool system = 0;
  int32_t n = 0;
  if (strlen(zone) < 60) u_charsToUChars(zone, id, n = (int32_t)strlen(zone));
  ucal_getCanonicalTimeZoneID(id, n, canonical, 64, &system, &status);
  if (n == 0 || U_FAILURE(status) || !system)
    return qun_error_set(err, QUN_EINVAL, "time zone \"%.60s\" is not known", zone);
  struct qun_calendar *c = calloc(1, sizeof *c);
  if (!c) return qun_error_set(err, QUN_EFAIL, "out of memory");
  c->icu = ucal_open(id, n, "en_US_POSIX", UCAL_GREGORIAN, &status);
  if (U_FAILURE(status)) {
    free(c);
    return qun_error_set(err, QUN_EFAIL, "time zone \"%s\": %s", zone, u_errorName(status));
  }
  *out = c;
  return 0;
}

void qun_calendar_close(struct qun_calendar *c) {
  if (!c) return;
  ucal_close(c->icu);
  free(c);
}

static const struct span *span_at(struct qun_calendar *c, int64_t ms) {
  UErrorCode status = U_ZERO_ERROR;
  UDate at = 0;
  if (c->last.from < c->last.to && ms >= c->last.from && ms < c->last.to) return &c->last;
  ucal_setMillis(c->icu, (UDate)ms, &status);
  c->last.offset = ucal_get(c->icu, UCAL_ZONE_OFFSET, &status) + ucal_get(c->icu, UCAL_DST_OFFSET, &status);
  c->last.from = INT64_MIN / 2;
  c->last.to = INT64_MAX / 2;
  if (ucal_getTimeZoneTransitionDate(c->icu, UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, &at, &status))
    c->last.from = (int64_t)at;
  if (ucal_getTimeZoneTransitionDate(c->icu, UCAL_TZ_TRANSITION_NEXT, &at, &status)) c->last.to = (int64_t)at;
  return &c->last;
}

static void find_minute(struct qun_calendar *c, int64_t ms) {
  const struct span *span = span_at(c, ms);
  int64_t local = ms + span->offset;
  int64_t d = local / day_ms - (local % day_ms < 0);
  int64_t minute = (local - d * day_ms) / MINUTE_MS;
  int64_t from = d * day_ms + minute * MINUTE_MS - span->offset;
  c->now = (struct minute){from, from + MINUTE_MS, (int32_t)d, (int32_t)minute};
  /* an offset may change within a minute: each of its halves is one of its own */
  if (c->now.from < span->from) c->now.from = span->from;
  if (c->now.to > span->to) c->now.to = span->to;
}

void qun_calendar_to_local(struct qun_calendar *c, int64_t ms, int32_t *day, int32_t *minute) {
  if (ms < c->now.from || ms >= c->now.to) find_minute(c, ms);
  *day = c->now.day;
  *minute = c->now.minute;
}

int64_t qun_calendar_from_local(struct qun_calendar *c, int32_t day, int32_t minute) {
  int64_t local = (int64_t)day * day_ms + (int64_t)minute * MINUTE_MS;
  /* the offset before any change near that time, then the one after it: the first that maps back is the answer */
  int64_t before = local - span_at(c, local - 24 * (int64_t)HOUR_MS)->offset;
  if (before + span_at(c, before)->offset == local) return before;
  int64_t after = local - span_at(c, local + 24 * (int64_t)HOUR_MS)->offset;
  if (after + span_at(c, after)->offset == local) return after;
  /* skipped: the moment of the change */
  return span_at(c, before)->from;
}
