/* SPDX-License-Identifier: Apache-2.0 */
#include <qun/report.h>

#include <criterion/criterion.h>

/* One of each kind of section. */
static void write_report(struct qun_report *r) {
  qun_report_begin(r, "growth", "weekly", "growth.weekly", 1767600000000, 20450, 20457);
  qun_report_figures(r, "now", "growth.now");
  qun_report_figure(r, "members", "growth.members", "int", 120, "good");
  qun_report_figure(r, "retention", "growth.retention", "ratio", 250000, NULL);
  qun_report_list_end(r);
  qun_report_table(r, "channels", "growth.channels");
  qun_report_column(r, "channel", "growth.channel", "str");
  qun_report_column(r, "joined", "growth.joined", "int");
  qun_report_rows(r);
  for (int i = 0; i < 20; i++) {
    qun_report_row(r, 2);
    qun_pack_cstr(&r->pack, "qr");
    qun_pack_int(&r->pack, i);
  }
  qun_report_list_end(r);
  qun_report_chart(r, "daily", "growth.daily", "line", "growth.day", "day", 2);
  qun_pack_int(&r->pack, 20450);
  qun_pack_int(&r->pack, 20451);
  qun_report_chart_series(r);
  qun_report_series(r, "active", "growth.active", "int", 2);
  qun_pack_int(&r->pack, 5);
  qun_pack_nil(&r->pack);
  qun_report_list_end(r);
  qun_report_words(r, "note", "growth.note");
  qun_report_text_int(&r->pack, "growth.left", "count", 3);
  qun_report_glossary(r);
  qun_report_term(r, "retention", "growth.retention", "growth.retention.formula", "G59");
}

static qun_slice section(qun_slice model, uint32_t nth, uint32_t *count) {
  struct qun_unpack u;
  qun_slice sections = {NULL, 0}, s = {NULL, 0};
  cr_assert(qun_mp_find(model, "sections", &sections));
  qun_unpack_init(&u, sections);
  cr_assert(qun_unpack_array(&u, count));
  for (uint32_t i = 0; i <= nth; i++) cr_assert(qun_unpack_any(&u, &s));
  return s;
}

static uint32_t length(qun_slice map, const char *key) {
  struct qun_unpack u;
  qun_slice list;
  uint32_t n = 0;
  cr_assert(qun_mp_find(map, key, &list), "%s", key);
  qun_unpack_init(&u, list);
  cr_assert(qun_unpack_array(&u, &n));
  return n;
}

Test(sdk_include_report, writes_one_whole_value_with_every_kind_of_section) {
  struct qun_report r;
  uint32_t count = 0;
  write_report(&r);
  qun_slice model = qun_report_end(&r);
  cr_assert(qun_mp_valid(model, 16));
  cr_expect(qun_slice_is(qun_mp_str(model, "view"), "weekly"));
  cr_expect_eq(qun_mp_int(model, "as_of", 0), 1767600000000);
  cr_expect_eq(length(section(model, 0, &count), "items"), 2);
  cr_expect_eq(count, 4);
  cr_expect_eq(length(section(model, 1, &count), "columns"), 2);
  cr_expect_eq(length(section(model, 1, &count), "rows"), 20);
  cr_expect_eq(length(section(model, 2, &count), "series"), 1);
  cr_expect_eq(length(section(model, 3, &count), "body"), 2);
  cr_expect_eq(length(model, "glossary"), 1);
  qun_report_fini(&r);
}

Test(sdk_include_report, may_have_no_section_and_no_term) {
  struct qun_report r;
  qun_report_begin(&r, "growth", "weekly", "growth.weekly", 0, 0, 0);
  qun_report_glossary(&r);
  qun_slice model = qun_report_end(&r);
  cr_assert(qun_mp_valid(model, 8));
  cr_expect_eq(length(model, "sections"), 0);
  cr_expect_eq(length(model, "glossary"), 0);
  qun_report_fini(&r);
}

Test(sdk_include_report, is_empty_when_memory_ran_out) {
  struct qun_report r;
  write_report(&r);
  r.pack.failed = 1;
  cr_expect_eq(qun_report_end(&r).len, 0);
  qun_report_fini(&r);
}
