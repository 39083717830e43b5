/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup and restore of one tenant, while others (and, for a backup, the tenant itself) go on. Form of the file:
 * tenants/backup.h. All functions block, for long; any thread but a shard's or a reader's.
 *
 * What a backup costs: one read of the store, one compact copy of it on the disk of the target (unnamed, gone
 * afterwards) and the file itself. The tenant's snapshot is pinned only while the copy is written; pages that are
 * changed meanwhile cannot be used again until then, so the store may grow by as much as is written in that time.
 */
#ifndef QUN_HOST_ENGINE_BACKUP_H
#define QUN_HOST_ENGINE_BACKUP_H

#include "host/engine/engine.h"
#include "tenants/backup.h"

struct qun_engine_backup_spec {
  const char *path;      /* of the backup */
  const char *keys_path; /* of a file with the keys, 0600; NULL: none. Never keep it with the backup */
  qun_backup_progress progress;
  void *progress_arg;
};

/* Writes a backup of what is committed. Appends to `out` what the manifest says: {format, tenant, incarnation, epoch,
   made, seq, clock, members, tree {size, root}, state_hash, plugins {id: {version, status, state_hash}}}. QUN_ENOTFOUND;
   QUN_EFAIL names the file. */
int qun_engine_backup(struct qun_engine *e, const char *tenant, const struct qun_engine_backup_spec *spec,
                      struct qun_pack *out, struct qun_error *err);

struct qun_engine_restore_spec {
  const char *path;
  const char *keys_path; /* NULL: the keys are here, under the tenant's name */
  const char *as;        /* NULL: under the name it had */
  int64_t until_ms;      /* INT64_MAX: all; else records of the log up to this clock, and the state that follows */
  bool replace;          /* a tenant of that name that cannot be opened any more makes room */
  qun_backup_progress progress;
  void *progress_arg;
};

/* Makes a tenant from a backup, in a new incarnation and the next epoch of its audit tree. All checksums are checked
   first. Erasures newer than the backup are carried out on it. Appends to `out` {name, from, incarnation, epoch, seq,
   kept, dropped, erased, state_hash}. QUN_EINVAL: the file is damaged (names the part), or the keys do not belong to it;
   QUN_ECONFLICT: there is such a tenant; QUN_ENOTFOUND: no file, or no keys. What fails leaves nothing behind. */
int qun_engine_restore(struct qun_engine *e, const struct qun_engine_restore_spec *spec, struct qun_pack *out,
                       struct qun_error *err);

#endif
