/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel rule as a state machine (catalogue G30-G33). Pure; any thread.
 *
 *   every week   retention below `optimise` in `weeks` weeks in a row      -> optimise (from hold, focus)
 *                retention at or above it in as many weeks in a row        -> hold (from optimise)
 *   every month  retention below `retire` -> retire; below `optimise` -> optimise; above `focus` -> focus; else -> hold
 *
 * A cohort smaller than `min_cohort` is no evidence: the state stays, and a weekly row of evidence is broken. A retired
 * channel leaves that state by the monthly evaluation alone.
 */
#ifndef GROWTH_CHANNEL_RULE_H
#define GROWTH_CHANNEL_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum growth_channel_state { GROWTH_HOLD = 0, GROWTH_OPTIMISE, GROWTH_RETIRE, GROWTH_FOCUS };
enum { GROWTH_CHANNEL_STATES = 4 };

/* Which rule decided. */
enum growth_channel_rule_id {
  GROWTH_RULE_NONE = 0,
  GROWTH_RULE_LOW_WEEKS,  /* G30 */
  GROWTH_RULE_GOOD_WEEKS, /* G30, the way back */
  GROWTH_RULE_RETIRE,     /* G31 */
  GROWTH_RULE_FOCUS,      /* G32 */
  GROWTH_RULE_LOW_MONTH,  /* G33: from `retire` up to `optimise` */
  GROWTH_RULE_NEUTRAL     /* G33: from `optimise` to `focus` */
};
enum { GROWTH_RULES = 7 };

struct growth_channel_rule {
  int64_t optimise, retire, focus; /* ppm */
  int64_t weeks;
  int64_t min_cohort;
};

/* A cohort and how many of it were retained. */
struct growth_retention {
  uint32_t cohort;
  uint32_t retained;
};

/* retained / cohort in parts per million, rounded down; 0 for an empty cohort. */
int64_t growth_ratio(uint64_t part, uint64_t whole);

/* What the rule remembers of a channel. */
struct growth_channel_memory {
  enum growth_channel_state state;
  uint32_t low_weeks;  /* weeks in a row below `optimise` */
  uint32_t good_weeks; /* weeks in a row at or above it */
  int32_t last_week;   /* week of the last evaluation that counted */
};

struct growth_channel_step {
  bool changed;
  enum growth_channel_state from, to;
  enum growth_channel_rule_id rule;
  int64_t value;     /* ppm */
  int64_t threshold; /* ppm */
};

/* The week numbered `week` is over. */
void growth_channel_week(struct growth_channel_step *out, struct growth_channel_memory *m, int32_t week,
                         struct growth_retention r, const struct growth_channel_rule *rule);
/* A month is over. */
void growth_channel_month_end(struct growth_channel_step *out, struct growth_channel_memory *m,
                              struct growth_retention r, const struct growth_channel_rule *rule);

#endif
