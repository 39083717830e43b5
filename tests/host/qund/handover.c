/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/handover.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(host_qund_handover, comes_back_as_it_was_and_leaves_the_environment) {
  char text[QUN_QUND_HANDOVER_SIZE];
  struct qun_qund_handover got, h = {.tcp = -1,
                                     .api = 4,
                                     .intake = 5,
                                     .status = 7,
                                     .restarts = 12,
                                     .announced = true,
                                     .died_ms = 123456789012,
                                     .reason = "SIGSEGV (core dumped)"};
  qun_qund_handover_format(text, &h);
  setenv(QUN_QUND_HANDOVER, text, 1);
  cr_assert(qun_qund_handover_take(&got));
  cr_assert_null(getenv(QUN_QUND_HANDOVER));
  cr_assert_eq(got.tcp, -1);
  cr_assert_eq(got.api, 4);
  cr_assert_eq(got.intake, 5);
  cr_assert_eq(got.status, 7);
  cr_assert_eq(got.restarts, 12);
  cr_assert(got.announced);
  cr_assert_eq(got.died_ms, 123456789012);
  cr_assert_str_eq(got.reason, "SIGSEGV (core dumped)");
  cr_assert_not(qun_qund_handover_take(&got), "it is taken once");
}

Test(host_qund_handover, says_none_for_a_first_worker) {
  char text[QUN_QUND_HANDOVER_SIZE];
  struct qun_qund_handover got, h = {.tcp = 3, .api = 4, .intake = 5, .status = 6};
  qun_qund_handover_format(text, &h);
  cr_assert(qun_qund_handover_parse(&got, text));
  cr_assert_str_eq(got.reason, "none");
}

Test(host_qund_handover, refuses_what_is_not_whole) {
  static const char *const bad[] = {
      "", "3", "3 4 5 6 0 0", "3 4 5 6 0 0 0", "3 -1 5 6 0 0 0 none", "a b c d e f g h", "-2 4 5 6 0 0 0 none"};
  struct qun_qund_handover got;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_not(qun_qund_handover_parse(&got, bad[i]), "%s", bad[i]);
}
