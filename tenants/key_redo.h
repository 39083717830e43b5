/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New members' keys of all tenants, made durable together. A member's key must be on disk before anything that is sealed
 * under it; with a sync of each tenant's members.keys a group of events of a hundred tenants would cost a hundred syncs.
 * So records that belong into members.keys files are first written into one of two files of the keys folder, which are
 * synced: <keys>/members.redo0 and members.redo1. While one takes new records, what the other has is made durable in its
 * place, then it is empty again. After a crash the records are written to their places, also where they are already.
 *
 * A file: "QUNREDO\n", random life 16 bytes, BLAKE2b-128 of both; then for each part of a members.keys: body length u64,
 * BLAKE2b-128 keyed with the life over the body; body: tenant (64 bytes), generation u64, first record u64, records as
 * in members.keys (wrapped). Numbers are big-endian. One thread at a time. Blocking.
 */
#ifndef QUN_TENANTS_KEY_REDO_H
#define QUN_TENANTS_KEY_REDO_H

#include "tenants/vault.h"

struct qun_key_redo;

/* Puts every record of the files into its place, synced, and empties them. Before any vault is open. QUN_EFAIL. */
int qun_key_redo_open(struct qun_key_redo **out, const char *keys_dir, struct qun_error *err);
/* NULL is fine. What is in the files stays for the next open. */
void qun_key_redo_close(struct qun_key_redo *r);
/* Takes the new members of a vault (qun_vault_hand_over) into the file in use; durable with qun_key_redo_sync.
   QUN_EAGAIN: the file is full; use qun_vault_sync. */
int qun_key_redo_add(struct qun_key_redo *r, struct qun_vault *v, const char *tenant, struct qun_error *err);
int qun_key_redo_sync(struct qun_key_redo *r, struct qun_error *err);
/* Whether the file in use is half full and the other one is empty. */
bool qun_key_redo_wants_turn(const struct qun_key_redo *r);
/* Begins to use the other file. Every vault that added since must now be synced (qun_vault_sync), then
 * qun_key_redo_settle. False: the other one is not empty yet. */
bool qun_key_redo_turn(struct qun_key_redo *r);
/* The file that is not in use is no longer needed; scrub: it is zeroed too. */
int qun_key_redo_settle(struct qun_key_redo *r, bool scrub, struct qun_error *err);

#endif
