/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be counted with a partner, and when a count may be asked for. */
#include "tests/plugins/crosspromo/cross.h"

static void join(struct qun_fake *f, const char *at, uint64_t member) {
  cr_assert_eq(qun_fake_event(f, .type = "join", .at = at, .member = member, .group = "g"), 0);
}

static void profile(struct qun_fake *f, uint64_t member, const char *field) {
  cr_assert_eq(qun_fake_event(f, .type = "member.profile", .member = member, .fields = {QUN_TEXT(field, "secret")}), 0,
               "%s", qun_fake_message(f));
}

static void consent(struct qun_fake *f, uint64_t member, const char *partner) {
  cr_assert_eq(qun_fake_event(f, .type = "consent.given", .member = member,
                              .fields = {QUN_TEXT("purpose", "overlap"), QUN_TEXT("partner", partner)}),
               0);
}

/* A member who may be counted with beta. */
static void eligible(struct qun_fake *f, uint64_t member) {
  join(f, "2025-11-01 10:00", member);
  profile(f, member, member % 2 ? "phone" : "unionid");
  consent(f, member, "beta");
}

static qun_slice list(struct qun_fake *f) {
  qun_slice members, reply = qun_fake_ask(f, "crosspromo.overlap_members", QUN_TEXT("partner", "beta"));
  cr_assert(reply.len > 0, "%s", qun_fake_message(f));
  cr_assert(qun_mp_find(reply, "members", &members));
  return members;
}

static struct qun_fake *open_small(void) {
  struct qun_fake *f = cross_open();
  cr_assert_eq(qun_fake_set(f, "overlap_min_members=2"), 0);
  cross_agree(f, "beta", "count");
  for (uint64_t m = 1; m <= 3; m++) eligible(f, m);
  return f;
}

Test(plugins_crosspromo_overlap, lists_who_can_match_agreed_and_is_here_long_enough) {
  struct qun_fake *f = open_small();
  eligible(f, 10); /* leaves */
  qun_fake_event(f, .type = "leave", .member = 10, .group = "g");
  eligible(f, 11); /* takes the consent back */
  qun_fake_event(f, .type = "consent.withdrawn", .member = 11, .fields = {QUN_TEXT("purpose", "overlap")});
  eligible(f, 12); /* takes another consent back */
  qun_fake_event(f, .type = "consent.withdrawn", .member = 12, .fields = {QUN_TEXT("purpose", "marketing")});
  join(f, "2026-01-01 10:00", 13); /* four days here */
  profile(f, 13, "phone");
  consent(f, 13, "beta");
  join(f, "2025-11-01 10:00", 14); /* nothing to match by */
  profile(f, 14, "email");
  consent(f, 14, "beta");
  join(f, "2025-11-01 10:00", 15); /* agreed for another partner */
  profile(f, 15, "phone");
  consent(f, 15, "gamma");
  join(f, "2025-11-01 10:00", 16); /* never asked */
  profile(f, 16, "phone");
  eligible(f, 17); /* until yesterday */
  qun_fake_event(f, .type = "consent.given", .member = 17,
                 .fields = {QUN_TEXT("purpose", "overlap"), QUN_TEXT("partner", "beta"),
                            QUN_INT("expires", qun_fake_ms(f, "2026-01-04 00:00"))});
  eligible(f, 18); /* closes the account */
  qun_fake_event(f, .type = "member.closed", .member = 18);
  qun_slice members = list(f);
  cr_assert_eq(model_length(members), 4);
  cr_assert_eq(model_number(model_nth(members, 0)), 1);
  cr_assert_eq(model_number(model_nth(members, 2)), 3);
  cr_assert_eq(model_number(model_nth(members, 3)), 12);
  qun_fake_close(f);
}

Test(plugins_crosspromo_overlap, thirty_days_are_thirty_days) {
  struct qun_fake *f = open_small();
  join(f, "2026-01-05 10:00", 20);
  profile(f, 20, "phone");
  consent(f, 20, "beta");
  qun_fake_advance_to(f, "2026-02-03 23:59");
  cr_assert_eq(model_length(list(f)), 3);
  qun_fake_advance_to(f, "2026-02-04 00:00");
  cr_assert_eq(model_length(list(f)), 4);
  qun_fake_close(f);
}

Test(plugins_crosspromo_overlap, a_renamed_person_is_counted_once_by_the_number_that_matches) {
  struct qun_fake *f = open_small();
  qun_fake_event(f, .type = "rename", .member = 3, .group = "g", .fields = {QUN_INT("new_member", 30)});
  profile(f, 30, "phone");
  cr_assert_eq(model_length(list(f)), 3);
  join(f, "2025-11-01 10:00", 31);
  consent(f, 31, "beta");
  qun_fake_event(f, .type = "rename", .member = 31, .group = "g", .fields = {QUN_INT("new_member", 32)});
  profile(f, 32, "phone");
  qun_slice members = list(f);
  cr_assert_eq(model_length(members), 4);
  cr_assert_eq(model_number(model_nth(members, 3)), 32, "the phone belongs to 32");
  qun_fake_event(f, .type = "leave", .member = 32, .group = "g");
  cr_assert_eq(model_length(list(f)), 3, "who leaves by the new number has left");
  qun_fake_close(f);
}

