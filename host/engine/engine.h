/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: tenants, shards, plugins, readers. qund and `qun` (when no daemon runs) open one over a data directory;
 * only one process at a time.
 *
 * Writing: inputs go to the tenant's shard, which applies them in order and commits; `done` is called after the commit
 * on the shard's thread.
 * Reading and services: run on reader threads over a snapshot; `done` is called there.
 * All functions below: any thread, unless said otherwise. Callbacks must be quick and must not call back into a _wait
 * function.
 */
#ifndef QUN_HOST_ENGINE_ENGINE_H
#define QUN_HOST_ENGINE_ENGINE_H

#include "host/engine/journal.h"
#include "host/intake/normalise.h"
#include "host/plugins/plugin_set.h"
#include "tenants/profile.h"
#include "tenants/store.h"

#include <qun/msgpack.h>

struct qun_engine;

struct qun_engine_options {
  const char *data_dir;
  const char *keys_dir;    /* NULL: <data_dir>.keys beside it */
  const char *plugins_dir; /* NULL: ../plugins beside the program, else the installed folder */
  uint32_t shards;         /* 0: 2 */
  uint32_t readers;        /* 0: 2 */
  uint32_t open_tenants;   /* tenants that may be open at once; 0: what the limit of descriptors allows */
  uint64_t tenant_memory;  /* bytes of open tenants that nobody uses; 0: 512 MiB */
  uint32_t queue_events;   /* waiting events a shard may hold; 0: 65536 */
  bool allow_untrusted;
  enum qun_signatures signatures;
  bool safe_mode;                 /* code of plugins that are not on the list made at build is left aside */
  uint32_t callback_ms;           /* a plugin's callback that takes longer hangs; 0: nobody looks */
  bool hang_log;                  /* that is logged; else the process ends, by abort() */
  bool exited;                    /* the process that had the folder before ended itself, though nobody told it to */
  struct qun_isolation isolation; /* what is 0 or NULL gets a default; its texts outlive the engine */
  bool journal;              /* durable answers come from a journal of all tenants; else from each store's own commit */
  uint32_t journal_segment;  /* bytes of a segment; 0: 16 MiB */
  bool live;                 /* qund: ticks the clock for due timers, delivers the outbox */
  int64_t (*now)(void *arg); /* receive clock, UTC ms; NULL: the machine's. Tests pass their own */
  void *now_arg;
};

/* Takes the lock on <data>/LOCK, loads plugins, starts threads. QUN_ECONFLICT: another process has it (the message
   names it). QUN_EINVAL, QUN_EFAIL. Blocking. */
int qun_engine_open(struct qun_engine **out, const struct qun_engine_options *options, struct qun_error *err);
/* Applies all that waits, commits, stops the threads, closes the stores. NULL is fine. Blocking. */
void qun_engine_close(struct qun_engine *e);
const struct qun_plugin_set *qun_engine_plugins(const struct qun_engine *e);
/* What plugins did that brought the process before down, a sentence each, as it was found at the opening. */
uint32_t qun_engine_came_down(const struct qun_engine *e, const char *const **sentences);
/* Lets a parked plugin run again, on trial; `tenant` NULL: everywhere. *again: its code is loaded when the engine is opened
   again. QUN_ENOTFOUND, QUN_ECONFLICT: it is not parked, or not for that tenant alone. Blocking. */
int qun_engine_plugin_release(struct qun_engine *e, const char *plugin, const char *tenant, bool *again,
                              struct qun_error *err);
struct qun_ledger;
/* Crashes and hangs, host/plugins/ledger.h. */
struct qun_ledger *qun_engine_ledger(struct qun_engine *e);
int64_t qun_engine_now(const struct qun_engine *e);
const char *qun_engine_data_dir(const struct qun_engine *e);
const char *qun_engine_keys_dir(const struct qun_engine *e);

/* Called on a shard's thread after a commit that left released outbox rows; quick, must not call back. One hook; set
 * before writing. Setting another or NULL waits until a call of the old one has ended. */
