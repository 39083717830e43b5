/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/growth/growth.h"

static qun_slice explain(struct qun_fake *f, int64_t member) {
  qun_slice r = qun_fake_ask(f, "growth.explain", QUN_INT("member", member));
  cr_assert(r.len > 0, "%s", qun_fake_message(f));
  return r;
}

static int64_t count(struct qun_fake *f, const char *what) {
  return qun_mp_int(qun_fake_request(f, "growth.members", qun_slice_of("\x80", 1)), what, ABSENT);
}

/* The members now by the totals, and by adding up the days: they have to agree. */
static int64_t members(struct qun_fake *f) {
  int64_t now = count(f, "members");
  cr_assert_eq(model_figure(growth_view_of(f, "overview"), "now", "members"), now, "the days add up to the total");
  return now;
}

Test(plugins_growth_members, keep_the_channel_inviter_and_code_of_the_join) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:00", .member = 1, .group = "g", .channel = "store_qr");
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:01", .member = 2, .group = "g", .channel = "kol",
                 .fields = {QUN_TEXT("code", "SPRING"), QUN_INT("inviter", 1)});
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:02", .member = 3, .group = "g",
                 .fields = {QUN_INT("inviter", 1)});
  qun_fake_event(f, .type = "message", .at = "2026-01-05 09:03", .member = 4, .group = "g",
                 .fields = {QUN_TEXT("text", "hi")});
  cr_assert(qun_slice_is(qun_mp_str(explain(f, 1), "channel"), "store_qr"));
  cr_assert(qun_slice_is(qun_mp_str(explain(f, 2), "channel"), "kol"));
  cr_assert(qun_slice_is(qun_mp_str(explain(f, 2), "code"), "SPRING"));
  cr_assert_eq(qun_mp_int(explain(f, 2), "inviter", -1), 1);
  cr_assert(qun_slice_is(qun_mp_str(explain(f, 3), "channel"), "referral"), "an inviter and no channel");
  cr_assert_eq(qun_mp_str(explain(f, 4), "channel").len, 0, "first seen by a message: not known");
  cr_assert_eq(qun_mp_bool(explain(f, 4), "joined", -1), 0);
  cr_assert_eq(members(f), 4);
  qun_slice model = growth_view_of(f, "overview");
  cr_assert_eq(model_figure(model, "now", "invited"), 500000, "2 of 4");
  cr_assert(qun_slice_is(model_status(model, "now", "invited"), "good"));
  model = growth_view_of(f, "channels");
  cr_assert_eq(model_rows(model, "codes"), 1);
  cr_assert_eq(model_at(model, "codes", 0, "joins"), 1);
  qun_fake_close(f);
}

Test(plugins_growth_members, a_second_join_changes_no_source) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:00", .member = 1, .group = "g", .channel = "ads");
  qun_fake_event(f, .type = "leave", .at = "2026-01-06 09:00", .member = 1, .group = "g");
  cr_assert_eq(members(f), 0);
  qun_fake_event(f, .type = "join", .at = "2026-01-07 09:00", .member = 1, .group = "g", .channel = "kol");
  cr_assert(qun_slice_is(qun_mp_str(explain(f, 1), "channel"), "ads"));
  cr_assert_eq(qun_mp_int(explain(f, 1), "first_day", 0), qun_fake_day("2026-01-05"));
  cr_assert_eq(members(f), 1);
  cr_assert_eq(count(f, "known"), 1);
  qun_fake_close(f);
}

Test(plugins_growth_members, a_join_after_the_first_sight_files_the_cohort_anew) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "message", .at = "2026-01-05 09:00", .member = 1, .group = "g",
                 .fields = {QUN_TEXT("text", "hi")});
  qun_fake_event(f, .type = "join", .at = "2026-01-08 09:00", .member = 1, .group = "g", .channel = "kol");
  cr_assert(qun_slice_is(qun_mp_str(explain(f, 1), "channel"), "kol"));
  cr_assert_eq(qun_mp_int(explain(f, 1), "first_day", 0), qun_fake_day("2026-01-05"));
  cr_assert_eq(members(f), 1);
  qun_slice model = growth_view_of(f, "channels");
  cr_assert_eq(model_at(model, "channels", 0, "joins"), 1);
  cr_assert_eq(model_at(model, "channels", 1, "joins"), 0, "the row of members without a channel");
  qun_fake_close(f);
}

