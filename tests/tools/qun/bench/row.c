/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/row.h"
#include "host/ops/json.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *print(const struct qun_bench_row *row, bool json, uint32_t slow_us) {
  char *text = NULL;
  size_t len = 0;
  struct qun_cli cli = {.json = json, .out = open_memstream(&text, &len)};
  struct qun_bench_run run = {.cli = &cli, .slow_us = slow_us};
  qun_bench_row_print(&run, row);
  fclose(cli.out);
  return text;
}

static double number(qun_slice map, const char *name) {
  qun_slice value;
  struct qun_unpack u;
  int64_t whole = 0;
  double v = 0;
  cr_assert(qun_mp_find(map, name, &value), "no %s", name);
  qun_unpack_init(&u, value);
  if (qun_unpack_int(&u, &whole)) return (double)whole;
  cr_assert(qun_unpack_double(&u, &v), "%s is no number", name);
  return v;
}

static bool is_nil(qun_slice map, const char *name) {
  qun_slice value;
  struct qun_unpack u;
  cr_assert(qun_mp_find(map, name, &value), "no %s", name);
  qun_unpack_init(&u, value);
  return qun_unpack_nil(&u);
}

static const struct qun_bench_figure figures[] = {{"p99_us", "us", 812.5}, {0}};
static const struct qun_bench_row against = {.name = "ingest",
                                             .measure = "rate",
                                             .unit = "events/s",
                                             .ours = {300000, 310000, 320000},
                                             .rival = "postgresql",
                                             .way = "2 connections",
                                             .theirs = {90000, 100000, 110000},
                                             .ratio = {2.9, 3.14159, 3.4},
                                             .target = 3,
                                             .figures = figures};

Test(tools_qun_bench_row, a_json_row_is_one_line_of_the_promised_form) {
  struct qun_pack map;
  qun_slice spread;
  char *text = print(&against, true, 1000);
  cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
  qun_pack_init(&map);
  cr_assert_eq(qun_json_to_msgpack(&map, qun_str(text), NULL), 0, "%s", text);
  qun_slice row = qun_pack_slice(&map);
  cr_assert(qun_slice_is(qun_mp_str(row, "case"), "ingest"));
  cr_assert(qun_slice_is(qun_mp_str(row, "rival"), "postgresql"));
  cr_assert(qun_slice_is(qun_mp_str(row, "unit"), "events/s"));
  cr_assert(qun_slice_is(qun_mp_str(row, "way"), "2 connections"));
  cr_assert(qun_mp_find(row, "ours", &spread));
  cr_assert_eq((int)number(spread, "median"), 310000);
  cr_assert(qun_mp_find(row, "theirs", &spread));
  cr_assert_eq((int)number(spread, "max"), 110000);
  cr_assert(qun_mp_find(row, "ratio", &spread));
  cr_assert(fabs(number(spread, "median") - 3.142) < 1e-9);
  cr_assert_eq((int)number(row, "target"), 3);
  cr_assert(qun_mp_bool(row, "met", 0));
  cr_assert_eq((int)number(row, "slow_sync_us"), 1000);
  cr_assert(fabs(number(row, "p99_us") - 812.5) < 1e-9);
  qun_pack_fini(&map);
  free(text);
}

Test(tools_qun_bench_row, what_a_row_has_not_is_null) {
  static const char *const nulls[] = {"rival", "way", "theirs", "ratio", "target", "met"};
  struct qun_bench_row row = {.name = "audit", .measure = "rate", .unit = "events/s", .ours = {1, 2, 3}};
  struct qun_pack map;
  char *text = print(&row, true, 0);
  qun_pack_init(&map);
  cr_assert_eq(qun_json_to_msgpack(&map, qun_str(text), NULL), 0, "%s", text);
  for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) cr_assert(is_nil(qun_pack_slice(&map), nulls[i]));
  qun_pack_fini(&map);
  free(text);
}

Test(tools_qun_bench_row, a_target_is_met_by_the_median) {
  struct qun_bench_row row = against;
  cr_assert_eq(qun_bench_row_met(&row), 1);
  row.ratio.median = 2.99;
  cr_assert_eq(qun_bench_row_met(&row), 0);
  row.rival = NULL;
  row.at_most = true;
  row.ours = (struct qun_spread){1, 2, 9};
  cr_assert_eq(qun_bench_row_met(&row), 1);
  row.ours.median = 3.5;
  cr_assert_eq(qun_bench_row_met(&row), 0);
  row.target = 0;
  cr_assert_eq(qun_bench_row_met(&row), -1);
}

Test(tools_qun_bench_row, a_line_for_people_says_figures_ratio_and_verdict) {
  char *text = print(&against, false, 0);
  cr_assert_not_null(strstr(text, "ingest rate: postgresql 100000 (90000 to 110000) events/s [2 connections]"), "%s",
                     text);
  cr_assert_not_null(strstr(text, "ratio 3.14 (2.90 to 3.40)"), "%s", text);
  cr_assert_not_null(strstr(text, "wanted at least 3: met"), "%s", text);
  free(text);
}
