/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interactions: who was active on which day, and how much happened in which hour (catalogue G07, G59, G60, R21).
 *
 * The way of most events is short: that the member is in the group, and its day's set, are known from earlier events, so
 * only the day's row of counts is written. Everything else happens once a member and group, or a member and day.
 */
#ifndef GROWTH_ACTIVITY_H
#define GROWTH_ACTIVITY_H

#include "growth.h"

/* An interaction of `classes` (GROWTH_TOPIC, ...) by the event's member. */
int growth_activity_note(const struct growth_call *c, const struct qun_event *e, uint32_t classes);
/* Forgets that a person's day is in the rows: the person left, or became another's alias. */
void growth_activity_drop(struct growth_tenant *t, uint32_t root);

/* Brings the counts of a day into memory, and writes them. */
int growth_day_open(const struct growth_call *c, int32_t day);
int growth_day_save(const struct growth_call *c);
int growth_day_decode(struct growth_day *d, qun_slice key, qun_slice row);
struct growth_key growth_day_key(int32_t day);

#endif