typedef void (*qun_engine_outbox_hook)(void *arg, const char *tenant);
void qun_engine_on_outbox(struct qun_engine *e, qun_engine_outbox_hook hook, void *arg);
/* Calls `each` with every counter of plugins. */
void qun_engine_plugin_metrics(struct qun_engine *e,
                               void (*each)(void *arg, const char *plugin, const char *name, uint64_t value),
                               void *arg);
/* Sums over all tenants since the process began, for /metrics. */
struct qun_engine_quota_use {
  uint64_t refused_events, refused_handler; /* batches, by the quota that was used up */
  uint64_t handler_us;                      /* time that tenants took on the shards */
  uint64_t open, opened;                    /* tenants open now; opened so far */
};
void qun_engine_quota_metrics(struct qun_engine *e, struct qun_engine_quota_use *out);
/* Events waiting over all shards, for /metrics. */
uint32_t qun_engine_waiting(struct qun_engine *e);

/* What the engine did at its opening with what an earlier life had acknowledged and not applied. */
struct qun_recovery {
  uint64_t entries, events; /* applied now */
  uint64_t skipped;         /* known to their stores, or of tenants that are gone */
  uint64_t spilled;         /* kept for parked tenants */
  uint32_t tenants;
  uint32_t damaged; /* segments that could not be read to their end although later ones are there */
  uint32_t ms;
};
void qun_engine_recovery(const struct qun_engine *e, struct qun_recovery *out);
/* 0, or why nothing is acknowledged any more. */
int qun_engine_health(struct qun_engine *e, struct qun_error *err);
void qun_engine_journal_stats(struct qun_engine *e, struct qun_journal_stats *out);
/* Makes all fed stores durable and zeroes what the journal no longer needs: after an erasure or a deletion. Blocking. */
int qun_engine_journal_scrub(struct qun_engine *e, struct qun_error *err);

/* ---- tenants. Blocking. */
struct qun_tenant_spec {
  const char *name;    /* [a-z0-9][a-z0-9-]{0,62} */
  const char *profile; /* starter profile; NULL: "default" */
  const char *title;   /* NULL: the name */
  const char *locale;  /* NULL: the profile's */
  const char *zone;    /* NULL: the profile's */
  bool simulated;
};
int qun_engine_tenant_create(struct qun_engine *e, const struct qun_tenant_spec *spec, struct qun_error *err);
int qun_engine_tenant_delete(struct qun_engine *e, const char *name, struct qun_error *err);
/* Calls `each` with every tenant's name in order; stops when it answers other than 0, and answers that. */
int qun_engine_tenant_each(struct qun_engine *e, int (*each)(void *arg, const char *name), void *arg);
/* The same for tenants of which rows wait to be delivered, in no order; while the stores are still being looked into
 * after a crash the hook (qun_engine_on_outbox) tells of the rest. An engine that is not live names all tenants. */
int qun_engine_outbox_each(struct qun_engine *e, int (*each)(void *arg, const char *name), void *arg);
/* 1 if there is such a tenant. Quick. */
int qun_engine_tenant_exists(struct qun_engine *e, const char *name);
/* A copy of the profile; free with qun_profile_destroy. QUN_ENOTFOUND. */
int qun_engine_tenant_profile(struct qun_engine *e, const char *name, struct qun_profile **out, struct qun_error *err);
/* The same from tenant.yaml, so that a list of thousands opens no store: settings changed a moment ago may be missing. */
int qun_engine_tenant_outline(struct qun_engine *e, const char *name, struct qun_profile **out, struct qun_error *err);
/* Appends to `out` a msgpack map: name, title, simulated, locale, zone, sector, country, currency, events (from
   outside), by_type {type: count from outside}, derived {..}, control {..}, members, seq, clock, state_hash (hex),
   dead_letters, bytes, quota {quota_bytes .. weight, handler_ms_used, refused_events_s, refused_handler_ms} (the last
   three since the process began), audit {size, root}, outbox {state: count}, plugins {name: {status, cursor, version,
   state_hash}}. */
int qun_engine_tenant_show(struct qun_engine *e, const char *name, struct qun_pack *out, struct qun_error *err);
/* Changes settings: `changes` is a msgpack map "plugin.key" or profile key -> text as a person writes it. Recorded in
 * the log. QUN_EINVAL names the key. */
