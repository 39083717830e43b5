/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/handover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void qun_qund_handover_format(char out[QUN_QUND_HANDOVER_SIZE], const struct qun_qund_handover *h) {
  snprintf(out, QUN_QUND_HANDOVER_SIZE, "%d %d %d %d %" PRIu32 " %d %" PRId64 " %s", h->tcp, h->api, h->intake,
           h->status, h->restarts, h->announced, h->died_ms, h->reason[0] ? h->reason : "none");
}

bool qun_qund_handover_parse(struct qun_qund_handover *h, const char *text) {
  struct qun_qund_handover got = {0};
  int announced = 0;
  int n = sscanf(text, "%d %d %d %d %" SCNu32 " %d %" SCNd64 " %47[^\n]", &got.tcp, &got.api, &got.intake, &got.status,
                 &got.restarts, &announced, &got.died_ms, got.reason);
  if (n != 8 || got.tcp < -1 || got.api < 0 || got.intake < 0 || got.status < 0) return false;
  got.announced = announced != 0;
  *h = got;
  return true;
}

bool qun_qund_handover_take(struct qun_qund_handover *h) {
  const char *text = getenv(QUN_QUND_HANDOVER);
  bool taken = text && qun_qund_handover_parse(h, text);
  unsetenv(QUN_QUND_HANDOVER);
  return taken;
}
