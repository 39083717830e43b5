/* SPDX-License-Identifier: Apache-2.0 */
/* One batch of a follower: records in, what the plugin did out. The plugin's time runs as it would inside the host: due timers
   first, each on its own time, then the record, and nothing depends on how far behind it is. */
#include "host/engine/internal.h"
#include "host/engine/prefetch.h"
#include "host/engine/quarantine.h"
#include "tenants/timers.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  BATCH_HEARD = 1000,    /* records that the plugin hears, a batch */
  BATCH_RECORDS = 20000, /* and records in all */
  AHEAD = 256,           /* events that are with the runner at a time */
  BATCH_MS = 2000,       /* after this no more are sent */
  COMMIT_MS = 120000
};

struct item {
  bool skipped;
  int64_t fire_ms; /* timers due up to then come before it; INT64_MIN: none do */
  struct qun_record record;
  struct qun_context ctx;
  struct qun_event event;
};

struct batch {
  struct qun__follow *f;
  struct qun_apply a;
  struct qun_lag *lag;
  struct item *items;
  uint32_t count, announced;
  uint64_t from, to;
  int64_t fire_ms; /* of the last record from outside behind the last item */
  void *local;     /* the proxy's */
};

static const char *id_of(const struct qun__follow *f) {
  return f->engine->plugins->plugins[f->plugin].manifest->id;
}

/* ---------------------------------------------------------------- the tenant as the plugin knows it */

static void forget_tenant(struct qun__follow *f) {
  if (f->slot) qun_runtime_slot_close(f->rt, f->slot);
  f->slot = NULL;
  if (f->prefetch) qun__prefetch_reset(f->prefetch);
}

void qun__follow_fini(struct qun__follow *f) {
  if (f->rt) forget_tenant(f);
  qun_runtime_destroy(f->rt);
  qun__prefetch_destroy(f->prefetch);
  f->rt = NULL;
  f->prefetch = NULL;
}

static int need_runtime(struct qun__follow *f, struct qun_error *err) {
  struct qun_engine *e = f->engine;
  if (f->rt) return 0;
  f->prefetch = qun__prefetch_create();
  if (!f->prefetch) return qun_error_set(err, QUN_EFAIL, "out of memory");
  int rc = qun_runtime_create_for(&f->rt, e->plugins, 1u << f->plugin, e->subscriptions, e->metrics, err);
  if (rc < 0) return rc;
  f->rt->lends = qun_runtime_inside(e->plugins);
  f->rt->keys_dir = e->keys_dir;
  return 0;
}

/* Tells the plugin its settings as of record `seq`. */
static int configure(struct qun__follow *f, struct qun_tenant *t, const struct qun_view *v, uint64_t seq,
                     struct qun_error *err) {
  struct qun_config *config = NULL;
  int rc = qun__config_as_of(&config, f->tenant, v, f->engine->plugins, f->plugin, seq, err);
  if (rc == 0 && !f->slot) {
    rc = qun_runtime_scratch_slot(f->rt, t->vault, qun_config_ref(config), &f->slot, err);
    if (rc < 0) qun_config_unref(config);
  }
  if (rc < 0) return rc;
  rc = qun_runtime_configure(f->rt, f->slot, config, v, err);
  if (rc < 0) forget_tenant(f);
  if (rc == 0) qun_proxy_on_asked(f->slot->local[f->plugin], qun__prefetch_asked, f->prefetch);
  f->known_to = seq;
  return rc;
}

/* The tenant, with the plugin told of it. */
static int meet(struct qun__follow *f, struct qun_tenant *t, const struct qun_view *v, uint64_t cursor,
                struct qun_error *err) {
  int rc = need_runtime(f, err);
  if (rc < 0) return rc;
  if (f->slot && memcmp(f->incarnation, t->incarnation, sizeof f->incarnation) != 0) forget_tenant(f);
  memcpy(f->incarnation, t->incarnation, sizeof f->incarnation);
  if (f->slot) f->slot->vault = t->vault;
  return f->slot ? 0 : configure(f, t, v, cursor, err);
}

/* ---------------------------------------------------------------- reading */

static bool changes_settings(const struct qun_record *r) {
  return (r->flags & QUN_EVENT_CONTROL) &&
         (qun_slice_is(r->type, "qun.settings") || qun_slice_is(r->type, "qun.erased"));
}

