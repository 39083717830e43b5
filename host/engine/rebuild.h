/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new store from the log of another: the records again, in order, the recorded derived ones in their places, the
 * projections derived from them. A restore to a point in time keeps the first part of the log; an erasure keeps all of
 * it, but redacts what one member left: each sealed field of the member's records becomes an empty one (ext type 1
 * without bytes), which handlers see as a field that is not there, and the record's hash is kept for the audit tree.
 *
 * So after an erasure state and log agree again: the state hash is that of the log as it is now, and a replay gives the
 * same. It is another hash than before, since what the member wrote no longer counts; the qun.erased record says since
 * when. Derived records stay as they were recorded: they say what was concluded then.
 */
#ifndef QUN_HOST_ENGINE_REBUILD_H
#define QUN_HOST_ENGINE_REBUILD_H

#include "host/engine/internal.h"

struct qun__rebuild_spec {
  const char *tenant;
  struct qun_store *from; /* nobody writes to it */
  struct qun_vault *vault;
  const char *dir; /* of the new store; not there yet */
  uint64_t upto;   /* last record to keep */
  bool whole;      /* all is kept: duplicate guard, audit tree, dead letters and META are taken over as they are */
  const uint64_t *erased; /* members, by number */
  uint32_t erased_count;
  void (*progress)(void *arg, uint64_t done, uint64_t total);
  void *progress_arg;
};

/* *redacted: records that lost a field. The new store is synced and closed. QUN_EFAIL, QUN_ECONFLICT: the folder is left
   for the caller to remove. Blocking, long. */
int qun__rebuild(struct qun_engine *e, const struct qun__rebuild_spec *spec, uint64_t *redacted, struct qun_error *err);

#endif
