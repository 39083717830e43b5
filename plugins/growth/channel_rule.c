/* SPDX-License-Identifier: Apache-2.0 */
#include "channel_rule.h"

int64_t growth_ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : (int64_t)(part * 1000000u / whole);
}

static void move(struct growth_channel_step *out, struct growth_channel_memory *m, enum growth_channel_state to,
                 enum growth_channel_rule_id rule, int64_t threshold) {
  out->changed = m->state != to;
  out->from = m->state;
  out->to = to;
  out->rule = rule;
  out->threshold = threshold;
  m->state = to;
}

static void stay(struct growth_channel_step *out, const struct growth_channel_memory *m, struct growth_retention r) {
  *out =
      (struct growth_channel_step){false, m->state, m->state, GROWTH_RULE_NONE, growth_ratio(r.retained, r.cohort), 0};
}

void growth_channel_week(struct growth_channel_step *out, struct growth_channel_memory *m, int32_t week,
                         struct growth_retention r, const struct growth_channel_rule *rule) {
  stay(out, m, r);
  if (m->last_week != week - 1) m->low_weeks = m->good_weeks = 0;
  if ((int64_t)r.cohort < rule->min_cohort || r.cohort == 0) return;
  m->last_week = week;
  if (out->value < rule->optimise) {
    m->low_weeks++;
    m->good_weeks = 0;
  } else {
    m->good_weeks++;
    m->low_weeks = 0;
  }
  if (m->low_weeks >= rule->weeks && (m->state == GROWTH_HOLD || m->state == GROWTH_FOCUS))
    move(out, m, GROWTH_OPTIMISE, GROWTH_RULE_LOW_WEEKS, rule->optimise);
  else if (m->good_weeks >= rule->weeks && m->state == GROWTH_OPTIMISE)
    move(out, m, GROWTH_HOLD, GROWTH_RULE_GOOD_WEEKS, rule->optimise);
}

void growth_channel_month_end(struct growth_channel_step *out, struct growth_channel_memory *m,
                              struct growth_retention r, const struct growth_channel_rule *rule) {
  stay(out, m, r);
  if ((int64_t)r.cohort < rule->min_cohort || r.cohort == 0) return;
  if (out->value < rule->retire)
    move(out, m, GROWTH_RETIRE, GROWTH_RULE_RETIRE, rule->retire);
  else if (out->value < rule->optimise)
    move(out, m, GROWTH_OPTIMISE, GROWTH_RULE_LOW_MONTH, rule->optimise);
  else if (out->value > rule->focus)
    move(out, m, GROWTH_FOCUS, GROWTH_RULE_FOCUS, rule->focus);
  else
    move(out, m, GROWTH_HOLD, GROWTH_RULE_NEUTRAL, rule->focus);
}
