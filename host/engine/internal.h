/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's files share; nobody else includes it. */
#ifndef QUN_HOST_ENGINE_INTERNAL_H
#define QUN_HOST_ENGINE_INTERNAL_H

#include "host/engine/apply.h"
#include "host/engine/engine.h"
#include "host/engine/isolated.h"
#include "host/engine/journal.h"
#include "host/engine/lag.h"
#include "host/engine/lane.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- shards */

enum { QUN__JOB_BARRIER = 1u << 8, QUN__JOB_UNPARK = 1u << 9 }; /* beside QUN_SUBMIT_* */

struct qun_job {
  struct qun_job *next;
  struct qun_tenant *tenant; /* a reference */
  struct qun_input_batch batch;
  struct qun_lag *lag;  /* instead of inputs: what an isolated plugin did; the job's own. NULL: none */
  qun_submit_done done; /* NULL: answered, or nobody asked */
  void *arg;
  uint32_t flags;  /* QUN_SUBMIT_*, QUN__JOB_* */
  uint64_t number; /* in the journal; 0: not there */
  int64_t now_ms;  /* receive time */
  size_t bytes;    /* of the journal's entry */
  struct {         /* read from a spill file: its place in the journal of then; number 0: not */
    unsigned char uuid[16];
    uint64_t number;
  } spilled;
  struct qun_submit_result result;
};

struct qun_shard {
  struct qun_engine *engine;
  pthread_t thread;
  bool started;
  pthread_mutex_t lock;
  pthread_cond_t work, room;
  struct qun_lane *waiting, *ready; /* lists */
  uint32_t events;                  /* waiting or promised, of all lanes */
  int64_t weight_max;               /* of the tenants it has met */
  int64_t window_us, busy_us, busy; /* how busy it is: permille of the last window */
  bool sleeping;
  bool stop;
  bool purge; /* a tenant was deleted: let go of it */
  struct qun_runtime *runtime;
  struct qun_hasher *hasher;
};

int qun__shard_start(struct qun_shard *s, struct qun_engine *e, struct qun_error *err);
/* Applies what waits, then ends the thread. */
void qun__shard_stop(struct qun_shard *s);
/* After the stop; the engine's last use of it. */
void qun__shard_free(struct qun_shard *s);
/* Promises room for `n` events. QUN_EAGAIN: full and not `wait`. QUN_EFAIL: the tenant is parked. */
int qun__shard_reserve(struct qun_shard *s, struct qun_tenant *t, uint32_t n, bool wait, struct qun_error *err);
void qun__shard_unreserve(struct qun_shard *s, struct qun_tenant *t, uint32_t n);
/* Puts a job with reserved room into its tenant's lane. */
void qun__shard_put(struct qun_shard *s, struct qun_job *job);
/* What the lane still has to apply: its first journal number (0: none), and the last one applied. */
void qun__shard_progress(struct qun_shard *s, const struct qun_lane *lane, uint64_t *first, uint64_t *applied);
/* The journal has entries that could be neither applied nor spilled. */
bool qun__shard_is_stuck(struct qun_shard *s, const struct qun_lane *lane);
/* False: the lane is empty, the reader need not wait. */
bool qun__shard_has_work(struct qun_shard *s, const struct qun_lane *lane);
void qun__shard_purge(struct qun_shard *s);

/* ---- quotas, host/engine/admit.c */

/* Whether the tenant may send this now: bytes, members, events and handler time. QUN_EQUOTA: no, err->retry_ms says when,
 * unless waiting does not help. */
int qun__admit(struct qun_engine *e, struct qun_tenant *t, const struct qun_input_batch *batch, struct qun_error *err);
/* What was admitted was not queued. */
void qun__admit_return(struct qun_tenant *t, uint32_t events);

/* ---- readers */

struct qun_readers;
int qun__readers_start(struct qun_readers **out, struct qun_engine *e, uint32_t count, struct qun_error *err);
void qun__readers_stop(struct qun_readers *r);
int qun__readers_push(struct qun_readers *r, const struct qun_call_spec *spec, qun_call_done done, void *arg,
                      struct qun_error *err);
void qun__readers_purge(struct qun_readers *r);

/* ---- timers of live tenants */

struct qun_ticker;
/* Whether the last process ended in order; takes that sign away, so that a crash from now on is seen. Before any store
 * changes. Blocking. */
