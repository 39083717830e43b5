/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's files share; nobody else includes it. */
#ifndef QUN_HOST_ENGINE_INTERNAL_H
#define QUN_HOST_ENGINE_INTERNAL_H

#include "host/engine/apply.h"
#include "host/engine/engine.h"
#include "host/engine/journal.h"

#include <pthread.h>

/* ---- shards */

struct qun_job {
  struct qun_job *next;
  struct qun_tenant *tenant; /* a reference */
  struct qun_input_batch batch;
  qun_submit_done done;
  void *arg;
  struct qun_submit_result result;
};

struct qun_shard {
  struct qun_engine *engine;
  pthread_t thread;
  bool started;
  pthread_mutex_t lock;
  pthread_cond_t work, room;
  struct qun_job *head, **tail;
  uint32_t events; /* waiting */
  bool stop;
  bool purge; /* a tenant was deleted: let go of it */
  struct qun_runtime *runtime;
  struct qun_hasher *hasher;
};

int qun__shard_start(struct qun_shard *s, struct qun_engine *e, struct qun_error *err);
/* Applies what waits, then ends the thread. */
void qun__shard_stop(struct qun_shard *s);
/* Queues a job; QUN_EAGAIN when full and not `wait`. */
int qun__shard_push(struct qun_shard *s, struct qun_job *job, bool wait);
void qun__shard_purge(struct qun_shard *s);

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
  struct qun_plugin_set *plugins;
  struct qun_subscriptions *subscriptions;
  struct qun_plugin_metrics *metrics;
  struct qun_tenant_pool *pool;
  struct qun_shard *shards;
  uint32_t shards_count;
  struct qun_readers *readers;
  struct qun_ticker *ticker;
  struct qun_journal *journal;
  qun_engine_outbox_hook outbox_hook;
  void *outbox_arg;
  pthread_mutex_t outbox_lock; /* the hook; a call of it ends before another is set */
  pthread_mutex_t lock;        /* tenants come and go */
};

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
