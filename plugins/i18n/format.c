/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include "locale_chain.h"

#include <qun/days.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/ucurr.h>
#include <unicode/udat.h>
#include <unicode/udatpg.h>
#include <unicode/uformattedvalue.h>
#include <unicode/ulistformatter.h>
#include <unicode/uloc.h>
#include <unicode/unum.h>
#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>

enum { CURRENCIES = 4, UNITS = 5, TEXT_MAX = 256 };

static const int64_t day_ms = 86400000;

static const struct {
  const char *unit;
  int64_t ms;
} units[UNITS] = {{"day", 86400000}, {"hour", 3600000}, {"minute", 60000}, {"second", 1000}, {"millisecond", 1}};

struct money {
  char currency[4];
  int32_t digits;
  UNumberFormat *format;
};

struct qun__format {
  char tag[QUN_LOCALE_MAX];
  char zone[64];
  char id[ULOC_FULLNAME_CAPACITY];
  UNumberFormat *number, *percent;
  UDateFormat *day, *month, *time;
  UPluralRules *rules[2];
  UNumberFormatter *units[UNITS];
  UListFormatter *list;
  struct money money[CURRENCIES];
  unsigned next_money;
};

static void append(struct qun_pack *out, const UChar *text, int32_t len, UErrorCode status) {
  char utf8[TEXT_MAX * 3];
  int32_t bytes = 0;
  if (U_SUCCESS(status)) u_strToUTF8(utf8, sizeof utf8, &bytes, text, len, &status);
  if (U_SUCCESS(status)) qun_pack_raw(out, qun_slice_of(utf8, (size_t)bytes));
}

static void append_plain(struct qun_pack *out, int64_t v) {
  char text[24];
  int n = snprintf(text, sizeof text, "%" PRId64, v);
  qun_pack_raw(out, qun_slice_of(text, (size_t)n));
}

