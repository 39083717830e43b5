/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/replay_internal.h"

#include <criterion/criterion.h>
#include <qun/report.h>

/* Figures, a table by name and a chart over two months. */
static void model(struct qun_report *r, int64_t members, const char *const names[], const int64_t shares[], uint32_t n,
                  int64_t second) {
  qun_report_begin(r, "p", "v", "p.title", 0, 0, 0);
  qun_report_figures(r, "now", "p.now");
  qun_report_figure(r, "members", "p.members", "int", members, NULL);
  qun_report_figure(r, "same", "p.same", "int", 7, members > 40 ? "good" : "bad");
  qun_report_list_end(r);
  qun_report_table(r, "tiers", "p.tiers");
  qun_report_column(r, "tier", "p.tier", "str");
  qun_report_column(r, "share", "p.share", "ratio");
  qun_report_rows(r);
  for (uint32_t i = 0; i < n; i++) {
    qun_report_row(r, 2);
    qun_pack_cstr(&r->pack, names[i]);
    qun_pack_int(&r->pack, shares[i]);
  }
  qun_report_list_end(r);
  qun_report_chart(r, "line", "p.line", "line", "p.month", "month", 2);
  qun_pack_int(&r->pack, 600);
  qun_pack_int(&r->pack, 601);
  qun_report_chart_series(r);
  qun_report_series(r, "core", "p.core", "int", 2);
  qun_pack_int(&r->pack, 5);
  qun_pack_int(&r->pack, second);
  qun_report_list_end(r);
}

static qun_slice model_end(struct qun_report *r) {
  qun_report_glossary(r);
  qun_report_end(r);
  return qun_pack_slice(&r->pack);
}

static void expect_cell(struct qun_unpack *u, const char *section, const char *row, const char *column, int64_t was,
                        int64_t is) {
  qun_slice cell;
  cr_assert(qun_unpack_any(u, &cell));
  cr_expect(qun_slice_is(qun_mp_str(cell, "section"), section), "%s", section);
  if (row) cr_expect(qun_slice_is(qun_mp_str(cell, "row"), row), "%s", row);
  cr_expect(qun_slice_is(qun_mp_str(cell, "column"), column), "%s", column);
  cr_expect_eq(qun_mp_int(cell, "was", -1), was, "%s %s", section, column);
  cr_expect_eq(qun_mp_int(cell, "is", -1), is, "%s %s", section, column);
}

Test(host_engine_replay_reports, names_each_cell_that_differs) {
  struct qun_report a, b;
  struct qun_pack cells;
  struct qun_unpack u;
  uint32_t packed = 0;
  const char *const before[] = {"core", "ordinary", "silent"}, *const after[] = {"ordinary", "core", "lost"};
  const int64_t was[] = {100000, 900000, 5}, is[] = {800000, 200000, 6};
  model(&a, 40, before, was, 3, 9);
  model(&b, 41, after, is, 3, 12);
  qun_pack_init(&cells);
  uint32_t n = qun__report_cells(model_end(&a), model_end(&b), 100, &cells, &packed);
  cr_assert_eq(n, 9);
  cr_assert_eq(packed, 9);
  qun_unpack_init(&u, qun_pack_slice(&cells));
  expect_cell(&u, "now", "members", "", 40, 41);
  expect_cell(&u, "now", "same", "status", -1, -1);
  expect_cell(&u, "tiers", "core", "share", 100000, 200000); /* rows are found by their first cell */
  expect_cell(&u, "tiers", "ordinary", "share", 900000, 800000);
  expect_cell(&u, "tiers", "silent", "tier", -1, -1); /* a row that is gone: every cell */
  expect_cell(&u, "tiers", "silent", "share", 5, -1);
  expect_cell(&u, "tiers", "lost", "tier", -1, -1);
  expect_cell(&u, "tiers", "lost", "share", -1, 6);
  expect_cell(&u, "line", NULL, "core", 9, 12);
  n = qun__report_cells(qun_pack_slice(&a.pack), qun_pack_slice(&a.pack), 100, &cells, &packed);
  cr_expect_eq(n, 0);
  n = qun__report_cells(qun_pack_slice(&a.pack), qun_pack_slice(&b.pack), 2, &cells, &packed);
  cr_expect_eq(n, 9);
  cr_expect_eq(packed, 2);
  qun_pack_fini(&cells);
  qun_pack_fini(&a.pack);
  qun_pack_fini(&b.pack);
}
