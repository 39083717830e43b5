/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a member matters here: since when, still there, which code brought it, whether it can match and agreed to be
 * counted. Rows: 'm' member -> facts, or the older number that a rename leads to; 'g' member, group; 'c' member,
 * partner -> until when the consent holds. All are owned by the member. Only joins, departures, renames, profiles,
 * consents, clicks and purchases are read.
 */
#ifndef CROSS_MEMBERS_H
#define CROSS_MEMBERS_H

#include "cross.h"

struct cross_member {
  uint32_t number;
  uint32_t root; /* alias: the older number; 0: a person */
  int32_t first_day;
  bool left;
  int64_t groups;
  bool phone, unionid; /* this very number has one */
  struct cross_text code;
  int32_t code_day;
};

/* A number's own row. QUN_ENOTFOUND. */
int cross_member_row(const struct cross_call *c, uint64_t number, struct cross_member *m);
void cross_member_decode(struct cross_member *m, uint32_t number, qun_slice row);
/* The person behind a number. QUN_ENOTFOUND. */
int cross_member_find(const struct cross_call *c, uint64_t number, struct cross_member *m);

int cross_member_join(const struct cross_call *c, const struct qun_event *e);
int cross_member_leave(const struct cross_call *c, const struct qun_event *e);
int cross_member_close(const struct cross_call *c, const struct qun_event *e);
int cross_member_rename(const struct cross_call *c, const struct qun_event *e);
int cross_member_profile(const struct cross_call *c, const struct qun_event *e);
/* consent.given, consent.refused, consent.withdrawn of the purpose "overlap". */
int cross_member_consent(const struct cross_call *c, const struct qun_event *e);

/* Whether a person's consent to be counted with a partner holds at `ms`. */
int cross_member_agreed(const struct cross_call *c, uint32_t person, qun_slice partner, int64_t ms, bool *agreed);

#endif