Test(plugins_crosspromo_overlap, an_erased_member_is_not_counted) {
  struct qun_fake *f = open_small();
  qun_fake_erase(f, 2);
  qun_slice members = list(f);
  cr_assert_eq(model_length(members), 2);
  cr_assert_eq(model_number(model_nth(members, 1)), 3);
  qun_fake_close(f);
}

Test(plugins_crosspromo_overlap, too_few_are_not_listed) {
  struct qun_fake *f = open_small();
  cr_assert_eq(qun_fake_set(f, "overlap_min_members=4"), 0);
  qun_slice reply = qun_fake_ask(f, "crosspromo.overlap_members", QUN_TEXT("partner", "beta"));
  cr_assert(qun_slice_is(qun_mp_str(reply, "refused"), "too few"));
  cr_assert_eq(model_length(list(f)), 0);
  qun_fake_close(f);
}

Test(plugins_crosspromo_overlap, a_consent_for_nobody_in_particular_needs_the_setting) {
  struct qun_fake *f = open_small();
  join(f, "2025-11-01 10:00", 40);
  profile(f, 40, "phone");
  qun_fake_event(f, .type = "consent.given", .member = 40, .fields = {QUN_TEXT("purpose", "overlap")});
  cr_assert_eq(model_length(list(f)), 3);
  cr_assert_eq(qun_fake_set(f, "overlap_any_partner=true"), 0);
  cr_assert_eq(model_length(list(f)), 4);
  qun_fake_event(f, .type = "consent.refused", .member = 40, .fields = {QUN_TEXT("purpose", "overlap")});
  cr_assert_eq(model_length(list(f)), 3);
  qun_fake_close(f);
}

Test(plugins_crosspromo_overlap, is_asked_of_the_bridge_within_the_budget) {
  struct qun_fake *f = open_small();
  cross_agree(f, "gamma", "code");
  REFUSED(f, QUN_EDENIED, "crosspromo.overlap", QUN_TEXT("partner", "gamma"));
  REFUSED(f, QUN_EDENIED, "crosspromo.overlap", QUN_TEXT("partner", "nobody"));
  REFUSED(f, QUN_EDENIED, "crosspromo.overlap_members", QUN_TEXT("partner", "gamma"));
  size_t before = qun_fake_outbox_count(f);
  ASK(f, "crosspromo.overlap", QUN_TEXT("partner", "beta"));
  cr_assert(qun_fake_emitted_of(f, "crosspromo.overlap.requested", 0));
  cr_assert_eq(qun_fake_outbox_count(f), before + 1);
  cr_assert(qun_slice_is(qun_mp_str(cross_last(f)->body, "kind"), "overlap"));
  ASK(f, "crosspromo.overlap", QUN_TEXT("partner", "beta"));
  cr_assert_eq(qun_fake_outbox_count(f), before + 2);
  REFUSED(f, QUN_EQUOTA, "crosspromo.overlap", QUN_TEXT("partner", "beta"));
  qun_fake_advance_to(f, "2026-02-01 00:00");
  ASK(f, "crosspromo.overlap", QUN_TEXT("partner", "beta"));
  cr_assert_eq(qun_fake_set(f, "overlap_per_month=1"), 0);
  REFUSED(f, QUN_EQUOTA, "crosspromo.overlap", QUN_TEXT("partner", "beta"));
  qun_fake_close(f);
}

Test(plugins_crosspromo_overlap, results_and_refusals_are_shown) {
  struct qun_fake *f = open_small();
  qun_fake_event(f, .type = "overlap.counted",
                 .fields = {QUN_TEXT("partner", "beta"), QUN_INT("count", 120), QUN_INT("own", 1000)});
  qun_fake_event(f, .type = "overlap.counted",
                 .fields = {QUN_TEXT("partner", "beta"), QUN_TEXT("refused", "the sets differ by too few")});
  qun_slice model = cross_view_of(f, "overview");
  cr_assert_eq(model_rows(model, "overlaps"), 2);
  cr_assert_eq(model_at(model, "overlaps", 0, "share"), 120000);
  cr_assert_eq(model_at(model, "overlaps", 1, "count"), NIL);
  cr_assert(qun_slice_is(model_text(model, "overlaps", 1, "refused"), "the sets differ by too few"));
  cr_assert_eq(model_at(cross_view_of(f, "advice"), "advice", 0, "audience"), 100,
               "12 % in both; the refusal keeps the last figure");
  qun_fake_close(f);
}
