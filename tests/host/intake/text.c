/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/normalise.h"

#include <criterion/criterion.h>

static const struct {
  const char *text;
  int64_t ms;
} times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-21T08:00:00Z", 1795248000000},
    {"2026-11-21T16:00:00+08:00", 1795248000000},
    {"2026-11-21t02:30:00.5-05:30", 1795248000500},
    {"2024-02-29T23:59:59.9999Z", 1709251199999},
    {"2016-12-31T23:59:60Z", 1483228799999},
    {"2000-02-29 12:00:00Z", 951825600000},
    {"1969-12-31T23:59:59.999Z", -1},
};

Test(host_intake_text, reads_rfc_3339) {
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    int64_t ms = 1;
    cr_assert_eq(qun_time_parse(qun_str(times[i].text), &ms), 0, "%s", times[i].text);
    cr_assert_eq(ms, times[i].ms, "%s: %lld", times[i].text, (long long)ms);
  }
}

Test(host_intake_text, refuses_other_times) {
  static const char *const bad[] = {"",
                                    "2026-11-21",
                                    "2026-11-21T08:00:00",
                                    "2026-11-21T08:00Z",
                                    "2026-02-29T00:00:00Z",
                                    "1900-02-29T00:00:00Z",
                                    "2026-13-01T00:00:00Z",
                                    "2026-00-01T00:00:00Z",
                                    "2026-01-00T00:00:00Z",
                                    "2026-01-01T24:00:00Z",
                                    "2026-01-01T00:60:00Z",
                                    "2026-01-01T00:00:61Z",
                                    "2026-01-01T00:00:00.Z",
                                    "2026-01-01T00:00:00+8:00",
                                    "2026-01-01T00:00:00+24:00",
                                    "2026-01-01T00:00:00Zx",
                                    "2026-01-01T00:00:00+08:0",
                                    "20x6-01-01T00:00:00Z"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t ms = 7;
    cr_assert_eq(qun_time_parse(qun_str(bad[i]), &ms), QUN_EINVAL, "%s", bad[i]);
    cr_assert_eq(ms, 7);
  }
}

Test(host_intake_text, formats_what_it_reads) {
  static const int64_t all[] = {
      0, -1, 1795248000123, 951782400000, 951868800000, 253402300799999, 68169600000, -62135596800000};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char text[25];
    int64_t ms;
    qun_time_format(all[i], text);
    cr_assert_eq(qun_time_parse(qun_str(text), &ms), 0, "%s", text);
    cr_assert_eq(ms, all[i], "%s", text);
  }
}

Test(host_intake_text, knows_utf_8) {
  static const char *const good[] = {
      "", "a", "群", "é", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "12345678\x7f"};
  static const char *const bad[] = {"\x80",
                                    "\xc0\x80",
                                    "\xc1\xbf",
                                    "\xe0\x80\x80",
                                    "\xed\xa0\x80",
                                    "\xf0\x80\x80\x80",
                                    "\xf4\x90\x80\x80",
                                    "\xf5\x80\x80\x80",
                                    "\xe7\xbe",
                                    "\xff",
                                    "12345678\xff",
                                    "abc\xe7\xbex",
                                    "\xf0\x9f\x98"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) cr_assert(qun_utf8_valid(qun_str(good[i])), "good %zu", i);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_assert(!qun_utf8_valid(qun_str(bad[i])), "bad %zu", i);
  for (size_t at = 0; at < 20; at++) { /* a NUL anywhere, also where eight bytes are checked at once */
    char text[20];
    memset(text, 'a', sizeof text);
    text[at] = '\0';
    cr_assert(!qun_utf8_valid(qun_slice_of(text, sizeof text)));
  }
}
