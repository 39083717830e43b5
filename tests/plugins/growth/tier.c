/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/growth/growth.h"

#include <stdio.h>

static void buy(struct qun_fake *f, const char *at, uint64_t member, int64_t amount) {
  cr_assert_eq(qun_fake_event(f, .type = "purchase", .at = at, .member = member, .fields = {QUN_INT("amount", amount)}),
               0);
}

static void say(struct qun_fake *f, const char *at, uint64_t member) {
  cr_assert_eq(qun_fake_event(f, .type = "message", .at = at, .member = member, .group = "g",
                              .fields = {QUN_TEXT("text", "x")}),
               0);
}

static qun_slice tier_of(struct qun_fake *f, int64_t member) {
  qun_slice tier, r = qun_fake_ask(f, "growth.explain", QUN_INT("member", member));
  cr_assert(r.len > 0, "%s", qun_fake_message(f));
  cr_assert(qun_mp_find(r, "tier", &tier));
  return tier;
}

/* Spend of the month: 1: 3 x 60 = 180, 2: 1 x 80, 3: 1 x 10, 4: nothing. Mean 90; core over 117, near from 63. */
static struct qun_fake *shop(void) {
  struct qun_fake *f = growth_open();
  for (uint64_t m = 1; m <= 4; m++)
    qun_fake_event(f, .type = "join", .at = "2026-01-02 10:00", .member = m, .group = "g");
  for (int i = 0; i < 3; i++) buy(f, "2026-01-10 10:00", 1, 6000);
  buy(f, "2026-01-10 10:00", 2, 8000);
  buy(f, "2026-01-10 10:00", 3, 1000);
  qun_fake_advance_to(f, "2026-02-01 00:00");
  return f;
}

Test(plugins_growth_tier, by_purchases_and_spend_with_the_reason_stored) {
  struct qun_fake *f = shop();
  qun_slice model = growth_view_of(f, "tiers"), tier, part, thresholds;
  cr_assert_eq(model_figure(model, "tiers", "core"), 1);
  cr_assert_eq(model_figure(model, "tiers", "potential"), 1);
  cr_assert_eq(model_figure(model, "tiers", "ordinary"), 2);
  cr_assert_eq(model_figure(model, "tiers", "core_share"), 250000);
  cr_assert(qun_slice_is(model_status(model, "tiers", "core_share"), "good"));
  cr_assert_eq(model_figure(model, "tiers", "core_spend"), 666666, "180 of 270");
  tier = tier_of(f, 1);
  cr_assert(qun_slice_is(qun_mp_str(tier, "name"), "core"));
  cr_assert(qun_slice_is(qun_mp_str(tier, "rule"), "growth.tier.purchases"));
  cr_assert(qun_mp_find(tier, "facts", &part) && qun_mp_find(tier, "thresholds", &thresholds));
  cr_assert_eq(qun_mp_int(part, "purchases", 0), 3);
  cr_assert_eq(qun_mp_int(part, "spend", 0), 18000);
  cr_assert_eq(qun_mp_int(thresholds, "mean_spend", 0), 9000);
  cr_assert_eq(qun_mp_int(thresholds, "core_spend", 0), 11700);
  cr_assert_eq(qun_mp_int(thresholds, "near_spend", 0), 6300);
  qun_fake_close(f);
}

Test(plugins_growth_tier, tells_what_would_change_it) {
  struct qun_fake *f = shop();
  qun_slice change, tier = tier_of(f, 3);
  cr_assert(qun_slice_is(qun_mp_str(tier, "name"), "ordinary"));
  cr_assert(qun_mp_find(tier, "change", &change));
  cr_assert_eq(model_length(change), 2);
  cr_assert(qun_slice_is(qun_mp_str(model_nth(change, 0), "to"), "potential"));
  cr_assert_eq(qun_mp_int(model_nth(change, 0), "purchases", -1), 0);
  cr_assert_eq(qun_mp_int(model_nth(change, 0), "spend", -1), 5300);
  cr_assert_eq(qun_mp_int(model_nth(change, 1), "purchases", -1), 2);
  cr_assert_eq(qun_mp_int(model_nth(change, 1), "spend", -1), 10701);
  tier = tier_of(f, 4);
  cr_assert(qun_slice_is(qun_mp_str(tier, "name"), "ordinary"), "no fact at all");
  qun_fake_close(f);
}

Test(plugins_growth_tier, movements_are_counted_from_month_to_month) {
  struct qun_fake *f = shop();
  for (int i = 0; i < 3; i++) buy(f, "2026-02-10 10:00", 2, 6000); /* potential to core */
  buy(f, "2026-02-10 10:00", 3, 6000);
  qun_fake_advance_to(f, "2026-03-01 00:00"); /* mean 120: core over 156, near from 84 */
  qun_slice model = growth_view_of(f, "tiers");
  cr_assert_eq(model_figure(model, "tiers", "core"), 1);
  cr_assert_eq(model_at(model, "moved", 0, "core"), 0);
  cr_assert_eq(model_at(model, "moved", 0, "ordinary"), 1, "1 bought nothing");
  cr_assert_eq(model_at(model, "moved", 1, "core"), 1);
  cr_assert_eq(model_at(model, "moved", 2, "ordinary"), 2, "3 stays below, 4 without facts");
  cr_assert(qun_slice_is(qun_mp_str(tier_of(f, 1), "before"), "core"));
  qun_fake_close(f);
}

Test(plugins_growth_tier, by_activity_where_nobody_ever_bought) {
  struct qun_fake *f = growth_open();
  char at[32];
  for (int day = 1; day <= 12; day++) {
    snprintf(at, sizeof at, "2026-01-%02d 10:00", day);
    say(f, at, 1);
    if (day <= 11) say(f, at, 2);
    if (day <= 3) say(f, at, 3);
  }
  qun_fake_advance_to(f, "2026-02-01 00:00");
  qun_slice model = growth_view_of(f, "tiers");
  cr_assert_eq(model_figure(model, "tiers", "core"), 1);
  cr_assert_eq(model_figure(model, "tiers", "potential"), 1);
  cr_assert_eq(model_figure(model, "tiers", "ordinary"), 1);
  cr_assert_eq(model_figure(model, "tiers", "core_spend"), NIL);
  qun_slice tier = tier_of(f, 2), change;
  cr_assert(qun_slice_is(qun_mp_str(tier, "rule"), "growth.tier.activity"));
  cr_assert(qun_mp_find(tier, "change", &change));
  cr_assert_eq(qun_mp_int(model_nth(change, 0), "days", 0), 1);
  qun_fake_close(f);
}

Test(plugins_growth_tier, somebody_who_left_is_ordinary) {
  struct qun_fake *f = growth_open();
  qun_fake_event(f, .type = "join", .at = "2026-01-02 10:00", .member = 1, .group = "g");
  qun_fake_event(f, .type = "join", .at = "2026-01-02 10:00", .member = 2, .group = "g");
  for (int i = 0; i < 4; i++) buy(f, "2026-01-10 10:00", 1, 6000);
  buy(f, "2026-01-10 10:00", 2, 1000);
  qun_fake_event(f, .type = "leave", .at = "2026-01-20 10:00", .member = 1, .group = "g");
  qun_fake_advance_to(f, "2026-02-01 00:00");
  qun_slice model = growth_view_of(f, "tiers");
  cr_assert_eq(model_figure(model, "tiers", "core"), 0);
  cr_assert_eq(model_figure(model, "tiers", "ordinary"), 1);
  qun_fake_close(f);
}
