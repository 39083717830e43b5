/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones by ICU. A calendar is opened for each call: slow and simple. */
#include "fake_internal.h"

#include <unicode/ucal.h>
#include <unicode/ustring.h>

enum { DAY_MS = 86400000, MINUTE_MS = 60000 };

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

static UCalendar *calendar_open(const char *zone) {
  UChar name[64];
  UErrorCode status = U_ZERO_ERROR;
  if (strlen(zone) >= 64) return NULL;
  u_charsToUChars(zone, name, (int32_t)strlen(zone) + 1);
  UCalendar *c = ucal_open(name, -1, "en_US", UCAL_GREGORIAN, &status);
  if (U_FAILURE(status)) return NULL;
  ucal_setGregorianChange(c, (UDate)INT64_MIN, &status);
  return c;
}

/* Offset from UTC at an instant. */
static int offset_at(UCalendar *c, int64_t ms, int64_t *offset) {
  UErrorCode status = U_ZERO_ERROR;
  ucal_setMillis(c, (UDate)ms, &status);
  *offset = ucal_get(c, UCAL_ZONE_OFFSET, &status);
  *offset += ucal_get(c, UCAL_DST_OFFSET, &status);
  return U_FAILURE(status) ? QUN_EFAIL : 0;
}

int qun__fake_to_local(const char *zone, int64_t ms, int32_t *day, int32_t *minute) {
  int64_t offset;
  UCalendar *c = calendar_open(zone);
  if (!c) return QUN_EINVAL;
  int rc = offset_at(c, ms, &offset);
  ucal_close(c);
  if (rc) return rc;
  int64_t local = ms + offset;
  int64_t days = floor_div(local, DAY_MS);
  *day = (int32_t)days;
  *minute = (int32_t)((local - days * DAY_MS) / MINUTE_MS);
  return 0;
}

/* Whether the local reading at `ms` is at or after `local`. */
static int reached(UCalendar *c, int64_t ms, int64_t local, bool *yes) {
  int64_t offset;
  int rc = offset_at(c, ms, &offset);
  if (!rc) *yes = ms + offset >= local;
  return rc;
}

int qun__fake_from_local(const char *zone, int32_t day, int32_t minute, int64_t *ms) {
  UCalendar *c = calendar_open(zone);
  if (!c) return QUN_EINVAL;
  int64_t local = (int64_t)day * DAY_MS + (int64_t)minute * MINUTE_MS;
  int64_t before, after;
  int rc = offset_at(c, local - DAY_MS, &before);
  if (!rc) rc = offset_at(c, local + DAY_MS, &after);
  if (!rc && before >= after) {
    /* No change, or clocks go back: the earlier instant is the one with the greater offset, when it reads right. */
    int64_t there;
    *ms = local - before;
    rc = offset_at(c, *ms, &there);
    if (!rc && there != before) *ms = local - after;
  } else if (!rc) {
    /* Clocks go forward within two days: the first minute that reads `local` or later. */
    int64_t low = local - after - MINUTE_MS, high = local - before;
    while (!rc && high - low > 1) {
      int64_t mid = low + (high - low) / 2;
      bool yes = false;
      rc = reached(c, mid, local, &yes);
      if (yes)
        high = mid;
      else
        low = mid;
    }
    *ms = high;
  }
  ucal_close(c);
  return rc;
}
