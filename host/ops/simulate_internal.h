/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to host/ops/simulate*.c. */
#ifndef QUN_HOST_OPS_SIMULATE_INTERNAL_H
#define QUN_HOST_OPS_SIMULATE_INTERNAL_H

#include "host/intake/import_internal.h"
#include "host/ops/simulate.h"

enum { QUN__DAY_MS = 86400000, QUN__HOUR_MS = 3600000, QUN__MINUTE_MS = 60000 };

/* ---------------------------------------------------------------- chance */

/* PCG-XSH-RR 64/32, https://www.pcg-random.org */
struct qun__chance {
  uint64_t state;
};
void qun__chance_init(struct qun__chance *c, uint64_t seed);
uint32_t qun__chance_next(struct qun__chance *c);
/* 0 .. n-1, each as likely; n > 0. */
uint32_t qun__chance_below(struct qun__chance *c, uint32_t n);
/* 1 in `ppm` of a million cases. */
int qun__chance_hit(struct qun__chance *c, uint32_t ppm);

/* ---------------------------------------------------------------- the community */

struct qun__source_channel {
  const char *name;
  uint32_t share_ppm; /* of the members */
  uint32_t stay_ppm;  /* of them stay after the first days */
  uint32_t cost;      /* minor units a new member */
  uint32_t reach;     /* people reached for a new member */
};
extern const struct qun__source_channel qun__source_channels[];
enum { QUN__CHANNELS = 8, QUN__CHANNEL_REFERRAL = 5, QUN__CHANNEL_PARTNER = 6 };

struct qun__sim_member {
  uint32_t join_day, end_day; /* end_day: the first day on which the member does nothing any more */
  uint32_t active_ppm;        /* a day */
  uint8_t channel, group;
  bool english, leaves, consents, marketing, profiled, withdraws;
};

/* Something that follows days later. */
struct qun__sim_later {
  uint32_t day;
  uint32_t member;
  int kind;
  char subject[40];
};

enum { QUN__LATER_ANSWER = 1, QUN__LATER_REQUEST, QUN__LATER_REFUND };

struct qun__sim_entry {
  int64_t time;
  uint32_t order;
  size_t at, len;
};

struct qun__sim {
  struct qun_simulation o;
  struct qun__chance chance;
  struct qun__sim_member *members;
  uint32_t *by_day; /* members in the order of their first day */
  uint32_t joined;  /* of by_day, up to today */
  uint32_t today;
  int64_t midnight;      /* local, of today, UTC ms */
  struct qun_pack bytes; /* today's events */
  struct qun__sim_entry *entries;
  uint32_t count, cap;
  struct qun__sim_entry *open; /* the event being written */
  struct qun__sim_entry spare; /* takes it when memory ran out */
  struct qun__sim_later *later;
  uint32_t later_count, later_cap;
  bool failed;      /* memory ran out */
  char ad_item[40]; /* today's items */
  char item[3][40];
};

/* Begins an event of today at `ms` after local midnight (cut to the day's end) and gives it the day's next id, also in
 * `id` if it is not NULL. */
void qun__sim_begin(struct qun__sim *s, struct qun__event *e, const char *type, int64_t ms, char id[40]);
/* Attributes for short. member: number, or UINT32_MAX for none. */
void qun__sim_member(struct qun__event *e, uint32_t member);
void qun__sim_end(struct qun__sim *s, struct qun__event *e);
void qun__sim_later(struct qun__sim *s, uint32_t days, uint32_t member, int kind, const char *subject);
/* A moment of today as people are awake, in ms after local midnight. */
int64_t qun__sim_moment(struct qun__sim *s);
const char *qun__sim_group(const struct qun__sim_member *m);

/* simulate_people.c */
int qun__sim_people(struct qun__sim *s);
void qun__sim_join(struct qun__sim *s, uint32_t member);
void qun__sim_live(struct qun__sim *s, uint32_t member);
void qun__sim_follow(struct qun__sim *s, const struct qun__sim_later *later);

/* simulate_staff.c */
void qun__sim_staff(struct qun__sim *s);

#endif
