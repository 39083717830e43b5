/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in the community: one row a member number. A person is the first number that was seen of somebody; a number
 * that a rename gave is an alias of it. Catalogue G28 (registry), G37 (inviters), G43 (one record), G44 (groups).
 */
#ifndef GROWTH_MEMBERS_H
#define GROWTH_MEMBERS_H

#include "growth.h"

enum { GROWTH_PERSON = 1, GROWTH_ALIAS = 2 };
enum {
  GROWTH_MEMBER_JOINED = 1u << 0, /* a join was seen */
  GROWTH_MEMBER_LEFT = 1u << 1    /* in no group any more */
};

struct growth_member {
  uint32_t number;
  uint8_t kind;
  uint8_t flags;
  uint32_t root;    /* alias: the older number */
  uint32_t channel; /* 0: not known */
  int32_t first_day;
  int32_t left_day; /* when LEFT */
  uint32_t inviter; /* 0: nobody */
  uint32_t groups;  /* is in so many */
  uint32_t purchases;
  int64_t spend; /* minor units, refunds taken off */
  char code[64]; /* campaign code of the join, cut at 63 bytes */
};

/* The row of one number, alias or person. QUN_ENOTFOUND. */
int growth_member_row(const struct growth_call *c, uint32_t number, struct growth_member *m);
/* Writes a row; its owner is the member. */
int growth_member_save(const struct growth_call *c, const struct growth_member *m);
/* The person behind a number. QUN_ENOTFOUND: never seen, or erased. */
int growth_member_find(const struct growth_call *c, uint32_t number, struct growth_member *m);
/* A row's members from its bytes. QUN_EFAIL. */
int growth_member_decode(struct growth_member *m, uint32_t number, qun_slice row);

/* The person behind the event's member, made known with this event if new, back if it had left, and in the event's
 * group. */
int growth_member_meet(const struct growth_call *c, const struct qun_event *e, struct growth_member *m);

/* Handlers of one event each. */
int growth_member_join(const struct growth_call *c, const struct qun_event *e);
int growth_member_leave(const struct growth_call *c, const struct qun_event *e, bool kicked);
int growth_member_close(const struct growth_call *c, const struct qun_event *e);
int growth_member_rename(const struct growth_call *c, const struct qun_event *e);
int growth_member_purchase(const struct growth_call *c, const struct qun_event *e, bool refund);

/* A member's purchases of one month; row 'p'. */
struct growth_spend {
  uint32_t purchases;
  int64_t amount; /* minor units, refunds taken off */
};
int growth_spend_get(const struct growth_call *c, int32_t month, uint32_t member, struct growth_spend *s);
int growth_spend_decode(struct growth_spend *s, qun_slice row);
struct growth_key growth_spend_key(int32_t month, uint32_t member);

#endif
