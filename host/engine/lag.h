/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an isolated plugin did over a stretch of the log, on its way to the tenant's shard: the rows of its keyspace, its timers,
 * what it emitted, outbox rows, dead letters, its new cursor. The shard writes all of it in one commit, once: a stretch that
 * does not begin at the plugin's cursor is refused.
 */
#ifndef QUN_HOST_ENGINE_LAG_H
#define QUN_HOST_ENGINE_LAG_H

#include "host/engine/apply.h"
#include "tenants/deadletter.h"
#include "tenants/outbox.h"

struct qun_lag_row {
  unsigned table;
  bool del;
  qun_slice key, value;
};

/* In the order that it happened: a timer that fired, or an event that was emitted. */
struct qun_lag_doing {
  bool timer;
  uint64_t number; /* a timer's, for the events that follow from it: above every record's */
  struct qun_record record;
  const struct qun_hearers *hearers; /* emitted */
  uint32_t ordinal;
};

struct qun_lag {
  uint32_t plugin;
  uint64_t from, to; /* records (from, to] */
  unsigned char incarnation[16];
  struct qun_arena arena;
  struct qun_lag_row *rows;
  struct qun_lag_doing *doings;
  struct qun_outbox_entry *outbox; /* as they stand now: added, or taken back */
  struct qun_dead_letter *letters;
  struct qun_record *skips; /* records that were passed over */
  uint32_t skips_count, skips_cap;
  uint32_t rows_count, rows_cap, doings_count, doings_cap, outbox_count, outbox_cap, letters_count, letters_cap;
};

enum { QUN_LAG_TIMER_BIT = 62 }; /* numbers of timers have it */

struct qun_submit_result;

struct qun_lag *qun__lag_create(uint32_t plugin, uint64_t from);
/* NULL is fine. */
void qun__lag_destroy(struct qun_lag *lag);
/* Notes what was derived, as qun_apply_options.derived; `arg` is the lag. */
int qun__lag_derived(void *arg, struct qun_record *record, const struct qun_emitted *emitted);
/* A record that the plugin came down on is passed over. QUN_EFAIL: out of memory. */
int qun__lag_skip(struct qun_lag *lag, const struct qun_record *record);
/* Takes over what the apply has written in memory. QUN_EFAIL: out of memory. */
int qun__lag_collect(struct qun_lag *lag, struct qun_apply *a, uint64_t to, struct qun_error *err);
/* On the shard, within a batch. Stale: result->code says so and nothing is done; less than 0: the batch must be dropped. */
int qun__lag_apply(struct qun_apply *a, const struct qun_lag *lag, struct qun_submit_result *result,
                   struct qun_error *err);

/* ---- settings as they were, for plugins that are behind; lag_config.c */

/* Before a qun.settings record `seq` is applied: keeps what its keys had, if a plugin is isolated. */
int qun__was_write(struct qun_apply *a, uint64_t seq, qun_slice values);
/* An isolated plugin was switched on by record `seq`: it knows the settings as of then, also while it goes over its past. */
int qun__since_write(struct qun_apply *a, const char *plugin, uint64_t seq);
/* The config as plugin `n` knew it at record `seq`. */
int qun__config_as_of(struct qun_config **out, const char *name, const struct qun_view *v,
                      const struct qun_plugin_set *plugins, uint32_t n, uint64_t seq, struct qun_error *err);

#endif
