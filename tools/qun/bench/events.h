/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded events like those of a busy chat group: 80 % messages of about 120 bytes of Chinese text, 14 % reactions, 5 %
 * joins, 1 % purchases; about 240 bytes of msgpack each; 4 s apart from 2025-01-01; random ids. Same seed, same bytes.
 * The one source of what every contender of a benchmark stores. Pure.
 */
#ifndef QUN_TOOLS_QUN_BENCH_EVENTS_H
#define QUN_TOOLS_QUN_BENCH_EVENTS_H

#include <qun/msgpack.h>

enum qun_bench_type { QUN_BENCH_MESSAGE = 0, QUN_BENCH_REACTION, QUN_BENCH_JOIN, QUN_BENCH_PURCHASE, QUN_BENCH_TYPES };
extern const char *const qun_bench_type_names[QUN_BENCH_TYPES];

enum { QUN_BENCH_ID = 26, QUN_BENCH_MEMBERS = 1000 };

struct qun_bench_event {
  enum qun_bench_type type;
  int64_t time_ms;
  char id[QUN_BENCH_ID + 1];
  char member[12], group[16];
  char text[152]; /* of a message */
  uint32_t text_len;
  char of[QUN_BENCH_ID + 1]; /* number of the message that it is, or that it speaks of */
  int value;                 /* a reaction's */
  int64_t amount;            /* a purchase's */
};

/* The nth event of a stream, by one of `members` members. */
void qun_bench_event_make(struct qun_bench_event *e, uint64_t seed, uint64_t nth, uint32_t members);
/* Appends it canonical (host/intake/normalise.h). */
void qun_bench_event_pack(struct qun_pack *out, const struct qun_bench_event *e);
/* Appends it as a CloudEvent in JSON. */
void qun_bench_event_json(struct qun_pack *out, const struct qun_bench_event *e);
/* Appends its data as JSON. */
void qun_bench_event_data(struct qun_pack *out, const struct qun_bench_event *e);

#endif
