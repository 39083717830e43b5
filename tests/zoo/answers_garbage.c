/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with bytes that are no msgpack. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  (void)ctx;
  (void)event;
  int rc = a->reply->reply(a->host, 1, qun_str("\xc1\xdd\xff\xff\xff\xff garbage"));
  return rc < 0 ? rc : QUN_PENDING;
}

ANIMAL_ASKED("answers_garbage", deed)
