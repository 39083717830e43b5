/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intake over a Unix socket, for programs on the same machine that have many events.
 *
 * Both ways: frames of a 32-bit big-endian length and that many bytes, one msgpack map.
 *   client   {token, v: 1, ack?: "applied" or "durable"}    first, within 10 s; applied if absent
 *   host     {v: 1, tenant, role, window, max_frame, ack}
 *   client   {batch: n, events: [canonical event...], imported?: bool}
 *   host     {batch: n, accepted, duplicates, conflicts, refused: [{index, reason}...], refused_total, position}
 *              the batch is applied: what became of it, and the log's last sequence after the commit
 *            {batch: n, journaled: events, position}  with refused and refused_total if there are any
 *              ack durable: the batch is in the journal on disk and will be in the log exactly once; what repeats an
 *              event is found out later; position is the journal's. A batch that was applied at once has the counts.
 *            {batch: n, error: text, code, retry_ms?}  nothing of that batch is in; retry_ms: when to try again
 *   host     {error: text}  what was sent is not this protocol; the host closes
 * `batch` is the client's own number, 0..2^63-1. Up to `window` batches may be without an answer; answers come in the
 * order of the batches. A full queue is not refused: the host stops reading until there is room.
 *
 * All functions: the loop's thread. Small batches are checked, sealed and made durable there, all that came in a turn of
 * the loop with one disk sync; no connection holds it for more than half a millisecond a turn. Larger ones are checked
 * and sealed on libuv's worker threads, one of a connection at a time. Either way those of a connection stay in order.
 */
#ifndef QUN_HOST_INTAKE_SOCKET_H
#define QUN_HOST_INTAKE_SOCKET_H

#include "host/ops/api.h"
#include "host/ops/log.h"

#include <uv.h>

struct qun_intake;

struct qun_intake_options {
  uv_loop_t *loop;
  struct qun_engine *engine;
  struct qun_api *api;       /* its tokens and counters */
  const struct qun_log *log; /* NULL: no lines */
  int fd;                    /* listening, taken over */
  uint32_t max_frame;        /* bytes; 0: 16 MiB */
  uint32_t window;           /* batches of a connection without an answer; 0: 8 */
  uint32_t connections;      /* 0: 256 */
  uint32_t drain_s;          /* how long a stop waits for clients that read slowly; 0: 10 */
};

int qun_intake_start(struct qun_intake **out, const struct qun_intake_options *options, struct qun_error *err);
/* Takes no more connections and reads no more, answers the batches that were read whole, closes and frees everything,
 * then calls `stopped`. */
void qun_intake_stop(struct qun_intake *intake, void (*stopped)(void *arg), void *arg);

#endif
