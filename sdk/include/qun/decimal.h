/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qun/decimal.h: decimals as people write them ("0.2", "-1.5", "12") to integers, exactly, without floating point.
 * Header only, C99 and C++. Pure; any thread, no blocking.
 */
#ifndef QUN_DECIMAL_H
#define QUN_DECIMAL_H

#include <qun/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads `text` as a decimal with at most `places` digits behind the point (0..18), times 10 to the power `places`, into
   *value: with places 6 "0.2" gives 200000, a ratio in parts per million. 1, or 0 and *value unchanged: no such
   decimal, more digits than that, or out of range. Form: -?[0-9]+(\.[0-9]+)? and nothing else; zeros at the end beyond
   `places` are fine. */
static inline int qun_decimal_parse(qun_slice text, unsigned places, int64_t *value) {
  const char *at = (const char *)text.ptr;
  const char *end = text.len ? at + text.len : at;
  const uint64_t top = (uint64_t)INT64_MAX;
  uint64_t v = 0;
  int negative = 0, digits = 0;
  if (at < end && *at == '-') {
    negative = 1;
    at++;
  }
  for (; at < end && *at >= '0' && *at <= '9'; at++, digits++) {
    if (v > (top - (uint64_t)(*at - '0')) / 10) return 0;
    v = v * 10 + (uint64_t)(*at - '0');
  }
  if (!digits) return 0;
  if (at < end && *at == '.') {
    if (++at == end) return 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
      if (places == 0) {
        if (*at != '0') return 0;
        continue;
      }
      if (v > (top - (uint64_t)(*at - '0')) / 10) return 0;
      v = v * 10 + (uint64_t)(*at - '0');
      places--;
    }
  }
  if (at != end) return 0;
  for (; places > 0; places--) {
    if (v > top / 10) return 0;
    v *= 10;
  }
  *value = negative ? -(int64_t)v : (int64_t)v;
  return 1;
}

#ifdef __cplusplus
}
#endif
#endif
