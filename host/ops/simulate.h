/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `qun simulate`: a made-up community, written as canonical events in the order of time. Same options, same bytes, on
 * any machine and any day: integers and one seeded PCG generator only. Nobody in it exists: phone numbers are of a
 * range that is not given out (100...), mail goes to example.com.
 *
 * Members come by eight source channels whose members stay to different degrees, so that each branch of the channel
 * rule shows: ground push under 20 %, WeChat ads under 25 %, store code, Xiaohongshu and referral over 35 %. They write
 * (Chinese and English, by the hour of the day), read, share, check in, buy, invite, answer surveys, agree, object and
 * complain. Some things are wrong on purpose: missing consents, advertisements without the label, words that the
 * advertising law forbids, phone numbers in posts, unanswered cases, a transfer abroad without a path.
 */
#ifndef QUN_HOST_OPS_SIMULATE_H
#define QUN_HOST_OPS_SIMULATE_H

#include "tenants/error.h"

#include <qun/plugin.h>

struct qun_simulation {
  uint64_t seed;
  uint32_t members;       /* 0: 600; at most 1,000,000 */
  uint32_t days;          /* 0: 120; at most 3,660 */
  int64_t end_ms;         /* local midnight at which the last day ends, UTC ms; 0: 2025-07-01 00:00 at UTC+8 */
  int32_t offset_minutes; /* local time ahead of UTC; with end_ms 0: 480 */
  const char *code;       /* campaign code of members that a partner sent; NULL: "XP-DEMO" */
};

/* Calls `emit` with each event (borrowed until it returns); stops when it answers other than 0, and answers that. 0:
   all given. QUN_EINVAL: an option is out of bounds. QUN_EFAIL: out of memory. Blocking; any thread. */
int qun_simulate(const struct qun_simulation *options, int (*emit)(void *arg, qun_slice canonical), void *arg,
                 struct qun_error *err);

#endif
