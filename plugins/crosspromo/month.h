/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs on the first of a month: the counts of the month cross to the partners whose agreement lists counts, and
 * after a quarter the partners are evaluated (catalogue X09, X10). The timer is set while an agreement is open.
 */
#ifndef CROSS_MONTH_H
#define CROSS_MONTH_H

#include "cross.h"

#define CROSS_TIMER_MONTH "month"

/* Sets the timer unless it is set. */
int cross_month_arm(const struct cross_call *c);
/* The timer came due. */
int cross_month_run(const struct cross_call *c);

/* ---- the evaluation, pure ---- */

struct cross_standing {
  struct cross_text partner;
  int64_t points;
  bool young;         /* too new to judge */
  int64_t rank;       /* out: 1 the best; 0 for a young one */
  const char *advice; /* out: "go_on", "retire" or "evaluate" */
};

/* Ranks by points, equal ones by name; the weakest `share` (ppm, rounded down) of those judged are to be retired. Sorts
   the array: best first, young ones last. *judged: how many are not young. */
void cross_rank(struct cross_standing *all, uint32_t count, int64_t share, uint32_t *judged);

#endif
