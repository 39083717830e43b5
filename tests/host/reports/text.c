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

Test(host_reports_text, any_msgpack_value_is_json) {
  struct qun_pack v, p;
  qun_pack_init(&v);
  qun_pack_init(&p);
  qun_pack_map(&v, 3);
  qun_pack_cstr(&v, "a");
  qun_pack_array(&v, 4);
  qun_pack_int(&v, INT64_MIN);
  qun_pack_nil(&v);
  qun_pack_bool(&v, 1);
  qun_pack_double(&v, 0.5);
  qun_pack_cstr(&v, "b");
  qun_pack_bin(&v, qun_slice_of("\x01\xfe", 2));
  qun_pack_int(&v, 7);
  qun_pack_cstr(&v, "key is no text");
  qun__out_json_value(&p, qun_pack_slice(&v));
  qun_pack_fini(&v);
  char *s = taken(&p);
  cr_assert_str_eq(s, "{\"a\":[-9223372036854775808,null,true,0.5],\"b\":\"01fe\",\"7\":\"key is no text\"}");
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
