/* SPDX-License-Identifier: Apache-2.0 */
/* Text and time as they come from outside. UTF-8: RFC 3629. Time: RFC 3339. */
#include "host/intake/normalise.h"

#include <stdio.h>

static int continuation(const unsigned char *at, unsigned n) {
  for (unsigned i = 0; i < n; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  return 1;
}

/* Length of the well-formed sequence at `at` (its first byte is 0x80 or more), 0 if there is none. */
static unsigned sequence(const unsigned char *at, size_t left) {
  unsigned b = at[0];
  if (b >= 0xc2 && b <= 0xdf) return left >= 2 && continuation(at + 1, 1) ? 2 : 0;
  if (b >= 0xe0 && b <= 0xef) {
    if (left < 3 || !continuation(at + 1, 2)) return 0;
    if (b == 0xe0 && at[1] < 0xa0) return 0;
    if (b == 0xed && at[1] > 0x9f) return 0; /* surrogates */
    return 3;
  }
  if (b >= 0xf0 && b <= 0xf4) {
    if (left < 4 || !continuation(at + 1, 3)) return 0;
    if (b == 0xf0 && at[1] < 0x90) return 0;
    if (b == 0xf4 && at[1] > 0x8f) return 0; /* over U+10FFFF */
    return 4;
  }
  return 0;
}

/* Eight bytes at once: none is NUL and none has its high bit set. */
static int plain_ascii(const unsigned char *at) {
  uint64_t v;
  memcpy(&v, at, sizeof v);
  return !((v | (v - 0x0101010101010101ull)) & 0x8080808080808080ull);
}

/* Two characters of three bytes at once, which is what Chinese, Japanese and Korean are made of: leads e1..ef without
   ed, each with two continuations. e0 (overlong below a0), ed (surrogates) and the rest take the long way. */
static int plain_pair(const unsigned char *at) {
  uint64_t v;
  memcpy(&v, at, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  if ((v & 0x0000c0c0f0c0c0f0ull) != 0x00008080e08080e0ull) return 0;
  unsigned a = (unsigned)v & 0xf, b = (unsigned)(v >> 24) & 0xf;
  return a != 0 && a != 0xd && b != 0 && b != 0xd;
}

int qun_utf8_valid(qun_slice text) {
  const unsigned char *at = text.ptr;
  size_t left = (size_t)text.len;
  while (left > 0) {
    while (left >= 8 && plain_pair(at)) {
      at += 6;
      left -= 6;
    }
    if (left >= 8 && plain_ascii(at)) {
      at += 8;
      left -= 8;
      continue;
    }
    if (left == 0) break;
    unsigned n = 1;
    if (*at == 0) return 0;
    if (*at >= 0x80) n = sequence(at, left);
    if (n == 0) return 0;
    at += n;
    left -= n;
  }
  return 1;
}

/* ---------------------------------------------------------------- time */

struct reader {
  const char *at;
  const char *end;
};

static int digits(struct reader *r, unsigned count, int *out) {
  int v = 0;
  if (r->end - r->at < (ptrdiff_t)count) return 0;
  for (unsigned i = 0; i < count; i++) {
    char c = r->at[i];
    if (c < '0' || c > '9') return 0;
    v = v * 10 + (c - '0');
  }
  r->at += count;
  *out = v;
  return 1;
}

static int one_of(struct reader *r, const char *set) {
  if (r->at >= r->end || *r->at == '\0' || !strchr(set, *r->at)) return 0;
  r->at++;
  return 1;
}

static int leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month) {
  static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && leap(year));
}

/* Days since 1970-01-01 of a proleptic Gregorian date: years counted from March, eras of 400 years. */
static int64_t days_of(int year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t in_era = y - era * 400;
  int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

/* ".123456" to milliseconds, cut off after the third digit. */
static int fraction(struct reader *r, int *ms) {
  int scale = 100, any = 0;
  *ms = 0;
  if (!one_of(r, ".")) return 1;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
    *ms += (*r->at++ - '0') * scale;
    scale /= 10;
    any = 1;
  }
  return any;
}

static int zone(struct reader *r, int *minutes) {
  int h, m, sign;
  *minutes = 0;
  if (one_of(r, "Zz")) return 1;
  if (r->at >= r->end || (*r->at != '+' && *r->at != '-')) return 0;
  sign = *r->at++ == '-' ? -1 : 1;
  if (!digits(r, 2, &h) || !one_of(r, ":") || !digits(r, 2, &m) || h > 23 || m > 59) return 0;
  *minutes = sign * (h * 60 + m);
  return 1;
}

int qun_time_parse(qun_slice text, int64_t *ms) {
  int year, month, day, hour, minute, second, milli, offset;
  if (text.len == 0) return QUN_EINVAL;
  struct reader r = {text.ptr, (const char *)text.ptr + text.len};
  if (!digits(&r, 4, &year) || !one_of(&r, "-") || !digits(&r, 2, &month) || !one_of(&r, "-") || !digits(&r, 2, &day))
    return QUN_EINVAL;
  if (!one_of(&r, "Tt ") || !digits(&r, 2, &hour) || !one_of(&r, ":") || !digits(&r, 2, &minute) || !one_of(&r, ":") ||
      !digits(&r, 2, &second) || !fraction(&r, &milli) || !zone(&r, &offset) || r.at != r.end)
    return QUN_EINVAL;
  if (month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour > 23 || minute > 59 || second > 60)
    return QUN_EINVAL;
  if (second == 60) { /* UTC milliseconds have no leap second: its last place is the second before */
    second = 59;
    milli = 999;
  }
  *ms = (days_of(year, month, day) * 86400 + hour * 3600 + (minute - offset) * 60 + second) * 1000 + milli;
  return QUN_OK;
}

void qun_time_format(int64_t ms, char out[25]) {
  int64_t days = ms / 86400000, rest = ms % 86400000;
  if (rest < 0) {
    rest += 86400000;
    days--;
  }
  int64_t z = days + 719468;
  int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t in_era = z - era * 146097;
  int64_t years = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  int64_t in_year = in_era - (365 * years + years / 4 - years / 100);
  int64_t mp = (5 * in_year + 2) / 153;
  int64_t month = mp < 10 ? mp + 3 : mp - 9;
  int64_t year = years + era * 400 + (month <= 2);
  unsigned y = (unsigned)((year % 10000 + 10000) % 10000);
  char text[64];
  snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", y, (unsigned)month,
           (unsigned)(in_year - (153 * mp + 2) / 5 + 1), (unsigned)(rest / 3600000), (unsigned)(rest / 60000 % 60),
           (unsigned)(rest / 1000 % 60), (unsigned)(rest % 1000));
  memcpy(out, text, 24);
  out[24] = '\0';
}
