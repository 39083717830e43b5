/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include "alert.h"
#include "channel.h"
#include "cohort.h"
#include "lifecycle.h"
#include "sets.h"
#include "tier.h"

#include <stdlib.h>

static int set_timer(const struct growth_call *c, const char *name, int32_t day, int64_t *due) {
  struct growth *g = c->g;
  int rc = g->calendar->from_local(g->host, c->ctx->tenant, day, 0, due);
  if (rc >= 0) rc = g->timer->set(g->host, c->ctx->tenant, qun_str(name), *due, qun_slice_of(NULL, 0));
  c->t->head_dirty = true;
  return rc;
}

static int set_week(const struct growth_call *c, int32_t today) {
  return set_timer(c, GROWTH_TIMER_WEEK, qun_week_first(qun_week_of(today) + 1), &c->t->head.week_due);
}

static int set_month(const struct growth_call *c, int32_t today) {
  return set_timer(c, GROWTH_TIMER_MONTH, qun_month_first(qun_month_of(today) + 1), &c->t->head.month_due);
}

int growth_rules_arm(const struct growth_call *c) {
  struct growth_head *head = &c->t->head;
  int rc = QUN_OK;
  if (c->ctx->clock_day > head->clock_day) {
    head->clock_day = c->ctx->clock_day;
    c->t->head_dirty = true;
  }
  if (head->week_due == 0) rc = set_week(c, c->ctx->clock_day);
  if (rc >= 0 && head->month_due == 0) rc = set_month(c, c->ctx->clock_day);
  return rc;
}

static struct growth_channel_rule rule_of(const struct growth_settings *s) {
  return (struct growth_channel_rule){.optimise = s->channel_optimise,
                                      .retire = s->channel_retire,
                                      .focus = s->channel_focus,
                                      .weeks = s->channel_weeks,
                                      .min_cohort = s->channel_min_cohort};
}

static enum growth_alert_kind alert_of(enum growth_channel_state to) {
  static const enum growth_alert_kind kinds[GROWTH_CHANNEL_STATES] = {GROWTH_ALERT_RECOVERED, GROWTH_ALERT_OPTIMISE,
                                                                      GROWTH_ALERT_RETIRE, GROWTH_ALERT_FOCUS};
  return kinds[to];
}

/* Takes a step of the state machine into the rows and tells of it. `since`: the beginning of the evidence. */
static int apply_step(const struct growth_call *c, struct growth_channel *ch, const struct growth_channel_step *step,
                      struct growth_retention r, int64_t since) {
  struct growth_alert alert = {.kind = alert_of(step->to),
                               .value = step->value,
                               .threshold = step->threshold,
                               .since_ms = since};
  struct growth_channel_change change = {c->ctx->clock_ms, step->from,     step->to, step->rule, r,
                                         step->value,      step->threshold};
  int rc;
  if (r.cohort > 0) ch->last = r;
  if (!step->changed) return growth_channel_save(c, ch);
  ch->rule = step->rule;
  ch->since_ms = c->ctx->clock_ms;
  ch->value = step->value;
  ch->threshold = step->threshold;
  rc = growth_channel_record(c, ch, &change);
  if (rc >= 0) rc = growth_channel_save(c, ch);
  if (rc < 0) return rc;
  alert.ms = c->ctx->clock_ms;
  memcpy(alert.rule, growth_rule_source(step->rule), strlen(growth_rule_source(step->rule)));
  memcpy(alert.unit, "ppm", 3);
  memcpy(alert.channel, ch->name, sizeof alert.channel);
  return growth_alert_raise(c, &alert);
}

static int local_start(const struct growth_call *c, int32_t day, int64_t *ms) {
  return c->g->calendar->from_local(c->g->host, c->ctx->tenant, day, 0, ms);
}

/* A source that has told nothing for so long is broken or at its end; its members' silence is no evidence against a channel. */
static bool is_fresh(const struct growth_call *c, int32_t before) {
  return c->t->head.alive_day >= before - c->t->settings.stale_days;
}

/* Whether the rules' evidence has changed since: an empty channel with nothing counted needs no row. */
static bool idle(const struct growth_channel *ch, struct growth_retention r) {
  return r.cohort == 0 && ch->memory.low_weeks == 0 && ch->memory.good_weeks == 0;
}

static int week_channel(const struct growth_call *c, uint32_t id, int32_t week, struct growth_retention r) {
  struct growth_channel_rule rule = rule_of(&c->t->settings);
  struct growth_channel_step step;
  struct growth_channel ch;
  int64_t since;
  int rc = growth_channel_get(c, id, &ch);
  if (rc < 0 || idle(&ch, r)) return rc;
  growth_channel_week(&step, &ch.memory, week, r, &rule);
  if (r.cohort > 0) rc = growth_channel_week_save(c, id, week, r);
  if (rc >= 0) rc = local_start(c, qun_week_first(week + 1 - (int32_t)rule.weeks), &since);
  return rc < 0 ? rc : apply_step(c, &ch, &step, r, since);
}

