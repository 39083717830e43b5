/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded events like those of a busy chat group: 1,000 members, 80 % messages of about 120 bytes of Chinese text, 14 %
 * reactions, 5 % joins, 1 % purchases; about 240 bytes of msgpack each; 4 s apart from 2025-01-01. Same seed, same
 * bytes. Pure.
 */
#ifndef QUN_TOOLS_QUN_BENCH_EVENTS_H
#define QUN_TOOLS_QUN_BENCH_EVENTS_H

#include <qun/msgpack.h>

/* Appends the nth event, canonical (host/intake/normalise.h). */
void qun_bench_event(struct qun_pack *out, uint64_t seed, uint64_t nth);

#endif
