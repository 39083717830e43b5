/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source channels: registry, what they brought month by month, their state and its history (catalogue G28-G35).
 * Rows: 'C' name -> id, 'c' id -> state and name, 'k' id, month -> sums, 'x' id, n -> history, 'w' id, week -> weekly
 * retention, 'o' code -> joins. Channel 0 stands for members whose source is not known; it has sums but no state.
 */
#ifndef GROWTH_CHANNEL_H
#define GROWTH_CHANNEL_H

#include "channel_rule.h"
#include "growth.h"

struct growth_channel {
  uint32_t id;
  struct growth_channel_memory memory;
  enum growth_channel_rule_id rule; /* why it is in its state */
  int64_t since_ms;                 /* in its state since */
  int64_t value, threshold;         /* ppm, of the rule */
  struct growth_retention last;     /* last evaluation */
  uint32_t history;                 /* rows of history */
  char name[GROWTH_NAME_MAX + 1];
};

/* What a channel brought in one month; also the addition to it. */
struct growth_channel_month {
  int64_t joins;     /* persons whose first day is in the month */
  int64_t buyers;    /* of these, who bought ever */
  int64_t purchases; /* purchases in the month by members of the channel */
  int64_t spend;     /* minor units */
  int64_t cost;      /* minor units */
  int64_t reach;     /* people reached */
};

/* One change of state. */
struct growth_channel_change {
  int64_t ms;
  enum growth_channel_state from, to;
  enum growth_channel_rule_id rule;
  struct growth_retention retention;
  int64_t value, threshold;
};

/* The number of a channel, given out at first sight. */
int growth_channel_intern(const struct growth_call *c, qun_slice name, uint32_t *id);
/* QUN_ENOTFOUND. */
int growth_channel_get(const struct growth_call *c, uint32_t id, struct growth_channel *ch);
int growth_channel_save(const struct growth_call *c, const struct growth_channel *ch);
/* Adds to the sums of a month. */
int growth_channel_add(const struct growth_call *c, uint32_t id, int32_t month, const struct growth_channel_month *add);
/* Sums from month `from` up to, not with, month `to`. */
int growth_channel_sum(const struct growth_call *c, uint32_t id, int32_t from, int32_t to,
                       struct growth_channel_month *sum);
/* channel.reach and channel.cost. */
int growth_channel_reach(const struct growth_call *c, const struct qun_event *e);
int growth_channel_cost(const struct growth_call *c, const struct qun_event *e);
/* Records a change of state as history. */
int growth_channel_record(const struct growth_call *c, struct growth_channel *ch,
                          const struct growth_channel_change *change);
int growth_channel_history(const struct growth_call *c, uint32_t id, uint32_t nth,
                           struct growth_channel_change *change);

/* Weekly retention as evaluated; row 'w'. */
int growth_channel_week_save(const struct growth_call *c, uint32_t id, int32_t week, struct growth_retention r);
struct growth_key growth_channel_week_key(uint32_t id, int32_t week);

/* One more join by a campaign code. */
int growth_code_add(const struct growth_call *c, qun_slice code);

/* The catalogue row that a rule comes from, and the name of a state: ids that scripts read. */
const char *growth_rule_source(enum growth_channel_rule_id rule);
const char *growth_state_name(enum growth_channel_state state);

#endif