Test(plugins_growth_members, leaving_one_of_two_groups_is_not_leaving) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:00", .member = 1, .group = "a");
  qun_fake_event(f, .type = "message", .at = "2026-01-05 09:10", .member = 1, .group = "b",
                 .fields = {QUN_TEXT("text", "x")});
  cr_assert_eq(qun_mp_int(explain(f, 1), "groups", 0), 2);
  cr_assert_eq(model_figure(growth_view_of(f, "activity"), "hours", "multi"), 1000000);
  qun_fake_event(f, .type = "leave", .at = "2026-01-05 10:00", .member = 1, .group = "a");
  cr_assert_eq(members(f), 1);
  qun_fake_event(f, .type = "kick", .at = "2026-01-05 11:00", .member = 1, .group = "b");
  cr_assert_eq(members(f), 0);
  cr_assert_eq(qun_mp_bool(explain(f, 1), "present", -1), 0);
  qun_fake_event(f, .type = "message", .at = "2026-01-05 12:00", .member = 1, .group = "b",
                 .fields = {QUN_TEXT("text", "x")});
  cr_assert_eq(members(f), 1, "whoever speaks is back");
  qun_fake_event(f, .type = "member.closed", .at = "2026-01-05 13:00", .member = 1);
  cr_assert_eq(members(f), 0);
  qun_fake_close(f);
}

Test(plugins_growth_members, a_leave_of_somebody_never_seen_counts_once) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "leave", .at = "2026-01-05 09:00", .member = 1, .group = "g");
  qun_fake_event(f, .type = "leave", .at = "2026-01-05 09:30", .member = 1, .group = "g");
  cr_assert_eq(members(f), 0);
  cr_assert_eq(count(f, "known"), 1);
  qun_fake_close(f);
}

Test(plugins_growth_members, a_rename_is_the_same_person) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:00", .member = 1, .group = "g", .channel = "kol");
  qun_fake_event(f, .type = "rename", .at = "2026-01-05 09:10", .member = 1, .group = "g",
                 .fields = {QUN_INT("new_member", 2)});
  qun_fake_event(f, .type = "message", .at = "2026-01-05 09:20", .member = 2, .group = "g",
                 .fields = {QUN_TEXT("text", "x")});
  qun_fake_event(f, .type = "rename", .at = "2026-01-05 09:30", .member = 2, .group = "g",
                 .fields = {QUN_INT("new_member", 3)});
  qun_fake_event(f, .type = "message", .at = "2026-01-05 09:40", .member = 3, .group = "g",
                 .fields = {QUN_TEXT("text", "x")});
  qun_fake_event(f, .type = "rename", .at = "2026-01-05 09:50", .member = 3, .group = "g",
                 .fields = {QUN_INT("new_member", 1)});
  cr_assert_eq(members(f), 1);
  cr_assert_eq(count(f, "known"), 1);
  cr_assert_eq(qun_mp_int(explain(f, 3), "person", 0), 1);
  cr_assert(qun_slice_is(qun_mp_str(explain(f, 3), "channel"), "kol"));
  cr_assert_eq(model_figure(growth_view_of(f, "overview"), "now", "wau"), 1);
  qun_fake_event(f, .type = "leave", .at = "2026-01-05 10:00", .member = 3, .group = "g");
  cr_assert_eq(members(f), 0);
  qun_fake_close(f);
}

Test(plugins_growth_members, a_rename_to_a_known_number_joins_two_persons) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:00", .member = 1, .group = "g", .channel = "kol");
  qun_fake_event(f, .type = "message", .at = "2026-01-05 09:05", .member = 1, .group = "g",
                 .fields = {QUN_TEXT("text", "x")});
  qun_fake_event(f, .type = "message", .at = "2026-01-05 09:10", .member = 2, .group = "h",
                 .fields = {QUN_TEXT("text", "x")});
  qun_fake_event(f, .type = "purchase", .at = "2026-01-05 09:15", .member = 2, .fields = {QUN_INT("amount", 500)});
  cr_assert_eq(members(f), 2);
  cr_assert_eq(model_figure(growth_view_of(f, "overview"), "now", "wau"), 2);
  qun_fake_event(f, .type = "rename", .at = "2026-01-05 10:00", .member = 1, .group = "g",
                 .fields = {QUN_INT("new_member", 2)});
  cr_assert_eq(members(f), 1);
  cr_assert_eq(count(f, "known"), 1);
  cr_assert_eq(model_figure(growth_view_of(f, "overview"), "now", "wau"), 1,
               "both numbers are one person in the sets of the past too");
  cr_assert_eq(qun_mp_int(explain(f, 2), "person", 0), 1);
  cr_assert_eq(qun_mp_int(explain(f, 1), "groups", 0), 2);
  cr_assert_eq(qun_mp_int(explain(f, 1), "spend", 0), 500);
  qun_fake_close(f);
}

