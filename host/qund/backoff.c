/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/backoff.h"

int64_t qun_qund_backoff_crash(struct qun_qund_backoff *b, int64_t now_ms, int64_t lived_ms) {
  if (lived_ms >= QUN_QUND_CRASH_WINDOW_MS) *b = (struct qun_qund_backoff){0};
  b->crashes_ms[b->count++ % QUN_QUND_CRASHES] = now_ms;
  /* the slot that the next crash takes holds the oldest */
  int64_t oldest_ms = b->crashes_ms[b->count % QUN_QUND_CRASHES];
  if (b->wait_s)
    b->wait_s = b->wait_s * 2 < QUN_QUND_WAIT_MOST_S ? b->wait_s * 2 : QUN_QUND_WAIT_MOST_S;
  else if (b->count >= QUN_QUND_CRASHES && now_ms - oldest_ms <= QUN_QUND_CRASH_WINDOW_MS)
    b->wait_s = 1;
  return (int64_t)b->wait_s * 1000;
}
