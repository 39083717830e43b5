/* SPDX-License-Identifier: Apache-2.0 */
/* Points, check-in, levels, medals and prize draws. What each file has, what a row looks like: README.md. */
#ifndef ENGAGEMENT_H
#define ENGAGEMENT_H

#include <qun/events.h>
#include <qun/msgpack.h>
#include <qun/plugin.h>
#include <qun/report.h>

enum { STEPS_MAX = 16, ID_MAX = 64, WORDS_MAX = 200, PRIZES_MAX = 1000, ENTRIES_MAX = 1000000 };

struct engagement {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_reply_v1 *reply;
};

/* A tenant's settings, as ctx->local. */
struct settings {
  int64_t message, reaction, share, checkin, purchase, daily_cap;
  int64_t levels[STEPS_MAX], medals[STEPS_MAX];
  uint32_t levels_count, medals_count;
  int64_t checkin_share, redeem_share; /* parts per million */
};

/* One call from the host. */
struct call {
  const struct engagement *e;
  const struct qun_context *ctx;
  const struct settings *set;
};

struct member {
  int64_t earned, spent; /* points */
  int64_t level;
  int64_t streak, best;    /* days in a row with a check-in, ending on last_checkin */
  int64_t last_checkin;    /* day; INT32_MIN: never */
  int64_t day, day_points; /* points of the last day that had some */
  int64_t checkins;
};

struct day {
  int64_t active, checkins, earned, spent;
};

struct draw {
  unsigned char commitment[32], seed[32], entries_hash[32];
  int64_t prizes, closes, cost, level;
  int64_t entries;
  int64_t state; /* DRAW_* */
  int64_t winners;
};
enum { DRAW_OPEN = 1, DRAW_CLOSED, DRAW_DRAWN };

/* ---- rows.c: what is kept. get: 1 it is there, 0 it is not (and *row is a new one), less than 0: refused. */
int member_get(const struct call *c, uint64_t member, struct member *m);
int member_put(const struct call *c, uint64_t member, const struct member *m);
int day_get(const struct call *c, int32_t day, struct day *d);
int day_put(const struct call *c, int32_t day, const struct day *d);
int draw_get(const struct call *c, qun_slice id, struct draw *d);
int draw_put(const struct call *c, qun_slice id, const struct draw *d);
int entry_put(const struct call *c, qun_slice id, uint64_t member, qun_slice words);
/* 1 it is there, 0 not. */
int entry_has(const struct call *c, qun_slice id, uint64_t member);
int winner_put(const struct call *c, qun_slice id, uint32_t place, uint64_t member);
/* Each row of a kind below `prefix`, in order of the keys; stops when `each` answers less than 0. */
typedef int (*each_row)(void *arg, qun_slice key, qun_slice value);
int rows_each(const struct call *c, qun_slice prefix, each_row each, void *arg);
/* Prefixes for rows_each(): the entries or winners of a draw ("e", "w"). The number at a key's end. */
qun_slice draw_prefix(unsigned char out[ID_MAX + 2], char kind, qun_slice id);
uint64_t key_number(qun_slice key, unsigned bytes);

/* ---- points.c */
int points_on_event(const struct call *c, const struct qun_event *event);
/* Takes points away. QUN_EINVAL: there are not enough. */
int points_spend(const struct call *c, uint64_t member, int32_t day, int64_t cost);

/* ---- draw.c */
int draw_on_event(const struct call *c, const struct qun_event *event);
int draw_on_timer(const struct call *c, const struct qun_timer *timer);
int draw_answer(const struct call *c, const struct qun_request *request);

/* ---- report.c */
int report_answer(const struct call *c, const struct qun_request *request);

/* ---- engagement.c */
int refuse(const struct call *c, int code, const char *sentence);
/* Emits an event about a member (0: nobody) with a finished msgpack map. */
int emit(const struct call *c, const char *type, uint64_t member, qun_slice subject, const struct qun_pack *data);
int answer(const struct call *c, const struct qun_request *request, const struct qun_pack *body);

#endif