Test(plugins_growth_members, joining_persons_of_whom_one_had_left_keeps_the_total) {
  struct qun_fake *f = growth_open();
  for (uint64_t m = 1; m <= 4; m++)
    qun_fake_event(f, .type = "join", .at = "2026-01-05 09:00", .member = m, .group = "g");
  qun_fake_event(f, .type = "leave", .at = "2026-01-05 10:00", .member = 2, .group = "g");
  qun_fake_event(f, .type = "rename", .at = "2026-01-06 10:00", .member = 1, .group = "g",
                 .fields = {QUN_INT("new_member", 2)});
  cr_assert_eq(members(f), 3);
  qun_fake_event(f, .type = "leave", .at = "2026-01-06 11:00", .member = 3, .group = "g");
  cr_assert_eq(members(f), 2);
  qun_fake_event(f, .type = "rename", .at = "2026-01-07 10:00", .member = 4, .group = "g",
                 .fields = {QUN_INT("new_member", 3)});
  cr_assert_eq(members(f), 2);
  cr_assert_eq(count(f, "known"), 2);
  qun_fake_close(f);
}

Test(plugins_growth_members, an_older_number_never_seen_before_becomes_the_person) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:00", .member = 5, .group = "g", .channel = "kol");
  qun_fake_event(f, .type = "rename", .at = "2026-01-06 09:00", .member = 5, .group = "g",
                 .fields = {QUN_INT("new_member", 3)});
  cr_assert_eq(qun_mp_int(explain(f, 5), "person", 0), 3);
  cr_assert_eq(qun_mp_int(explain(f, 3), "first_day", 0), qun_fake_day("2026-01-05"));
  cr_assert(qun_slice_is(qun_mp_str(explain(f, 3), "channel"), "kol"));
  cr_assert_eq(members(f), 1);
  qun_fake_close(f);
}

Test(plugins_growth_members, an_erased_person_leaves_no_row_and_the_alias_begins_anew) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "join", .at = "2026-01-05 09:00", .member = 1, .group = "g", .channel = "kol");
  qun_fake_event(f, .type = "rename", .at = "2026-01-05 09:10", .member = 1, .group = "g",
                 .fields = {QUN_INT("new_member", 2)});
  qun_fake_erase(f, 1);
  qun_fake_recreate(f);
  cr_assert_eq(qun_fake_ask(f, "growth.explain", QUN_INT("member", 1)).len, 0);
  cr_assert_eq(qun_fake_code(f), QUN_ENOTFOUND);
  cr_assert_eq(qun_fake_event(f, .type = "message", .at = "2026-01-06 09:00", .member = 2, .group = "g",
                              .fields = {QUN_TEXT("text", "x")}),
               0);
  cr_assert_eq(qun_mp_int(explain(f, 2), "person", 0), 2);
  cr_assert_eq(qun_mp_str(explain(f, 2), "channel").len, 0);
  qun_fake_close(f);
}

Test(plugins_growth_members, a_refused_request_says_why) {
  struct qun_fake *f = growth_open();
  cr_assert_eq(qun_fake_ask(f, "growth.explain", QUN_TEXT("member", "x")).len, 0);
  cr_assert_eq(qun_fake_code(f), QUN_EINVAL);
  cr_assert_eq(qun_fake_ask(f, "growth.report", QUN_TEXT("view", "nonsense")).len, 0);
  cr_assert_eq(qun_fake_code(f), QUN_ENOTFOUND);
  cr_assert_eq(qun_fake_ask(f, "growth.report", QUN_INT("from", 10), QUN_INT("to", 9)).len, 0);
  cr_assert_eq(qun_fake_code(f), QUN_EINVAL);
  cr_assert_eq(qun_fake_ask(f, "growth.report", QUN_INT("from", 0), QUN_INT("to", 20000)).len, 0);
  cr_assert_eq(qun_fake_code(f), QUN_EINVAL);
  qun_fake_close(f);
}
