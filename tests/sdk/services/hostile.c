/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner might send that no stub makes, and the table itself. */
#include "tests/sdk/services/callee.h"

#include <criterion/criterion.h>

static struct callee c;

static void open_callee(void) {
  callee_open(&c);
}

static void close_callee(void) {
  callee_close(&c);
}

TestSuite(hostile, .init = open_callee, .fini = close_callee);

static int dispatch(const char *bytes, size_t n, uint32_t service, uint32_t method) {
  qun_pack_clear(&c.reply);
  qun_pack_clear(&c.heard);
  return qun__dispatch(&c.far, service, method, qun_slice_of(bytes, n), &c.reply);
}

Test(hostile, bytes_that_are_no_call_reach_nothing) {
  static const struct {
    const char *bytes;
    size_t n;
  } bad[] = {
      {"", 0},                      /* nothing */
      {"\xc0", 1},                  /* no array */
      {"\x91\x01", 2},              /* too few */
      {"\x93\x01\xc4\x01k\x01", 6}, /* too many */
      {"\x92\x01\xa1k", 4},         /* text for bytes */
      {"\x92\xc4\x01k\x01", 5},     /* in the wrong order */
      {"\x92\x01\xc4\x05k", 5},     /* cut */
      {"\x92\x01\xc6\xff\xff\xff\xff"
       "k",
       8},                                                       /* longer than all there is */
      {"\x92\x01\xc4\x01k\x00", 6},                              /* something after */
      {"\x92\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xc4\x01k", 13}, /* a number past int64 */
      {"\x92\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xc4\x01k", 13}, /* a float */
      {"\xdd\xff\xff\xff\xff\x01", 6},                           /* an array that cannot be */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cr_assert_eq(dispatch(bad[i].bytes, bad[i].n, QUN__STORE, QUN__STORE_GET), QUN_EINVAL, "case %zu", i);
    cr_assert_eq(c.heard.len, 0, "case %zu was called", i);
    cr_assert_eq(c.reply.len, 0, "case %zu was answered", i);
  }
  cr_assert_eq(dispatch("\x92\x01\xc4\x01k", 5, QUN__STORE, QUN__STORE_GET), 0);
  cr_assert_neq(c.heard.len, 0);
}

Test(hostile, texts_with_an_end_inside_or_too_long_are_refused) {
  char bytes[400] = "\x92\x00\xc4\xff"; /* metrics.add takes [text, number] */
  cr_assert_eq(dispatch("\x92\xc4\x03"
                        "a\0b\x01",
                        7, QUN__METRICS, QUN__METRICS_ADD),
               QUN_EINVAL);
  memcpy(bytes, "\x92\xc5\x01\x00", 4);
  memset(bytes + 4, 'a', 256);
  bytes[260] = 1;
  cr_assert_eq(dispatch(bytes, 261, QUN__METRICS, QUN__METRICS_ADD), QUN_EINVAL);
  memcpy(bytes,
         "\x92\xc4\xff"
         "a",
         4);
  bytes[258] = 1;
  cr_assert_eq(dispatch(bytes, 259, QUN__METRICS, QUN__METRICS_ADD), 0);
}

Test(hostile, numbers_of_no_method_are_refused) {
  cr_assert_eq(dispatch("\x90", 1, QUN__SERVICES, 0), QUN_EINVAL);
  cr_assert_eq(dispatch("\x90", 1, UINT32_MAX, 0), QUN_EINVAL);
  for (uint32_t s = 0; s < QUN__SERVICES; s++) {
    cr_assert_eq(dispatch("\x90", 1, s, qun__services[s].count), QUN_EINVAL);
    cr_assert_eq(dispatch("\x90", 1, s, UINT32_MAX), QUN_EINVAL);
  }
}

Test(hostile, a_scan_that_asks_for_the_world_gets_a_part) {
  static const char row[100];
  c.rows = 4000000;
  c.row = qun_slice_of(row, sizeof row);
  cr_assert_eq(dispatch("\x94\x01\xc4\x00\xc4\x00\xce\xff\xff\xff\xff", 11, QUN__STORE, QUN__STORE_SCAN), 0);
  cr_assert_lt(c.reply.len, (size_t)2 << 20);
}

Test(hostile, each_method_is_in_the_table_with_a_sentence) {
  for (uint32_t s = 0; s < QUN__SERVICES; s++) {
    cr_assert_eq(qun__service_number(qun__services[s].id), (int)s);
    for (uint32_t m = 0; m < qun__services[s].count; m++) {
      cr_assert_gt(strlen(qun__services[s].methods[m].doc), 15);
      cr_assert_neq(qun__services[s].methods[m].modes, 0);
    }
  }
  cr_assert_eq(qun__service_number("qun.nothing/1"), -1);
}
