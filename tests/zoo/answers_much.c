/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with 64 MiB. */
#include "animal.h"

static int deed(struct animal *a, const struct qun_context *ctx, const struct qun_event *event) {
  static const size_t size = (size_t)64 << 20;
  struct qun_pack p;
  (void)ctx;
  (void)event;
  char *much = (char *)calloc(1, size);
  if (!much) return QUN_EFAIL;
  qun_pack_init(&p);
  qun_pack_str(&p, qun_slice_of(much, size));
  int rc = p.failed ? QUN_EFAIL : a->reply->reply(a->host, 1, qun_pack_slice(&p));
  qun_pack_fini(&p);
  free(much);
  return rc < 0 ? rc : QUN_PENDING;
}

ANIMAL_ASKED("answers_much", deed)
