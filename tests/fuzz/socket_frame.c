/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a connection to the intake socket: frames, the first of which is the greeting. */
#include "host/intake/socket_frame.h"
#include "tests/fuzz/fuzz.h"

static void read_batch(struct fuzz_gate *g, qun_slice content) {
  struct qun_batch_head head;
  struct qun_refusals refused = {0};
  struct qun_error err = {0};
  bool broken = false;
  if (qun_batch_head_read(content, &head, &err) < 0) return;
  g->n.operator_types = head.imported;
  uint32_t before = g->batch.count;
  int rc = qun_batch_events_read(&g->n, &g->batch, &refused, &head, 1000, &broken, &err);
  fuzz_check(rc < 0 || broken || g->batch.count - before == (uint32_t)rc, "events taken are not events in the batch");
  qun_refusals_fini(&refused);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_gate *g = fuzz_gate();
  struct qun_error err = {0};
  struct qun_hello hello;
  struct qun_frames f;
  qun_slice content;
  bool greeted = false;
  qun_frames_init(&f);
  for (size_t at = 0, step = 1; at < size; at += step, step = step * 2 + 1) {
    size_t n = size - at < step ? size - at : step;
    if (qun_frames_push(&f, data + at, n) < 0) break;
    while (qun_frames_cut(&f, 1 << 20, &content, &err) == 1) {
      if (greeted)
        read_batch(g, content);
      else
        (void)qun_hello_read(content, &hello, &err);
      greeted = true;
    }
  }
  qun_frames_fini(&f);
  return 0;
}