/* -v, also for the lowest number. */
static uint64_t magnitude(int64_t v) {
  return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* v / 10^digits as decimal text. */
static int decimal(char *out, size_t size, int64_t v, int32_t digits) {
  uint64_t scale = 1, m = magnitude(v);
  for (int32_t i = 0; i < digits; i++) scale *= 10;
  if (digits <= 0) return snprintf(out, size, "%s%" PRIu64, v < 0 ? "-" : "", m);
  return snprintf(out, size, "%s%" PRIu64 ".%0*" PRIu64, v < 0 ? "-" : "", m / scale, (int)digits, m % scale);
}

static bool zone_known(const char *zone) {
  UChar id[64], canonical[128];
  UBool system = 0;
  UErrorCode status = U_ZERO_ERROR;
  if (strlen(zone) >= 64) return false;
  u_charsToUChars(zone, id, (int32_t)strlen(zone) + 1);
  ucal_getCanonicalTimeZoneID(id, -1, canonical, 128, &system, &status);
  return U_SUCCESS(status);
}

int qun__format_open(struct qun__format **out, const char *locale, const char *zone) {
  struct qun__format *f = calloc(1, sizeof *f);
  UErrorCode status = U_ZERO_ERROR;
  int error = QUN_EINVAL;
  if (!f) return QUN_EFAIL;
  if (!zone || !zone[0]) zone = "UTC";
  if (qun__locale_tag(f->tag, sizeof f->tag, qun_str(locale)) || !zone_known(zone)) goto out;
  uloc_forLanguageTag(f->tag, f->id, sizeof f->id, NULL, &status);
  snprintf(f->zone, sizeof f->zone, "%s", zone);
  f->number = unum_open(UNUM_DECIMAL, NULL, 0, f->id, NULL, &status);
  f->percent = unum_open(UNUM_PERCENT, NULL, 0, f->id, NULL, &status);
  error = U_FAILURE(status) ? QUN_EFAIL : 0;
  if (error) goto out;
  unum_setAttribute(f->percent, UNUM_MAX_FRACTION_DIGITS, 2);
  unum_setAttribute(f->percent, UNUM_ROUNDING_MODE, UNUM_ROUND_HALFUP);
  *out = f;
  return 0;
out:
  qun__format_close(f);
  return error;
}

void qun__format_close(struct qun__format *f) {
  if (!f) return;
  unum_close(f->number);
  unum_close(f->percent);
  udat_close(f->day);
  udat_close(f->month);
  udat_close(f->time);
  ulistfmt_close(f->list);
  for (int i = 0; i < 2; i++) uplrules_close(f->rules[i]);
  for (int i = 0; i < UNITS; i++) unumf_close(f->units[i]);
  for (int i = 0; i < CURRENCIES; i++) unum_close(f->money[i].format);
  free(f);
}

const char *qun__format_locale(const struct qun__format *f) {
  return f->tag;
}

const char *qun__format_zone(const struct qun__format *f) {
  return f->zone;
}

void qun__format_int(struct qun__format *f, struct qun_pack *out, int64_t v) {
  UChar text[TEXT_MAX];
  UErrorCode status = U_ZERO_ERROR;
  int32_t n = unum_formatInt64(f->number, v, text, TEXT_MAX, NULL, &status);
  append(out, text, n, status);
}

static void format_decimal(UNumberFormat *format, struct qun_pack *out, const char *digits, int len) {
  UChar text[TEXT_MAX];
  UErrorCode status = U_ZERO_ERROR;
  int32_t n = unum_formatDecimal(format, digits, len, text, TEXT_MAX, NULL, &status);
  append(out, text, n, status);
}

void qun__format_ratio(struct qun__format *f, struct qun_pack *out, int64_t ppm) {
  char digits[32];
  format_decimal(f->percent, out, digits, decimal(digits, sizeof digits, ppm, 6));
}

static struct money *money_for(struct qun__format *f, const char *currency) {
  struct money *m;
  UChar code[4];
  UErrorCode status = U_ZERO_ERROR;
  for (int i = 0; i < CURRENCIES; i++) {
    if (f->money[i].format && strcmp(f->money[i].currency, currency) == 0) return &f->money[i];
  }
  m = &f->money[f->next_money++ % CURRENCIES];
  unum_close(m->format);
  memset(m, 0, sizeof *m);
  u_charsToUChars(currency, code, 4);
  m->format = unum_open(UNUM_CURRENCY, NULL, 0, f->id, NULL, &status);
  if (U_SUCCESS(status)) unum_setTextAttribute(m->format, UNUM_CURRENCY_CODE, code, 3, &status);
  m->digits = ucurr_getDefaultFractionDigits(code, &status);
  if (U_FAILURE(status)) {
    unum_close(m->format);
    m->format = NULL;
    return NULL;
  }
  memcpy(m->currency, currency, 4);
  return m;
}

void qun__format_money(struct qun__format *f, struct qun_pack *out, int64_t minor, const char *currency) {
  char digits[32];
  bool code = currency && strlen(currency) == 3;
  struct money *m = NULL;
  for (int i = 0; code && i < 3; i++) code = currency[i] >= 'A' && currency[i] <= 'Z';
  if (code) m = money_for(f, currency);
  if (!m)
    format_decimal(f->number, out, digits, decimal(digits, sizeof digits, minor, 2));
  else
    format_decimal(m->format, out, digits, decimal(digits, sizeof digits, minor, m->digits));
}

static UDateFormat *date_format(const struct qun__format *f, const char *zone, UDateFormatStyle time,
                                UDateFormatStyle date, const UChar *pattern, int32_t len) {
  UErrorCode status = U_ZERO_ERROR;
  UChar id[64];
  UDateFormat *d;
  u_charsToUChars(zone, id, (int32_t)strlen(zone) + 1);
  d = udat_open(time, date, f->id, id, -1, pattern, len, &status);
  return U_SUCCESS(status) ? d : NULL;
}

static UDateFormat *month_format(const struct qun__format *f) {
  static const UChar skeleton[] = {'y', 'M', 'M', 'M'};
  UChar pattern[64];
  UErrorCode status = U_ZERO_ERROR;
  UDateTimePatternGenerator *g = udatpg_open(f->id, &status);
  int32_t n = udatpg_getBestPattern(g, skeleton, 4, pattern, 64, &status);
  udatpg_close(g);
  return U_SUCCESS(status) ? date_format(f, "UTC", UDAT_PATTERN, UDAT_PATTERN, pattern, n) : NULL;
}

/* ICU's own range is a little wider; beyond it a number is shown as it is. */
static void format_date(UDateFormat *d, struct qun_pack *out, int64_t ms, int64_t plain) {
  UChar text[TEXT_MAX];
  UErrorCode status = U_ZERO_ERROR;
  int32_t n;
  if (!d || ms > 8640000000000000 || ms < -8640000000000000) {
    append_plain(out, plain);
    return;
  }
  n = udat_format(d, (UDate)ms, text, TEXT_MAX, NULL, &status);
  append(out, text, n, status);
}

void qun__format_day(struct qun__format *f, struct qun_pack *out, int64_t day) {
  if (!f->day) f->day = date_format(f, "UTC", UDAT_NONE, UDAT_MEDIUM, NULL, 0);
  format_date(f->day, out, day > 100000000 || day < -100000000 ? INT64_MAX : day * day_ms, day);
}

void qun__format_month(struct qun__format *f, struct qun_pack *out, int64_t month) {
  if (!f->month) f->month = month_format(f);
  format_date(f->month, out, month > 1000000 || month < -1000000 ? INT64_MAX : qun_month_first((int32_t)month) * day_ms,
              month);
}

void qun__format_time(struct qun__format *f, struct qun_pack *out, int64_t ms) {
  if (!f->time) f->time = date_format(f, f->zone, UDAT_SHORT, UDAT_MEDIUM, NULL, 0);
  format_date(f->time, out, ms, ms);
}

/* One unit of a duration, "5 min", into UTF-16. */
static int32_t format_unit(struct qun__format *f, int unit, int64_t v, UChar *text) {
  UErrorCode status = U_ZERO_ERROR;
  UFormattedNumber *result = unumf_openResult(&status);
  UChar skeleton[64];
  char ascii[64];
  int32_t n;
  if (!f->units[unit]) {
    snprintf(ascii, sizeof ascii, "unit/%s unit-width-short", units[unit].unit);
    u_charsToUChars(ascii, skeleton, (int32_t)strlen(ascii) + 1);
    f->units[unit] = unumf_openForSkeletonAndLocale(skeleton, -1, f->id, &status);
  }
  unumf_formatInt(f->units[unit], v, result, &status);
  n = unumf_resultToString(result, text, TEXT_MAX, &status);
  unumf_closeResult(result);
  return U_SUCCESS(status) ? n : 0;
}

void qun__format_duration(struct qun__format *f, struct qun_pack *out, int64_t ms) {
  UChar part[2][TEXT_MAX], text[TEXT_MAX];
  const UChar *parts[2] = {part[0], part[1]};
  int32_t len[2], n = 0, written;
  uint64_t left = magnitude(ms);
  int unit = 0, first;
  UErrorCode status = U_ZERO_ERROR;
  while (unit < UNITS - 1 && left < (uint64_t)units[unit].ms) unit++;
  if (unit == UNITS - 1 && left == 0) unit = UNITS - 2;
  for (first = unit; unit < UNITS && unit < first + 2 && n < 2; unit++) {
    uint64_t v = left / (uint64_t)units[unit].ms;
    left -= v * (uint64_t)units[unit].ms;
    if (v == 0 && n > 0) continue;
    len[n] = format_unit(f, unit, (int64_t)v, part[n]);
    n++;
  }
  if (ms < 0) qun_pack_raw(out, qun_str("\xe2\x88\x92")); /* minus */
  if (!f->list) f->list = ulistfmt_openForType(f->id, ULISTFMT_TYPE_UNITS, ULISTFMT_WIDTH_SHORT, &status);
  written = ulistfmt_format(f->list, parts, len, n, text, TEXT_MAX, &status);
  append(out, text, written, status);
}

static UPluralRules *plural_rules(struct qun__format *f, int ordinal) {
  UErrorCode status = U_ZERO_ERROR;
  if (!f->rules[ordinal])
    f->rules[ordinal] = uplrules_openForType(f->id, ordinal ? UPLURAL_TYPE_ORDINAL : UPLURAL_TYPE_CARDINAL, &status);
  return U_SUCCESS(status) ? f->rules[ordinal] : NULL;
}

/* Which digits stand behind the point decides too (1 is "one" in English, 1.0 is "other"), so the number keeps its
 * written form. */
static UFormattedNumber *written_number(const char *digits) {
  const char *point = strchr(digits, '.');
  char ascii[40];
  UChar skeleton[40];
  UErrorCode status = U_ZERO_ERROR;
  UFormattedNumber *result = unumf_openResult(&status);
  UNumberFormatter *formatter;
  int zeros = point ? (int)strlen(point + 1) : 0;
  snprintf(ascii, sizeof ascii, zeros ? ".%.*s" : "precision-integer", zeros > 30 ? 30 : zeros,
           "000000000000000000000000000000");
  u_charsToUChars(ascii, skeleton, (int32_t)strlen(ascii) + 1);
  formatter = unumf_openForSkeletonAndLocale(skeleton, -1, "en", &status);
  unumf_formatDecimal(formatter, digits, -1, result, &status);
  unumf_close(formatter);
  if (U_SUCCESS(status)) return result;
  unumf_closeResult(result);
  return NULL;
}

const char *qun__format_plural(struct qun__format *f, const char *digits, int ordinal) {
  static const char *const categories[] = {"zero", "one", "two", "few", "many", "other"};
  UPluralRules *rules = plural_rules(f, ordinal ? 1 : 0);
  bool whole = strlen(digits) <= 15 && !strchr(digits, '.'); /* exact as a double, and much quicker */
  UFormattedNumber *number = rules && !whole ? written_number(digits) : NULL;
  UErrorCode status = U_ZERO_ERROR;
  UChar keyword[16];
  char name[16];
  int32_t n;
  if (!rules || (!whole && !number)) return "other";
  n = whole ? uplrules_select(rules, strtod(digits, NULL), keyword, 16, &status)
            : uplrules_selectFormatted(rules, number, keyword, 16, &status);
  unumf_closeResult(number);
  if (U_FAILURE(status) || n >= 16) return "other";
  u_UCharsToChars(keyword, name, n);
  name[n] = 0;
  for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
    if (strcmp(categories[i], name) == 0) return categories[i];
  }
  return "other";
}