static struct qun_context context_of(const struct batch *b, const struct qun_scope *s) {
  return (struct qun_context){.struct_size = sizeof(struct qun_context),
                              .mode = s->mode,
                              .tenant = b->f->slot->handle,
                              .local = b->local,
                              .clock_ms = s->clock_ms,
                              .clock_day = s->clock_day,
                              .clock_minute = s->clock_minute,
                              .seed = s->seed};
}

/* It came down on it in this life, or in one before. */
static bool is_skipped(const struct batch *b, const struct qun_record *r) {
  const struct qun_skips *skips = qun__quarantine_skips(b->f->engine->quarantine, b->f->tenant);
  return r->seq == b->f->skip || (skips && qun_skips_hit(skips, b->f->plugin, r->seq,
                                                         qun_crumb_event_key(r->type, r->source, r->id, r->subject)));
}

static void take(struct batch *b, const struct qun_record *r, const struct qun_hearers *hearers) {
  struct qun_apply *a = &b->a;
  struct item *item = &b->items[b->count++];
  item->fire_ms = b->fire_ms;
  item->skipped = is_skipped(b, r);
  b->fire_ms = INT64_MIN;
  int64_t clock = a->clock_ms;
  qun_slice open =
      qun_apply_open(a->o.vault, &a->batch.view, hearers->type, r, qun_overlay_arena(a->batch.view.overlay));
  a->clock_ms = r->clock_ms;
  struct qun_scope s = qun__apply_scope(a, QUN_MODE_EVENT, r, b->f->plugin);
  item->record = *r;
  item->ctx = context_of(b, &s);
  item->event = qun__apply_event(a, r, hearers, open, b->f->plugin);
  a->clock_ms = clock;
}

/* Reads records until enough of them are heard. A record that changes settings begins a batch of its own. */
static int read_items(struct batch *b, struct qun_error *err) {
  uint64_t last = b->a.head.seq < b->f->limit ? b->a.head.seq : b->f->limit;
  if (last - b->from > BATCH_RECORDS) last = b->from + BATCH_RECORDS;
  for (b->to = b->from; b->to < last && b->count < BATCH_HEARD; b->to++) {
    struct qun_record r;
    int rc = qun__apply_read(&r, &b->a.batch.view, b->to + 1, err);
    if (rc < 0) return rc;
    if (changes_settings(&r) && b->to + 1 > b->f->known_to) return 0;
    const struct qun_hearers *hearers = qun_subscriptions_find(b->f->engine->subscriptions, r.type);
    if (!(r.flags & QUN_EVENT_DERIVED)) b->fire_ms = r.clock_ms; /* what follows from a record follows at once */
    if (qun__apply_hears(&b->a, &r, hearers, b->f->plugin)) take(b, &r, hearers);
  }
  return 0;
}

/* ---------------------------------------------------------------- handling */

static int announce(struct batch *b) {
  struct item *item = &b->items[b->announced];
  qun__prefetch_ship(b->f->prefetch, &b->a.batch.view, QUN_TABLE_PLUGIN + b->f->plugin, item->event.member, b->local);
  int rc = item->skipped ? 0 : qun_proxy_announce(b->local, &item->ctx, &item->event, item->fire_ms);
  if (rc == 0) b->announced++;
  return rc;
}

static int announce_ahead(struct batch *b, uint32_t at, int64_t until_ms) {
  int rc = 0;
  if (qun_runner_clock_ms() > until_ms && b->announced > at && b->count > b->announced) {
    b->count = b->announced; /* it is slow: bring home what it has */
    b->to = b->items[b->count - 1].record.seq;
    b->fire_ms = INT64_MIN;
  }
  while (rc == 0 && b->announced < b->count && b->announced - at < AHEAD) rc = announce(b);
  qun_proxy_send(b->local);
  return rc;
}

static bool broken(struct batch *b) {
  const char *how = b->f->slot ? qun_proxy_broken(b->local) : NULL;
  if (how) snprintf(b->f->broken, sizeof b->f->broken, "%s", how);
  return how != NULL;
}

/* Due timers up to a time, one by one; the runner waits before the first event that is later. */
static int fire(struct batch *b, int64_t upto, struct qun_error *err) {
  bool fired = true, any = false;
  int rc = 0;
  while (fired && rc == 0) {
    rc = qun__apply_fire_one(&b->a, upto, 1u << b->f->plugin, &fired, err);
    any |= fired;
    if (rc == 0 && broken(b)) return QUN_EGONE;
  }
  if (rc == 0 && any) qun_proxy_due(b->local, b->a.next_due);
  return rc;
}

