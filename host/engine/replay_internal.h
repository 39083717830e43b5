/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a replay share; nobody else includes it.
 *
 * A replay is a flow of chunks: one thread reads records of the log (a short snapshot a chunk, so that nothing is held
 * for long), any thread opens sealed texts, and strands apply the records: a strand is a set of plugins with a runtime
 * and a scratch store of its own. Verify feeds recorded derived records, so plugins do not depend on each other and
 * each is a strand; rebuild and what-if derive them again in one strand of all plugins.
 */
#ifndef QUN_HOST_ENGINE_REPLAY_INTERNAL_H
#define QUN_HOST_ENGINE_REPLAY_INTERNAL_H

#include "host/engine/internal.h"

#include "tenants/state_hash.h"

enum { QUN__REPLAY_CHUNK = 2048, QUN__REPLAY_WINDOW = 8, QUN__REPLAY_DIFFERENCES = 20, QUN__REPLAY_THREADS_MAX = 8 };

/* ---- chunks, replay_chunk.c */

struct qun__replay_item {
  struct qun_record record; /* borrowed from the chunk's snapshot */
  const struct qun_hearers *hearers;
  qun_slice open; /* data for the handlers */
  int32_t owner;  /* of a derived record: whose doing it is; -1: of no plugin that is loaded */
  bool derived, timer;
  bool host; /* the host itself may act on it */
};

enum qun__chunk_state { QUN__CHUNK_FREE = 0, QUN__CHUNK_BUSY, QUN__CHUNK_READ, QUN__CHUNK_OPEN };

/* A run of the log that ends where nothing more follows from its last input. */
struct qun__replay_chunk {
  uint64_t number;
  enum qun__chunk_state state;
  uint32_t done; /* strands that are through with it */
  struct qun_view view;
  struct qun_arena arena;
  struct qun__replay_item *items;
  uint32_t count, cap;
};

struct qun__replay;

/* Reads the next chunk; r->end is set with the last one. One thread at a time. */
int qun__chunk_read(struct qun__replay *r, struct qun__replay_chunk *c, struct qun_error *err);
/* Opens what the strands will look at. */
int qun__chunk_open(struct qun__replay *r, struct qun__replay_chunk *c, struct qun_error *err);
/* The plugin whose doing a derived record is; what the host derives (a blocked send) belongs to the plugin it is about.
   -1: none that is loaded. */
int32_t qun__replay_owner(const struct qun__replay *r, const struct qun_record *record);
void qun__chunk_clear(struct qun__replay_chunk *c);
void qun__chunk_fini(struct qun__replay_chunk *c);

/* ---- strands, replay_strand.c */

struct qun__difference {
  uint64_t seq, member;
  int32_t plugin; /* -1: none that is loaded */
  int32_t day;    /* the tenant's, of the record's time */
  char type[64];
  char was[120], is[120];
  struct qun_pack fields; /* array of {field, was, is} of its data */
};

/* Derived records by plugin and type, timers left out. */
struct qun__emit_count {
  int32_t plugin;
  char type[64];
  uint64_t was, is;
};
enum { QUN__EMIT_COUNTS = 64 };

struct qun__strand {
  struct qun__replay *replay;
  uint32_t mask; /* plugins it runs */
  struct qun_store *store;
  struct qun_runtime *rt;
  struct qun_slot *slot;
  struct qun_apply_options options;
  struct qun_apply apply;
  bool begun;
  uint32_t waiting; /* inputs since the last commit */
  uint64_t inputs;

  const struct qun__replay_item *items; /* of the chunk under way */
  uint32_t at, count;
  unsigned char *used; /* derive: items that were derived again */
  uint32_t used_cap;
  uint64_t place;     /* derive: last record of the log that is done */
  uint64_t extra_seq; /* derive: last number given to a record that the log does not have */
  int rc;             /* what went wrong inside a callback */
  struct qun_error err;

  uint64_t differ;
  struct qun__difference differences[QUN__REPLAY_DIFFERENCES];
  struct qun__emit_count emits[QUN__EMIT_COUNTS]; /* derive */
  uint32_t emits_count;

  /* verify, of an isolated plugin: what it derived, in order, until the log comes to it */
  struct {
    struct qun_record *items;
    uint32_t first, count, cap;
    uint64_t timers; /* that fired so far */
    struct qun_arena arena;
  } apart;

  /* the flow's, under its lock */
  uint64_t next; /* chunk that it needs */
  bool busy;
  int64_t cpu_ns;
};