int qun_engine_tenant_set(struct qun_engine *e, const char *name, qun_slice changes, struct qun_error *err);
/* Switches a plugin on (it catches up over the whole log) or off. Recorded in the log. */
int qun_engine_plugin_enable(struct qun_engine *e, const char *name, const char *plugin, bool on,
                             struct qun_error *err);

/* ---- writing */
struct qun_submit_result {
  int code;            /* 0, or why nothing of the batch is in: QUN_EQUOTA, QUN_ENOTFOUND, QUN_EFAIL */
  uint32_t accepted;   /* appended now */
  uint32_t duplicates; /* (source, id) known with the same content */
  uint32_t conflicts;  /* known with other content: in the dead letters */
  uint64_t position;   /* the log's last sequence after the commit; not yet applied: the journal's position */
  bool applied;        /* false: durable in the journal and will be in the log exactly once; the counts are 0 */
  uint32_t retry_ms;   /* QUN_EQUOTA, QUN_EAGAIN: when to try again; 0: unknown */
  char message[256];
};
typedef void (*qun_submit_done)(void *arg, const struct qun_submit_result *result);

/* A normaliser for the tenant, to be used on one thread at a time; it pins the vault. QUN_ENOTFOUND. */
int qun_engine_normaliser_open(struct qun_engine *e, const char *tenant, struct qun_normaliser **out,
                               struct qun_error *err);
void qun_engine_normaliser_close(struct qun_engine *e, struct qun_normaliser *n);

enum {
  QUN_SUBMIT_DURABLE = 1u << 0, /* `done` comes once the batch is on disk; else once it is applied, with its counts */
  QUN_SUBMIT_DEFER = 1u << 1    /* the caller calls qun_engine_flush soon: many batches share one disk sync */
};
/* Queues a batch (the engine takes it over and empties *batch) and answers 0; `done` comes on any thread, also on the
   caller's own within qun_engine_flush. QUN_EAGAIN: too much is waiting, nothing taken, `done` is not called: answer 429
   or stop reading. QUN_EQUOTA: the tenant's quota; QUN_EFAIL: the tenant is parked or the journal broke; says why. */
int qun_engine_submit_with(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch, uint32_t flags,
                           qun_submit_done done, void *arg, struct qun_error *err);
/* Writes and syncs what was submitted with QUN_SUBMIT_DEFER, in the calling thread unless another is at it. Quick when
 * nothing waits. Blocking: one disk sync. */
void qun_engine_flush(struct qun_engine *e);
/* Queues a batch without flags. */
int qun_engine_submit(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch, qun_submit_done done,
                      void *arg, struct qun_error *err);
/* The same and waits for the commit, also for room in the queue. Blocking. */
int qun_engine_submit_wait(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch,
                           struct qun_submit_result *result, struct qun_error *err);
/* Appends one control record (type "qun.*", "overlap.*", "bridge.*", "outbox.*") with a msgpack map as data. `id`
 * empty: a fresh one. Waits for the commit. */
int qun_engine_control(struct qun_engine *e, const char *tenant, const char *type, qun_slice subject, qun_slice id,
                       qun_slice data, uint64_t *seq, struct qun_error *err);

/* ---- services and reports */
struct qun_call_spec {
  const char *tenant;
  const char *service; /* "growth.report" */
  qun_slice params;    /* msgpack map */
  const char *locale;  /* NULL: the tenant's */
  const char *role;    /* agency, owner, operator, auditor, host */
};
/* code 0 and a reply (borrowed until `done` returns), or less and a message. QUN_EDENIED: the role is too low.
 * QUN_ENOTFOUND: no such service or tenant. */
typedef void (*qun_call_done)(void *arg, int code, qun_slice reply, const char *message);
/* Queues the call for a reader thread; copies the spec. What the plugin emits is committed before `done`. */
int qun_engine_call(struct qun_engine *e, const struct qun_call_spec *spec, qun_call_done done, void *arg,
                    struct qun_error *err);
/* The same and waits; *reply is filled (fini it). Blocking. */
int qun_engine_call_wait(struct qun_engine *e, const struct qun_call_spec *spec, struct qun_pack *reply,
                         struct qun_error *err);

