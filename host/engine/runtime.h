/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread's plugins: an instance of each, the tenants they have met, and the scope of the callback that runs. A
 * shard has one for writing, each reader one for requests. One thread.
 */
#ifndef QUN_HOST_ENGINE_RUNTIME_H
#define QUN_HOST_ENGINE_RUNTIME_H

#include "host/engine/calendar.h"
#include "host/engine/plugin_metrics.h"
#include "host/engine/rooms.h"
#include "host/engine/subscriptions.h"
#include "host/engine/tenant.h"

struct qun_runtime;

enum { QUN_SLOTS_MAX = 1024 };

/* A tenant as this runtime's instances know it. It outlasts the tenant's being open and holds no reference to it: whoever
 * asks for the slot does. */
struct qun_slot {
  char name[64]; /* empty in a scratch slot of a replay */
  unsigned char incarnation[16];
  struct qun_tenant *tenant; /* valid while the slot is in use; NULL in a scratch slot */
  struct qun_vault *vault;   /* the tenant's, likewise */
  struct qun_config *config; /* a reference: what on_tenant was told last */
  struct qun_calendar *calendar;
  qun_handle handle;
  uint32_t met; /* bit n: plugin n has been told */
  void *local[QUN_PLUGINS_MAX];
  struct qun_slot *next; /* among the scratch slots */
  UT_hash_handle hh;     /* among the tenants' */
};

/* An event that a plugin emitted, waiting for its place. */
struct qun_emitted {
  uint32_t plugin; /* who; QUN_PLUGINS_MAX: the host */
  bool lagged;     /* it comes from a plugin that follows the log: its own time is time_ms, not the clock */
  int64_t time_ms;
  uint64_t cause;
  uint32_t hops, ordinal;
  const struct qun_hearers *hearers;
  uint64_t member;
  qun_slice type, subject, group, channel, lang, data;
};

struct qun_emit_list {
  struct qun_emitted *items;
  uint32_t count, cap;
};

/* What the callback that runs may see and do. */
struct qun_scope {
  uint32_t mode; /* QUN_MODE_* */
  struct qun_slot *slot;
  const struct qun_view *view;
  struct qun_batch *batch;     /* writes; NULL: reads only */
  struct qun_arena *arena;     /* lives as long as what is emitted or answered */
  struct qun_emit_list *emits; /* NULL: may not emit */
  int64_t clock_ms;
  int32_t clock_day, clock_minute;
  uint64_t seq, cause, seed;
  uint32_t hops;
  uint32_t ordinal; /* next emit of this callback */
  bool timers_changed, outbox_changed;
  qun_handle request; /* the open request; 0 none or answered */
  qun_slice reply;
  char *message; /* of fail(): the instance's 256 bytes, empty if it said nothing; NULL: no callback ran */
};

struct qun_instance {
  struct qun_host host; /* first: what the plugin has is a pointer to this */
  struct qun_runtime *runtime;
  const struct qun_loaded_plugin *plugin;
  uint32_t number;
  void *self;
  struct qun_scope *scope; /* of the running callback; NULL: none runs */
  char message[256];       /* what the running or last callback said */
};

struct qun_runtime {
  const struct qun_plugin_set *plugins;
  const struct qun_subscriptions *subscriptions;
  struct qun_instance instances[QUN_PLUGINS_MAX];
  struct qun_slot *slots;   /* by tenant's name, in the order of last use */
  struct qun_slot *scratch; /* of replays */
  uint32_t slots_max;
  uint32_t handles;                   /* handles given out */
  struct qun_plugin_metrics *metrics; /* the engine's; may be NULL */
  struct qun_rooms rooms;             /* memory of batches */
  const char *keys_dir;               /* the readers': where secrets are; NULL: requests may not use them */
  uint32_t shy;                       /* bit n: plugin n is told of a tenant when another first calls it */
  uint32_t here;                      /* bit n: plugin n has an instance in this runtime */
  uint32_t lends;                     /* bit n: plugin n gets one when another first calls it */
  uint32_t held;                      /* bit n: plugin n is parked everywhere */
  struct qun_crumb *crumb;            /* tells whose callback runs, also to those who come after a crash */
};

/* Bit n: plugin n runs inside the host. */
uint32_t qun_runtime_inside(const struct qun_plugin_set *plugins);
/* Creates instances of the plugins in `here`; the callbacks of isolated ones go to runners that are started as needed, and the
 * thread waits for them. QUN_EFAIL names the plugin that failed. */
int qun_runtime_create_for(struct qun_runtime **out, const struct qun_plugin_set *plugins, uint32_t here,
                           const struct qun_subscriptions *subscriptions, struct qun_plugin_metrics *metrics,
                           struct qun_error *err);
/* Creates an instance of every plugin that runs inside the host: nobody waits for a runner. */
int qun_runtime_create(struct qun_runtime **out, const struct qun_plugin_set *plugins,
                       const struct qun_subscriptions *subscriptions, struct qun_plugin_metrics *metrics,
                       struct qun_error *err);
void qun_runtime_destroy(struct qun_runtime *rt);
/* The slot of a tenant with its newest config told to the plugins (over `view`), good while the caller keeps a reference
 * to the tenant and until this is called again. Up to QUN_SLOTS_MAX slots are kept, least used closed first. */
int qun_runtime_slot(struct qun_runtime *rt, struct qun_tenant *t, const struct qun_view *view, struct qun_slot **out,
                     struct qun_error *err);
/* A slot that is no tenant of the pool: a replay's. The caller closes it. Takes a reference of config. */
int qun_runtime_scratch_slot(struct qun_runtime *rt, struct qun_vault *vault, struct qun_config *config,
                             struct qun_slot **out, struct qun_error *err);
void qun_runtime_slot_close(struct qun_runtime *rt, struct qun_slot *slot);
/* Closes all slots of tenants: one was deleted, and nothing of it may stay in memory. */
void qun_runtime_purge(struct qun_runtime *rt);
/* Tells all plugins a new config (takes over the reference) over `view`. */
int qun_runtime_configure(struct qun_runtime *rt, struct qun_slot *slot, struct qun_config *config,
                          const struct qun_view *view, struct qun_error *err);

/* Tells plugin `n` the slot's config if it has not been told. */
int qun__runtime_meet(struct qun_runtime *rt, struct qun_slot *slot, uint32_t n, const struct qun_view *view,
                      struct qun_error *err);

/* Runs a callback of an instance in `scope`. Answers what the plugin answered; QUN_ECONFLICT: the instance is running
 * (a cycle of calls); QUN_EGONE: it has no instance here. */
int qun_instance_event(struct qun_instance *in, struct qun_scope *scope, const struct qun_event *event);
int qun_instance_timer(struct qun_instance *in, struct qun_scope *scope, const struct qun_timer *timer);
int qun_instance_request(struct qun_instance *in, struct qun_scope *scope, const struct qun_request *request);

/* Space for one more. NULL when memory ran out. */
struct qun_emitted *qun_emit_list_add(struct qun_emit_list *list);

/* The service vtables, host/engine/services.c. QUN_EUNSUPPORTED: no such service. */
int qun__service_find(const char *id, const void **out);

#endif
