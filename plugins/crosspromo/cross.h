/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the crosspromo plugin share: one callback's view of the tenant, keys and rows. Rows are msgpack
 * maps whose members always stand in the same order.
 *
 * All functions run on the instance's logical thread, never block, and answer 0 or a negative QUN_E* of the host.
 */
#ifndef CROSS_H
#define CROSS_H

#include <qun/days.h>
#include <qun/msgpack.h>
#include <qun/plugin.h>

#include <stdbool.h>

enum { CROSS_NAME = 100 }; /* bytes of a partner, agreement, code, item, sector, ... */

struct cross_text {
  char at[CROSS_NAME + 1];
};

/* X(name, kind, default): ratio in parts per million */
#define CROSS_SETTINGS(X)                                                                                              \
  X(fit_audience, "int", 30)                                                                                           \
  X(fit_size, "int", 20)                                                                                               \
  X(fit_tone, "int", 20)                                                                                               \
  X(fit_place, "int", 15)                                                                                              \
  X(fit_reputation, "int", 15)                                                                                         \
  X(fit_good, "ratio", 600000)                                                                                         \
  X(attribution_days, "int", 30)                                                                                       \
  X(points_click, "int", 1)                                                                                            \
  X(points_join, "int", 10)                                                                                            \
  X(points_purchase, "int", 20)                                                                                        \
  X(retire_share, "ratio", 200000)                                                                                     \
  X(evaluate_days, "int", 30)                                                                                          \
  X(overlap_min_days, "int", 30)                                                                                       \
  X(overlap_min_members, "int", 50)                                                                                    \
  X(overlap_per_pair, "int", 2)                                                                                        \
  X(overlap_per_month, "int", 6)                                                                                       \
  X(overlap_any_partner, "bool", 0)

struct cross_settings {
#define CROSS_SETTING_FIELD(NAME, KIND, DEFAULT) int64_t NAME;
  CROSS_SETTINGS(CROSS_SETTING_FIELD)
#undef CROSS_SETTING_FIELD
};

/* The memory of an instance about one tenant. */
struct cross_tenant {
  struct cross_settings settings;
  struct cross_text name, sector, country, currency, tone;
  struct qun_pack rivals; /* settings rival_sectors and neutral_sectors: msgpack arrays of texts */
  struct qun_pack neutral;
};

struct cross {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_calendar_v1 *calendar;
  const struct qun_outbox_v1 *outbox;
  const struct qun_reply_v1 *reply;
  const struct qun_call_v1 *call;
};

/* One callback. */
struct cross_call {
  struct cross *g;
  const struct qun_context *ctx;
  struct cross_tenant *t;
};

/* Sets the host's message and answers `code`. */
int cross_fail(const struct cross_call *c, int code, const char *message);

/* ---- texts ---- */

/* 1 if it is 1..CROSS_NAME bytes long without control characters, so that it may stand in a key. */
int cross_name_ok(qun_slice s);
/* Copies a text, cut at CROSS_NAME bytes but never inside a UTF-8 sign. */
void cross_text_set(struct cross_text *t, qun_slice s);
static inline qun_slice cross_text_slice(const struct cross_text *t) {
  return qun_str(t->at);
}

/* ---- keys: a tag, parts that end with a zero byte, numbers in big-endian ---- */

struct cross_key {
  unsigned char bytes[2 * CROSS_NAME + 16];
  uint32_t len;
};
struct cross_key cross_key_of(char tag);
void cross_key_text(struct cross_key *k, qun_slice part); /* at most CROSS_NAME bytes of it */
void cross_key_number(struct cross_key *k, uint32_t v);
struct cross_key cross_key_named(char tag, qun_slice part);
struct cross_key cross_key_named_number(char tag, qun_slice part, int32_t number);
struct cross_key cross_key_numbered(char tag, uint32_t number);
uint32_t cross_key_read(qun_slice key, size_t at);
static inline qun_slice cross_key_slice(const struct cross_key *k) {
  return qun_slice_of(k->bytes, k->len);
}
/* The text part behind the tag of a key. */
qun_slice cross_key_first(qun_slice key);

/* ---- rows ---- */

int cross_get(const struct cross_call *c, const struct cross_key *key, qun_slice *value);
/* Writes what was packed and frees it, whatever is answered. */
int cross_put(const struct cross_call *c, const struct cross_key *key, struct qun_pack *row, uint64_t owner);
int cross_del(const struct cross_call *c, const struct cross_key *key);
/* Calls `visit` for each row with that prefix, in key order; it answers 0 to go on, 1 to stop, less to fail. */
typedef int (*cross_visit)(void *arg, qun_slice key, qun_slice value);
int cross_scan(const struct cross_call *c, const struct cross_key *prefix, cross_visit visit, void *arg);

/* A count kept at a key of its own; plus 1. *now is the count after. */
int cross_count(const struct cross_call *c, const struct cross_key *key, int64_t *now);
int cross_counted(const struct cross_call *c, const struct cross_key *key, int64_t *now);

/* ---- amounts from outside ---- */

/* Within 0..10^15, so that sums can't overflow. */
int64_t cross_bounded(int64_t v);

/* Emits an event of this plugin or the core and frees the data, whatever is answered. */
int cross_emit(const struct cross_call *c, const char *type, qun_slice subject, struct qun_pack *data);

#endif
