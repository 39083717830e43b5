/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/crosspromo/cross.h"

static void join(struct qun_fake *f, const char *at, uint64_t member, const char *code) {
  cr_assert_eq(qun_fake_event(f, .type = "join", .at = at, .member = member, .group = "g",
                              .fields = {QUN_TEXT("code", code)}),
               0);
}

Test(plugins_crosspromo_code, joins_clicks_and_purchases_are_the_partners) {
  struct qun_fake *f = cross_open();
  cross_agree(f, "beta", "code,count");
  ASK(f, "crosspromo.code", QUN_TEXT("partner", "beta"), QUN_TEXT("code", "SPRING"));
  const struct qun_fake_row *row = cross_last(f);
  cr_assert(qun_slice_is(qun_mp_str(row->body, "kind"), "code") &&
            qun_slice_is(qun_mp_str(row->body, "code"), "SPRING"));
  qun_fake_event(f, .type = "click", .at = "2026-01-10 10:00", .member = 5, .fields = {QUN_TEXT("code", "SPRING")});
  qun_fake_event(f, .type = "click", .at = "2026-01-10 10:00", .member = 5, .subject = "SPRING");
  qun_fake_event(f, .type = "click", .at = "2026-01-10 10:00", .member = 5, .subject = "an item");
  join(f, "2026-01-10 11:00", 1, "SPRING");
  join(f, "2026-01-10 11:00", 2, "SPRING");
  join(f, "2026-01-11 11:00", 1, "SPRING"); /* again: counted once */
  join(f, "2026-01-10 11:00", 3, "OTHER");
  qun_fake_event(f, .type = "purchase", .at = "2026-02-09 11:00", .member = 1,
                 .fields = {QUN_INT("amount", 1000), QUN_TEXT("order", "o1")});
  qun_fake_event(f, .type = "purchase", .at = "2026-02-10 11:00", .member = 2,
                 .fields = {QUN_INT("amount", 1000)}); /* day 31 */
  qun_fake_event(f, .type = "purchase", .at = "2026-02-10 11:00", .member = 8,
                 .fields = {QUN_INT("amount", 500), QUN_TEXT("code", "SPRING")});
  qun_fake_event(f, .type = "purchase", .at = "2026-02-10 11:00", .member = 1,
                 .fields = {QUN_INT("amount", 700), QUN_TEXT("currency", "USD"), QUN_TEXT("code", "SPRING")});
  qun_fake_event(f, .type = "refund", .at = "2026-02-11 11:00", .member = 1,
                 .fields = {QUN_INT("amount", 400), QUN_TEXT("order", "o1")});
  qun_fake_event(f, .type = "refund", .at = "2026-02-11 11:00", .member = 1,
                 .fields = {QUN_INT("amount", 400), QUN_TEXT("order", "unknown")});
  qun_slice model = cross_view_of(f, "codes");
  cr_assert_eq(model_rows(model, "own"), 1);
  cr_assert_eq(model_at(model, "own", 0, "clicks"), 2);
  cr_assert_eq(model_at(model, "own", 0, "joins"), 2);
  cr_assert_eq(model_at(model, "own", 0, "purchases"), 3);
  cr_assert_eq(model_at(model, "own", 0, "spend"), 1100, "1000 + 500 - 400; dollars can't be added");
  model = cross_view_of(f, "overview");
  cr_assert_eq(model_at(model, "balance", 0, "balance"), 2 * 1 + 2 * 10 + 3 * 20);
  qun_fake_close(f);
}

Test(plugins_crosspromo_code, a_code_registered_later_has_its_past) {
  struct qun_fake *f = cross_open();
  join(f, "2026-01-10 11:00", 1, "XP-DEMO");
  cr_assert_eq(model_rows(cross_view_of(f, "codes"), "own"), 0);
  ASK(f, "crosspromo.code", QUN_TEXT("partner", "beta"), QUN_TEXT("code", "XP-DEMO"));
  cr_assert_eq(qun_fake_outbox_count(f), 0, "no agreement: registered here, nothing crosses");
  cr_assert_eq(model_at(cross_view_of(f, "codes"), "own", 0, "joins"), 1);
  REFUSED(f, QUN_ECONFLICT, "crosspromo.code", QUN_TEXT("partner", "gamma"), QUN_TEXT("code", "XP-DEMO"));
  qun_fake_close(f);
}

Test(plugins_crosspromo_code, is_made_up_from_the_seed_if_none_is_given) {
  struct qun_fake *f = cross_open();
  qun_slice reply = qun_fake_ask(f, "crosspromo.code", QUN_TEXT("partner", "beta"));
  qun_slice code = qun_mp_str(reply, "code");
  cr_assert_eq(code.len, 10);
  cr_assert(memcmp(code.ptr, "XP", 2) == 0);
  qun_fake_close(f);
}

Test(plugins_crosspromo_code, the_share_of_revenue_is_owed) {
  struct qun_fake *f = cross_open();
  ASK(f, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "code"), QUN_INT("share", 150000));
  ASK(f, "crosspromo.accept", QUN_TEXT("agreement", "acme+beta/1"));
  ASK(f, "crosspromo.code", QUN_TEXT("partner", "beta"), QUN_TEXT("code", "S"));
  qun_fake_event(f, .type = "purchase", .member = 8, .fields = {QUN_INT("amount", 12345), QUN_TEXT("code", "S")});
  qun_slice model = cross_view_of(f, "overview");
  cr_assert_eq(model_at(model, "balance", 0, "spend"), 12345);
  cr_assert_eq(model_at(model, "balance", 0, "owed"), 1851);
  qun_fake_close(f);
}
