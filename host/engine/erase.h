/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erasure of a member (DECISIONS 26), in this order, so that a crash leaves less than before and the same call finishes
 * it: a qun.erased record, at which the rows go that plugins keep for the member; an entry in the erasure list beside
 * the keys; the member's key; then a new store without the member's rows and sealed fields (host/engine/rebuild.h) takes
 * the old one's place. While that is made the tenant is closed: requests are answered "later".
 *
 * What stays: that there was a member of that number and when something was sent, with the fields that say nothing about
 * a person; sums in which the member counts; what others wrote about the member; records that were derived from the
 * member's texts, without those texts. Blocks of the disk that held the old store are given back to the file system,
 * which may keep them for a while.
 */
#ifndef QUN_HOST_ENGINE_ERASE_H
#define QUN_HOST_ENGINE_ERASE_H

#include "host/engine/engine.h"

struct qun_engine_erase_spec {
  qun_slice member; /* as the platform names them; empty: `number` counts */
  uint64_t number;
  const char *by; /* role of who asked */
  void (*progress)(void *arg, uint64_t done, uint64_t total);
  void *progress_arg;
};

/* Appends {number, seq (of the receipt), redacted (records that lost a field), state_hash}. QUN_ENOTFOUND: no such
   tenant or member. QUN_EFAIL: the disk; call it again. Blocking, long; any thread but a shard's or a reader's. */
int qun_engine_erase(struct qun_engine *e, const char *tenant, const struct qun_engine_erase_spec *spec,
                     struct qun_pack *out, struct qun_error *err);

#endif
