/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the growth plugin share: one callback's view of the tenant, and the tenant's memory.
 *
 * All functions run on the instance's logical thread, never block, and answer 0 or a negative QUN_E* of the host.
 */
#ifndef GROWTH_H
#define GROWTH_H

#include "row.h"
#include "settings.h"
#include <qun/days.h>

#include <qun/plugin.h>

#include <roaring/roaring.h>
#include <stdbool.h>

/* An instance: the host and the services that the manifest requires. */
struct growth {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_calendar_v1 *calendar;
  const struct qun_reply_v1 *reply;
  unsigned char *scratch; /* for bitmaps on their way into the store */
  size_t scratch_cap;
};

/* The tenant's totals; row 'H'. */
struct growth_head {
  int32_t first_day; /* earliest day of any event */
  int32_t last_day;  /* latest day of an interaction */
  int32_t alive_day; /* latest day of any event by a member */
  int32_t clock_day; /* latest day on the tenant's clock that had an event */
  int64_t week_due;  /* the weekly timer; 0: not set */
  int64_t month_due; /* the monthly timer; 0: not set */
  uint32_t persons;  /* everybody known, renames counted once */
  uint32_t members;  /* persons who have not left */
  uint32_t channels; /* ids of channels in use: 1..channels */
  uint32_t groups;   /* ids of groups in use: 1..groups */
  uint32_t alerts;   /* numbers of alerts in use: 1..alerts */
  uint32_t max_member;
  uint64_t purchases; /* ever */
};

/* What happened on one day; row 'h'. */
enum { GROWTH_HOURS = 24 };
struct growth_day {
  int32_t day;
  uint32_t hour[GROWTH_HOURS]; /* interactions by local hour */
  uint32_t fresh;              /* persons met for the first time */
  uint32_t returned;           /* persons who had left and came back */
  uint32_t left;               /* persons who left, kicked ones included */
  uint32_t kicked;
  uint32_t joins;   /* fresh persons who came by a join event */
  uint32_t invited; /* fresh persons with an inviter */
  uint32_t purchases;
  int64_t spend; /* minor units, refunds taken off */
};

/* Kinds of interaction. Somebody is active on a day when any of them happened. */
enum { GROWTH_TOPIC = 1u << 0, GROWTH_TASK = 1u << 1, GROWTH_OTHER = 1u << 2 };

/* "This member is in this group, and on that day had these kinds of interaction: the rows say so already." */
struct growth_slot {
  uint32_t member; /* 0: empty */
  uint32_t root;
  uint32_t group;
  uint32_t version; /* of the root when the slot was filled: another one now, and the slot says nothing */
  int32_t day;
  uint8_t classes;
};

enum { GROWTH_VERSIONS = 512 };

/* Slots by member and group: one place each, more places as more are fought for. */
struct growth_slots {
  uint32_t count;                     /* a power of two */
  uint32_t lost;                      /* filled over another, since the last growing */
  uint32_t versions[GROWTH_VERSIONS]; /* by root */
  struct growth_slot at[];
};

struct growth_cached_set {
  roaring_bitmap_t *set; /* NULL: empty place */
  uint8_t kind;
  int32_t day;
  uint64_t used;
};

struct growth_cached_name {
  char *name;
  uint32_t len;
  uint32_t id;
};

enum { GROWTH_SLOTS_MIN = 256, GROWTH_SLOTS_MAX = 32768, GROWTH_SETS = 12, GROWTH_NAMES = 64 };

/* The memory of an instance about one tenant: settings, and a cache of rows. Dropped whole when a handler fails. */
struct growth_tenant {
  struct growth_settings settings;
  char currency[8];
  bool simulated;
  bool head_loaded, head_dirty, day_loaded;
  struct growth_head head;
  struct growth_day day;
  struct growth_slots *slots; /* NULL before the first event */
  struct growth_cached_set sets[GROWTH_SETS];
  uint64_t sets_clock;
  struct growth_cached_name names[GROWTH_NAMES];
  roaring_bitmap_t
      *merged; /* numbers that were persons of their own before a rename joined them to another; NULL: not loaded */
};

/* One callback. */
struct growth_call {
  struct growth *g;
  const struct qun_context *ctx;
  struct growth_tenant *t;
};

/* NULL is fine: CRoaring before 1.0 would read it. */
static inline void growth_set_free(roaring_bitmap_t *set) {
  if (set) roaring_bitmap_free(set);
}

/* Sets the host's message and answers `code`. */
int growth_fail(const struct growth_call *c, int code, const char *message);

/* Drops what is remembered of rows; settings stay. */
void growth_tenant_forget(struct growth_tenant *t);

static inline int growth_get(const struct growth_call *c, const struct growth_key *key, qun_slice *value) {
  return c->g->store->get(c->g->host, c->ctx->tenant, growth_key_slice(key), value);
}

static inline int growth_put(const struct growth_call *c, const struct growth_key *key, qun_slice value,
                             uint64_t owner) {
  return c->g->store->put(c->g->host, c->ctx->tenant, growth_key_slice(key), value, owner);
}

static inline int growth_del(const struct growth_call *c, const struct growth_key *key) {
  return c->g->store->del(c->g->host, c->ctx->tenant, growth_key_slice(key));
}

/* Calls `visit` for each row whose key begins with `prefix` and is greater than `after` (NULL: from the first), in key
   order. `visit` answers 0 to go on, 1 to stop, less than 0 to fail with. */
typedef int (*growth_visit)(void *arg, qun_slice key, qun_slice value);
int growth_scan(const struct growth_call *c, const struct growth_key *prefix, const struct growth_key *after,
                growth_visit visit, void *arg);

/* The head, from memory or the store. A tenant without one has zeroes. */
int growth_head_load(const struct growth_call *c);
int growth_head_save(const struct growth_call *c);

#endif