/* Retention by channel of the joins in [from, to) by the interactions in [to, before). Free the answer. */
static int evaluate(const struct growth_call *c, int32_t from, int32_t to, int32_t before,
                    struct growth_retention **out) {
  roaring_bitmap_t *active = roaring_bitmap_create();
  struct growth_retention *r = calloc(c->t->head.channels + 1, sizeof *r);
  int rc = active && r ? growth_set_active(c, to, before, active)
                       : growth_fail(c, QUN_EFAIL, "growth: out of memory for the rules");
  if (rc >= 0) rc = growth_retention_by_channel(c, from, to, active, r);
  growth_set_free(active);
  if (rc < 0)
    free(r);
  else
    *out = r;
  return rc;
}

int growth_rules_week(const struct growth_call *c) {
  struct growth_head *head = &c->t->head;
  int32_t monday = c->ctx->clock_day, week = qun_week_of(monday) - 1;
  int32_t cohort = (int32_t)c->t->settings.channel_cohort_days;
  struct growth_retention *r;
  int rc = evaluate(c, monday - 7 - cohort, monday - 7, monday, &r);
  if (rc < 0) return rc;
  if (!is_fresh(c, monday)) memset(r, 0, (head->channels + 1) * sizeof *r);
  for (uint32_t id = 1; rc >= 0 && id <= head->channels; id++) rc = week_channel(c, id, week, r[id]);
  free(r);
  head->week_due = 0;
  c->t->head_dirty = true;
  /* Once the last join has left the cohort and one more evaluation has cleared what was counted, nothing can change. */
  if (rc >= 0 && monday - head->clock_day <= cohort + 21) rc = set_week(c, monday);
  return rc;
}

static int month_channel(const struct growth_call *c, uint32_t id, int32_t month, struct growth_retention r) {
  struct growth_channel_rule rule = rule_of(&c->t->settings);
  struct growth_channel_step step;
  struct growth_channel ch;
  int64_t since;
  int rc = r.cohort == 0 ? QUN_OK : growth_channel_get(c, id, &ch);
  if (rc < 0 || r.cohort == 0) return rc;
  growth_channel_month_end(&step, &ch.memory, r, &rule);
  rc = local_start(c, qun_month_first(month), &since);
  return rc < 0 ? rc : apply_step(c, &ch, &step, r, since);
}

/* CAC of the month against the industry's (G34). */
static int month_cost(const struct growth_call *c, uint32_t id, int32_t month) {
  const struct growth_settings *s = &c->t->settings;
  struct growth_alert alert = {.kind = GROWTH_ALERT_COST, .rule = "G34", .unit = "minor", .ms = c->ctx->clock_ms};
  struct growth_channel_month sum;
  struct growth_channel ch;
  int rc;
  if (s->channel_industry_cac == 0) return QUN_OK;
  rc = growth_channel_sum(c, id, month, month + 1, &sum);
  if (rc < 0 || sum.cost == 0 || sum.joins == 0) return rc;
  alert.value = sum.cost / sum.joins;
  alert.threshold = s->channel_industry_cac / 1000000 * (1000000 + s->channel_cac_over) +
                    s->channel_industry_cac % 1000000 * (1000000 + s->channel_cac_over) / 1000000;
  if (alert.value <= alert.threshold) return QUN_OK;
  rc = growth_channel_get(c, id, &ch);
  if (rc >= 0) rc = local_start(c, qun_month_first(month), &alert.since_ms);
  if (rc < 0) return rc;
  memcpy(alert.channel, ch.name, sizeof alert.channel);
  return growth_alert_raise(c, &alert);
}

static int month_channels(const struct growth_call *c, int32_t month) {
  int32_t end = qun_month_first(month + 1);
  struct growth_retention *r;
  int rc = evaluate(c, qun_month_first(month - 1), qun_month_first(month), end, &r);
  if (rc < 0) return rc;
  for (uint32_t id = 1; rc >= 0 && id <= c->t->head.channels; id++) {
    if (is_fresh(c, end)) rc = month_channel(c, id, month, r[id]);
    if (rc >= 0) rc = month_cost(c, id, month);
  }
  free(r);
  return rc;
}

static int month_churn(const struct growth_call *c, const struct growth_life_month *life) {
  const struct growth_settings *s = &c->t->settings;
  struct growth_alert alert = {
      .kind = GROWTH_ALERT_CHURN, .rule = "G55", .unit = "ppm", .threshold = s->plan_churn, .ms = c->ctx->clock_ms};
  uint32_t lost, members;
  int rc;
  growth_life_churn(life, &lost, &members);
  alert.value = growth_ratio(lost, members);
  if ((int64_t)members < s->alert_min_members || alert.value <= alert.threshold ||
      !is_fresh(c, qun_month_first(life->month + 1)))
    return QUN_OK;
  rc = local_start(c, qun_month_first(life->month), &alert.since_ms);
  return rc < 0 ? rc : growth_alert_raise(c, &alert);
}

int growth_rules_month(const struct growth_call *c) {
  struct growth_head *head = &c->t->head;
  int32_t today = c->ctx->clock_day, month = qun_month_of(today) - 1;
  int32_t quiet = (int32_t)c->t->settings.lost_days + 62; /* all lost, all ordinary, and both recorded */
  struct growth_life_month life;
  int rc = growth_life_run(c, month, &life);
  if (rc >= 0) rc = growth_tier_run(c, month);
  if (rc >= 0) rc = month_channels(c, month);
  if (rc >= 0) rc = month_churn(c, &life);
  head->month_due = 0;
  c->t->head_dirty = true;
  if (rc >= 0 && today - head->clock_day <= quiet) rc = set_month(c, today);
  return rc;
}
