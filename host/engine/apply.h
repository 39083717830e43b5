/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies inputs to one tenant: the way of the plan from duplicate check to commit, all in memory first and then one
 * LMDB transaction. The same code runs live and in a replay's scratch store, so that both give the same state. One
 * thread.
 *
 * Order (DECISIONS 5): due timers, the record, the plugins in dependency order; what a plugin emits follows its cause
 * at once, depth first.
 */
#ifndef QUN_HOST_ENGINE_APPLY_H
#define QUN_HOST_ENGINE_APPLY_H

#include "host/engine/hasher.h"
#include "host/engine/runtime.h"
#include "host/engine/skips.h"
#include "tenants/audit_log.h"
#include "tenants/record.h"

/* A replay that verifies looks at each derived record before it is appended and may put the recorded one in its place
 * (DECISIONS 6). False: leave it out. */
typedef bool (*qun_apply_expect)(void *arg, uint64_t next_seq, struct qun_record *record, qun_slice *open);

/* The audit tree's tail as the shard remembers it between batches; read from the store when it is not known. */
struct qun_audit_cache {
  bool known;
  uint64_t seq; /* last record in it */
  struct qun_audit_tail tail;
};

struct qun_apply_total {
  qun_slice type;
  char class_letter;
  uint64_t n;
};

struct qun_apply_options {
  struct qun_runtime *rt;
  struct qun_store *store;
  struct qun_vault *vault;
  struct qun_dupguard *dup;      /* NULL: inputs are known to be new (replay) */
  struct qun_audit_cache *audit; /* keep the audit tree (live); NULL: no (replay) */
  struct qun_hasher *hasher;     /* hashes records beside the shard; must be there when audit is */
  bool seal;                     /* seal personal fields of emitted events (live) */
  const char *name;              /* tenant */
  qun_slice overrides;           /* what-if settings */
  bool no_log;                   /* records are not stored and keep the number they have (replay) */
  qun_apply_expect expect;       /* NULL: none */
  void *expect_arg;
  struct qun_identified *identified; /* told of members whose id is stored, after the commit; NULL: nobody asks */
  const struct qun_view *people;     /* where members' pseudonyms are; NULL: the store itself */
  const struct qun_skips *skips;     /* records that plugins do not get; NULL: none */
  uint32_t apart; /* bit n: what plugin n derives stands elsewhere in the log, and is not appended here */
  int (*derived)(void *arg, struct qun_record *record,
                 const struct qun_emitted *emitted); /* is told of it; NULL: nobody is */
  void *derived_arg;
  const uint64_t *until; /* of plugin n: it hears nothing after this record; NULL: no bound */
};

struct qun_apply {
  struct qun_apply_options o;
  struct qun_slot *slot;
  struct qun_batch batch;
  struct qun_head head;
  struct qun_audit_tail tail;
  unsigned char *marks; /* for log[i]: QUN_MARK_* */
  bool hashing;         /* the hasher has records of this batch */
  qun_slice *log;       /* records of this batch, in the batch's arena */
  uint32_t log_count, log_cap;
  uint64_t log_first; /* sequence of log[0] */
  struct qun_apply_total totals[64];
  uint32_t totals_count;
  struct qun_emit_list emits;
  unsigned char (*identified)[QUN_PSEUDONYM_SIZE]; /* members identified in this batch */
  uint32_t identified_count, identified_cap;
  struct qun_pack pack2; /* scratch */
  int64_t now_ms;        /* receive time */
  int64_t clock_ms;      /* clock that handlers see: head's, or the past in a catch-up */
  int64_t next_due;      /* earliest timer; valid if due_known */
  bool due_known;
  uint32_t catch_up; /* bit n: plugin n was switched on and is behind */
  bool config_changed, outbox_changed;
  uint64_t accepted, duplicates, conflicts;
  uint64_t failures; /* handlers that failed */
};

/* Begins a batch. `slot` must know the newest config. */
int qun_apply_begin(struct qun_apply *a, const struct qun_apply_options *o, struct qun_slot *slot, int64_t now_ms,
                    struct qun_error *err);
/* Drops what is not committed; a zeroed apply is fine. */
void qun_apply_end(struct qun_apply *a);
/* One input: duplicate, conflict (dead letter) or appended and projected. Less than 0: the whole batch must be dropped.
 */
int qun_apply_input(struct qun_apply *a, const struct qun_input *in, struct qun_error *err);
/* A record of the log again (replay): number, clock and stored data are given; `open` is its data for the handlers. */
int qun_apply_record(struct qun_apply *a, const struct qun_record *record, qun_slice open, struct qun_error *err);
/* Runs plugin `n` over the records (from, to] of the log in `view` as if they came now; used to catch up. */
int qun_apply_past(struct qun_apply *a, uint32_t n, const struct qun_view *view, uint64_t from, uint64_t to,
                   struct qun_error *err);