static int handle(struct batch *b, const struct item *item, struct qun_error *err) {
  const struct qun_record *r = &item->record;
  struct qun_apply *a = &b->a;
  int rc = item->fire_ms == INT64_MIN ? 0 : fire(b, item->fire_ms, err);
  if (rc < 0) return rc;
  if (r->clock_ms > a->clock_ms) a->clock_ms = r->clock_ms;
  if (item->skipped)
    return qun__lag_skip(b->lag, r) < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch") : 0;
  struct qun_scope s = qun__apply_scope(a, QUN_MODE_EVENT, r, b->f->plugin);
  rc = qun__apply_give(a, b->f->plugin, &s, r, &item->event, err);
  if (rc == 0 && broken(b)) return QUN_EGONE;
  return rc < 0 ? rc : qun__apply_follow(a, 0, err);
}

/* Where it came down: 0 as it was started, else at the record that the runner was at, if that is one that it had; else at the one that was awaited. */
static void note_poison(struct batch *b, uint32_t at) {
  uint64_t seq = qun_proxy_poison(b->local);
  uint64_t awaited = at < b->count ? b->items[at].record.seq : b->to;
  uint64_t last = b->announced ? b->items[b->announced - 1].record.seq : awaited;
  b->f->poison = !qun_proxy_began(b->local) ? 0 : seq > awaited && seq <= last ? seq : awaited;
}

static int handle_all(struct batch *b, struct qun_error *err) {
  struct qun_timer_row row;
  int64_t until = qun_runner_clock_ms() + BATCH_MS;
  int rc = qun__apply_go_back(&b->a, &b->a.batch.view, b->from, err);
  if (rc < 0) return rc;
  bool timers = qun_timer_next(&b->a.batch.view, id_of(b->f), &row) == 0;
  qun_proxy_due(b->local, timers ? row.due_ms : INT64_MAX);
  uint32_t at = 0;
  for (; at < b->count && rc == 0; at++) {
    rc = announce_ahead(b, at, until);
    if (rc == 0) rc = handle(b, &b->items[at], err);
    if (rc < 0) break;
  }
  if (rc == 0 && b->fire_ms != INT64_MIN) rc = fire(b, b->fire_ms, err);
  if (rc < 0 && broken(b)) {
    note_poison(b, at);
    rc = qun_error_set(err, QUN_EGONE, "its runner came down: %s", b->f->broken);
  }
  return rc;
}

/* ---------------------------------------------------------------- handing over */

struct commit {
  pthread_mutex_t lock;
  pthread_cond_t done;
  bool is_done;
  struct qun_submit_result result;
};

static void committed(void *arg, const struct qun_submit_result *result) {
  struct commit *c = arg;
  pthread_mutex_lock(&c->lock);
  c->result = *result;
  c->is_done = true;
  pthread_cond_signal(&c->done);
  pthread_mutex_unlock(&c->lock);
}

/* One job on the tenant's shard. The lag is the job's from here on. */
static int hand_over(struct qun__follow *f, struct qun_tenant *t, struct qun_lag *lag, struct qun_error *err) {
  struct commit c = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
  struct qun_shard *s = qun__shard_of(f->engine, f->tenant);
  struct qun_job *job = calloc(1, sizeof *job);
  int rc = job ? qun__shard_reserve(s, t, 0, false, err) : qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc < 0) {
    qun__lag_destroy(lag);
    free(job);
    return rc;
  }
  *job = (struct qun_job){
      .tenant = qun_tenant_ref(t), .lag = lag, .done = committed, .arg = &c, .now_ms = qun_engine_now(f->engine)};
  qun_input_batch_init(&job->batch);
  qun__shard_put(s, job);
  pthread_mutex_lock(&c.lock);
  while (!c.is_done) pthread_cond_wait(&c.done, &c.lock);
  pthread_mutex_unlock(&c.lock);
  pthread_cond_destroy(&c.done);
  pthread_mutex_destroy(&c.lock);
  return c.result.code < 0 ? qun_error_set(err, c.result.code, "%s", c.result.message) : 0;
}

/* ---------------------------------------------------------------- a batch */

