/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs on the tenant's clock: Monday 00:00 the weekly channel rule, the first of a month 00:00 the monthly rules.
 * The timers are set by events and again by themselves while something can still change, so that silence costs nothing.
 */
#ifndef GROWTH_RULES_H
#define GROWTH_RULES_H

#include "growth.h"

#define GROWTH_TIMER_WEEK "week"
#define GROWTH_TIMER_MONTH "month"

/* An event has come: sets the timers that are not set. */
int growth_rules_arm(const struct growth_call *c);
/* The timers came due. */
int growth_rules_week(const struct growth_call *c);
int growth_rules_month(const struct growth_call *c);

#endif
