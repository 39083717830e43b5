/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup: one file that standard tools read (`tar --zstd -xf`, `zstd -t`) and in which each byte is covered by a
 * checksum. A tar archive (pax) under zstd, one zstd frame with its own content checksum for each part:
 *     <part>...         tenant.yaml, store/data.mdb (a backup) or tenant.key, members.keys... (a file of keys)
 *     manifest.json     what it is, and for each part its size and BLAKE2b-256 (as `b2sum -l 256` prints it)
 *     the two empty blocks that end a tar archive
 * and behind them a zstd skippable frame with the index: a JSON map of the parts' frames {name, at, size, blake2b},
 * BLAKE2b-256 of that text, its length (32-bit little-endian). So a damaged byte is found, and its part named, before
 * anything is unpacked. All functions block. Any thread.
 */
#ifndef QUN_TENANTS_BACKUP_H
#define QUN_TENANTS_BACKUP_H

#include "tenants/error.h"

#include <qun/msgpack.h>
#include <stdint.h>

enum { QUN_BACKUP_PARTS_MAX = 32, QUN_BACKUP_NAME = 64, QUN_BACKUP_SUM = 32 };

/* Bytes done and to do, both uncompressed; called now and then. */
typedef void (*qun_backup_progress)(void *arg, uint64_t done, uint64_t total);

/* ---- writing */
struct qun_backup_writer;

/* Begins a file of mode 0600 beside `path`, under a temporary name. QUN_EFAIL names the path. */
int qun_backup_begin(struct qun_backup_writer **out, const char *path, struct qun_error *err);
/* Adds a part. QUN_EFAIL: the disk is full, or the like; then abort. */
int qun_backup_add(struct qun_backup_writer *w, const char *name, qun_slice bytes, struct qun_error *err);
/* The same from an open file, `size` bytes from its start. `each` may be NULL. */
int qun_backup_add_file(struct qun_backup_writer *w, const char *name, int fd, uint64_t size, qun_backup_progress each,
                        void *arg, struct qun_error *err);
/* Adds manifest.json: `about` is a msgpack map of texts, whole numbers and maps of these; the parts come behind it.
   Writes the index, syncs, and renames to the path: only now is there a backup. Ends the writer, also when it fails. */
int qun_backup_finish(struct qun_backup_writer *w, qun_slice about, struct qun_error *err);
/* Removes what was written. NULL is fine. */
void qun_backup_abort(struct qun_backup_writer *w);

/* ---- reading */
/* Checks every checksum of the index. QUN_EINVAL names the damaged part ("acme.tar.zst: store/data.mdb: ..."), or says
 * that the file is no backup. `each` may be NULL. */
int qun_backup_check(const char *path, qun_backup_progress each, void *arg, struct qun_error *err);
/* The manifest as text (JSON), appended. */
int qun_backup_manifest(struct qun_pack *text, const char *path, struct qun_error *err);
/* Checks all, then unpacks the parts (not the manifest) into the folder `dir`, which exists and is the caller's own, as
   files of mode 0600, each checked against the manifest and synced. Names are checked: a part never leaves the folder.
 */
int qun_backup_unpack(const char *path, const char *dir, qun_backup_progress each, void *arg, struct qun_error *err);

#endif