/* Brings plugins that are live and behind to the log's end, a commit for each 2,000 records. `slot` must know the
 * newest config. */
int qun_apply_catch_up(const struct qun_apply_options *o, struct qun_slot *slot, int64_t now_ms, struct qun_error *err);
/* Commits. After it the apply must be ended. QUN_EQUOTA, QUN_EFAIL: nothing is written. */
int qun_apply_commit(struct qun_apply *a, struct qun_error *err);
/* Opens the sealed TEXT fields of a stored data map into `out` (IDENT fields become true, fields whose key is gone are
   left out). Answers the map to use: `data` itself if nothing is sealed. */
qun_slice qun_apply_open(struct qun_vault *vault, const struct qun_view *view, const struct qun_type_view *type,
                         const struct qun_record *r, struct qun_arena *arena);
/* The same for the data of an input, sealed under its member's pseudonym (zeros: nobody's). */
qun_slice qun_apply_open_data(struct qun_vault *vault, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE],
                              const struct qun_type_view *type, qun_slice data, struct qun_arena *arena);

/* ---- between apply.c, apply_input.c and apply_host.c */

/* A record of the log in `view`. QUN_ECONFLICT. */
int qun__apply_read(struct qun_record *r, const struct qun_view *view, uint64_t seq, struct qun_error *err);
/* The handlers' clock as it was at record `seq` (0: before the first). */
int qun__apply_go_back(struct qun_apply *a, const struct qun_view *view, uint64_t seq, struct qun_error *err);
/* Plugins that get what comes now: live, up to date, and with an instance here. */
static inline uint32_t qun__apply_mask(const struct qun_apply *a) {
  return a->slot->config->live & ~a->catch_up & a->o.rt->here;
}
/* Whether plugin n is given the record at all. */
bool qun__apply_hears(const struct qun_apply *a, const struct qun_record *r, const struct qun_hearers *hearers,
                      uint32_t plugin);
/* The event as plugin n is given it, and where it stands. */
struct qun_event qun__apply_event(struct qun_apply *a, const struct qun_record *r, const struct qun_hearers *hearers,
                                  qun_slice open, uint32_t plugin);
struct qun_scope qun__apply_scope(struct qun_apply *a, uint32_t mode, const struct qun_record *r, uint32_t plugin);
/* Gives plugin n an event in a scope, and keeps what it did or takes it back. */
int qun__apply_give(struct qun_apply *a, uint32_t plugin, struct qun_scope *s, const struct qun_record *r,
                    const struct qun_event *e, struct qun_error *err);

/* Appends a record: sequence, bytes, totals, audit leaf. */
int qun__apply_append(struct qun_apply *a, struct qun_record *r, const struct qun_hearers *hearers,
                      struct qun_error *err);
/* Fires what is due, appends, projects, follows emits. */
int qun__apply_stage(struct qun_apply *a, struct qun_record *r, const struct qun_hearers *hearers, qun_slice open,
                     struct qun_error *err);
/* Tells the plugins in `mask`. */
int qun__apply_project(struct qun_apply *a, const struct qun_record *r, const struct qun_hearers *hearers,
                       qun_slice open, uint32_t mask, struct qun_error *err);
/* Appends and projects what was emitted from place `from` of the list on. */
int qun__apply_follow(struct qun_apply *a, uint32_t from, struct qun_error *err);
/* Fires timers of the plugins in `mask` that are due at or before `upto`. */
int qun__apply_fire(struct qun_apply *a, int64_t upto, uint32_t mask, struct qun_error *err);
/* Fires the first of them. *fired: there was one. */
int qun__apply_fire_one(struct qun_apply *a, int64_t upto, uint32_t mask, bool *fired, struct qun_error *err);
/* What the host itself does with a record. */
int qun__apply_host(struct qun_apply *a, const struct qun_record *r, struct qun_error *err);
/* Passes a record over for a plugin: a dead letter, and a record about it among the emits. */
int qun__apply_skip(struct qun_apply *a, uint32_t plugin, const struct qun_record *r, struct qun_error *err);
/* Drops the rows of an erased member. The caller tells the plugins, whose memory of them must go. */
int qun__apply_erased(struct qun_apply *a, const struct qun_record *r, struct qun_error *err);
/* Appends a control record that the host derives from another. */
int qun__apply_derive(struct qun_apply *a, const struct qun_record *cause, const char *type, qun_slice subject,
                      qun_slice data, struct qun_error *err);
/* Seals the personal fields of an emitted event. Answers the data to store. */
qun_slice qun__apply_seal(struct qun_apply *a, const struct qun_emitted *e, struct qun_error *err);
qun_slice qun__apply_bytes(struct qun_apply *a, uint64_t seq);

#endif
