/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <sodium.h>
#include <stdio.h>

TestSuite(engagement_draw, .init = open_fake, .fini = close_fake);

static const char seed[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/* sha256sum of those bytes */
static const char commitment[] = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";

static int open_draw(const char *id, int64_t prizes, int64_t cost) {
  return SEND("engagement.draw.opened", 0, "2026-01-05 09:00", .subject = id,
              .fields = {QUN_TEXT("commitment", commitment),
                         QUN_INT("prizes", prizes),
                         QUN_INT("cost", cost),
                         {.name = "closes", .kind = QUN_MP_INT, .number = qun_fake_ms(f, "2026-01-06 09:00")}});
}

static int enter(const char *id, uint64_t member, const char *words) {
  return SEND("engagement.draw.entered", member, "2026-01-05 10:00", .subject = id,
              .fields = {QUN_TEXT("words", words)});
}

static int reveal(const char *id, const char *text) {
  return SEND("engagement.draw.revealed", 0, "2026-01-06 10:00", .subject = id, .fields = {QUN_TEXT("seed", text)});
}

static void enter_39(void) {
  static const char *const words[] = {"", "w", "ww"};
  for (uint64_t m = 1; m < 40; m++) cr_assert_eq(enter("spring", m, words[m % 3]), 0, "%s", qun_fake_message(f));
}

Test(engagement_draw, draws_what_the_formulas_say) {
  /* from recompute.py: winners(bytes(range(32)), members 1 to 39, 5) */
  static const uint64_t expected[] = {5, 20, 26, 15, 22};
  cr_assert_eq(open_draw("spring", 5, 0), 0, "%s", qun_fake_message(f));
  enter_39();
  cr_assert_eq(qun_fake_advance_to(f, "2026-01-06 09:00"), 0);
  cr_assert_eq(qun_mp_int(qun_fake_emitted_of(f, "engagement.draw.closed", 0)->data, "entries", 0), 39);
  cr_assert_eq(reveal("spring", seed), 0, "%s", qun_fake_message(f));
  for (size_t i = 0; i < 5; i++) {
    const struct qun_fake_emitted *e = qun_fake_emitted_of(f, "engagement.draw.won", i);
    cr_assert_not_null(e);
    cr_expect_eq(e->member, expected[i], "place %zu: %llu", i + 1, (unsigned long long)e->member);
    cr_expect_eq(qun_mp_int(e->data, "place", 0), (int64_t)i + 1);
  }
  cr_assert_null(qun_fake_emitted_of(f, "engagement.draw.won", 5));
}

Test(engagement_draw, shows_the_seed_only_when_it_is_drawn) {
  open_draw("spring", 1, 0);
  enter("spring", 7, "");
  cr_assert_eq(reveal("spring", seed), 0, "the reveal's own time closes the draw first");
  qun_slice all = qun_fake_ask(f, "engagement.draw", QUN_TEXT("id", "spring"));
  cr_assert(qun_slice_is(qun_mp_str(all, "seed"), seed));
  open_draw("summer", 1, 0);
  all = qun_fake_ask(f, "engagement.draw", QUN_TEXT("id", "summer"));
  cr_assert_eq(all.len, 0, "a draw cannot close in the past");
}

Test(engagement_draw, refuses_another_seed_and_a_second_one) {
  char other[sizeof seed];
  memcpy(other, seed, sizeof seed);
  other[0] = '1';
  open_draw("spring", 1, 0);
  enter("spring", 7, "");
  cr_assert_eq(reveal("spring", other), QUN_EINVAL);
  cr_assert_str_eq(qun_fake_message(f), "this seed is not the one that was committed to");
  cr_assert_eq(reveal("spring", seed), 0);
  cr_assert_eq(reveal("spring", seed), QUN_ECONFLICT);
}

Test(engagement_draw, refuses_a_reveal_while_it_is_open) {
  open_draw("spring", 1, 0);
  cr_assert_eq(SEND("engagement.draw.revealed", 0, "2026-01-05 11:00", .subject = "spring",
                    .fields = {QUN_TEXT("seed", seed)}),
               QUN_EINVAL);
}

Test(engagement_draw, an_entry_is_for_one_member_once_and_in_time) {
  open_draw("spring", 1, 0);
  cr_assert_eq(enter("spring", 7, ""), 0);
  cr_assert_eq(enter("spring", 7, "again"), QUN_ECONFLICT);
  cr_assert_eq(enter("spring", 0, ""), QUN_EINVAL);
  cr_assert_eq(enter("winter", 8, ""), QUN_EINVAL);
  cr_assert_eq(SEND("engagement.draw.entered", 9, "2026-01-06 09:00", .subject = "spring"), QUN_EINVAL);
}

Test(engagement_draw, an_entry_costs_its_points) {
  cr_assert_eq(open_draw("spring", 1, 3), 0);
  cr_assert_eq(enter("spring", 7, ""), QUN_EINVAL);
  for (int i = 0; i < 5; i++) SEND("message", 7, "2026-01-05 09:30");
  cr_assert_eq(enter("spring", 7, ""), 0);
  cr_assert_eq(of_member(7, "points"), 2);
}

Test(engagement_draw, more_prizes_than_entries_are_left_over) {
  open_draw("spring", 10, 0);
  enter("spring", 7, "");
  enter("spring", 8, "");
  cr_assert_eq(reveal("spring", seed), 0);
  cr_assert_eq(qun_mp_int(qun_fake_emitted_of(f, "engagement.draw.drawn", 0)->data, "winners", 0), 2);
}

Test(engagement_draw, one_word_more_is_another_draw) {
  uint64_t first[2] = {0};
  for (int k = 0; k < 2; k++) {
    close_fake();
    open_fake();
    open_draw("spring", 5, 0);
    enter_39();
    if (k == 1) enter("spring", 40, "");
    reveal("spring", seed);
    for (size_t i = 0; i < 5; i++) first[k] = first[k] * 100 + qun_fake_emitted_of(f, "engagement.draw.won", i)->member;
  }
  cr_assert_neq(first[0], first[1]);
}

Test(engagement_draw, nothing_of_a_draw_is_kept_in_memory) {
  qun_fake_recreate_every(f, 1);
  open_draw("spring", 3, 0);
  enter_39();
  cr_assert_eq(reveal("spring", seed), 0);
  cr_assert_not_null(qun_fake_emitted_of(f, "engagement.draw.won", 2));
}

Test(engagement_draw, each_entry_is_equally_likely) {
  uint32_t won[4] = {0};
  char id[16], text[65], hash[65];
  unsigned char bytes[32], sum[32];
  for (uint32_t i = 0; i < 200; i++) {
    memset(bytes, (int)i, sizeof bytes);
    crypto_hash_sha256(sum, bytes, sizeof bytes);
    sodium_bin2hex(text, sizeof text, bytes, 32);
    sodium_bin2hex(hash, sizeof hash, sum, 32);
    snprintf(id, sizeof id, "d%u", i);
    int64_t now = qun_fake_clock(f);
    qun_fake_event(f, .type = "engagement.draw.opened", .time_ms = now + 1000, .subject = id,
                   .fields = {QUN_TEXT("commitment", hash), QUN_INT("prizes", 1), QUN_INT("closes", now + 5000)});
    for (uint64_t m = 1; m <= 4; m++)
      qun_fake_event(f, .type = "engagement.draw.entered", .member = m, .time_ms = now + 2000, .subject = id);
    cr_assert_eq(qun_fake_event(f, .type = "engagement.draw.revealed", .time_ms = now + 9000, .subject = id,
                                .fields = {QUN_TEXT("seed", text)}),
                 0, "%s", qun_fake_message(f));
    won[qun_fake_emitted_of(f, "engagement.draw.won", i)->member - 1]++;
  }
  for (int m = 0; m < 4; m++) cr_expect(won[m] > 25 && won[m] < 80, "member %d won %u of 200", m + 1, won[m]);
}
