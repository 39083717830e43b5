/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

struct qun_fake *f;

void open_fake(void) {
  f = qun_fake_open(QUN_PACKAGE_DIR);
  cr_assert_not_null(f);
}

void close_fake(void) {
  qun_fake_close(f);
}

int64_t of_member(int64_t member, const char *what) {
  return qun_mp_int(qun_fake_ask(f, "engagement.member", QUN_INT("member", member)), what, -1);
}

TestSuite(engagement, .init = open_fake, .fini = close_fake);

static void check_in(uint64_t member, int days, const char *first) {
  int64_t at = qun_fake_ms(f, first);
  for (int i = 0; i < days; i++)
    cr_assert_eq(qun_fake_event(f, .type = "checkin", .member = member, .time_ms = at + (int64_t)i * 86400000), 0);
}

Test(engagement, gives_points_for_what_members_do) {
  SEND("message", 7, "2026-01-05 09:00");
  SEND("share", 7, "2026-01-05 09:01");
  SEND("reaction", 7, "2026-01-05 09:02");
  SEND("purchase", 7, "2026-01-05 09:03", .fields = {QUN_INT("amount", 100)});
  cr_assert_eq(of_member(7, "points"), 1 + 5 + 1 + 20);
  cr_assert_eq(of_member(8, "points"), 0);
}

Test(engagement, caps_the_points_of_a_day_but_not_purchases) {
  cr_assert_eq(qun_fake_set(f, "daily_cap=3"), 0);
  for (int i = 0; i < 5; i++) SEND("message", 7, "2026-01-05 09:00");
  cr_assert_eq(of_member(7, "points"), 3);
  SEND("purchase", 7, "2026-01-05 10:00", .fields = {QUN_INT("amount", 100)});
  cr_assert_eq(of_member(7, "points"), 23);
  SEND("message", 7, "2026-01-06 00:00");
  cr_assert_eq(of_member(7, "points"), 24);
}

Test(engagement, counts_one_check_in_a_day) {
  SEND("checkin", 7, "2026-01-05 09:00");
  SEND("checkin", 7, "2026-01-05 23:59");
  cr_assert_eq(of_member(7, "points"), 5);
  cr_assert_eq(of_member(7, "checkins"), 1);
}

Test(engagement, a_missed_day_begins_the_row_anew) {
  check_in(7, 3, "2026-01-05 09:00");
  cr_assert_eq(of_member(7, "streak"), 3);
  SEND("checkin", 7, "2026-01-09 09:00");
  cr_assert_eq(of_member(7, "streak"), 1);
}

Test(engagement, gives_each_medal_once) {
  check_in(7, 8, "2026-01-05 09:00");
  check_in(7, 8, "2026-02-05 09:00");
  cr_assert_not_null(qun_fake_emitted_of(f, "engagement.medal", 0));
  cr_assert_eq(qun_mp_int(qun_fake_emitted_of(f, "engagement.medal", 0)->data, "days", 0), 7);
  cr_assert_null(qun_fake_emitted_of(f, "engagement.medal", 1));
}

Test(engagement, raises_levels_and_never_lowers_them) {
  cr_assert_eq(qun_fake_set(f, "levels=10, 20"), 0);
  check_in(7, 2, "2026-01-05 09:00");
  cr_assert_eq(of_member(7, "level"), 1);
  cr_assert_eq(qun_mp_int(qun_fake_emitted_of(f, "engagement.level", 0)->data, "level", 0), 1);
  cr_assert_eq(SEND("engagement.redeem", 7, "2026-01-07 09:00", .subject = "tea", .fields = {QUN_INT("cost", 10)}), 0);
  cr_assert_eq(of_member(7, "points"), 0);
  cr_assert_eq(of_member(7, "level"), 1);
}

Test(engagement, refuses_to_spend_what_is_not_there) {
  SEND("message", 7, "2026-01-05 09:00");
  cr_assert_eq(SEND("engagement.redeem", 7, "2026-01-05 10:00", .subject = "tea", .fields = {QUN_INT("cost", 2)}),
               QUN_EINVAL);
  cr_assert_str_eq(qun_fake_message(f), "the member has not enough points");
  cr_assert_eq(SEND("engagement.redeem", 7, "2026-01-05 10:00", .subject = "tea", .fields = {QUN_INT("cost", -5)}),
               QUN_EINVAL);
  cr_assert_eq(of_member(7, "points"), 1);
}

Test(engagement, settings_must_rise) {
  qun_fake_set(f, "levels=20, 10");
  SEND("message", 7, "2026-01-05 09:00");
  cr_assert_neq(qun_fake_code(f), 0);
}

Test(engagement, nothing_is_kept_in_memory) {
  uint64_t kept;
  check_in(7, 9, "2026-01-05 09:00");
  kept = qun_fake_hash(f);
  close_fake();
  open_fake();
  qun_fake_recreate_every(f, 1);
  check_in(7, 9, "2026-01-05 09:00");
  cr_assert_eq(qun_fake_hash(f), kept);
}

Test(engagement, an_erased_member_leaves_nothing) {
  check_in(7, 2, "2026-01-05 09:00");
  qun_fake_erase(f, 7);
  cr_assert_eq(of_member(7, "earned"), 0);
}

/* The value of a figure of the overview. */
static int64_t figure(const char *section, const char *item) {
  qun_slice report = qun_fake_ask(f, "engagement.report", QUN_TEXT("view", "overview")), sections, items, one, id;
  struct qun_unpack u, v;
  uint32_t n = 0, k = 0;
  cr_assert(qun_mp_find(report, "sections", &sections), "%s", qun_fake_message(f));
  qun_unpack_init(&u, sections);
  for (qun_unpack_array(&u, &n); n > 0 && qun_unpack_any(&u, &one); n--) {
    if (!qun_slice_is(qun_mp_str(one, "id"), section) || !qun_mp_find(one, "items", &items)) continue;
    qun_unpack_init(&v, items);
    for (qun_unpack_array(&v, &k); k > 0 && qun_unpack_any(&v, &id); k--)
      if (qun_slice_is(qun_mp_str(id, "id"), item)) return qun_mp_int(id, "value", -1);
  }
  return -1;
}

Test(engagement, reports_how_points_and_check_ins_stand) {
  SEND("checkin", 7, "2026-01-05 09:00");
  SEND("message", 8, "2026-01-05 09:00");
  SEND("purchase", 8, "2026-01-05 09:30", .fields = {QUN_INT("amount", 1)});
  SEND("engagement.redeem", 8, "2026-01-05 10:00", .subject = "tea", .fields = {QUN_INT("cost", 13)});
  cr_expect_eq(figure("points", "members"), 2);
  cr_expect_eq(figure("points", "earned"), 26);
  cr_expect_eq(figure("points", "redeem_share"), 500000);
  cr_expect_eq(figure("checkins", "checkin_share"), 500000);
}