static int begin(struct batch *b, struct qun_tenant *t, struct qun_error *err) {
  struct qun__follow *f = b->f;
  struct qun_apply_options o = {.rt = f->rt,
                                .store = t->store,
                                .vault = t->vault,
                                .name = f->tenant,
                                .no_log = true,
                                .apart = 1u << f->plugin,
                                .derived = qun__lag_derived};
  b->items = calloc(BATCH_HEARD, sizeof *b->items);
  b->lag = qun__lag_create(f->plugin, b->from);
  if (!b->items || !b->lag) return qun_error_set(err, QUN_EFAIL, "out of memory");
  memcpy(b->lag->incarnation, t->incarnation, sizeof b->lag->incarnation);
  o.derived_arg = b->lag;
  int rc = qun_apply_begin(&b->a, &o, f->slot, 0, err);
  b->a.catch_up = 1u << f->plugin;
  b->local = f->slot->local[f->plugin];
  return rc;
}

/* A settings record comes next: it is told before anything else of that record. */
static int turn_page(struct batch *b, struct qun_tenant *t, struct qun_error *err) {
  struct qun_record r;
  uint64_t seq = b->from + 1;
  if (b->a.head.seq < seq || seq > b->f->limit || seq <= b->f->known_to) return 0;
  int rc = qun__apply_read(&r, &b->a.batch.view, seq, err);
  if (rc < 0 || !changes_settings(&r)) return rc;
  if (qun_slice_is(r.type, "qun.erased")) {
    rc = qun__apply_erased(&b->a, &r, err);
    qun_proxy_forget(b->local);
  }
  return rc < 0 ? rc : configure(b->f, t, &b->a.batch.view, seq, err);
}

static int do_batch(struct qun__follow *f, struct qun_tenant *t, uint64_t cursor, struct qun_error *err) {
  struct batch b = {.f = f, .from = cursor, .fire_ms = INT64_MIN};
  f->broken[0] = '\0';
  f->poison = 0;
  int rc = begin(&b, t, err);
  if (rc == 0) rc = turn_page(&b, t, err);
  if (rc == 0) rc = read_items(&b, err);
  if (rc == 0) rc = handle_all(&b, err);
  if (rc == 0) rc = qun__lag_collect(b.lag, &b.a, b.to, err);
  int more = rc == 0 && b.to < b.a.head.seq;
  bool skipped = rc == 0 && f->skip > b.from && f->skip <= b.to;
  qun_apply_end(&b.a);
  free(b.items);
  if (rc < 0)
    qun__lag_destroy(b.lag);
  else
    rc = hand_over(f, t, b.lag, err);
  /* what the runner has in memory is not what the store has */
  if (rc < 0) forget_tenant(f);
  if (rc < 0) return rc;
  if (skipped) f->skip = 0;
  f->limit = UINT64_MAX;
  return more;
}

int qun__follow_batch(struct qun__follow *f, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  struct qun_view v = {0};
  struct qun_head head;
  int rc = qun_tenant_get(f->engine->pool, f->tenant, &t, err);
  if (rc == 0) rc = qun_view_begin(&v, t->store, err);
  if (rc == 0 && qun_head_read(&v, &head) < 0) rc = qun_error_set(err, QUN_ECONFLICT, "the store's head is damaged");
  uint64_t cursor = rc == 0 ? qun_cursor_read(&v, id_of(f)) : 0;
  bool live = rc == 0 && qun_plugin_is_live(&v, id_of(f));
  bool work = live && cursor < head.seq;
  if (work && f->limit <= cursor) f->limit = UINT64_MAX;
  if (work) rc = meet(f, t, &v, cursor, err);
  qun_view_end(&v);
  if (rc == 0 && work) rc = do_batch(f, t, cursor, err);
  qun_tenant_put(t);
  return rc;
}

int qun__follow_errand(struct qun__follow *f, const struct qun_isolated_errand *errand, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  struct qun_view v = {0};
  f->broken[0] = '\0';
  int rc = qun_tenant_get(f->engine->pool, f->tenant, &t, err);
  if (rc == 0) rc = qun_view_begin(&v, t->store, err);
  if (rc == 0) rc = meet(f, t, &v, qun_cursor_read(&v, id_of(f)), err);
  if (rc == 0) rc = errand->run(errand->arg, f->rt, f->slot, &v, err);
  const char *how = f->slot ? qun_proxy_broken(f->slot->local[f->plugin]) : NULL;
  if (how) snprintf(f->broken, sizeof f->broken, "%s", how);
  qun_view_end(&v);
  qun_tenant_put(t);
  return rc;
}
