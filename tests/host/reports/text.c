/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reports/text.h"

#include <criterion/criterion.h>

static char *taken(struct qun_pack *p) {
  char *s = strndup(p->buf ? (const char *)p->buf : "", p->len);
  qun_pack_fini(p);
  return s;
}

Test(host_reports_text, broken_utf8_becomes_the_replacement_sign) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun__out_html(&p, qun_slice_of("a\xff"
                                 "b\xe7\xbe",
                                 5));
  char *s = taken(&p);
  cr_assert_str_eq(s, "a\xef\xbf\xbd"
                      "b\xef\xbf\xbd");
  free(s);
}

Test(host_reports_text, json_escapes_controls_and_what_ends_a_script) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun__out_json(&p, qun_str("\"\\\n</script>\xe2\x80\xa8"));
  char *s = taken(&p);
  cr_assert_str_eq(s, "\"\\\"\\\\\\u000a\\u003c/script\\u003e\\u2028\"");
  free(s);
}

Test(host_reports_text, width_counts_terminal_columns) {
  cr_assert_eq(qun__text_width(qun_str("abc")), 3);
  cr_assert_eq(qun__text_width(qun_str("群组A")), 5);
  cr_assert_eq(qun__text_width(qun_str("e\xcc\x81")), 1);
  cr_assert_eq(qun__text_width(qun_str("ＡＢ")), 4);
}

Test(host_reports_text, padding_fills_to_the_right_or_the_left) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun__out_padded(&p, qun_str("群"), 4, 0);
  qun__out_padded(&p, qun_str("7"), 3, 1);
  char *s = taken(&p);
  cr_assert_str_eq(s, "群    7");
  free(s);
}

Test(host_reports_text, csv_number_may_begin_with_a_minus) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun__out_csv(&p, qun_str("-1,234"), 1);
  qun__out(&p, "|");
  qun__out_csv(&p, qun_str("-1"), 0);
  char *s = taken(&p);
  cr_assert_str_eq(s, "\"-1,234\"|'-1");
  free(s);
}