int qun__strand_open(struct qun__strand *s, struct qun__replay *r, uint32_t mask, uint32_t nth, struct qun_error *err);
void qun__strand_close(struct qun__strand *s);
/* Begins a batch if none is open. */
int qun__strand_begin(struct qun__strand *s, struct qun_error *err);
/* Commits the batch that is open. */
int qun__strand_commit(struct qun__strand *s, struct qun_error *err);
/* Commits if enough waits. */
int qun__strand_breathe(struct qun__strand *s, struct qun_error *err);
/* Brings plugins that were just switched on to the log's place, over the log as it is recorded. */
int qun__strand_past(struct qun__strand *s, struct qun_error *err);
/* Notes a derived record that is not as recorded; NULL: there is none. `open`: data of `is`. */
void qun__strand_differs(struct qun__strand *s, const struct qun__replay_item *was, const struct qun_record *is,
                         qun_slice open);
/* Counts a derived record that was or is. */
void qun__strand_count(struct qun__strand *s, int32_t plugin, qun_slice type, bool is);
/* The same record, by cause, origin and id. */
bool qun__replay_is(const struct qun__replay_item *item, const struct qun_record *record);
/* And with the same content. */
bool qun__replay_same(const struct qun__replay_item *was, const struct qun_record *record, qun_slice open);

/* Applies a chunk: replay_verify.c, replay_derive.c. */
int qun__strand_verify(struct qun__strand *s, const struct qun__replay_chunk *c, struct qun_error *err);
bool qun__strand_expect(void *arg, uint64_t next_seq, struct qun_record *record, qun_slice *open);
int qun__strand_apart(void *arg, struct qun_record *record, const struct qun_emitted *emitted);
int qun__strand_derive(struct qun__strand *s, const struct qun__replay_chunk *c, struct qun_error *err);
bool qun__strand_number(void *arg, uint64_t next_seq, struct qun_record *record, qun_slice *open);

/* ---- reports then and now, replay_reports.c */

struct qun__replay_reports;
/* What-if: asks every live plugin for each view of its report over the live snapshot. *out: destroy it. */
int qun__reports_take(struct qun__replay_reports **out, struct qun__replay *r, struct qun_error *err);
void qun__reports_destroy(struct qun__replay_reports *p);
/* Appends an array of {plugin, view, differ, cells: [{section, row, column, kind, was, is}...up to 200]}: what the
   plugins whose state or settings differ would report otherwise. */
int qun__reports_compare(struct qun__replay *r, struct qun_pack *out, struct qun_error *err);
/* Appends to *cells what differs between two report models, up to `cap`; answers how many in all. */
uint32_t qun__report_cells(qun_slice was, qun_slice is, uint32_t cap, struct qun_pack *cells, uint32_t *packed);

/* Appends the answer, replay_answer.c. */
int qun__replay_answer(struct qun__replay *r, struct qun_pack *out, struct qun_error *err);

/* ---- the whole, replay.c */

struct qun__replay {
  struct qun_engine *engine;
  const char *name;
  const struct qun_replay_spec *spec;
  const struct qun_plugin_set *plugins;
  struct qun_reading live; /* its view is let go once the live state is hashed */
  struct qun_view live_views[QUN_PLUGINS_MAX];
  struct qun_head head;            /* of the snapshot */
  uint64_t erased_seq;             /* of META */
  uint64_t until[QUN_PLUGINS_MAX]; /* where each plugin stands: an isolated one may be behind the head */
  uint32_t threads;
  uint32_t text_plugins; /* plugins that see what people wrote */
  unsigned char was[QUN_PLUGINS_MAX][QUN_STATE_HASH], is[QUN_PLUGINS_MAX][QUN_STATE_HASH];
  unsigned char was_all[QUN_STATE_HASH], is_all[QUN_STATE_HASH];
  struct qun_config *config;           /* the live one */
  struct qun_skips *skips;             /* records that plugins did not get */
  struct qun__replay_reports *reports; /* what-if over the whole log */

  uint64_t seq; /* read so far */
  bool end;
  struct qun__replay_chunk chunks[QUN__REPLAY_WINDOW];
  struct qun__strand strands[QUN_PLUGINS_MAX];
  uint32_t strands_count;
  char dir[4096]; /* scratch */
};

/* Runs the chunks through the strands on r->threads threads, replay_flow.c. */
int qun__replay_flow(struct qun__replay *r, struct qun_error *err);
/* Calls each(arg, i) for i < n on up to `threads` threads; 0 or the first failure. */
int qun__replay_each(uint32_t threads, uint32_t n, int (*each)(void *arg, uint32_t i), void *arg);
/* The strand that runs plugin n. */
struct qun__strand *qun__replay_strand(struct qun__replay *r, uint32_t plugin);

#endif