bool qun__ticker_take_clean(const struct qun_engine *e);
int qun__ticker_start(struct qun_ticker **out, struct qun_engine *e, bool clean, struct qun_error *err);
/* Ends the threads; the rest stays for the shards. NULL is fine. */
void qun__ticker_stop(struct qun_ticker *t);
/* After the shards have ended. `clean`: all that was appended is applied. NULL is fine. */
void qun__ticker_close(struct qun_ticker *t, bool clean);
/* After a commit: when the tenant's next timer is due, whether rows wait to be delivered. NULL is fine. */
void qun__ticker_read(struct qun_ticker *t, struct qun_tenant *tenant);
/* The tenant is gone. NULL is fine. */
void qun__ticker_drop(struct qun_ticker *t, const char *tenant);

struct qun_engine {
  struct qun_engine_options options;
  char *data_dir, *keys_dir, *plugins_dir;
  int lock_fd;
  bool clean; /* the last process ended in order */
  struct qun_quarantine *quarantine;
  struct qun__watchdog *watchdog;
  struct qun_plugin_set *plugins;
  struct qun_subscriptions *subscriptions;
  struct qun_plugin_metrics *metrics;
  struct qun_quotas *quotas;
  struct qun_tenant_pool *pool;
  struct qun_shard *shards;
  uint32_t shards_count;
  struct qun_readers *readers;
  struct qun_isolation isolation;
  char runner[4096];             /* its program */
  struct qun_isolated *isolated; /* NULL: no plugin is */
  struct qun_ticker *ticker;
  const struct qun_journal_ops *journal_ops;
  struct qun_journal *journal;
  unsigned char journal_uuid[16]; /* of the entries in the lanes */
  struct qun_recovery recovery;
  atomic_uint parked; /* tenants */
  qun_engine_outbox_hook outbox_hook;
  void *outbox_arg;
  pthread_mutex_t outbox_lock; /* the hook; a call of it ends before another is set */
  pthread_mutex_t lock;        /* tenants come and go */
};

/* ---- parked tenants, host/engine/park.c. On the tenant's shard. */

/* Looks for a spill file when the tenant is met first. */
void qun__park_check(struct qun_engine *e, struct qun_tenant *t);
/* Sets the tenant aside with a reason. */
void qun__park(struct qun_shard *s, struct qun_tenant *t, const char *reason);
/* Writes a journaled job to the spill file, synced. */
int qun__park_spill(struct qun_engine *e, const struct qun_job *job, struct qun_error *err);
/* Reads the spill file's jobs, oldest first, those left out that the store has. */
int qun__park_jobs(struct qun_engine *e, struct qun_tenant *t, struct qun_job **jobs, struct qun_error *err);
/* Removes the spill file: all of it is applied. */
int qun__park_end(struct qun_shard *s, struct qun_tenant *t, struct qun_error *err);
/* The tenant is deleted. */
void qun__park_forget(struct qun_engine *e, const char *tenant);
/* Asks a tenant's shard to try again. Not on a shard. */
void qun__park_try(struct qun_engine *e, const char *name);
/* The same for each tenant that has a spill file. */
void qun__park_retry(struct qun_engine *e);
/* False: nothing waits for the tenant. True: `done` comes on its shard once all that waits now is applied. */
bool qun__tenant_barrier(struct qun_engine *e, struct qun_tenant *t, qun_submit_done done, void *arg);
/* Waits until what was journaled for the tenant when this was called is applied. Blocking; not on a shard. */
void qun__tenant_settle(struct qun_engine *e, struct qun_tenant *t);

struct qun_shard *qun__shard_of(struct qun_engine *e, const char *tenant);
/* Appends control records, one input each. Blocking. */
struct qun_control {
  const char *type;
  qun_slice subject, id, data;
};
int qun__control_submit(struct qun_engine *e, const char *tenant, const struct qun_control *controls, uint32_t n,
                        uint64_t *seq, struct qun_error *err);
/* Random hex id, 32 digits and a NUL. */
void qun__fresh_id(char out[33]);
/* Writes tenant.yaml as the log has it now. */
int qun__tenant_mirror(struct qun_engine *e, struct qun_tenant *t, struct qun_error *err);

#endif
