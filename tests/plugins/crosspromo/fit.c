/* SPDX-License-Identifier: Apache-2.0 */
#include "fit.h"

#include <qun/msgpack.h>

#include <criterion/criterion.h>

static const int64_t weights[CROSS_FIT_PARTS] = {30, 20, 20, 15, 15};

#define NONE qun_slice_of("\x90", 1)
#define GENERAL qun_slice_of("\x91\xa7general", 9)

Test(plugins_crosspromo_fit, knows_size_classes) {
  static const int64_t members[] = {0, 1, 99, 100, 499, 500, 1999, 2000, 9999, 10000, 5000000};
  static const int64_t classes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5};
  for (unsigned i = 0; i < 11; i++) cr_assert_eq(cross_size_class(members[i]), classes[i]);
}

Test(plugins_crosspromo_fit, never_matches_rivals) {
  qun_slice travel = qun_slice_of("\x91\xa6travel", 8);
  cr_assert(cross_is_rival(qun_str("retail"), qun_str("retail"), NONE, GENERAL));
  cr_assert(cross_is_rival(qun_str("retail"), qun_str("travel"), travel, GENERAL));
  cr_assert(!cross_is_rival(qun_str("retail"), qun_str("education"), travel, GENERAL));
  cr_assert(!cross_is_rival(qun_str("general"), qun_str("general"), NONE, GENERAL), "a sector that says nothing");
  cr_assert(!cross_is_rival(qun_str("retail"), qun_str(""), NONE, GENERAL), "not known yet");
  cr_assert(!cross_is_rival(qun_str("retail"), qun_str("retail2"), qun_slice_of("\xff\xff", 2), GENERAL),
            "a broken list");
}

Test(plugins_crosspromo_fit, scores_as_by_hand) {
  struct cross_side own = {qun_str("retail"), qun_str("CN"), qun_str("warm"), 3},
                    other = {qun_str("education"), qun_str("CN"), qun_str("playful"), 4};
  struct cross_fit fit;
  cross_fit_score(&fit, &own, &other, false, 100000, 80, weights);
  /* audience 100, size 70, tone 30, place 100, reputation 80: (3000 + 1400 + 600 + 1500 + 1200) / 100 = 77 */
  cr_assert_eq(fit.score, 770000);
  cross_fit_score(&fit, &own, &(struct cross_side){.size = 0}, false, CROSS_UNKNOWN, CROSS_UNKNOWN, weights);
  cr_assert_eq(fit.score, 500000, "nothing known is the middle");
  for (unsigned i = 0; i < CROSS_FIT_PARTS; i++) cr_assert_eq(fit.part[i], CROSS_UNKNOWN);
  cross_fit_score(&fit, &own, &other, true, 100000, 80, weights);
  cr_assert_eq(fit.score, 0);
}

Test(plugins_crosspromo_fit, overlap_is_best_in_the_middle) {
  static const int64_t overlap[] = {0, 49999, 50000, 300000, 300001, 600000, 600001, 1000000};
  static const int64_t part[] = {60, 60, 100, 100, 60, 60, 20, 20};
  struct cross_side side = {.size = 0};
  struct cross_fit fit;
  for (unsigned i = 0; i < 8; i++) {
    cross_fit_score(&fit, &side, &side, false, overlap[i], CROSS_UNKNOWN, weights);
    cr_assert_eq(fit.part[CROSS_AUDIENCE], part[i]);
  }
}

Test(plugins_crosspromo_fit, no_weights_give_no_score) {
  static const int64_t none[CROSS_FIT_PARTS];
  struct cross_side side = {.size = 3};
  struct cross_fit fit;
  cross_fit_score(&fit, &side, &side, false, 0, 50, none);
  cr_assert_eq(fit.score, 0);
}
