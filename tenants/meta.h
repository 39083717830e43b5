/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-off values and totals of a store, table META.
 *   "incarnation" 16 random bytes, new at create and restore       "schema" version of this layout
 *   "runtime" versions of the newest qun.runtime record             "set/<key>" settings (host/engine/config.h)
 *   "head"        struct qun_head as below                         "dup_key", "dup_from"  tenants/dupguard.h
 *   "epoch"       of the audit tree, from the first restore on (2, 3...)
 *   "erased"      UTC ms of the newest erasure that was carried out
 *   "erased_seq"  last record that may have followed from what was erased since
 *   "n/<class>/<type>"  big-endian count of records; class e (from outside), d (derived), c (control)
 *   "journal"     UUID (16) and number of the last journal entry applied (DECISIONS 3)
 *   "cursor/<plugin>"   last sequence applied                      "status/<plugin>" live | off
 *   "parked/<plugin>"   why it is held though it was not switched off
 *   "skip/<plugin>/" and a big-endian sequence: a record that the plugin does not get (qun.skipped)
 */
#ifndef QUN_TENANTS_META_H
#define QUN_TENANTS_META_H

#include "tenants/batch.h"

enum { QUN_STORE_SCHEMA = 1 };

/* Where the tenant stands. Stored as big-endian 64-bit numbers in this order. */
struct qun_head {
  uint64_t seq;       /* last record */
  int64_t clock_ms;   /* the tenant's clock */
  uint64_t members;   /* numbers given out */
  uint64_t tree_size; /* leaves of the audit tree */
  uint64_t dead;      /* dead letters */
  uint64_t live;      /* 1: the clock follows the receive time between events */
  uint64_t importing; /* 1: between import begin and end */
};

/* Zeroes if the store is new. QUN_EFAIL: damaged. */
int qun_head_read(const struct qun_view *v, struct qun_head *head);
int qun_head_write(struct qun_batch *b, const struct qun_head *head);
/* Of a store that was made whole (qun_meta_init). QUN_ECONFLICT: damaged; QUN_EUNSUPPORTED: another layout. */
int qun_meta_read(struct qun_store *s, unsigned char incarnation[16], struct qun_error *err);
/* Makes schema and incarnation of a new store; checks the schema of an old one. Blocking. */
int qun_meta_init(struct qun_store *s, unsigned char incarnation[16], struct qun_error *err);
/* The audit tree's epoch: 1, and one more with each restore. */
uint64_t qun_epoch_read(const struct qun_view *v);
/* "erased_seq", 0 if nobody was erased: derived records up to it need not follow from the log as it is now. */
uint64_t qun_erased_seq_read(const struct qun_view *v);
/* Origin and key name of a tenant's checkpoints: "qun/<tenant>", from the second epoch on "qun/<tenant>/<epoch>". */
void qun_origin_of(char out[96], const char *tenant, uint64_t epoch);
/* The journal's position that is applied: UUID of the journal's life and number. False: none. */
bool qun_journal_mark_read(const struct qun_view *v, unsigned char uuid[16], uint64_t *number);
int qun_journal_mark_write(struct qun_batch *b, const unsigned char uuid[16], uint64_t number);
/* Adds to the total of a class and type. */
int qun_total_add(struct qun_batch *b, char class_letter, qun_slice type, uint64_t n);
/* Calls `each` with every total. Stops when it answers other than 0, and answers that. */
int qun_total_each(const struct qun_view *v, int (*each)(void *arg, char class_letter, qun_slice type, uint64_t n),
                   void *arg);
/* A plugin's cursor; 0 if none. */
uint64_t qun_cursor_read(const struct qun_view *v, const char *plugin);
int qun_cursor_write(struct qun_batch *b, const char *plugin, uint64_t seq);
/* A plugin's status: true if live. */
bool qun_plugin_is_live(const struct qun_view *v, const char *plugin);
int qun_plugin_set_live(struct qun_batch *b, const char *plugin, bool live);
/* Why the plugin is parked; QUN_ENOTFOUND: it is not. */
int qun_plugin_parked(const struct qun_view *v, const char *plugin, qun_slice *reason);
/* Parks it with a reason, or (empty) takes that back. */
int qun_plugin_set_parked(struct qun_batch *b, const char *plugin, qun_slice reason);
/* Notes that the plugin does not get record `seq`. */
int qun_skip_add(struct qun_batch *b, qun_slice plugin, uint64_t seq);
/* Calls `each` with every such record. Stops when it answers other than 0, and answers that. */
int qun_skip_each(const struct qun_view *v, int (*each)(void *arg, qun_slice plugin, uint64_t seq), void *arg);

#endif
