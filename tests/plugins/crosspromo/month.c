/* SPDX-License-Identifier: Apache-2.0 */
/* What crosses every month, and the quarterly evaluation of partners. */
#include "tests/plugins/crosspromo/cross.h"

static uint64_t next_member = 1;

static void joins(struct qun_fake *f, const char *at, const char *code, unsigned n) {
  for (unsigned i = 0; i < n; i++)
    qun_fake_event(f, .type = "join", .at = at, .member = next_member++, .group = "g",
                   .fields = {QUN_TEXT("code", code)});
}

Test(plugins_crosspromo_month, counts_cross_on_the_first_and_revenue_only_when_shared) {
  struct qun_fake *f = cross_open();
  cross_agree(f, "beta", "code,count");
  cross_agree(f, "gamma", "code"); /* lists no counts */
  ASK(f, "crosspromo.code", QUN_TEXT("partner", "beta"), QUN_TEXT("code", "B"));
  ASK(f, "crosspromo.code", QUN_TEXT("partner", "gamma"), QUN_TEXT("code", "G"));
  joins(f, "2026-01-20 10:00", "B", 3);
  joins(f, "2026-01-20 10:00", "G", 3);
  qun_fake_event(f, .type = "purchase", .at = "2026-01-21 10:00", .member = 1, .fields = {QUN_INT("amount", 1000)});
  size_t before = qun_fake_outbox_count(f);
  qun_fake_advance_to(f, "2026-02-01 00:00");
  cr_assert_eq(qun_fake_outbox_count(f), before + 1);
  const struct qun_fake_row *row = cross_last(f);
  cr_assert(qun_slice_is(row->target, "beta"));
  cr_assert(qun_slice_is(qun_mp_str(row->body, "what"), "counts"));
  cr_assert_eq(qun_mp_int(row->body, "month", 0), (2026 - 1970) * 12);
  cr_assert_eq(qun_mp_int(row->body, "joins", 0), 3);
  cr_assert_eq(qun_mp_int(row->body, "purchases", 0), 1);
  cr_assert_eq(qun_mp_int(row->body, "spend", -1), -1, "no share, no revenue told");
  qun_fake_advance_to(f, "2026-03-01 00:00");
  cr_assert_eq(qun_fake_outbox_count(f), before + 1, "nothing came in February");
  qun_fake_close(f);
}

Test(plugins_crosspromo_month, the_weakest_fifth_is_to_be_retired_each_quarter) {
  struct qun_fake *f = cross_open();
  static const char *const partners[] = {"p0", "p1", "p2", "p3", "p4"};
  for (unsigned i = 0; i < 5; i++) {
    cross_agree(f, partners[i], "code");
    ASK(f, "crosspromo.code", QUN_TEXT("partner", partners[i]), QUN_TEXT("code", partners[i]));
    joins(f, "2026-02-10 10:00", partners[i], i == 3 ? 0 : i + 1);
  }
  qun_fake_advance_to(f, "2026-03-20 10:00");
  cross_agree(f, "young", "code");
  qun_fake_advance_to(f, "2026-04-01 00:00");
  qun_slice model = cross_view_of(f, "advice");
  cr_assert(
      qun_slice_is(model_text(model, "advice", model_row_of(model, "advice", "partner", "p3"), "advice"), "retire"));
  cr_assert(
      qun_slice_is(model_text(model, "advice", model_row_of(model, "advice", "partner", "p0"), "advice"), "go_on"));
  cr_assert(qun_slice_is(model_text(model, "advice", model_row_of(model, "advice", "partner", "young"), "advice"),
                         "evaluate"));
  cr_assert_eq(model_at(model, "advice", model_row_of(model, "advice", "partner", "p4"), "rank"), 1);
  cr_assert_eq(model_at(model, "advice", model_row_of(model, "advice", "partner", "p4"), "points"), 50);
  cr_assert_eq(model_at(model, "advice", model_row_of(model, "advice", "partner", "p3"), "rank"), 5);
  const struct qun_fake_emitted *e = NULL;
  unsigned retired = 0;
  for (size_t i = 0; (e = qun_fake_emitted_of(f, "crosspromo.advice", i)); i++) {
    cr_assert_eq(qun_mp_int(e->data, "of", 0), 5);
    cr_assert_eq(qun_mp_int(e->data, "quarter", 0), (2026 - 1970) * 4);
    retired += (unsigned)qun_slice_is(qun_mp_str(e->data, "advice"), "retire");
  }
  cr_assert_eq(retired, 1);
  qun_fake_close(f);
}

Test(plugins_crosspromo_month, four_partners_lose_none_to_a_fifth) {
  struct qun_fake *f = cross_open();
  static const char *const partners[] = {"a", "b", "c", "d"};
  for (unsigned i = 0; i < 4; i++) cross_agree(f, partners[i], "code");
  qun_fake_advance_to(f, "2026-04-01 00:00");
  qun_slice model = cross_view_of(f, "advice");
  for (uint32_t i = 0; i < 4; i++) cr_assert(qun_slice_is(model_text(model, "advice", i, "advice"), "go_on"));
  qun_fake_close(f);
}