/* ---- reading the log. Blocking (page faults only). A cursor pins a snapshot: keep it short. */
struct qun_log_entry {
  uint64_t seq;
  int64_t clock_ms, time_ms;
  uint32_t flags; /* QUN_EVENT_* */
  uint64_t member, cause;
  qun_slice type, id, source, subject, group, channel, lang, data;
  qun_slice bytes; /* the record as stored and hashed */
};
/* Calls `each` for records after `after`, at most `limit` (0: all). Personal fields stay sealed. Stops when `each`
 * answers other than 0, and answers that. */
int qun_engine_log_each(struct qun_engine *e, const char *tenant, uint64_t after, uint64_t limit,
                        int (*each)(void *arg, const struct qun_log_entry *entry), void *arg, struct qun_error *err);

/* Opens a snapshot for work of the host's own (bridge, delivery, export): view, vault and config of the tenant.
 * Blocking. */
struct qun_reading {
  struct qun_tenant *tenant; /* a reference */
  struct qun_view view;
  struct qun_vault *vault;
};
int qun_engine_read_begin(struct qun_engine *e, const char *tenant, struct qun_reading *out, struct qun_error *err);
/* A zeroed reading is fine. */
void qun_engine_read_end(struct qun_reading *r);

/* ---- replay, host/engine/replay.c */
enum qun_replay_mode { QUN_REPLAY_VERIFY = 1, QUN_REPLAY_REBUILD, QUN_REPLAY_WHATIF };
struct qun_replay_spec {
  enum qun_replay_mode mode;
  qun_slice changes; /* what-if: msgpack map "plugin.key" -> text */
  int64_t until_ms;  /* INT64_MAX: all */
  uint32_t batch;    /* inputs a commit of a scratch store; 0: as many as memory is set aside for */
  uint32_t threads;  /* 0: one a processor; at most 8 */
  void (*progress)(void *arg, uint64_t done, uint64_t total); /* records; in the caller's thread */
  void *progress_arg;
};
/* Replays the log into scratch stores and appends to `out` {mode, records, match (bool), state_hash, live_hash,
   plugins {name: {state_hash, live_hash, differs}}, derived_differ, emits_differ: [{seq, type, plugin, member, day,
   was, is, fields: [{field, was, is}]}...up to 20], emits: [{plugin, type, was, is}] (counts; rebuild and what-if),
   reports: [{plugin, view, differ, cells: [{section, row, column, kind, was, is}...up to 200]}] (what-if over the whole
   log: what plugins whose state differs would report)}. A derived record that the log does not have is numbered behind
   the log's end. A plugin whose code does not run in this process is left out. A plugin that was switched on late goes over its past as it is recorded, also in a what-if. Delivers
   nothing. Blocking, long. */
int qun_engine_replay(struct qun_engine *e, const char *tenant, const struct qun_replay_spec *spec,
                      struct qun_pack *out, struct qun_error *err);

/* ---- proof, for audits: over a snapshot of what is committed. Blocking. Implemented over tenants/audit_log.h. */
/* Signs the tree as it stands: a C2SP checkpoint (signed note), appended to `out` as text. */
int qun_engine_checkpoint(struct qun_engine *e, const char *tenant, struct qun_pack *text, uint64_t *size,
                          struct qun_error *err);
/* Inclusion proof of record `seq` in the tree of `size` leaves as a msgpack map (form: tenants/audit_log.h). */
int qun_engine_prove(struct qun_engine *e, const char *tenant, uint64_t seq, uint64_t size, struct qun_pack *out,
                     struct qun_error *err);
/* Consistency proof between two sizes, as a msgpack array of 32-byte bins. */
int qun_engine_prove_consistency(struct qun_engine *e, const char *tenant, uint64_t from, uint64_t to,
                                 struct qun_pack *out, struct qun_error *err);
/* The group of records that is not yet full: its first sequence, the last in it, how many (0: none), and the root over
 * them. For a qun.audit record. */
struct qun_audit_open;
int qun_engine_audit_tail(struct qun_engine *e, const char *tenant, struct qun_audit_open *out, struct qun_error *err);
/* The verifier key "<origin>+<hash>+<key>" (C2SP signed note) as text. */
int qun_engine_verifier_key(struct qun_engine *e, const char *tenant, struct qun_pack *text, struct qun_error *err);

#endif
